// attack: WebAssembly from bytes that the handler makes, by every function that takes them
// expect: done
// result: ""
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
  const found = [];
  const look = async (name, run) => { try { await run(); found.push(name); } catch { } };
  await look("module", () => new WebAssembly.Module(bytes));
  await look("compile", () => WebAssembly.compile(bytes));
  await look("instantiate", () => WebAssembly.instantiate(bytes));
  await look("streaming", () => WebAssembly.compileStreaming(new Response(bytes, { headers: { "content-type": "application/wasm" } })));
  await look("streaming instantiate", () => WebAssembly.instantiateStreaming(Promise.resolve(new Response(bytes))));
  await look("constructor", () => new (Object.getPrototypeOf(WebAssembly.Module.prototype).constructor.getPrototypeOf(WebAssembly.Module).constructor)("return 1"));
  await look("subclass", () => new (class extends WebAssembly.Module {})(bytes));
  return found.join();
}
