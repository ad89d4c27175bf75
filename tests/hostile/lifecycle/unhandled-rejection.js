// attack: rejections that nobody handles, left behind
// expect: done
// result: "left"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  for (let i = 0; i < 100; i++) Promise.reject(new Error("left " + i));
  return "left";
}
