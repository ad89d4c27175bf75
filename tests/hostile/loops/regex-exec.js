// attack: a tampered `exec`, so that a replacement never finds its last match
// expect: cpu limit E2101 | memory limit E2103
// both: the engine collects the matches until it is stopped or its heap is full
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const pattern = /x/g;
  pattern.exec = () => ["x"];
  return "x".replace(pattern, "y");
}
