// attack: an import of code that was put into a Blob
// expect: done
// result: "refused"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  try {
    const url = URL.createObjectURL(new Blob(["export default 1"], { type: "text/javascript" }));
    await import(url);
    return "imported";
  } catch {
    return "refused";
  }
}
