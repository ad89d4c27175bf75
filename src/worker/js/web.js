// Makes the globals that handlers see. Evaluated once, into the snapshot from which all isolates are made; what each
// isolate needs anew is done by `glue.js`. `__bootstrap.web` passes on what the later scripts need; `glue.js` removes
// `__bootstrap`, so that nothing of the runtime below stays within a handler's reach. Only primordials are used, so that
// a handler which changes Object.prototype or Array.prototype changes nothing here.
(function () {
  "use strict";
  const { core, internals, primordials } = globalThis.__bootstrap;
  const { op_keeps, op_later_globals, op_later_script, op_log, op_set_captured_bootstrap } = core.ops;
  const {
    ArrayBufferIsView, DateNow, FunctionPrototype, FunctionPrototypeCall, MapPrototypeDelete, MapPrototypeGet,
    MapPrototypeSet, MathMin, ObjectAssign, ObjectDefineProperty, ObjectFreeze,
    ObjectGetOwnPropertyDescriptor, ObjectHasOwn, ObjectSetPrototypeOf, PromisePrototypeThen, ReflectApply,
    ReflectGetOwnPropertyDescriptor, ReflectOwnKeys, SafeMap, StringPrototypeIndexOf, StringPrototypeSlice,
    StringPrototypeStartsWith, SymbolToStringTag, TypedArrayPrototypeGetByteLength, TypeError,
  } = primordials;
  const global = globalThis;

  // What the crates' scripts see of the runtime. An exception that nobody handles is logged; theirs would end the isolate.
  const transferables = { __proto__: null };
  const bootstrap = {
    __proto__: null,
    primordials,
    internals: ObjectSetPrototypeOf(internals, null),
    core: ObjectAssign({ __proto__: null }, core, {
      ...weighed(core),
      loadExtScript: load,
      // Scripts that come after a handler's code keep nothing where its setters would see it.
      registerTransferableResource(name, send, receive) {
        transferables[name] = { __proto__: null, send, receive };
      },
      getTransferableResource: (name) => transferables[name],
      reportUnhandledException: (error) => logUncaught("Uncaught ", error),
    }),
  };
  op_set_captured_bootstrap(bootstrap);

  const loaded = { __proto__: null };
  function load(specifier) {
    return loaded[specifier] ??= evaluate(specifier);
  }
  function evaluate(specifier) {
    const later = op_later_script(specifier);
    return later === undefined ? core.loadExtScript(specifier) : later(bootstrap);
  }

  // Operations that have the runtime keep bytes where the engine does not count them: blobs, and messages under way.
  function weighed(core) {
    const ops = core.ops;
    const length = TypedArrayPrototypeGetByteLength;
    // The bytes that an id holds on to: a slice shares those of the blob that it was cut from.
    const blobs = new SafeMap();
    const held = (id, bytes) => {
      MapPrototypeSet(blobs, id, bytes);
      bytes.holders++;
      return id;
    };
    // The other end of each open port, and what waits to be read from it.
    const ports = new SafeMap();
    const sent = (port, bytes) => {
      const end = MapPrototypeGet(ports, port);
      const other = MapPrototypeGet(ports, end?.other);
      // Nobody can read what goes to a closed end.
      if (end !== undefined && other === undefined) return;
      // An end that was transferred is not known any more: what it sends counts for good.
      if (other !== undefined) other.waiting += bytes;
      op_keeps(bytes);
    };
    const arrived = (port, message) => {
      const end = MapPrototypeGet(ports, port);
      if (message === null || end === undefined) return message;
      // What transfers nothing comes as its bytes alone.
      const bytes = length(ArrayBufferIsView(message) ? message : message.data);
      end.waiting -= bytes;
      op_keeps(-bytes);
      return message;
    };
    const closed = (port) => {
      const end = MapPrototypeGet(ports, port);
      if (end === undefined) return;
      MapPrototypeDelete(ports, port);
      op_keeps(-end.waiting);
    };
    const weighing = {
      __proto__: null,
      op_blob_create_part(bytes) {
        const size = length(bytes);
        const id = ops.op_blob_create_part(bytes);
        op_keeps(size);
        return held(id, { __proto__: null, size, holders: 0 });
      },
      op_blob_slice_part(id, range) {
        const slice = ops.op_blob_slice_part(id, range);
        const bytes = MapPrototypeGet(blobs, id);
        return bytes === undefined ? slice : held(slice, bytes);
      },
      op_blob_clone_part(id) {
        const clone = ops.op_blob_clone_part(id);
        const bytes = MapPrototypeGet(blobs, id);
        if (bytes !== undefined) held(clone.uuid, bytes);
        return clone;
      },
      op_blob_remove_part(id) {
        const bytes = MapPrototypeGet(blobs, id);
        MapPrototypeDelete(blobs, id);
        ops.op_blob_remove_part(id);
        if (bytes !== undefined && --bytes.holders === 0) op_keeps(-bytes.size);
      },
      op_message_port_create_entangled() {
        const ids = ops.op_message_port_create_entangled();
        MapPrototypeSet(ports, ids[0], { __proto__: null, other: ids[1], waiting: 0 });
        MapPrototypeSet(ports, ids[1], { __proto__: null, other: ids[0], waiting: 0 });
        return ids;
      },
      op_message_port_post_message_raw(port, bytes) {
        const size = length(bytes);
        ops.op_message_port_post_message_raw(port, bytes);
        sent(port, size);
      },
      op_message_port_post_message(port, message) {
        const size = length(message.data);
        ops.op_message_port_post_message(port, message);
        sent(port, size);
      },
      op_message_port_recv_message(port) {
        const message = ops.op_message_port_recv_message(port);
        PromisePrototypeThen(message, (message) => arrived(port, message), () => {});
        return message;
      },
      op_message_port_recv_message_sync: (port) => arrived(port, ops.op_message_port_recv_message_sync(port)),
    };
    return {
      __proto__: null,
      ops: ObjectAssign({ __proto__: null }, ops, weighing),
      close(resource) {
        closed(resource);
        core.close(resource);
      },
    };
  }

  function define(name, value) {
    ObjectDefineProperty(global, name, {
      __proto__: null, value, configurable: true, enumerable: false, writable: true,
    });
  }

  function expose(specifier, ...names) {
    const module = load(specifier);
    for (let i = 0; i < names.length; i++) define(names[i], module[names[i]]);
  }

  // Globals that few use: their script is loaded when one of them is first touched.
  const scripts = { __proto__: null };
  function exposeLater(specifier, ...names) {
    for (let i = 0; i < names.length; i++) scripts[names[i]] = specifier;
    op_later_globals(names, (name) => load(scripts[name])[name]);
  }

  // A global that is made when it is first touched, for it cannot be in a snapshot.
  function lazy(name, make) {
    let value, made = false;
    ObjectDefineProperty(global, name, {
      __proto__: null,
      configurable: true,
      enumerable: false,
      get() {
        if (!made) {
          value = make();
          made = true;
        }
        // A frozen globalThis keeps the getter.
        if (ObjectGetOwnPropertyDescriptor(global, name)?.configurable) define(name, value);
        return value;
      },
      set(value) {
        define(name, value);
      },
    });
  }

  const { inspectArgs, setNoColorFns, Console } = load("ext:deno_web/01_console.js");
  setNoColorFns(() => true, () => true);
  const PLAIN = ObjectFreeze({ __proto__: null, colors: false });

  function format(args) {
    if (args.length === 1 && typeof args[0] === "string") return args[0];
    return inspectArgs(args, PLAIN);
  }

  function logUncaught(what, error) {
    let text;
    try {
      text = inspectArgs([error], PLAIN);
    } catch {
      text = "a value that cannot be shown";
    }
    op_log(0, 3, what + text);
  }

  lazy("console", () => new Console((text, level) => op_log(0, level > 3 ? 3 : level, text)));

  const { DOMException } = load("ext:deno_web/01_dom_exception.js");
  const DOM_ERRORS = [
    "DataError", "IndexSizeError", "InvalidAccessError", "InvalidCharacterError", "InvalidStateError",
    "NotSupportedError", "OperationError", "QuotaExceededError", "SyntaxError", "TypeMismatchError",
  ];
  for (let i = 0; i < DOM_ERRORS.length; i++) {
    const name = DOM_ERRORS[i];
    core.registerErrorBuilder(`DOMException${name}`, (message) => new DOMException(message, name));
  }

  const webidl = load("ext:deno_webidl/00_webidl.js");
  // As the crate's own, for classes that are made when a handler may have changed Object.prototype.
  webidl.configureInterface = (interface_) => {
    enumerate(interface_);
    enumerate(interface_.prototype);
    ObjectDefineProperty(interface_.prototype, SymbolToStringTag, {
      __proto__: null, value: interface_.name, configurable: true, enumerable: false, writable: false,
    });
  };
  ObjectSetPrototypeOf(webidl.converters, null);
  function enumerate(object) {
    const keys = ReflectOwnKeys(object);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      if (typeof key !== "string" || key === "constructor" || key === "prototype") continue;
      const descriptor = ReflectGetOwnPropertyDescriptor(object, key);
      if (ObjectHasOwn(descriptor, "get")) {
        ObjectDefineProperty(object, key, { __proto__: null, configurable: true, enumerable: true });
      } else if (typeof descriptor.value === "function") {
        ObjectDefineProperty(object, key, { __proto__: null, configurable: true, enumerable: true, writable: true });
      }
    }
  }
  const {
    defineEventHandler, ErrorEvent, EventTarget, listenerCount, PromiseRejectionEvent, saveGlobalThisReference,
    setEventTargetData,
  } = load("ext:deno_web/02_event.js");
  const { URL } = load("ext:deno_web/00_url.js");
  expose("ext:deno_web/00_url.js", "URL", "URLSearchParams");
  expose("ext:deno_web/01_dom_exception.js", "DOMException");
  expose("ext:deno_web/01_urlpattern.js", "URLPattern");
  expose(
    "ext:deno_web/02_event.js",
    "CustomEvent", "ErrorEvent", "Event", "EventTarget", "MessageEvent", "PromiseRejectionEvent",
  );
  expose("ext:deno_web/03_abort_signal.js", "AbortController", "AbortSignal");
  expose("ext:deno_web/05_base64.js", "atob", "btoa");
  exposeLater(
    "ext:deno_web/06_streams.js",
    "ByteLengthQueuingStrategy", "CountQueuingStrategy", "ReadableByteStreamController", "ReadableStream",
    "ReadableStreamBYOBReader", "ReadableStreamBYOBRequest", "ReadableStreamDefaultController",
    "ReadableStreamDefaultReader", "TransformStream", "TransformStreamDefaultController", "WritableStream",
    "WritableStreamDefaultController", "WritableStreamDefaultWriter",
  );
  expose(
    "ext:deno_web/08_text_encoding.js",
    "TextDecoder", "TextDecoderStream", "TextEncoder", "TextEncoderStream",
  );
  expose("ext:deno_web/09_file.js", "Blob", "File");
  expose("ext:deno_web/13_message_port.js", "MessageChannel", "MessagePort", "structuredClone");
  expose(
    "ext:deno_web/15_performance.js",
    "Performance", "PerformanceEntry", "PerformanceMark", "PerformanceMeasure", "performance",
  );
  // Its tables are made by iterating over arrays, which a handler may have changed when those below are loaded.
  load("ext:deno_web/01_mimesniff.js");
  exposeLater("ext:deno_fetch/20_headers.js", "Headers");
  exposeLater("ext:deno_fetch/21_formdata.js", "FormData");
  exposeLater("ext:deno_fetch/23_request.js", "Request");
  exposeLater("ext:deno_fetch/23_response.js", "Response");
  exposeLater("ext:eddyline/fetch.js", "fetch");
  define("self", global);

  // Nothing could fetch such a URL, and what it names would stay in memory for ever.
  delete URL.createObjectURL;
  delete URL.revokeObjectURL;

  class Navigator {
    constructor() {
      throw new TypeError("Illegal constructor");
    }
    get userAgent() {
      return userAgent;
    }
  }
  const { userAgent } = global.__bootstrap;
  define("Navigator", Navigator);
  define("navigator", ObjectFreeze({ __proto__: Navigator.prototype }));

  // The global object is a target of events, for errors that nobody handles.

  const eventTargetPrototype = EventTarget.prototype;
  ObjectSetPrototypeOf(global, eventTargetPrototype);
  ObjectDefineProperty(global, webidl.brand, { __proto__: null, value: webidl.brand });
  setEventTargetData(global);
  saveGlobalThisReference(global);
  defineEventHandler(global, "error", undefined, true);
  defineEventHandler(global, "unhandledrejection");
  defineEventHandler(global, "rejectionhandled");

  // Whether a listener took care of it.
  function dispatch(event) {
    return !FunctionPrototypeCall(eventTargetPrototype.dispatchEvent, global, event);
  }

  let reporting = false;
  function reportException(error) {
    if (!reporting && listenerCount(global, "error") > 0) {
      reporting = true;
      try {
        if (dispatch(errorEvent(error))) return;
      } finally {
        reporting = false;
      }
    }
    logUncaught("Uncaught ", error);
  }

  function errorEvent(error) {
    const { exceptionMessage: message, frames } = core.destructureError(error);
    for (let i = 0; i < frames.length; i++) {
      const { fileName, lineNumber, columnNumber } = frames[i];
      if (typeof fileName === "string" && StringPrototypeStartsWith(fileName, "eddyline:///")) {
        const path = StringPrototypeSlice(fileName, 12);
        return new ErrorEvent("error", {
          __proto__: null,
          cancelable: true,
          message,
          filename: StringPrototypeSlice(path, StringPrototypeIndexOf(path, "/") + 1),
          lineno: lineNumber,
          colno: columnNumber,
          error,
        });
      }
    }
    return new ErrorEvent("error", { __proto__: null, cancelable: true, message, error });
  }

  define("reportError", function reportError(error) {
    webidl.requiredArguments(arguments.length, 1, "Failed to execute 'reportError'");
    reportException(error);
  });
  core.setReportExceptionCallback(reportException);

  core.setUnhandledPromiseRejectionHandler((promise, reason) => {
    if (listenerCount(global, "unhandledrejection") > 0) {
      const init = { __proto__: null, cancelable: true, promise, reason };
      if (dispatch(new PromiseRejectionEvent("unhandledrejection", init))) return true;
    }
    logUncaught("Unhandled rejection: ", reason);
    return true;
  });
  core.setHandledPromiseRejectionHandler((promise, reason) => {
    if (listenerCount(global, "rejectionhandled") > 0) {
      dispatch(new PromiseRejectionEvent("rejectionhandled", { __proto__: null, promise, reason }));
    }
  });

  // The runtime calls its asynchronous operations by their property `call`, which would hand them to whoever replaced
  // it. Functions may still have a `call` of their own.
  const call = FunctionPrototype.call;
  ObjectDefineProperty(FunctionPrototype, "call", {
    __proto__: null,
    configurable: false,
    enumerable: false,
    get() {
      return call;
    },
    set(value) {
      if (this === FunctionPrototype) throw new TypeError("Function.prototype.call cannot be replaced");
      ObjectDefineProperty(this, "call", {
        __proto__: null, value, configurable: true, enumerable: true, writable: true,
      });
    },
  });

  // What cannot be in a snapshot: done anew in each isolate, before any of a handler's code.

  function begin(startTimer) {
    // The first call looks for V8's own function on the global object, which a handler may change.
    const { queueMicrotask } = global;
    queueMicrotask(() => {});
    define("queueMicrotask", queueMicrotask);
    boundTimeouts(startTimer);
    if (global.Temporal !== undefined) coarseTemporal(global.Temporal);
    // V8 brings some of these only now.
    delete global.Atomics;
    delete global.SharedArrayBuffer;
  }

  // And this when the isolate gets its function.
  function beginTime() {
    load("ext:deno_web/15_performance.js").setTimeOrigin();
  }

  // The crate's own would run on timers that belong to no invocation.
  function boundTimeouts(startTimer) {
    const { AbortController, AbortSignal } = load("ext:deno_web/03_abort_signal.js");
    const { abort } = AbortController.prototype;
    const timeout = {
      timeout(milliseconds) {
        const prefix = "Failed to execute 'AbortSignal.timeout'";
        webidl.requiredArguments(arguments.length, 1, prefix);
        const delay = webidl.converters["unsigned long long"](
          milliseconds, prefix, "Argument 1", { __proto__: null, enforceRange: true });
        const controller = new AbortController();
        startTimer(() => {
          const reason = new DOMException("The operation was aborted due to timeout", "TimeoutError");
          FunctionPrototypeCall(abort, controller, reason);
        }, MathMin(delay, 2 ** 31 - 1));
        return controller.signal;
      },
    };
    ObjectDefineProperty(AbortSignal, "timeout", {
      __proto__: null, value: timeout.timeout, configurable: true, enumerable: true, writable: true,
    });
  }

  // V8's own counts nanoseconds.
  function coarseTemporal({ Instant, Now, ZonedDateTime }) {
    const { fromEpochMilliseconds } = Instant;
    const { toZonedDateTimeISO } = Instant.prototype;
    const { toPlainDate, toPlainDateTime, toPlainTime } = ZonedDateTime.prototype;
    const { timeZoneId } = Now;
    const instant = () => ReflectApply(fromEpochMilliseconds, Instant, [DateNow()]);
    const zoned = (zone) => ReflectApply(toZonedDateTimeISO, instant(), [zone === undefined ? timeZoneId() : zone]);
    const coarse = {
      __proto__: null,
      instant() { return instant(); },
      zonedDateTimeISO(zone = undefined) { return zoned(zone); },
      plainDateTimeISO(zone = undefined) { return ReflectApply(toPlainDateTime, zoned(zone), []); },
      plainDateISO(zone = undefined) { return ReflectApply(toPlainDate, zoned(zone), []); },
      plainTimeISO(zone = undefined) { return ReflectApply(toPlainTime, zoned(zone), []); },
    };
    for (const name in coarse) {
      ObjectDefineProperty(Now, name, {
        __proto__: null, value: coarse[name], configurable: true, enumerable: false, writable: true,
      });
    }
  }

  global.__bootstrap.web = {
    __proto__: null,
    begin,
    beginTime,
    define,
    expose,
    format,
    lazy,
    load,
  };
})();
