// attack: timers that start timers, with a little work in each
// expect: cpu limit E2101
// limits: wall = "4s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  return new Promise(() => {
    const again = () => {
      for (let i = 0; i < 1_000_000; i++);
      setTimeout(again, 0);
      setTimeout(() => {}, 0);
    };
    again();
  });
}
