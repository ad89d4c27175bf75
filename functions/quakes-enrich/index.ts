interface Quake {
  id: string;
  magnitude: number;
  depthKm: number;
  place: string | null;
}

/** The names of magnitudes in common use, each up to its limit. */
const MAGNITUDES: [below: number, name: string][] = [
  [2, "micro"],
  [4, "minor"],
  [5, "light"],
  [6, "moderate"],
  [7, "strong"],
  [8, "major"],
  [Infinity, "great"],
];

/** The classes of USGS, in kilometres. */
const DEPTHS: [below: number, name: string][] = [
  [70, "shallow"],
  [300, "intermediate"],
  [Infinity, "deep"],
];

/** Some places end in a state's short name, others in the long one. */
const STATES: { [short: string]: string } = { CA: "California", MX: "Mexico", NV: "Nevada" };

export default function (record: Eddyline.Record) {
  const quake = record.json<Quake>();
  if (quake === null) return;
  return {
    ...quake,
    magnitudeClass: classOf(quake.magnitude, MAGNITUDES),
    depthClass: classOf(quake.depthKm, DEPTHS),
    region: regionOf(quake.place),
    energyJoules: energyOf(quake.magnitude),
  };
}

function classOf(value: number, classes: [below: number, name: string][]): string {
  return classes.find(([below]) => value < below)![1];
}

/** "4km W of Castaic, CA" is in California; "Banda Sea" is its own region. */
function regionOf(place: string | null): string {
  if (place === null) return "unknown";
  const last = place.split(", ").at(-1)!;
  return STATES[last] ?? last.replace(/^\d+km \w+ of /, "");
}

/** Gutenberg and Richter: log10 E = 4.8 + 1.5 M, E in joules. */
function energyOf(magnitude: number): number {
  return Number((10 ** (4.8 + 1.5 * magnitude)).toPrecision(4));
}
