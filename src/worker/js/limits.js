// Takes away what no limit can count. Goes into the snapshot, behind `web.js`. Only primordials are used.
(function () {
  "use strict";
  const { primordials } = globalThis.__bootstrap;
  const {
    ArrayBuffer, ArrayBufferIsView, ArrayBufferPrototype, ObjectDefineProperty, ObjectSetPrototypeOf, RangeError,
    ReflectConstruct, ReflectGetOwnPropertyDescriptor, ReflectOwnKeys, SafeWeakMap, SymbolSpecies, TypeError,
    WeakMapPrototypeSet,
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

  // What formats and compares texts in other languages holds tables outside of the heap, which the engine does not count.
  // Each gets a buffer that it does count, and that nobody touches.
  const TABLES = {
    __proto__: null, Collator: 8 << 10, DateTimeFormat: 32 << 10, DisplayNames: 8 << 10, DurationFormat: 16 << 10,
    ListFormat: 8 << 10, NumberFormat: 16 << 10, PluralRules: 16 << 10, RelativeTimeFormat: 16 << 10, Segmenter: 16 << 10,
  };
  const ballast = new SafeWeakMap();
  function weigh(name, Own, bytes) {
    const Weighed = {
      [name]: function () {
        const made = ReflectConstruct(Own, arguments, new.target ?? Own);
        WeakMapPrototypeSet(ballast, made, new ArrayBuffer(bytes));
        return made;
      },
    }[name];
    const keys = ReflectOwnKeys(Own);
    for (let i = 0; i < keys.length; i++) {
      const descriptor = ReflectGetOwnPropertyDescriptor(Own, keys[i]);
      ObjectDefineProperty(Weighed, keys[i], ObjectSetPrototypeOf(descriptor, null));
    }
    define(Own.prototype, "constructor", { __proto__: null, value: Weighed, writable: true });
    define(Intl, name, { __proto__: null, value: Weighed, writable: true });
  }
  const Intl = globalThis.Intl;
  const names = ReflectOwnKeys(TABLES);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (Intl[name] !== undefined) weigh(name, Intl[name], TABLES[name]);
  }
})();
