//! Code that brings a worker process down for real.

/// `crash()` fills the space for machine code with compiled regular expressions that stay alive; V8 then ends the
/// process, whatever the heap's limit says.
pub const CRASH: &str = "
    function crash() {
      const kept = [], part = Array.from({ length: 1500 }, (_, k) => `(?:[a-z]x|q${k})*?`).join('');
      for (let n = 0; ; n++) {
        const compiled = new RegExp(part + n);
        compiled.exec('a');
        compiled.exec('b');
        kept.push(compiled);
      }
    }";

/// What a function needs to get as far as that.
pub const ROOM: &str = "[limits]\ncpu = \"1m\"\nwall = \"2m\"\nheap = \"192MiB\"\n\
    [retry]\nbackoff = { initial = \"1ms\", max = \"1ms\" }";

/// A handler in TypeScript that can call `crash()`.
pub fn handler(code: &str) -> String {
    format!("{CRASH}\n{code}")
}
