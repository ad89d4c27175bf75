import module from "./frames.wasm";

/** What module/src/lib.rs exports. */
interface Frames {
  memory: WebAssembly.Memory;
  input(): number;
  capacity(): number;
  output(): number;
  decode(length: number): number;
}

// Once for each isolate: the module keeps nothing from one record to the next.
const frames = new WebAssembly.Instance(module).exports as unknown as Frames;

const STATIONS = new Map([[1, "Seattle"], [2, "New York"]]);
const COLUMNS = ["precipitation", "temp_max", "temp_min", "wind"];
const REASONS: { [code: number]: string } = {
  [-1]: "the frame is too short",
  [-2]: "the frame's checksum is wrong",
  [-3]: "the frame's format is unknown",
  [-4]: "a column of the frame is broken",
};
const DAY = 24 * 60 * 60 * 1000;

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  const frame = record.bytes();
  if (frame === null) return;
  if (frame.length > frames.capacity()) return ctx.reject("the frame is too long");
  new Uint8Array(frames.memory.buffer, frames.input()).set(frame);
  const days = frames.decode(frame.length);
  if (days < 0) return ctx.reject(REASONS[days] ?? `the frame cannot be decoded (${days})`);

  const values = new Int16Array(frames.memory.buffer, frames.output(), days * COLUMNS.length);
  const head = new DataView(frame.buffer, frame.byteOffset);
  const first = head.getUint16(4, true) * DAY;
  return {
    station: STATIONS.get(head.getUint8(3)) ?? `station ${head.getUint8(3)}`,
    days: Array.from({ length: days }, (_, day) => ({
      date: new Date(first + day * DAY).toISOString().slice(0, 10),
      ...Object.fromEntries(COLUMNS.map((name, column) => [name, values[column * days + day] / 10])),
    })),
  };
}
