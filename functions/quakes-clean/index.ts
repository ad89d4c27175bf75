import { faults, type Feature } from "./feature.ts";

export default function (record: Eddyline.Record, ctx: Eddyline.Context) {
  // A line that was cut short is no JSON: json() throws, and the record goes to
  // the dead letter as undecodable. There is nothing to catch here.
  const feature = record.json<Feature>();
  if (feature === null) return;

  const found = faults(feature);
  if (found.length > 0) ctx.reject(found.join("; "));

  const { properties, geometry } = feature;
  const [longitude, latitude, depthKm] = geometry!.coordinates;
  return {
    id: feature.id,
    network: properties.net,
    kind: properties.type,
    time: new Date(properties.time).toISOString(),
    magnitude: properties.mag,
    magnitudeType: properties.magType,
    place: properties.place,
    longitude,
    latitude,
    depthKm,
    reviewed: properties.status === "reviewed",
    tsunami: properties.tsunami === 1,
    felt: properties.felt ?? 0,
  };
}
