// Takes away what no limit can count. Goes into the snapshot, behind `web.js`. Only primordials are used.
(function () {
  "use strict";
  const { primordials } = globalThis.__bootstrap;
  const {
    ArrayBuffer, ArrayBufferIsView, ArrayBufferPrototype, ObjectDefineProperty, RangeError, ReflectConstruct, SymbolSpecies,
    TypeError,
  } = primordials;

  // A buffer that grows in place reserves addresses, and copies of it reserve as many again, all outside the account for
  // buffers. Nothing else leads to the engine's own constructor: not subclasses, not `constructor`, not species.
  function Replacement(length, options) {
    if (new.target === undefined) throw new TypeError("Constructor ArrayBuffer requires 'new'");
    if (typeof options === "object" && options !== null && options.maxByteLength !== undefined) {
      throw new RangeError("the buffers of a function have a fixed length; leave maxByteLength out");
    }
    return ReflectConstruct(ArrayBuffer, [length], new.target);
  }
  const define = (target, name, descriptor) =>
    ObjectDefineProperty(target, name, { __proto__: null, configurable: true, enumerable: false, ...descriptor });
  define(Replacement, "name", { __proto__: null, value: "ArrayBuffer" });
  define(Replacement, "length", { __proto__: null, value: 1 });
  define(Replacement, "isView", { __proto__: null, value: ArrayBufferIsView, writable: true });
  define(Replacement, SymbolSpecies, {
    __proto__: null,
    get() {
      return this;
    },
  });
  ObjectDefineProperty(Replacement, "prototype", { __proto__: null, value: ArrayBufferPrototype, writable: false });
  define(ArrayBufferPrototype, "constructor", { __proto__: null, value: Replacement, writable: true });
  define(globalThis, "ArrayBuffer", { __proto__: null, value: Replacement, writable: true });
})();
