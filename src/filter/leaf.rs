//! The end of a path in a pattern: an array of admissible values and comparisons.

use super::admissible::{Admissible, Excluded, Range, Texts};
use super::error::{Path, PatternError};
use super::json::Json;
use super::text::fold;
use crate::diagnostic::nearest;

/// What a pattern says of one path.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// `None` where only absence is admitted.
    pub(super) admissible: Option<Admissible>,
    /// `{"exists": false}` is among it.
    pub(super) absent: bool,
}

/// What can be found at a path at all, so that a condition that can never hold is a mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    TextOrNull,
    Number,
    Json,
}

const COMPARISONS: [&str; 6] = ["prefix", "suffix", "equals-ignore-case", "anything-but", "numeric", "exists"];
const EXCLUSIONS: [&str; 3] = ["prefix", "suffix", "equals-ignore-case"];

pub(super) fn leaf(elements: &[Json], kind: Kind, path: Path<'_>) -> Result<Leaf, PatternError> {
    if elements.is_empty() {
        return Err(path.error("the array is empty, so nothing would match", "name at least one admissible value"));
    }
    let mut building = Building { admissible: Admissible::default(), texts: Vec::new(), absent: false };
    for (index, element) in elements.iter().enumerate() {
        building.add(element, kind, path.index(index))?;
    }
    let Building { mut admissible, texts, absent } = building;
    admissible.texts = Texts::new(texts);
    let says_something = admissible != Admissible::default();
    Ok(Leaf { admissible: says_something.then_some(admissible), absent })
}

struct Building {
    admissible: Admissible,
    texts: Vec<String>,
    absent: bool,
}

impl Building {
    fn add(&mut self, element: &Json, kind: Kind, path: Path<'_>) -> Result<(), PatternError> {
        match element {
            Json::Object(entries) => return self.compare(entries, kind, path),
            Json::Array(_) => {
                let hint = "give the admissible values one by one; an array in the data matches if any element does";
                return Err(path.error("an array cannot be an admissible value", hint));
            }
            Json::Text(text) => {
                kind.must_hold_texts(path)?;
                self.texts.push(text.clone());
            }
            Json::Number(number) => {
                kind.must_hold_numbers(path)?;
                self.admissible.numbers.push(*number);
            }
            Json::Null => {
                kind.must_hold_null(path)?;
                self.admissible.null = true;
            }
            Json::Bool(value) => {
                kind.must_hold_booleans(path)?;
                self.admissible.bools[usize::from(*value)] = true;
            }
        }
        Ok(())
    }

    /// `{"prefix": "a"}` and so on.
    fn compare(&mut self, entries: &[(String, Json)], kind: Kind, path: Path<'_>) -> Result<(), PatternError> {
        let (name, value) = only(entries, path)?;
        let path = path.key(name);
        match name {
            "exists" => {
                let Json::Bool(exists) = value else {
                    return Err(path.error(found("true or false", value), "write {\"exists\": true}"));
                };
                self.admissible.all |= exists;
                self.absent |= !exists;
            }
            "numeric" => {
                kind.must_hold_numbers(path)?;
                self.admissible.ranges.push(numeric(value, path)?);
            }
            "anything-but" => self.admissible.excluded.push(anything_but(value, kind, path)?),
            "prefix" | "suffix" | "equals-ignore-case" => {
                kind.must_hold_texts(path)?;
                let Json::Text(text) = value else {
                    return Err(path.error(found("a text", value), "put it in quotes"));
                };
                let admissible = &mut self.admissible;
                match name {
                    "prefix" => admissible.prefixes.push(text.clone()),
                    "suffix" => admissible.suffixes.push(text.clone()),
                    _ => admissible.folded.push(fold(text)),
                }
            }
            unknown => return Err(unknown_comparison(unknown, &COMPARISONS, path)),
        }
        Ok(())
    }
}

fn anything_but(value: &Json, kind: Kind, path: Path<'_>) -> Result<Excluded, PatternError> {
    let Json::Object(entries) = value else {
        return match list(value) {
            [Json::Number(_), ..] => {
                kind.must_hold_numbers(path)?;
                all(value, path, number).map(Excluded::Numbers)
            }
            [_, ..] => {
                kind.must_hold_texts(path)?;
                all(value, path, text).map(|texts| Excluded::Texts(Texts::new(texts)))
            }
            [] => Err(path.error("the array is empty, so nothing would be left out", "name at least one value")),
        };
    };
    kind.must_hold_texts(path)?;
    let (name, value) = only(entries, path)?;
    let path = path.key(name);
    if !EXCLUSIONS.contains(&name) {
        return Err(unknown_comparison(name, &EXCLUSIONS, path));
    }
    let texts = all(value, path, text)?;
    if texts.iter().any(String::is_empty) && name != "equals-ignore-case" {
        return Err(path.error("every text begins and ends with \"\"", "name what must not be there"));
    }
    Ok(match name {
        "prefix" => Excluded::Prefixes(texts),
        "suffix" => Excluded::Suffixes(texts),
        _ => Excluded::folded(texts),
    })
}

/// The elements of an array; anything else stands for itself.
fn list(value: &Json) -> &[Json] {
    match value {
        Json::Array(elements) => elements,
        single => std::slice::from_ref(single),
    }
}

fn all<T>(value: &Json, path: Path<'_>, each: fn(&Json) -> Option<T>) -> Result<Vec<T>, PatternError> {
    let elements = list(value);
    let hint = "either texts only or numbers only; write an `anything-but` of its own for each kind";
    if elements.is_empty() {
        return Err(path.error("the array is empty, so nothing would be left out", "name at least one value"));
    }
    let checked = elements.iter().enumerate().map(|(index, element)| {
        let place = if matches!(value, Json::Array(_)) { path.index(index) } else { path };
        each(element).ok_or_else(|| place.error(format!("{} cannot stand here", element.what()), hint))
    });
    checked.collect()
}

fn text(value: &Json) -> Option<String> {
    if let Json::Text(text) = value { Some(text.clone()) } else { None }
}

fn number(value: &Json) -> Option<f64> {
    if let Json::Number(number) = value { Some(*number) } else { None }
}

fn numeric(value: &Json, path: Path<'_>) -> Result<Range, PatternError> {
    const HINT: &str = "write [\"=\", 5], [\">\", 0] or, with the lower bound first, [\">=\", 0, \"<\", 10]";
    let Json::Array(terms) = value else {
        return Err(path.error(found("an array", value), HINT));
    };
    let mut range = Range { low: f64::NEG_INFINITY, low_included: true, high: f64::INFINITY, high_included: true };
    let bounds = match &terms[..] {
        [Json::Text(sign), Json::Number(number)] => [Some((sign, *number)), None],
        [Json::Text(sign), Json::Number(low), Json::Text(other), Json::Number(high)]
            if sign.starts_with('>') && other.starts_with('<') =>
        {
            [Some((sign, *low)), Some((other, *high))]
        }
        _ => return Err(path.error("this is no comparison with one number or two", HINT)),
    };
    for (sign, number) in bounds.into_iter().flatten() {
        match sign.as_str() {
            "=" => range = Range { low: number, high: number, ..range },
            ">" | ">=" => range = Range { low: number, low_included: sign == ">=", ..range },
            "<" | "<=" => range = Range { high: number, high_included: sign == "<=", ..range },
            other => return Err(path.error(format!("unknown comparison {other:?} of numbers"), HINT)),
        }
    }
    if range.low > range.high || range.low == range.high && !(range.low_included && range.high_included) {
        return Err(path.error("no number lies between these bounds", HINT));
    }
    Ok(range)
}

fn only<'j>(entries: &'j [(String, Json)], path: Path<'_>) -> Result<(&'j str, &'j Json), PatternError> {
    match entries {
        [(name, value)] => Ok((name, value)),
        _ => {
            let message = format!("expected one comparison, found an object with {} keys", entries.len());
            Err(path.error(message, "write an object for each comparison; any of them suffices"))
        }
    }
}

fn unknown_comparison(name: &str, known: &[&str], path: Path<'_>) -> PatternError {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}; fields of objects are named without an array around them", known.join(", ")),
    };
    path.error(format!("unknown comparison {name:?}"), hint)
}

pub(super) fn found(expected: &str, value: &Json) -> String {
    format!("expected {expected}, found {}", value.what())
}

impl Kind {
    fn must_hold_texts(self, path: Path<'_>) -> Result<(), PatternError> {
        match self {
            Kind::Number => Err(path.error("this is always a number, and never a text", "compare it with numbers")),
            _ => Ok(()),
        }
    }

    fn must_hold_numbers(self, path: Path<'_>) -> Result<(), PatternError> {
        match self {
            Kind::Text | Kind::TextOrNull => {
                Err(path.error("this is always text, and never a number", "put it in quotes and compare texts"))
            }
            _ => Ok(()),
        }
    }

    fn must_hold_null(self, path: Path<'_>) -> Result<(), PatternError> {
        match self {
            Kind::Text | Kind::Number => {
                let hint = "a record that has none is found by {\"exists\": false}";
                Err(path.error("this is never JSON's null", hint))
            }
            _ => Ok(()),
        }
    }

    fn must_hold_booleans(self, path: Path<'_>) -> Result<(), PatternError> {
        match self {
            Kind::Json => Ok(()),
            _ => Err(path.error("this is never a boolean", "put it in quotes where a text is meant")),
        }
    }
}
