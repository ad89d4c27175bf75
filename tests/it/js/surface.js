// Walks everything that a handler can reach, by property, prototype and getter, and says what should not be there.
const FORBIDDEN = new Set([
  "Deno", "core", "ops", "internals", "primordials", "__bootstrap", "__infra", "__timers", "loadExtScript", "capturedBootstrap",
  "exportNodeMaterial", "fromCloneData", "importSync", "registerSymbols", "setUpAsyncStub", "op_panic",
]);

export default async function (record, ctx) {
  const seen = new Set(), queue = [], bad = [];
  const visit = (value, path) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    queue.push([value, path]);
  };
  const attempt = (run) => {
    try {
      return run();
    } catch (error) {
      return error;
    }
  };
  const settled = async (run) => {
    try {
      return await run();
    } catch (error) {
      return error;
    }
  };

  // What stacks show of the functions that are running, called from as deep inside as there is a way.
  const sites = [];
  const look = () => {
    const { prepareStackTrace } = Error;
    Error.prepareStackTrace = (_, callSites) => callSites;
    Error.stackTraceLimit = 100;
    const callSites = new Error().stack;
    Error.prepareStackTrace = prepareStackTrace;
    for (const site of callSites) sites.push(site, site.getThis(), site.getFunction());
    return "";
  };
  new URL("https://x.example/", { toString: () => (look(), "https://y.example/") });
  structuredClone({ get a() { look(); return 1; } });
  atob({ toString: look });
  const target = new EventTarget();
  target.addEventListener("e", look);
  target.dispatchEvent(new Event("e"));
  attempt(() => ctx.emit("x", { get topic() { look(); } }));
  attempt(() => ctx.emit("x", { headers: { toString: look, get a() { look(); return "1"; } } }));
  attempt(() => console.log({ get a() { look(); return 1; }, [Symbol.for("Deno.customInspect")]: look, [Symbol.for("Deno.privateCustomInspect")]: look }));
  await new Promise((resolve) => setTimeout(() => resolve(look()), 1));
  queueMicrotask(look);
  await null;
  const stream = new ReadableStream({ start(controller) { look(); controller.enqueue("a"); visit(controller, "controller"); }, pull: look });
  await settled(() => crypto.subtle.digest({ get name() { look(); return "SHA-256"; } }, new Uint8Array(1)));
  const sorted = new URLSearchParams({ get b() { look(); return "1"; } });

  const { port1, port2 } = new MessageChannel();
  const byteStream = new ReadableStream({ type: "bytes", pull(controller) { visit(controller, "byte controller"); visit(controller.byobRequest, "byobRequest"); controller.enqueue(new Uint8Array(1)); } });
  const byteReader = byteStream.getReader({ mode: "byob" });
  await byteReader.read(new Uint8Array(1));
  const transform = new TransformStream({ start(controller) { visit(controller, "transform controller"); } });
  const writable = new WritableStream({ start(controller) { visit(controller, "writable controller"); } });
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  async function* generated() {}
  (function () { visit(arguments, "arguments"); })();
  const roots = {
    globalThis, record, headers: record.headers, ctx, log: ctx.log, signal: ctx.signal, env: ctx.env, info: ctx.function, meta: import.meta,
    sites, stream, reader: stream.getReader(), byteStream, byteReader, transform, writable, writer: writable.getWriter(), port1, port2, sorted, pair, target,
    iterators: [[][Symbol.iterator](), new Map().entries(), "".matchAll(/x/g), sorted.entries(), new Set().values(), Iterator.from([]).map((x) => x), generated(), (function* () {})()],
    made: [new URL("https://x.example"), new URLPattern(), new Blob(["x"]), new File([], "x"), new CompressionStream("gzip"), new DecompressionStream("gzip"), new TextDecoder(), new TextEncoder(), new TextDecoderStream(),
      new TextEncoderStream(), new AbortController(), AbortSignal.timeout(1e9), AbortSignal.any([AbortSignal.timeout(1e9)]), new Event("e"), new CustomEvent("e"), new ErrorEvent("error"), new MessageEvent("e"), new DOMException("m"), performance.mark("m"), performance.measure("n", "m"),
      new Intl.DateTimeFormat(), new Proxy({}, {}), new DisposableStack(), new AsyncDisposableStack(), new WeakRef({}), new Headers([["a", "b"]]), new Request("https://x.example", { method: "POST", body: "x" }), new Response("x"), new FormData(), new WebAssembly.Memory({ initial: 1 }), setTimeout(() => {}, 1)],
    errors: [attempt(() => new URL("::")), attempt(() => structuredClone(() => {})), attempt(() => atob("*")), attempt(() => ctx.reject("no")), attempt(() => record.emit()), attempt(() => eval("1")), attempt(() => null.x),
      attempt(() => ctx.emit(1, { topic: "elsewhere" })), await settled(() => import("./nothing.js")), await settled(() => crypto.subtle.digest("x", new Uint8Array())), attempt(() => new Crypto()), await settled(() => fetch("https://nowhere.example/")), await settled(() => WebAssembly.instantiate(new Uint8Array(8))), await settled(() => new Response("{").json()), attempt(() => new AbortSignal())],
    functions: [async () => {}, function* () {}, async function* () {}, class {}, class extends Error {}],
  };
  ctx.signal.addEventListener("abort", () => {});
  visit(roots, "roots");

  const isOperation = (fn) => {
    const text = Function.prototype.toString.call(fn);
    return /^(async )?function (op_|async_op_)/.test(text) || /^(async_)?op_/.test(String(Object.getOwnPropertyDescriptor(fn, "name")?.value));
  };
  while (queue.length > 0) {
    const [value, path] = queue.shift();
    if (path.length > 2000) continue;
    if (typeof value === "function" && isOperation(value)) bad.push(`operation ${path}`);
    visit(attempt(() => Object.getPrototypeOf(value)), `${path}.__proto__`);
    for (const key of attempt(() => Reflect.ownKeys(value))) {
      const at = `${path}.${String(key)}`;
      if (typeof key === "string" && (FORBIDDEN.has(key) || key.startsWith("op_"))) bad.push(at);
      const descriptor = attempt(() => Object.getOwnPropertyDescriptor(value, key));
      if (!descriptor) continue;
      visit(descriptor.value, at);
      visit(descriptor.get, `${at} (get)`);
      visit(descriptor.set, `${at} (set)`);
      if (descriptor.get) visit(attempt(() => value[key]), `${at}()`);
    }
    if (typeof value === "function") {
      visit(attempt(() => value.caller), `${path}.caller`);
      visit(attempt(() => value.arguments), `${path}.arguments`);
    }
  }
  return { bad, reached: seen.size, globals: Object.getOwnPropertyNames(globalThis).sort(), frames: sites.length };
}
