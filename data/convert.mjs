// Makes the data files beside it. Needs Node 20 or newer and nothing else:
//
//   npm pack vega-datasets@3.2.1
//   tar xf vega-datasets-3.2.1.tgz
//   node data/convert.mjs package/data
//
// The result depends on the input alone: the synthetic orders come from a
// generator with a fixed seed, so that a second run writes the same bytes.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const from = process.argv[2];
if (!from) {
  console.error("usage: node convert.mjs FOLDER-OF-VEGA-DATASETS-DATA");
  process.exit(64);
}
const to = dirname(fileURLToPath(import.meta.url));

/** GeoJSON features, one a line, every field as USGS wrote it. */
function quakes() {
  const { features } = JSON.parse(readFileSync(join(from, "earthquakes.json"), "utf8"));
  const lines = features.map((feature) => JSON.stringify(feature));
  // Connections that break leave records cut short: no JSON, so undecodable.
  for (const [index, length] of [[3, 40], [250, 120], [777, 300], [1200, 7]]) {
    lines.push(JSON.stringify(features[index]).slice(0, length));
  }
  // And feeds that change their minds leave JSON that is not what was agreed.
  const corrupt = (id, change) => {
    const feature = structuredClone(features[0]);
    feature.id = `corrupt-${id}`;
    change(feature);
    lines.push(JSON.stringify(feature));
  };
  corrupt("no-magnitude", (f) => (f.properties.mag = null));
  corrupt("magnitude-text", (f) => (f.properties.mag = "2.0"));
  corrupt("no-geometry", (f) => (f.geometry = null));
  corrupt("latitude", (f) => (f.geometry.coordinates[1] = 344.945));
  corrupt("future", (f) => (f.properties.time = 4102444800000));
  write("quakes.ndjson", lines);
}

/** One row a flight, the fields of the original in their order. */
function flights() {
  const rows = JSON.parse(readFileSync(join(from, "flights-10k.json"), "utf8"));
  write("flights.csv", [
    "date,delay,distance,origin,destination",
    ...rows.map((row) => [row.date, row.delay, row.distance, row.origin, row.destination].join(",")),
    // Corrupt rows, appended: a month 13, a delay that is no number, columns
    // missing, an airport that is no code, a flight to where it began.
    "2001/13/01 00:47,66,1750,DTW,LAS",
    "2001/01/01 01:10,n/a,2399,HNL,SFO",
    "2001/01/01 01:24,-5,407",
    "2001/01/01 02:00,4,407,LAS,Oakland",
    "2001/01/01 02:05,0,0,LAS,LAS",
  ]);
}

/** The file as it is: it already is one row a day and city. */
function weather() {
  const lines = readFileSync(join(from, "weather.csv"), "utf8").trim().split(/\r?\n/);
  write("weather.csv", [
    ...lines,
    // Corrupt rows, appended: the limits swapped, a sensor's "missing" value.
    "Seattle,2016-01-01,0.0,1.1,9.4,3.1,sun",
    "New York,2016-01-01,-9999,-9999,-9999,-9999,sun",
  ]);
}

/**
 * Orders of people who do not exist. Names are drawn from short lists; mail
 * domains, telephone numbers, addresses and card numbers are those that are
 * reserved for documentation and tests.
 */
function orders() {
  const random = generator(20_260_131);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const given = ["Ada", "Ben", "Chidi", "Dana", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena"];
  const family = ["Abara", "Berg", "Costa", "Dogan", "Evans", "Fischer", "Garcia", "Haddad", "Ito", "Jansen"];
  const cards = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"];
  const networks = ["192.0.2", "198.51.100", "203.0.113"];
  const articles = [["kettle", 39.9], ["lamp", 24.5], ["notebook", 3.2], ["rain jacket", 89], ["bicycle bell", 12.75]];
  const countries = ["DE", "FR", "NL", "US", "JP"];
  const lines = [];
  for (let number = 1; number <= 1000; number++) {
    const customer = 1 + Math.floor(random() * 200);
    const name = `${given[customer % given.length]} ${family[customer % family.length]}`;
    const email = `${name.toLowerCase().replace(" ", ".")}${customer}@example.${["com", "net", "org"][customer % 3]}`;
    const phone = `+1-202-555-01${String(customer % 100).padStart(2, "0")}`;
    const [article, price] = pick(articles);
    lines.push(
      JSON.stringify({
        id: `order-${String(number).padStart(4, "0")}`,
        customer: `customer-${customer}`,
        placed: new Date(Date.UTC(2026, 0, 1) + number * 613_000).toISOString(),
        name,
        email,
        phone,
        ip: `${pick(networks)}.${1 + Math.floor(random() * 254)}`,
        card: pick(cards),
        country: pick(countries),
        article,
        quantity: 1 + Math.floor(random() * 4),
        price,
        ...(number % 7 === 0 && { note: `Please call ${phone} or write to ${email} first.` }),
        ...(number % 50 === 0 && { test: true }),
        synthetic: true,
      }),
    );
  }
  write("orders.ndjson", lines);
}

/** A linear congruential generator: the same numbers on every machine. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function write(name, lines) {
  const text = lines.join("\n") + "\n";
  writeFileSync(join(to, name), text);
  console.log(`${name}: ${lines.length} lines, ${Buffer.byteLength(text)} bytes`);
}

quakes();
flights();
weather();
orders();
