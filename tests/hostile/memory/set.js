// attack: a Set that grows without end
// expect: memory limit E2103
// limits: cpu = "5s"
// limits: wall = "10s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const set = new Set();
  for (let i = 0; ; i++) set.add("entry " + i);
}
