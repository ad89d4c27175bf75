// attack: dynamic imports of files, of the network, of the runtime, of data and of other functions
// expect: done
// result: ""
// link: link.js -> /etc/hostname
export default async function (record) {
  if (record.text() !== "attack") return "ok";
  const specifiers = [
    "file:///etc/passwd", "/etc/passwd", "../neighbour/index.js", "./../neighbour/index.js", "./%2e%2e/neighbour/index.js",
    "eddyline:///neighbour/index.js", "eddyline:///../neighbour/index.js", "ext:core/mod.js", "ext:core/ops",
    "ext:deno_web/00_url.js", "ext:eddyline/glue.js", "ext:eddyline/bootstrap.js", "node:fs", "npm:left-pad", "jsr:@std/fs",
    "https://example.com/x.js", "http://127.0.0.1/x.js", "data:text/javascript,export default 1", "blob:null/1", "./link.js",
    "./function.toml", "internal:x", "", ".", "./", "\0", "./index.js\0.txt", "checkin://x", "wasm://x", "about:blank",
  ];
  const found = [];
  for (const specifier of specifiers) {
    for (const options of [undefined, { with: { type: "json" } }, { with: { type: "text" } }, { with: { type: "bytes" } }]) {
      try {
        await import(specifier, options);
        found.push(specifier);
      } catch { }
    }
  }
  return found.join();
}
