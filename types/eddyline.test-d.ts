// A test of the types alone. It is compiled, never run: each line under
// `@ts-expect-error` is a mistake that the compiler must find, and an expected
// error that does not come is itself an error.

declare const record: Eddyline.Record;
declare const batchRecord: Eddyline.BatchRecord;
declare const ctx: Eddyline.Context;
declare const batchCtx: Eddyline.BatchContext;

interface Order {
  id: string;
  total: number;
}

/** Compiles only if both types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_proof: Same<A, B>): void {}

// A record is read as what it is.
same<typeof record.key, string | null>(true);
same<typeof record.keyBytes, Uint8Array | null>(true);
same<typeof record.timestamp, Date | null>(true);
same<ReturnType<typeof record.text>, string | null>(true);
same<ReturnType<typeof record.bytes>, Uint8Array | null>(true);
const order = record.json<Order>();
same<typeof order, Order | null>(true);
for (const [name, value] of record.headers.entries()) {
  same<typeof name, string>(true);
  same<typeof value, Uint8Array | null>(true);
}
// @ts-expect-error a tombstone has no fields
order.total;
// @ts-expect-error a record is read only
record.key = "other";
// @ts-expect-error the body is read by calling
record.json.total;
// @ts-expect-error Kafka calls it a value, a record has json(), text() and bytes()
record.value;
// @ts-expect-error a header that is absent is null
record.headers.get("content-type").length;
// @ts-expect-error headers of a record cannot be set, emit writes new ones
record.headers.set("a", "b");

// What can be written.
ctx.emit({ total: 1 });
ctx.emit(order);
ctx.emit([1, 2, 3]);
ctx.emit("text");
ctx.emit(new Uint8Array(2));
ctx.emit(new ArrayBuffer(2));
ctx.emit(null, { key: "deleted" });
ctx.emit(record, { topic: "copies" });
ctx.emit({}, { key: new Uint8Array([0xff]), timestamp: new Date(0), partition: 0 });
ctx.emit({}, { timestamp: record.timestamp });
ctx.emit({}, { headers: { set: "text", bytes: new Uint8Array(1), removed: null } });
ctx.emit({}, { headers: [["a", "1"], ["a", null]] });
// @ts-expect-error a tombstone is null
ctx.emit(undefined);
// @ts-expect-error no JSON
ctx.emit(1n);
// @ts-expect-error no JSON
ctx.emit(Symbol("a"));
// @ts-expect-error no JSON
ctx.emit(() => 1);
// @ts-expect-error a class is a function
ctx.emit(Date);
// @ts-expect-error emit is synchronous: await the promise first
ctx.emit(Promise.resolve({}));
// @ts-expect-error the topic is an option
ctx.emit({}, "orders");
// @ts-expect-error no such option
ctx.emit({}, { tpoic: "orders" });
// @ts-expect-error a key is text or bytes
ctx.emit({}, { key: 7 });
// @ts-expect-error a header's value is text or bytes
ctx.emit({}, { headers: { attempts: 3 } });
// @ts-expect-error a pair has a value
ctx.emit({}, { headers: [["a"]] });
// @ts-expect-error a timestamp is a Date
ctx.emit({}, { timestamp: "2026-01-31" });

// The context.
same<typeof ctx.function.version, number>(true);
same<typeof ctx.deadline, Date>(true);
same<(typeof ctx.env)["CURRENCY"], string | undefined>(true);
ctx.log.info("sum", 1);
ctx.signal.addEventListener("abort", () => {});
// @ts-expect-error the environment is read only
ctx.env.CURRENCY = "EUR";
// @ts-expect-error a reason is text
ctx.reject(new Error("bad"));
// @ts-expect-error a reason is needed
ctx.reject();
// @ts-expect-error state is not there yet
ctx.state;
function narrows(r: Eddyline.Record, c: Eddyline.Context): string {
  const text = r.text();
  if (text === null) c.reject("no value");
  return text;
}

// A batch marks single records.
batchRecord.emit({ total: 1 }, { key: "a" });
batchRecord.retry();
batchRecord.retry({ delay: 60_000 });
// @ts-expect-error milliseconds
batchRecord.retry({ delay: "1m" });
batchRecord.reject("bad row");
// @ts-expect-error in a batch, a result belongs to a record
batchCtx.emit({});
// @ts-expect-error in a batch, a rejection belongs to a record
batchCtx.reject("bad row");
// @ts-expect-error a record alone is rejected through the context
record.reject("bad row");

// Handlers.
const handlers = [
  () => {},
  (r) => r,
  (r) => r.bytes(),
  async (r) => ({ key: r.key }),
  (r, c) => (r.isTombstone ? c.reject("no value") : r.json()),
  { record: (r) => r.text() },
  { batch: (records) => records.map((r) => r.json()) },
  { batch: (records) => records.map(async (r) => r.text()) },
  { batch: async (records) => records.forEach((r) => r.emit("a")) },
  { batch: (records) => records.map((r) => (r.key ? { key: r.key } : null)) },
] satisfies Eddyline.Handler[];

// @ts-expect-error a function or an object, never text
"enrich" satisfies Eddyline.Handler;
// @ts-expect-error no such trigger
({ recrod: (r: Eddyline.Record) => r }) satisfies Eddyline.Handler;
// @ts-expect-error `record` or `batch`, not both
({ record: () => {}, batch: () => {} }) satisfies Eddyline.Handler;
// @ts-expect-error `fetch` is reserved
({ record: () => {}, fetch: () => {} }) satisfies Eddyline.Handler;
// @ts-expect-error a batch returns an array or nothing
({ batch: () => ({ total: 1 }) }) satisfies Eddyline.Handler;
// @ts-expect-error no JSON
(() => 1n) satisfies Eddyline.Handler;
// @ts-expect-error no JSON
(() => () => 1) satisfies Eddyline.Handler;
// @ts-expect-error no JSON, also when it comes late
(async () => 1n) satisfies Eddyline.Handler;
// @ts-expect-error a handler takes a record and a context
((_r: Eddyline.Record, _c: Eddyline.Context, _more: string) => {}) satisfies Eddyline.Handler;

export { handlers, narrows };
