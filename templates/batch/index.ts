// {{name}}: adds the place of a reading within its batch.

interface Reading {
  sensor: string;
  value: number;
}

export default {
  batch(records) {
    const readings = records.map((record) => record.json<Reading>());
    const values = readings.flatMap((reading) => (reading === null ? [] : [reading.value]));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;

    // Item i is the result of record i and carries its key; null writes nothing.
    return readings.map((reading) =>
      reading === null ? null : { ...reading, deviation: reading.value - mean },
    );
  },
} satisfies Eddyline.Handler;
