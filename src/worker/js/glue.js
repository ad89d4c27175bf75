// Makes what calls handlers: their records, their contexts and the glue, to which it evaluates. Runs in each new isolate
// after `web.js`, and takes the runtime below away from the handlers' reach. Only primordials are used, so that a handler
// which changes Object.prototype or Array.prototype changes nothing here.
(function () {
  "use strict";
  const { core, primordials, web } = globalThis.__bootstrap;
  const { format } = web;
  const ops = core.ops;
  const {
    op_record_topic, op_record_partition, op_record_offset, op_record_timestamp, op_record_is_tombstone,
    op_record_key, op_record_key_bytes, op_record_text, op_record_bytes, op_record_json,
    op_header_get, op_header_get_all, op_header_entries,
    op_emit, op_mark_rejected, op_mark_record, op_log, op_attempt, op_deadline, op_want_signal, op_own_timer, op_too_many_timers,
    op_woken,
  } = ops;
  const {
    ArrayBufferIsView, ArrayFrom, ArrayIsArray, Date, DatePrototypeGetTime, DatePrototype, Error,
    JSONStringify, Number, NumberIsInteger, NumberIsSafeInteger, ObjectDefineProperty, ObjectFreeze, ObjectKeys,
    ObjectGetPrototypeOf, ObjectPrototype, ObjectPrototypeIsPrototypeOf, ObjectSetPrototypeOf, PromiseResolve, SafeMap, SafePromiseAll,
    MapPrototypeGet, MapPrototypeGetSize, MapPrototypeSet, MapPrototypeDelete, MapPrototypeForEach, String, Symbol, TypeError, ReflectApply,
  } = primordials;
  const global = globalThis;
  const REPLACE = 1, SAME = 2, NULL = 4;
  // A handler that returns its record is recognised without a call back.
  const same = Symbol("same");

  class RecordHeaders {
    #number;
    constructor(number) { this.#number = number; }
    get(name) { return op_header_get(this.#number, String(name)); }
    getAll(name) { return op_header_get_all(this.#number, String(name)); }
    entries() { return op_header_entries(this.#number); }
  }

  let numberOf;
  class Record {
    #number;
    #headers;
    constructor(number) { this.#number = number; }
    get topic() { return op_record_topic(this.#number); }
    get partition() { return op_record_partition(this.#number); }
    get offset() { return op_record_offset(this.#number); }
    get timestamp() {
      const time = op_record_timestamp(this.#number);
      return time < 0 ? null : new Date(time);
    }
    get key() { return op_record_key(this.#number); }
    get keyBytes() { return op_record_key_bytes(this.#number); }
    get headers() { return this.#headers ??= new RecordHeaders(this.#number); }
    get isTombstone() { return op_record_is_tombstone(this.#number); }
    json() { return op_record_json(this.#number); }
    text() { return op_record_text(this.#number); }
    bytes() { return op_record_bytes(this.#number); }
    static {
      numberOf = (value) => #number in value ? value.#number : 0;
    }
  }

  class BatchRecord extends Record {
    #number;
    constructor(number) { super(number); this.#number = number; }
    emit(value, options) { emit(this.#number, value, options); }
    reject(reason) { op_mark_record(this.#number, true, reasonText(reason), NaN); }
    retry(options) { op_mark_record(this.#number, false, "retry requested", delayNumber(options)); }
  }

  class RejectError extends Error {
    get name() { return "RejectError"; }
  }

  class Log {
    #number;
    constructor(number) { this.#number = number; }
    debug(...args) { op_log(this.#number, 0, format(args)); }
    info(...args) { op_log(this.#number, 1, format(args)); }
    warn(...args) { op_log(this.#number, 2, format(args)); }
    error(...args) { op_log(this.#number, 3, format(args)); }
  }

  // Set by `start`, the same for all invocations.
  let env, functionInfo;
  const controllers = new SafeMap();

  // What the contexts of single records and of batches have in common.
  class BatchContext {
    #number;
    #log;
    constructor(number) { this.#number = number; }
    get log() { return this.#log ??= new Log(this.#number); }
    get attempt() { return op_attempt(this.#number); }
    get deadline() { return new Date(op_deadline(this.#number)); }
    get signal() { return signal(this.#number); }
    get env() { return env; }
    get function() { return functionInfo; }
  }

  class Context extends BatchContext {
    #number;
    constructor(number) { super(number); this.#number = number; }
    emit(value, options) { emit(this.#number, value, options); }
    reject(reason) {
      const error = new RejectError(reasonText(reason));
      op_mark_rejected(error);
      throw error;
    }
  }

  for (const Class of [RecordHeaders, Record, BatchRecord, RejectError, Log, BatchContext, Context]) {
    if (Class !== RejectError) {
      ObjectDefineProperty(Class.prototype, "constructor", { __proto__: null, value: undefined });
    }
    ObjectFreeze(Class.prototype);
  }

  function reasonText(reason) {
    if (reason === undefined) return "rejected";
    try {
      if (typeof reason === "object" && reason !== null && typeof reason.message === "string") return reason.message;
      return String(reason);
    } catch {
      return "rejected for a reason that has no text";
    }
  }

  function delayNumber(options) {
    if (options === undefined || options === null) return NaN;
    if (typeof options !== "object") throw new TypeError("the argument of retry is an object: { delay }");
    const delay = options.delay;
    if (delay === undefined || delay === null) return NaN;
    if (typeof delay !== "number" || !(delay >= 0 && delay <= 4294967295)) {
      throw new TypeError("retry: delay must be a number of milliseconds from 0 to 4294967295");
    }
    return delay;
  }

  function signal(number) {
    let controller = MapPrototypeGet(controllers, number);
    if (controller === undefined) {
      controller = new (core.loadExtScript("ext:deno_web/03_abort_signal.js").AbortController)();
      if (op_want_signal(number)) {
        MapPrototypeSet(controllers, number, controller);
      } else {
        controller.abort();
      }
    }
    return controller.signal;
  }

  function emit(number, value, options) {
    let flags = 0, topic, key, headers, timestamp = NaN, partition = NaN;
    if (value === undefined) {
      throw new TypeError("emit needs a value; null writes a tombstone");
    } else if (value === null) {
      flags = NULL;
    } else if (typeof value === "object") {
      const other = numberOf(value);
      if (other === number && other !== 0) flags = SAME;
      else if (other !== 0) value = op_record_bytes(other) ?? (flags = NULL, null);
    }
    if (options !== undefined && options !== null) {
      if (typeof options !== "object") {
        throw new TypeError("the second argument of emit is an object: { topic, key, headers, timestamp, partition }");
      }
      topic = options.topic ?? undefined;
      if (topic !== undefined && typeof topic !== "string") throw new TypeError("emit: topic must be a string");
      key = options.key;
      if (key !== undefined && key !== null && !isBytes(key)) {
        throw new TypeError("emit: key must be a string, a Uint8Array or null");
      }
      if (options.headers !== undefined && options.headers !== null) {
        if (ArrayIsArray(options.headers)) flags |= REPLACE;
        headers = flatHeaders(options.headers);
      }
      timestamp = timeNumber(options.timestamp);
      partition = options.partition ?? NaN;
      if (partition === partition && !(NumberIsInteger(partition) && partition >= 0 && partition <= 2147483647)) {
        throw new TypeError("emit: partition must be a whole number from 0 on");
      }
    }
    op_emit(number, value, flags, topic, key, headers, timestamp, partition);
  }

  function isBytes(value) {
    return typeof value === "string" || ArrayBufferIsView(value) || core.isArrayBuffer(value);
  }

  function timeNumber(value) {
    if (value === undefined || value === null) return NaN;
    const time = typeof value === "object" && ObjectPrototypeIsPrototypeOf(DatePrototype, value)
      ? DatePrototypeGetTime(value)
      : value;
    if (!NumberIsSafeInteger(time) || time < 0) {
      throw new TypeError("emit: timestamp must be a valid Date or whole milliseconds since 1970");
    }
    return time;
  }

  function flatHeaders(headers) {
    const flat = [];
    if (ArrayIsArray(headers)) {
      for (let i = 0; i < headers.length; i++) {
        const pair = headers[i];
        if (!ArrayIsArray(pair) || pair.length !== 2) {
          throw new TypeError("emit: headers as an array must hold pairs: [[name, value], ...]");
        }
        flatHeader(flat, pair[0], pair[1]);
      }
    } else if (isPlain(headers)) {
      const names = ObjectKeys(headers);
      for (let i = 0; i < names.length; i++) flatHeader(flat, names[i], headers[names[i]]);
    } else {
      throw new TypeError("emit: headers must be a plain object or an array of pairs");
    }
    return flat;
  }

  // A Map or a record's own headers have no properties, so that taking them would write nothing.
  function isPlain(value) {
    if (typeof value !== "object") return false;
    const prototype = ObjectGetPrototypeOf(value);
    return prototype === null || prototype === ObjectPrototype;
  }

  function flatHeader(flat, name, value) {
    if (typeof name !== "string") throw new TypeError("emit: a header's name must be a string");
    if (typeof value === "number") value = String(value);
    if (value !== null && !isBytes(value)) {
      throw new TypeError(`emit: header "${name}" must be a string, a number, a Uint8Array or null`);
    }
    append(flat, name);
    append(flat, value);
  }

  // A plain push would run setters that a handler may have put on Array.prototype.
  function append(list, value) {
    ObjectDefineProperty(list, list.length, {
      __proto__: null, value, configurable: true, enumerable: true, writable: true,
    });
  }

  // The open timers of each invocation, and under zero those of nobody. They end with their invocation, so that nothing
  // of one record runs at another one's expense.
  const timers = new SafeMap();
  // Whose each open timer is.
  const timerOwners = new SafeMap();
  let mostTimers = 0;
  function startTimer(name, once, args) {
    const callback = args[0];
    if (typeof callback !== "function") throw new TypeError(`${name} needs a function; code from text is not run`);
    const number = op_own_timer();
    if (number < 0) return 0;
    let ids = MapPrototypeGet(timers, number);
    if (ids === undefined) MapPrototypeSet(timers, number, ids = new SafeMap());
    if (MapPrototypeGetSize(ids) >= mostTimers) op_too_many_timers(number);
    let id;
    if (once) {
      args[0] = function (...passed) {
        closeTimer(id);
        return ReflectApply(callback, this, passed);
      };
    }
    id = ReflectApply(core.loadExtScript("ext:deno_web/02_timers.js")[name], undefined, args);
    MapPrototypeSet(ids, id, true);
    MapPrototypeSet(timerOwners, id, number);
    return id;
  }
  function closeTimer(id) {
    const number = MapPrototypeGet(timerOwners, id);
    if (number === undefined) return;
    MapPrototypeDelete(timerOwners, id);
    const ids = MapPrototypeGet(timers, number);
    if (ids !== undefined) MapPrototypeDelete(ids, id);
  }
  function stopTimer(id) {
    const { clearTimeout } = core.loadExtScript("ext:deno_web/02_timers.js");
    clearTimeout(id);
    closeTimer(typeof id === "number" ? id : Number(id));
  }
  function endTimers(number) {
    const ids = MapPrototypeGet(timers, number);
    if (ids === undefined) return;
    MapPrototypeDelete(timers, number);
    const { clearTimeout } = core.loadExtScript("ext:deno_web/02_timers.js");
    MapPrototypeForEach(ids, (_, id) => {
      MapPrototypeDelete(timerOwners, id);
      clearTimeout(id);
    });
  }
  function setTimer(name, set) {
    ObjectDefineProperty(global, name, {
      __proto__: null, value: set, configurable: true, enumerable: false, writable: true,
    });
  }
  setTimer("setTimeout", function setTimeout(...args) { return startTimer("setTimeout", true, args); });
  setTimer("setInterval", function setInterval(...args) { return startTimer("setInterval", false, args); });
  setTimer("clearTimeout", function clearTimeout(id = 0) { stopTimer(id); });
  setTimer("clearInterval", function clearInterval(id = 0) { stopTimer(id); });

  web.begin((callback, delay) => startTimer("setTimeout", true, [callback, delay]));
  for (const name of ["Deno", "__bootstrap"]) delete global[name];

  // The glue.

  function start(environment, name, version, most) {
    web.beginTime();
    mostTimers = most;
    env = ObjectFreeze(ObjectSetPrototypeOf(environment, null));
    functionInfo = ObjectFreeze({ __proto__: null, name, version });
  }

  function recordGlue(handler, receiver) {
    return (number) => {
      const record = new Record(number);
      const result = ReflectApply(handler, receiver, [record, new Context(number)]);
      return result === record ? same : deferred(result) ? PromiseResolve(result) : result;
    };
  }

  function plainGlue(handler) {
    return (number) => {
      const record = new Record(number);
      const result = handler(record, new Context(number));
      return result === record ? same : deferred(result) ? PromiseResolve(result) : result;
    };
  }

  function batchGlue(handler, receiver) {
    return (first, count) => {
      const records = ArrayFrom({ __proto__: null, length: count }, (_, i) => new BatchRecord(first + i));
      const result = ReflectApply(handler, receiver, [records, new BatchContext(first)]);
      return awaitable(result) ? promisedBatch(result) : allOf(result);
    };
  }

  // Promises, and what behaves like one. `PromiseResolve` leaves an ordinary promise as it is.
  function awaitable(value) {
    return typeof value === "object" && value !== null && typeof value.then === "function";
  }

  // Another record as a result is looked for behind promises only.
  function deferred(value) {
    return awaitable(value) || (typeof value === "object" && value !== null &&
      // The engine is slow to say that something has no private name, and what is usually returned is no record.
      ObjectGetPrototypeOf(value) !== ObjectPrototype && numberOf(value) !== 0);
  }

  async function promisedBatch(promise) {
    return allOf(await promise);
  }

  // A batch may return a promise for each record, as an async function in a map does.
  function allOf(results) {
    if (!ArrayIsArray(results)) return results;
    for (let i = 0; i < results.length; i++) {
      if (awaitable(results[i])) {
        return SafePromiseAll(ArrayFrom({ __proto__: null, length: results.length }, (_, i) => {
          const item = results[i];
          return awaitable(item) ? PromiseResolve(item) : item;
        }));
      }
    }
    return results;
  }

  return {
    __proto__: null,
    same,
    stringify: JSONStringify,
    start,
    recordGlue,
    plainGlue,
    batchGlue,
    // The number of a record object, 0 for everything else.
    numberOf: (value) => typeof value === "object" && value !== null ? numberOf(value) : 0,
    // By `await` and not by `then`, which a handler could have bent.
    watch: async (promise, number) => {
      try {
        await promise;
      } catch {
        // How it ended is looked at elsewhere.
      }
      op_woken(number);
    },
    abort: (number) => {
      endTimers(number);
      const controller = MapPrototypeGet(controllers, number);
      MapPrototypeDelete(controllers, number);
      controller?.abort(new (core.loadExtScript("ext:deno_web/01_dom_exception.js").DOMException)(
        "the invocation ran out of time", "TimeoutError"));
    },
    forget: (number) => {
      MapPrototypeDelete(controllers, number);
      endTimers(number);
    },
  };
})();
