// attack: decoding megabytes in the slowest encodings, over and over, outside of the engine
// expect: cpu limit E2101
// limits: heap = "256MiB"
export default function (record) {
  if (record.text() !== "attack") return "ok";
  const bytes = new Uint8Array(8 << 20).map((_, i) => i * 7);
  for (;;) for (const label of ["gb18030", "iso-2022-jp", "big5", "euc-kr", "utf-16be"]) new TextDecoder(label).decode(bytes);
}
