//! One walk over the bytes of a value, along the paths of the plan.
//!
//! The walk goes to the value's end, so that of a key that comes twice the last one counts, as it does in `JSON.parse`,
//! which the handler uses. What lies beside the paths is jumped over without being read. Only if the value would match
//! is it looked at once more, and then every byte of it: what is no JSON never matches. What does not match anyhow is
//! found to be no JSON only as far as that shows on the way: in its brackets, its strings, and along the paths.

use serde::de::IgnoredAny;

use super::admissible::Scalar;
use super::alternatives::Mask;
use super::plan::Node;
use super::scan::{NoJson, Raw, Scanner};
use super::text::unescape;

/// What a value, or a part of it, says to the alternatives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The alternatives whose demands one element satisfies, all of them together.
    satisfied: Mask,
    /// The alternatives that demand the absence of something that is there, in whatever element.
    forbidden: Mask,
}

impl Found {
    fn add(&mut self, element: Found) {
        self.satisfied |= element.satisfied;
        self.forbidden |= element.forbidden;
    }
}

pub(super) struct Walk<'p, 's> {
    nodes: &'p [Node],
    /// What was found at each node, while the object that it is a key of is being walked over.
    found: &'s mut [Found],
    text: &'s mut Vec<u8>,
    /// The alternatives that are still open.
    open: Mask,
}

impl<'p, 's> Walk<'p, 's> {
    pub(super) fn new(nodes: &'p [Node], found: &'s mut [Found], text: &'s mut Vec<u8>) -> Self {
        Walk { nodes, found, text, open: 0 }
    }

    /// The alternatives that a value satisfies, of those that are open; none for a tombstone counts as an empty value.
    pub(super) fn over(mut self, value: Option<&[u8]>, open: Mask) -> Result<Mask, NoJson> {
        let satisfied = |found: Found| (found.satisfied | !self.nodes[0].needs()) & !found.forbidden & open;
        let Some(value) = value else { return Ok(satisfied(Found::default())) };
        let text = value.strip_prefix(b"\xef\xbb\xbf").unwrap_or(value);
        self.open = open;
        let mut scanner = Scanner::new(text);
        let found = self.value(&mut scanner, 0)?;
        scanner.end()?;
        let satisfied = satisfied(found);
        if satisfied != 0 {
            check(text)?;
        }
        Ok(satisfied)
    }

    /// A value; an array, however deep its arrays, is as good as its best element.
    fn value(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Result<Found, NoJson> {
        let mut sum = Found::default();
        let mut arrays = 0_usize;
        loop {
            scanner.space();
            match scanner.peek()? {
                b'[' => {
                    scanner.take()?;
                    scanner.space();
                    if !scanner.eat(b']') {
                        arrays += 1;
                        continue;
                    }
                }
                b'{' => sum.add(self.object(scanner, at)?),
                _ => sum.add(self.scalar(scanner, at)?),
            }
            // An element has ended, and with it perhaps the arrays that it is in.
            loop {
                if arrays == 0 {
                    return Ok(sum);
                }
                scanner.space();
                match scanner.take()? {
                    b',' => break,
                    b']' => arrays -= 1,
                    _ => return Err(NoJson),
                }
            }
        }
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Result<Found, NoJson> {
        let nodes = self.nodes;
        let node = &nodes[at];
        self.found[node.children.clone()].fill(Found::default());
        scanner.take()?;
        scanner.space();
        if !scanner.eat(b'}') {
            loop {
                let key = scanner.key()?;
                match self.child(node, key) {
                    Some(child) => self.found[child] = self.value(scanner, child)?,
                    None => scanner.jump()?,
                }
                scanner.space();
                match scanner.take()? {
                    b',' => {}
                    b'}' => break,
                    _ => return Err(NoJson),
                }
            }
        }
        let mut sum = Found { satisfied: !node.here, forbidden: 0 };
        for child in node.children.clone() {
            let Found { satisfied, forbidden } = self.found[child];
            sum.satisfied &= satisfied | !nodes[child].needs();
            sum.forbidden |= forbidden;
        }
        Ok(sum)
    }

    /// The node that a key leads to, if an open alternative has to do with it.
    fn child(&mut self, node: &Node, key: Raw<'_>) -> Option<usize> {
        let name = decoded(key, self.text);
        node.children.clone().find(|child| {
            let child = &self.nodes[*child];
            *child.name == *name && child.about & self.open != 0
        })
    }

    fn scalar(&mut self, scanner: &mut Scanner<'_>, at: usize) -> Result<Found, NoJson> {
        let scalar = match scanner.peek()? {
            b'"' => Scalar::Text(decoded(scanner.string()?, self.text)),
            b'n' => {
                scanner.word("null")?;
                Scalar::Null
            }
            b't' => {
                scanner.word("true")?;
                Scalar::Bool(true)
            }
            b'f' => {
                scanner.word("false")?;
                Scalar::Bool(false)
            }
            _ => Scalar::Number(scanner.number()?),
        };
        let node = &self.nodes[at];
        let mut satisfied = !node.below;
        for (admissible, of) in &node.leaves {
            if !admissible.admits(scalar) {
                satisfied &= !of;
            }
        }
        Ok(Found { satisfied, forbidden: node.absent })
    }
}

/// Whether all of a text is JSON.
fn check(text: &[u8]) -> Result<(), NoJson> {
    let text = std::str::from_utf8(text).map_err(|_| NoJson)?;
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|_| NoJson)
}

/// The text of a string; `text` holds it where it had to be decoded.
fn decoded<'t>(raw: Raw<'t>, text: &'t mut Vec<u8>) -> &'t [u8] {
    if !raw.escaped {
        return raw.bytes;
    }
    unescape(raw.bytes, text);
    text
}
