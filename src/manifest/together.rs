//! What must be unique among all functions of a node.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::Path,
};

use super::Manifest;
use crate::diagnostic::{Diagnostic, Diagnostics, Related, codes};

/// Refuses two functions of one name and two functions in one consumer group; `&Path` is each function's folder.
pub fn check_together(functions: &[(&Path, &Manifest)]) -> Diagnostics {
    let mut mistakes = Diagnostics::new();
    let mut names: BTreeMap<&str, &Path> = BTreeMap::new();
    let mut groups: BTreeMap<&str, (&Path, &Manifest)> = BTreeMap::new();
    for (folder, manifest) in functions {
        let first_name = match names.entry(&manifest.name) {
            Entry::Vacant(free) => {
                free.insert(folder);
                None
            }
            Entry::Occupied(taken) => Some(*taken.get()),
        };
        if let Some(first) = first_name {
            mistakes.push(same_name(folder, manifest, first));
            // The default group would only repeat it.
            continue;
        }
        match groups.entry(&manifest.source.group) {
            Entry::Vacant(free) => {
                free.insert((folder, manifest));
            }
            Entry::Occupied(taken) => {
                mistakes.push(same_group((folder, manifest), *taken.get()));
            }
        }
    }
    mistakes
}

fn same_name(folder: &Path, manifest: &Manifest, first: &Path) -> Diagnostic {
    let message = format!("two functions are called `{}`", manifest.name);
    Diagnostic::error(codes::DUPLICATE_NAME, folder, message)
        .with_related(Related::file(first, "the other is here"))
        .with_hint("rename one of the folders")
}

fn same_group(later: (&Path, &Manifest), first: (&Path, &Manifest)) -> Diagnostic {
    let message = format!(
        "the functions `{}` and `{}` are in one consumer group, `{}`: each would get only part of the records",
        first.1.name, later.1.name, later.1.source.group
    );
    let places = &later.1.places;
    let mut diagnostic = if places.has("source.group") {
        places.error(codes::SHARED_GROUP, "source.group", message)
    } else {
        Diagnostic::error(codes::SHARED_GROUP, later.0, message)
    };
    let text = format!("`{}` is in it too", first.1.name);
    diagnostic = diagnostic.with_related(if first.1.places.has("source.group") {
        first.1.places.related("source.group", text)
    } else {
        Related::file(first.0, format!("{text}, by default"))
    });
    diagnostic.with_hint("remove `group`, so that each function has its own")
}
