// {{name}}: takes personal data out of customer records.

interface Customer {
  id: string;
  name: string;
  email?: string;
  note?: string;
}

export default function (record: Eddyline.Record) {
  const customer = record.json<Customer>();
  // A tombstone deletes the key, behind the redaction as well as before it.
  if (customer === null) return record;

  // The name is left out; fields that are not named here pass through.
  const { name, ...rest } = customer;
  return { ...rest, email: maskEmail(customer.email), note: scrub(customer.note) };
}

/** "ada@example.com" becomes "a***@example.com". */
function maskEmail(email = ""): string {
  const at = email.lastIndexOf("@");
  return at < 1 ? "***" : `${email[0]}***${email.slice(at)}`;
}

/** What looks like an address or a long number in free text goes. */
function scrub(text = ""): string {
  return text
    .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "[email]")
    .replace(/\+?\d[\d -]{7,}\d/g, "[number]");
}
