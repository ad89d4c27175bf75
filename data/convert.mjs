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
 * The same days once more, as stations could send them: a frame of bytes for
 * each week. functions/stations-decode/module/src/lib.rs says what is in it.
 */
function frames() {
  const rows = readFileSync(join(from, "weather.csv"), "utf8").trim().split(/\r?\n/).slice(1);
  const days = rows.map((row) => row.split(","));
  const lines = [];
  const line = (station, frame) => lines.push(`station-${station}\t${frame.toString("base64")}`);
  for (const [station, location] of [[1, "Seattle"], [2, "New York"]]) {
    const own = days.filter((day) => day[0] === location);
    for (let i = 0; i < own.length; i += 7) line(station, frame(1, station, own.slice(i, i + 7)));
  }
  // Radio links turn bits and lose bytes, and one station is ahead of its time.
  const turned = frame(1, 1, days.slice(0, 7));
  turned[12] ^= 0x10;
  line(1, turned);
  line(1, frame(1, 1, days.slice(0, 7)).subarray(0, 20));
  line(2, frame(2, 2, days.slice(0, 7)));
  write("frames.txt", lines);
}

function frame(version, station, days) {
  const first = Date.parse(days[0][1]) / 86_400_000;
  const bytes = [0x57, 0x58, version, station, first & 0xff, first >> 8, days.length];
  for (const column of [2, 3, 4, 5]) {
    let before = 0;
    for (const day of days) {
      const value = Math.round(Number(day[column]) * 10);
      const difference = value - before;
      before = value;
      let zigzag = difference < 0 ? -2 * difference - 1 : 2 * difference;
      for (; zigzag > 0x7f; zigzag >>= 7) bytes.push((zigzag & 0x7f) | 0x80);
      bytes.push(zigzag);
    }
  }
  const checksum = crc32c(bytes);
  return Buffer.from([...bytes, ...[0, 8, 16, 24].map((shift) => (checksum >>> shift) & 0xff)]);
}

/** Castagnoli's CRC. */
function crc32c(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
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
frames();
orders();
