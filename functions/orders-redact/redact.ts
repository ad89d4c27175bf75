/** "ada.berg7@example.com" becomes "a***@example.com". */
export function maskEmail(email: string): string {
  const at = email.lastIndexOf("@");
  return at < 1 ? "***" : `${email[0]}***${email.slice(at)}`;
}

/** Keeps the last digits, which is what a person needs to recognise a number. */
export function keepLast(text: string, count: number): string {
  const digits = text.replace(/\D/g, "");
  return "*".repeat(Math.max(0, digits.length - count)) + digits.slice(-count);
}

/** An address becomes its network: enough for a country, too little for a person. */
export function maskIp(ip: string): string {
  return ip.replace(/\.\d+$/, ".0");
}

/** Free text holds whatever people wrote: what looks like an address or number goes. */
export function scrub(text: string): string {
  return text
    .replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, "[email]")
    .replace(/\+?\d[\d -]{7,}\d/g, "[number]");
}
