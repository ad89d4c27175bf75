//! A WebAssembly module as bytes: what of memory it asks for, and the same module with that within limits.

use std::borrow::Cow;

use thiserror::Error;

use crate::protocol::wire::{Reader, WireError};

/// WebAssembly counts its memory in pages.
pub const PAGE: u64 = 64 << 10;
/// Most memories of its own that one module may have; more would use up the address space's maps.
const MAX_MEMORIES: u32 = 16;
/// Most tables; what each may hold is limited by V8.
const MAX_TABLES: u32 = 16;

const MAGIC: &[u8] = b"\0asm";
const VERSION: &[u8] = &[1, 0, 0, 0];

const IMPORTS: u8 = 2;
const TABLES: u8 = 4;
const MEMORIES: u8 = 5;

/// Flags of a memory's or table's limits.
const HAS_MAXIMUM: u8 = 1;
const SHARED: u8 = 2;
const KNOWN: u8 = 7;

/// What of `external` one memory may have. The rest is for what else lies outside the heap: buffers, compiled modules.
/// So a memory that grows as far as it can is told so, before the isolate is stopped.
pub fn share(external: u64) -> u64 {
    external - external / 8
}

/// A module that may be compiled.
#[derive(Debug)]
pub struct Bounded<'a> {
    pub bytes: Cow<'a, [u8]>,
    /// What its own memories hold to begin with, in bytes.
    pub initial: u64,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("is no WebAssembly module")]
    NotWasm,
    #[error("is a WebAssembly component, and only core modules can be imported")]
    Component,
    #[error("is broken: it cannot be read beyond its section {section}")]
    Broken { section: u8 },
    #[error("has a memory that is shared between threads")]
    Shared,
    #[error("needs {} KiB of memory to begin with, and `external` leaves {} KiB for that", needed >> 10, allowed >> 10)]
    TooMuch { needed: u64, allowed: u64 },
    #[error("has {count} {what}, and {most} are allowed")]
    TooMany { what: &'static str, count: u32, most: u32 },
}

impl Refusal {
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::NotWasm | Refusal::Broken { .. } => {
                "build the module again; a .wasm file that came through a text conversion is broken"
            }
            Refusal::Component => "build a core module: for Rust, --target wasm32-unknown-unknown",
            Refusal::Shared => "build the module without threads; functions have no threads and no shared memory",
            Refusal::TooMuch { .. } => {
                "raise `external` in [limits], or build the module with a smaller initial memory"
            }
            Refusal::TooMany { .. } => "link the modules into one that shares its memory and table",
        }
    }
}

/// The module with memories that fit into a function's `external` bytes: each however it grows, all as they begin.
pub fn bound(bytes: &[u8], external: u64) -> Result<Bounded<'_>, Refusal> {
    let allowed = share(external);
    let Some(body) = bytes.strip_prefix(MAGIC) else { return Err(Refusal::NotWasm) };
    let Some(body) = body.strip_prefix(VERSION) else { return Err(Refusal::Component) };
    let mut bounded = Bounded { bytes: Cow::Borrowed(bytes), initial: 0 };
    let mut reader = Reader::new(body);
    let mut section = 0;
    while !reader.is_empty() {
        let start = bytes.len() - reader.remaining();
        let (id, content) = next_section(&mut reader).map_err(|_| Refusal::Broken { section })?;
        section = id;
        let broken = |unread: Unread| unread.refusal(id);
        match id {
            IMPORTS => check_imports(content, allowed).map_err(broken)?,
            TABLES => check_tables(content).map_err(broken)?,
            MEMORIES => {
                let memories = bound_memories(content, allowed).map_err(broken)?;
                let end = bytes.len() - reader.remaining();
                bounded.bytes = Cow::Owned(with_section(bytes, start..end, &memories.content));
                bounded.initial = memories.initial;
            }
            _ => {}
        }
    }
    Ok(bounded)
}

/// Why a section was not read to its end.
enum Unread {
    Broken,
    Refused(Refusal),
}

impl Unread {
    fn refusal(self, section: u8) -> Refusal {
        match self {
            Unread::Broken => Refusal::Broken { section },
            Unread::Refused(refusal) => refusal,
        }
    }
}

impl From<WireError> for Unread {
    fn from(_: WireError) -> Unread {
        Unread::Broken
    }
}

impl From<Refusal> for Unread {
    fn from(refusal: Refusal) -> Unread {
        Unread::Refused(refusal)
    }
}

fn next_section<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), Unread> {
    let id = reader.u8()?;
    let len = number(reader)?;
    Ok((id, reader.take(usize::try_from(len).map_err(|_| Unread::Broken)?)?))
}

/// The module with another memory section in place of the one at `place`.
fn with_section(bytes: &[u8], place: std::ops::Range<usize>, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    out.extend_from_slice(&bytes[..place.start]);
    out.push(MEMORIES);
    put_number(&mut out, content.len() as u64);
    out.extend_from_slice(content);
    out.extend_from_slice(&bytes[place.end..]);
    out
}

/// A memory section within limits, and what its memories hold to begin with.
struct Memories {
    content: Vec<u8>,
    initial: u64,
}

fn bound_memories(content: &[u8], allowed: u64) -> Result<Memories, Unread> {
    let mut reader = Reader::new(content);
    let count = few(&mut reader, "memories", MAX_MEMORIES)?;
    let most_pages = allowed / PAGE;
    let mut memories = Memories { content: Vec::new(), initial: 0 };
    put_number(&mut memories.content, count.into());
    for _ in 0..count {
        let memory = limits(&mut reader)?;
        if memory.flags & SHARED != 0 {
            return Err(Refusal::Shared.into());
        }
        // One page at least, so that each memory counts for something.
        let minimum = memory.minimum.max(1);
        memories.initial = memories.initial.saturating_add(minimum.saturating_mul(PAGE));
        if memories.initial > allowed {
            return Err(Refusal::TooMuch { needed: memories.initial, allowed }.into());
        }
        memories.content.push(memory.flags | HAS_MAXIMUM);
        put_number(&mut memories.content, minimum);
        put_number(&mut memories.content, memory.maximum.unwrap_or(u64::MAX).clamp(minimum, most_pages));
    }
    if reader.is_empty() { Ok(memories) } else { Err(Unread::Broken) }
}

/// Refuses imports that nothing could satisfy. Memories that are imported come from elsewhere and are bounded there.
fn check_imports(content: &[u8], allowed: u64) -> Result<(), Unread> {
    let mut reader = Reader::new(content);
    for _ in 0..number(&mut reader)? {
        name(&mut reader)?;
        name(&mut reader)?;
        match reader.u8()? {
            // A function's type.
            0 => drop(number(&mut reader)?),
            // A table: what it holds, and its limits.
            1 => {
                value_type(&mut reader)?;
                limits(&mut reader)?;
            }
            2 => {
                let memory = limits(&mut reader)?;
                let needed = memory.minimum.saturating_mul(PAGE);
                if memory.flags & SHARED != 0 {
                    return Err(Refusal::Shared.into());
                }
                if needed > allowed {
                    return Err(Refusal::TooMuch { needed, allowed }.into());
                }
            }
            // A global: its type, and whether it can change.
            3 => {
                value_type(&mut reader)?;
                reader.u8()?;
            }
            // A tag: an attribute, and its type.
            4 => {
                reader.u8()?;
                number(&mut reader)?;
            }
            _ => return Err(Unread::Broken),
        }
    }
    if reader.is_empty() { Ok(()) } else { Err(Unread::Broken) }
}

/// Only how many: what follows can hold whole expressions, and V8 limits each table.
fn check_tables(content: &[u8]) -> Result<(), Unread> {
    few(&mut Reader::new(content), "tables", MAX_TABLES).map(drop)
}

fn few(reader: &mut Reader<'_>, what: &'static str, most: u32) -> Result<u32, Unread> {
    let count = u32::try_from(number(reader)?).map_err(|_| Unread::Broken)?;
    if count > most { Err(Refusal::TooMany { what, count, most }.into()) } else { Ok(count) }
}

/// How much of something there is, and may be.
struct Range {
    flags: u8,
    minimum: u64,
    maximum: Option<u64>,
}

fn limits(reader: &mut Reader<'_>) -> Result<Range, Unread> {
    let flags = reader.u8()?;
    if flags & !KNOWN != 0 {
        return Err(Unread::Broken);
    }
    let minimum = number(reader)?;
    let maximum = if flags & HAS_MAXIMUM != 0 { Some(number(reader)?) } else { None };
    Ok(Range { flags, minimum, maximum })
}

fn name(reader: &mut Reader<'_>) -> Result<(), Unread> {
    let len = number(reader)?;
    reader.take(usize::try_from(len).map_err(|_| Unread::Broken)?)?;
    Ok(())
}

/// A value's type: one byte, or a reference with the type that it refers to.
fn value_type(reader: &mut Reader<'_>) -> Result<(), Unread> {
    if matches!(reader.u8()?, 0x63 | 0x64) {
        number(reader)?;
    }
    Ok(())
}

/// A number in LEB128. Signed ones are as long, and where they occur only their length matters.
fn number(reader: &mut Reader<'_>) -> Result<u64, Unread> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Unread::Broken)
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        out.push(if value == 0 { byte } else { byte | 0x80 });
        if value == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"(module
        (import "a" "f" (func (param i32)))
        (import "a" "g" (global (mut i64)))
        (import "a" "t" (table 1 externref))
        (import "a" "m" (memory 1 2))
        (table 1 funcref)
        (memory (export "own") 2)
        (memory 1 65536)
        (global i32 (i32.const 1))
        (func (export "run") (result i32) memory.size 1)
        (data (memory 1) (i32.const 0) "text"))"#;

    #[test]
    fn only_the_memory_section_changes() {
        let module = wat::parse_str(MODULE).unwrap();
        let bounded = bound(&module, 64 << 20).unwrap();
        assert_eq!(bounded.initial, 3 * PAGE);
        let section: &[u8] = &[5, 8, 2, 0, 2, 1, 1, 0x80, 0x80, 4];
        let at = module.windows(section.len()).position(|window| window == section).unwrap();
        let expected: &[u8] = &[5, 9, 2, 1, 2, 0x80, 7, 1, 1, 0x80, 7];
        assert_eq!(bounded.bytes[..at], module[..at]);
        assert_eq!(&bounded.bytes[at..at + expected.len()], expected);
        assert_eq!(bounded.bytes[at + expected.len()..], module[at + section.len()..]);
    }

    #[test]
    fn a_module_without_a_memory_stays_as_it_is() {
        let module = wat::parse_str("(module (func))").unwrap();
        let bounded = bound(&module, 1 << 20).unwrap();
        assert!(matches!(bounded.bytes, Cow::Borrowed(_)));
        assert_eq!(bounded.initial, 0);
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_and_never_more() {
        let module = wat::parse_str(MODULE).unwrap();
        for end in 0..module.len() {
            let _ = bound(&module[..end], 64 << 20);
        }
        for at in 0..module.len() {
            for bit in 0..8 {
                let mut turned = module.clone();
                turned[at] ^= 1 << bit;
                let _ = bound(&turned, 64 << 20);
            }
        }
        let endless =
            [MAGIC, VERSION, &[MEMORIES, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]].concat();
        assert_eq!(bound(&endless, 1 << 20).unwrap_err(), Refusal::Broken { section: MEMORIES });
    }
}
