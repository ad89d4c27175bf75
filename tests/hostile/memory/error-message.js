// attack: an error whose message and stack have 100 megabytes
// expect: failed E2001
// limits: cpu = "5s"
// limits: wall = "10s"
// limits: heap = "512MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const error = new Error("m".repeat(100 << 20));
  error.stack = "Error\n" + "    at x (eddyline:///x/index.js:1:1)\n".repeat(1 << 20);
  throw error;
}
