/** A GeoJSON feature as the USGS feed delivers it: the fields that we use. */
export interface Feature {
  id: string;
  properties: {
    mag: number | null;
    magType: string | null;
    place: string | null;
    time: number;
    status: string;
    tsunami: 0 | 1;
    felt: number | null;
    nst: number | null;
    net: string;
    type: string;
  };
  geometry: { coordinates: [longitude: number, latitude: number, depth: number] } | null;
}

/** A quake needs this many stations before its place can be trusted. */
const FEWEST_STATIONS = 4;

/** Says everything that is wrong with a feature; an empty list is a good one. */
export function faults(feature: Feature): string[] {
  const found: string[] = [];
  const { mag, time, nst } = feature.properties ?? {};
  if (typeof feature.id !== "string") found.push("id is missing");
  if (typeof mag !== "number") found.push(`magnitude is ${JSON.stringify(mag)}, not a number`);
  else if (mag < -2 || mag > 10) found.push(`magnitude ${mag} is outside -2 to 10`);
  if (!Number.isInteger(time)) found.push(`time is ${JSON.stringify(time)}, not milliseconds`);
  else if (time > Date.now()) found.push(`time ${new Date(time).toISOString()} is in the future`);
  if (typeof nst === "number" && nst < FEWEST_STATIONS) {
    found.push(`located by ${nst} stations, ${FEWEST_STATIONS} are needed`);
  }
  const coordinates = feature.geometry?.coordinates;
  if (!Array.isArray(coordinates)) return [...found, "geometry is missing"];
  const [longitude, latitude, depth] = coordinates;
  if (!(Math.abs(longitude) <= 180)) found.push(`longitude ${longitude} is outside -180 to 180`);
  if (!(Math.abs(latitude) <= 90)) found.push(`latitude ${latitude} is outside -90 to 90`);
  if (typeof depth !== "number") found.push(`depth is ${JSON.stringify(depth)}, not a number`);
  return found;
}
