//! A pattern with its ors multiplied out: each alternative is a plain list of conditions, all of which must hold.
//!
//! Multiplying out keeps the conditions of one alternative together, which matters in arrays: they must hold for one and
//! the same element.

use std::sync::Arc;

use super::admissible::Admissible;
use super::error::{Path, PatternError};
use super::leaf::Leaf;
use super::pattern::{Demand, Group, Pattern};

/// Alternatives of all filters of a function, one bit for each.
pub(super) type Mask = u64;
pub(super) const MAX_ALTERNATIVES: usize = Mask::BITS as usize;

pub(super) type Conditions = Vec<Condition>;

#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) what: What,
    /// `None`: it must not be there.
    pub(super) admissible: Option<Arc<Admissible>>,
}

/// What a condition is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    Header(String),
    /// Whether there is a value at all, which can be said without looking at it.
    Presence,
    /// A path in the value's JSON.
    Value(Vec<String>),
}

impl Pattern {
    pub(super) fn alternatives(&self) -> Result<Vec<Conditions>, PatternError> {
        expand(&self.root, &[])
    }
}

fn expand(group: &Group, path: &[&str]) -> Result<Vec<Conditions>, PatternError> {
    let mut all = vec![Conditions::new()];
    for (name, demand) in &group.fields {
        let path = [path, &[name.as_str()]].concat();
        let alternatives = match demand {
            Demand::Leaf(leaf) => either(leaf, what(&path)),
            Demand::Inner(inner) => expand(inner, &path)?,
        };
        all = multiply(all, &alternatives)?;
    }
    for or in &group.ors {
        let mut alternatives = Vec::new();
        for inner in or {
            alternatives.extend(expand(inner, path)?);
            within_limit(alternatives.len())?;
        }
        all = multiply(all, &alternatives)?;
    }
    Ok(all)
}

fn multiply(all: Vec<Conditions>, by: &[Conditions]) -> Result<Vec<Conditions>, PatternError> {
    within_limit(all.len() * by.len())?;
    Ok(all.iter().flat_map(|one| by.iter().map(|other| [&one[..], &other[..]].concat())).collect())
}

pub(super) fn within_limit(alternatives: usize) -> Result<(), PatternError> {
    if alternatives <= MAX_ALTERNATIVES {
        return Ok(());
    }
    let message = format!("multiplied out, the filters have more than {MAX_ALTERNATIVES} alternatives");
    let hint = "use fewer `$or`s; several values in one array are a single alternative, \
                but {\"exists\": false} beside others makes two";
    Err(Path::Root.error(message, hint))
}

/// To be there and to be absent are two alternatives: absence is a matter of the whole record, not of one place.
fn either(leaf: &Leaf, what: What) -> Vec<Conditions> {
    let mut either = Vec::new();
    let mut add = |what: &What, admissible: Option<Admissible>| {
        either.push(vec![Condition { what: what.clone(), admissible: admissible.map(Arc::new) }]);
    };
    let (mut admissible, mut absent) = (leaf.admissible.clone(), leaf.absent);
    if what == What::Value(Vec::new()) {
        // Whether there is a value is known without its being JSON.
        if let Some(all) = admissible.take_if(|admissible| admissible.all) {
            add(&What::Presence, Some(all));
        }
        if std::mem::take(&mut absent) {
            add(&What::Presence, None);
        }
    }
    if admissible.is_some() {
        add(&what, admissible);
    }
    if absent {
        add(&what, None);
    }
    either
}

fn what(path: &[&str]) -> What {
    match path {
        ["topic"] => What::Topic,
        ["partition"] => What::Partition,
        ["offset"] => What::Offset,
        ["timestamp"] => What::Timestamp,
        ["key"] => What::Key,
        ["headers", name] => What::Header((*name).to_owned()),
        // The checks of the pattern leave nothing else.
        [_, inner @ ..] => What::Value(inner.iter().map(|name| (*name).to_owned()).collect()),
        [] => What::Presence,
    }
}
