/**
 * The types of Eddyline's handler API.
 *
 * Everything lives in the global namespace `Eddyline`, so that a handler needs
 * no import and no installed package: a `tsconfig.json` that includes this file
 * is enough. Nothing here exists when a handler runs; the types are stripped
 * when the function is loaded.
 *
 * ```ts
 * export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
 *   const order = record.json<Order>();
 *   return { ...order, function: ctx.function.name };
 * }
 * ```
 *
 * Plain JavaScript has the same help through comments:
 *
 * ```js
 * /** @type {Eddyline.RecordHandler} *\/
 * export default function (record, ctx) { … }
 * ```
 */
declare namespace Eddyline {
  // --- what a handler module exports ---------------------------------------

  /**
   * The default export of a handler module: a function that takes one record,
   * or an object with one method for each trigger.
   */
  type Handler = RecordHandler | HandlerObject;

  /** An object as default export: `record` or `batch`, never both. */
  type HandlerObject =
    | { record: RecordHandler; batch?: never; fetch?: never }
    | { batch: BatchHandler; record?: never; fetch?: never };

  /**
   * Handles one record.
   *
   * What it returns goes to the sink of the manifest, with the record's key,
   * headers and timestamp. `undefined` and `null` write nothing. To throw means
   * to be run again as `[retry]` says, and then the dead letter.
   */
  type RecordHandler = (record: Record, ctx: Context) => HandlerResult | Promise<HandlerResult>;

  /**
   * Handles several records of one partition, in the order of their offsets.
   *
   * It returns nothing, or an array of the same length, whose item `i` is the
   * result of record `i` and carries that record's key, headers and timestamp.
   * Anything else fails the batch.
   */
  type BatchHandler = (
    records: readonly BatchRecord[],
    ctx: BatchContext,
  ) => BatchResult | Promise<BatchResult>;

  /** What a handler of one record may return. */
  type HandlerResult = Value | undefined | void;

  /** What a handler of a batch may return: an item for each record, or nothing. */
  type BatchResult =
    | readonly (HandlerResult | Promise<HandlerResult>)[]
    | null
    | undefined
    | void;

  /**
   * What can be written to a topic.
   *
   * - a string: its UTF-8 text
   * - an `ArrayBuffer` or a view on one, such as `Uint8Array`: its bytes
   * - a `Record`: its value, unchanged
   * - any other object or array, a number, a boolean: JSON
   * - `null`: nothing as a return value, a tombstone in `emit`
   *
   * What JSON cannot express (a function, a symbol, a BigInt, a cycle) fails
   * with E2004 and is not retried.
   */
  type Value = string | number | boolean | JsonObject | null;

  /**
   * An object that is written as JSON or as bytes. Functions are none, and a
   * promise must be awaited before it is one.
   */
  interface JsonObject {
    readonly [name: string]: any;
    readonly then?: never;
    readonly [Symbol.hasInstance]?: never;
  }

  // --- what a handler is given ----------------------------------------------

  /**
   * One Kafka record. It is read only, and decoded lazily: what a handler does
   * not read costs nothing.
   */
  interface Record {
    /** The topic that the record was read from. */
    readonly topic: string;
    /** The partition that the record was read from. */
    readonly partition: number;
    /** The record's place in its partition. */
    readonly offset: number;
    /** Kafka's timestamp of the record; null where Kafka knows none. */
    readonly timestamp: Date | null;
    /** The key as text, or null if the record has no key. `""` is a key. */
    readonly key: string | null;
    /** The key's exact bytes, or null if the record has no key. */
    readonly keyBytes: Uint8Array | null;
    /** The record's headers. */
    readonly headers: Headers;
    /** True if the value is null, which in a compacted topic deletes the key. */
    readonly isTombstone: boolean;
    /**
     * The value, parsed as JSON; null for a tombstone.
     *
     * A value that is no JSON throws. Left uncaught, the record goes to the dead
     * letter as undecodable (E2003) without a retry: it would not get better.
     *
     * The type argument is your word for it, nothing checks it.
     */
    json<T = any>(): T | null;
    /** The value as text; null for a tombstone. An empty value is `""`. */
    text(): string | null;
    /** The value's exact bytes; null for a tombstone. */
    bytes(): Uint8Array | null;
  }

  /**
   * A record's headers. Names are case-sensitive and may occur more than once;
   * their order is kept.
   */
  interface Headers {
    /** The last value of that name as text; null if it is absent or null. */
    get(name: string): string | null;
    /** All values of that name as text, in their order. */
    getAll(name: string): (string | null)[];
    /** All headers with their exact bytes, in their order. */
    entries(): Iterable<[name: string, value: Uint8Array | null]>;
  }

  /** What a handler of one record can see and do beside its record. */
  interface Context extends CommonContext {
    /**
     * Writes a further result, to the sink or to a topic that the manifest's
     * `also` names; any other topic throws (E2005). Synchronous: results leave
     * in the order of the calls, before the return value, and only if the
     * invocation succeeds.
     *
     * `ctx.emit(null)` writes a tombstone.
     */
    emit(value: Value, options?: EmitOptions): void;
    /**
     * Sends the record to the dead letter now, without a retry (E2002).
     *
     * It does so by throwing a `RejectError`: let it pass through your own
     * `catch`. Results that were emitted before are discarded.
     */
    reject(reason: string): never;
  }

  /** What a handler of a batch can see and do beside its records. */
  interface BatchContext extends CommonContext {}

  interface CommonContext {
    /** The function that runs, and which version of it. */
    readonly function: FunctionInfo;
    /** Which run this is: 1 for the first, 2 for the first retry. */
    readonly attempt: number;
    /** When the wall limit ends this attempt. */
    readonly deadline: Date;
    /** Aborted when the invocation is given up. */
    readonly signal: AbortSignal;
    /** The values of `[env]` and `[secrets]` in the manifest, all of them text. */
    readonly env: Readonly<{ [name: string]: string | undefined }>;
    /** Writes to the function's log, as `console` does. */
    readonly log: Log;
  }

  interface FunctionInfo {
    /** The name of the function's folder. */
    readonly name: string;
    /** An integer that grows each time the function is loaded anew. */
    readonly version: number;
  }

  interface Log {
    debug(...args: unknown[]): void;
    info(...args: unknown[]): void;
    warn(...args: unknown[]): void;
    error(...args: unknown[]): void;
  }

  /** How a result differs from the record that it was made of. */
  interface EmitOptions {
    /**
     * The sink or one of `also` in the manifest. Absent: the sink. Without a
     * `[sink]` it must be given.
     */
    topic?: string;
    /** The result's key; null for none. Absent: the record's key, byte for byte. */
    key?: string | Uint8Array | null;
    /**
     * An object sets the named headers and keeps the rest; null removes one. An
     * array of pairs replaces all headers; there, null is a value. Absent: the
     * record's headers.
     */
    headers?: HeaderChanges | readonly HeaderPair[];
    /** Absent or null: the record's timestamp. */
    timestamp?: Date | null;
    /**
     * The partition to write to. Absent: chosen by the key as Java's clients
     * choose it (murmur2), so that topics stay co-partitioned.
     */
    partition?: number;
  }

  /** The value of a header: text, or exact bytes. */
  type HeaderValue = string | Uint8Array;

  /** Headers to set, and with null to remove. */
  type HeaderChanges = Readonly<{ [name: string]: HeaderValue | null }>;

  /** One header of a full list. */
  type HeaderPair = readonly [name: string, value: HeaderValue | null];

  /** How a single record of a batch is to be run again. */
  interface RetryOptions {
    /** Milliseconds until its next run, instead of the backoff. */
    delay?: number;
  }

  /**
   * One record of a batch. What it emits carries its own key, headers and
   * timestamp, and a single failure is marked on it.
   */
  interface BatchRecord extends Record {
    /** As `Context.emit`, bound to this record. */
    emit(value: Value, options?: EmitOptions): void;
    /**
     * Marks this record to be run again as `[retry]` says, or after `delay`
     * milliseconds; its neighbours are not.
     */
    retry(options?: RetryOptions): void;
    /** Marks this record for the dead letter (E2002). It does not throw. */
    reject(reason: string): void;
  }

  /** What `ctx.reject` throws. */
  interface RejectError extends Error {
    readonly name: "RejectError";
  }
}

/**
 * A WebAssembly module of the function's folder, compiled and ready for
 * `new WebAssembly.Instance(module, imports)`.
 */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
