// attack: dynamic imports at the very end of the stack
// expect: done
// result: "survived"
// limits: cpu = "5s"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  let left = 200;
  const edge = () => {
    try {
      edge();
    } catch {
      if (left-- > 0) try { import("./index.js").catch(() => {}); } catch { }
    }
  };
  edge();
  return "survived";
}
