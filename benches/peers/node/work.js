// What is done with each record, whichever client brings it: from one value to the values of its results.

const environment = (name) => process.env[`BENCH_${name}`] ?? fail(`BENCH_${name} is not set`);

export const brokers = environment("BROKERS").split(",");
export const input = environment("INPUT");
export const output = environment("OUTPUT");
export const group = environment("GROUP");

const works = {
  passthrough: (value) => [value],
  enrich: (value) => {
    const order = JSON.parse(value.toString());
    order.total = order.quantity * order.price;
    return [JSON.stringify(order)];
  },
  filter: (value) => (JSON.parse(value.toString()).status === "returned" ? [value] : []),
  "fan-out": (value) => {
    const order = JSON.parse(value.toString());
    return [0, 1, 2].map((part) => JSON.stringify({ ...order, part }));
  },
  timer: async (value) => {
    await new Promise((done) => setTimeout(done, 1));
    return [value];
  },
};

const work = works[environment("WORK")] ?? fail("BENCH_WORK names no work");

/** The results of a batch, in the order of its records; `make` shapes one for the producer. */
export async function results(records, make) {
  const done = records.map((record) => work(record.value));
  const all = done[0] instanceof Promise ? await Promise.all(done) : done;
  return all.flatMap((values, index) => values.map((value) => make(records[index].key, value)));
}

function fail(why) {
  throw new Error(why);
}
