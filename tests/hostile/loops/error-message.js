// attack: an uncaught error whose message, name and stack never come back when they are read
// expect: cpu limit E2101
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const endless = { get() { for (;;); } };
  throw Object.defineProperties(new Error(), { message: endless, name: endless, stack: endless, cause: endless });
}
