// attack: timers with odd ids, delays and receivers, cleared while they run and from each other
// expect: done
// result: "survived"
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const ids = [];
  for (const delay of [-1, NaN, Infinity, 2 ** 31, 2 ** 53, "7", null, { valueOf: () => { throw 1; } }]) {
    try { ids.push(setTimeout(() => {}, delay), setInterval(() => ids.forEach((id) => clearInterval(id)), delay)); } catch { }
  }
  for (const id of [-1, 0, 1, 2, 3, 1e9, NaN, "1", {}, Symbol("x"), 1n, null, { valueOf() { ids.forEach(clearTimeout); return 1; } }]) {
    try { clearTimeout(id); } catch { }
  }
  try { Reflect.apply(setTimeout, {}, [function () { clearTimeout(this); }, 0]); } catch { }
  try { new setTimeout(() => {}, 0); } catch { }
  ids.forEach((id) => clearTimeout(id));
  await new Promise((done) => setTimeout(done, 5));
  return "survived";
}
