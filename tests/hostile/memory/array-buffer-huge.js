// attack: one ArrayBuffer that is larger than the machine
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return String(new ArrayBuffer(2 ** 40).byteLength);
}
