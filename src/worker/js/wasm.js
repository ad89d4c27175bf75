// Makes the `WebAssembly` that handlers see: code comes from the function's folder alone, memories have limits. Runs in
// each new isolate, because V8 makes its own `WebAssembly` anew in each; that is bent to ours when somebody first looks
// at it, which may be after handlers have run. Only primordials are used, as in glue.js.
(function () {
  "use strict";
  const { core, primordials } = globalThis.__bootstrap;
  const { op_wasm_demand, op_wasm_most, op_wasm_remember, op_wasm_room } = core.ops;
  const {
    BigInt, MathMin, Number, ObjectDefineProperty, ObjectGetOwnPropertyDescriptor, ObjectGetPrototypeOf,
    ObjectSetPrototypeOf, ReflectApply, ReflectConstruct, ReflectOwnKeys, SafeSet, SetPrototypeHas, TypeError,
  } = primordials;
  const global = globalThis;
  const PAGE = 65536;
  const wasm = global.WebAssembly;
  const { Module: V8Module, Instance: V8Instance, Memory: V8Memory, CompileError } = wasm;
  const { imports: v8Imports, exports: v8Exports, customSections: v8CustomSections } = V8Module;
  const { prototype: modulePrototype } = V8Module;
  const { prototype: instancePrototype } = V8Instance;
  const { prototype: memoryPrototype } = V8Memory;
  const { grow: v8Grow } = memoryPrototype;

  function define(object, name, value) {
    ObjectDefineProperty(object, name, { __proto__: null, value, configurable: true, enumerable: false, writable: true });
  }

  function fromBytes(what) {
    return new CompileError(`WebAssembly.${what}(): code comes only from .wasm files in the function's folder; `
      + 'import module from "./name.wasm"');
  }

  function mustBeNew(name) {
    return new TypeError(`WebAssembly.${name} must be invoked with 'new'`);
  }

  function Module() {
    throw new.target === undefined ? mustBeNew("Module") : fromBytes("Module");
  }

  function Instance(module, imports) {
    if (new.target === undefined) throw mustBeNew("Instance");
    const bytes = op_wasm_demand(module);
    if (bytes < 0) throw new TypeError("WebAssembly.Instance(): Argument 0 must be a WebAssembly.Module");
    if (bytes > 0) op_wasm_room(bytes);
    return ReflectConstruct(V8Instance, [module, imports], new.target);
  }

  // V8 checks what it is given. Each value is taken once, so that what is measured is what is used.
  function Memory(descriptor) {
    if (new.target === undefined) throw mustBeNew("Memory");
    if (descriptor === null || (typeof descriptor !== "object" && typeof descriptor !== "function")) {
      throw new TypeError("WebAssembly.Memory(): Argument 0 must be a memory descriptor");
    }
    const address = descriptor.address;
    const initial = count(descriptor.initial);
    const minimum = count(descriptor.minimum);
    const maximum = least(count(descriptor.maximum), initial ?? minimum);
    if (descriptor.shared) throw new TypeError("WebAssembly.Memory(): shared memories are not allowed");
    op_wasm_room(Number(initial ?? minimum) * PAGE);
    const bounded = { __proto__: null, address, initial, minimum, maximum };
    const memory = ReflectConstruct(V8Memory, [bounded], new.target);
    op_wasm_remember(memory);
    return memory;
  }

  // Numbers stay numbers, for the 64-bit memories big ones stay big.
  function count(value) {
    return value === undefined || typeof value === "bigint" ? value : Number(value);
  }

  // What a memory may grow to: what it asks for, but not more than the function has.
  function least(maximum, like) {
    const most = op_wasm_most();
    if (typeof like !== "bigint") return maximum === undefined ? most : MathMin(maximum, most);
    return maximum === undefined || maximum > most ? BigInt(most) : maximum;
  }

  function grow(delta) {
    const pages = count(delta);
    op_wasm_room(Number(pages) * PAGE);
    return ReflectApply(v8Grow, this, [pages]);
  }

  // Compiles nothing, so it needs none of V8's threads.
  async function instantiate(module, imports) {
    if (op_wasm_demand(module) < 0) throw fromBytes("instantiate");
    return new Instance(module, imports);
  }

  async function compile() {
    throw fromBytes("compile");
  }
  async function compileStreaming() {
    throw fromBytes("compileStreaming");
  }
  async function instantiateStreaming() {
    throw fromBytes("instantiateStreaming");
  }
  function validate() {
    throw fromBytes("validate");
  }

  // What stays as V8 has it; all else that is not replaced goes, also what a later V8 may bring. So go `promising` and
  // `Suspending`: each suspended call keeps a stack that nobody counts.
  const kept = new SafeSet([
    "Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception", "JSTag",
    "CompileError", "LinkError", "RuntimeError",
  ]);
  // The buffers of a memory cannot be resized behind its back.
  const keptOfMemory = new SafeSet(["constructor", "buffer", "grow"]);

  function keep(object, names) {
    const keys = ReflectOwnKeys(object);
    for (let i = 0; i < keys.length; i++) {
      if (typeof keys[i] === "string" && !SetPrototypeHas(names, keys[i])) delete object[keys[i]];
    }
  }

  // Puts `wrapper` in the place of one of V8's constructors, whose prototype stays.
  function replace(name, original, prototype, wrapper) {
    ObjectDefineProperty(wrapper, "prototype", { __proto__: null, value: prototype, writable: false });
    ObjectDefineProperty(wrapper, "length", { __proto__: null, value: 1, configurable: true });
    ObjectSetPrototypeOf(wrapper, ObjectGetPrototypeOf(original));
    define(prototype, "constructor", wrapper);
    define(wasm, name, wrapper);
  }

  // May stop midway, on a stack that is almost full, and then begins anew.
  function bend() {
    keep(wasm, kept);
    keep(memoryPrototype, keptOfMemory);
    replace("Module", V8Module, modulePrototype, Module);
    define(Module, "imports", v8Imports);
    define(Module, "exports", v8Exports);
    define(Module, "customSections", v8CustomSections);
    replace("Instance", V8Instance, instancePrototype, Instance);
    replace("Memory", V8Memory, memoryPrototype, Memory);
    define(memoryPrototype, "grow", grow);
    define(wasm, "instantiate", instantiate);
    define(wasm, "compile", compile);
    define(wasm, "compileStreaming", compileStreaming);
    define(wasm, "instantiateStreaming", instantiateStreaming);
    define(wasm, "validate", validate);
  }

  let bent = false;
  ObjectDefineProperty(global, "WebAssembly", {
    __proto__: null,
    configurable: true,
    enumerable: false,
    get() {
      if (!bent) {
        bend();
        bent = true;
      }
      // A frozen globalThis keeps the getter.
      if (ObjectGetOwnPropertyDescriptor(global, "WebAssembly")?.configurable) define(global, "WebAssembly", wasm);
      return wasm;
    },
    set(value) {
      define(global, "WebAssembly", value);
    },
  });
})();
