// attack: shared memory and waiting on it, by every way that leads to them
// expect: done
// result: ""
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const found = [];
  const look = (name, read) => { try { if (read()) found.push(name); } catch { } };
  look("global", () => typeof SharedArrayBuffer !== "undefined");
  look("memory", () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  look("memory's constructor", () => new (Object.getPrototypeOf(new WebAssembly.Memory({ initial: 1 })).constructor)({ initial: 1, maximum: 1, shared: true }));
  look("lying descriptor", () => {
    let asked = 0;
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, get shared() { return asked++ > 0; } });
    return memory.buffer.constructor.name === "SharedArrayBuffer" && memory;
  });
  look("wait", () => Atomics.wait);
  look("clone", () => structuredClone(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer));
  return found.join();
}
