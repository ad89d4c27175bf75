// attack: an import of a script of the runtime that no look at the source can see
// expect: problem E1204
await import("ext:" + "core/mod.js");
