// attack: asynchronous recursion without end
// expect: memory limit E2103 | cpu limit E2101
// both: each waiting call takes memory and time
// limits: cpu = "5s"
// limits: heap = "32MiB"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const deeper = async () => { await null; await deeper(); };
  await deeper();
}
