//! Which versions may come in beside the functions that are in already. Pure logic over manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::diagnostic::Diagnostics;
use crate::manifest::{Manifest, check_together};

/// A function with the version that counts.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub name: &'a str,
    pub dir: &'a Path,
    pub manifest: &'a Manifest,
}

/// What speaks against each candidate, in their order; nothing against those that may come in.
///
/// Two functions in one group would take each other's records. Who is in keeps its group, and is asked about before a
/// candidate changes anything. A version that comes in takes the place of its function's older one, which may make
/// room for another candidate.
pub fn objections(members: &[Member<'_>], candidates: &[Member<'_>]) -> Vec<Diagnostics> {
    let mut present = Present::default();
    members.iter().for_each(|member| present.put(*member));
    let mut objections = vec![Diagnostics::new(); candidates.len()];
    let mut open: Vec<usize> = (0..candidates.len()).collect();
    loop {
        let before = open.len();
        open.retain(|&index| {
            let candidate = candidates[index];
            let others = present.beside(&candidate);
            let together: Vec<(&Path, &Manifest)> =
                others.iter().chain([&candidate]).map(|member| (member.dir, member.manifest)).collect();
            objections[index] = check_together(&together);
            let comes_in = objections[index].is_empty();
            if comes_in {
                present.put(candidate);
            }
            !comes_in
        });
        if open.is_empty() || open.len() == before {
            return objections;
        }
    }
}

/// Those that are in, found by what no two may have in common: there may be thousands.
#[derive(Default)]
struct Present<'a> {
    members: BTreeMap<&'a str, Member<'a>>,
    having: BTreeMap<Unique<'a>, BTreeSet<&'a str>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Unique<'a> {
    Name(&'a str),
    Group(&'a str),
}

impl<'a> Present<'a> {
    /// Takes the place of the older version.
    fn put(&mut self, member: Member<'a>) {
        if let Some(older) = self.members.insert(member.name, member) {
            for unique in uniques(&older) {
                self.having.entry(unique).or_default().remove(older.name);
            }
        }
        for unique in uniques(&member) {
            self.having.entry(unique).or_default().insert(member.name);
        }
    }

    /// The other functions that have something in common with this one.
    fn beside(&self, member: &Member<'a>) -> Vec<Member<'a>> {
        let names: BTreeSet<&str> =
            uniques(member).iter().filter_map(|unique| self.having.get(unique)).flatten().copied().collect();
        let others = names.into_iter().filter(|name| *name != member.name);
        others.filter_map(|name| self.members.get(name)).copied().collect()
    }
}

fn uniques<'a>(member: &Member<'a>) -> [Unique<'a>; 2] {
    [Unique::Name(&member.manifest.name), Unique::Group(&member.manifest.source.group)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::samples;

    fn in_group(name: &str, group: &str) -> Manifest {
        let mut manifest = samples::manifest(name, &["in"], "out");
        manifest.source.group = group.to_owned();
        manifest
    }

    /// Whether each candidate comes in.
    fn come_in(members: &[Manifest], candidates: &[Manifest]) -> Vec<bool> {
        fn member(manifest: &Manifest) -> Member<'_> {
            Member { name: &manifest.name, dir: Path::new(&manifest.name), manifest }
        }
        let members: Vec<Member<'_>> = members.iter().map(member).collect();
        let candidates: Vec<Member<'_>> = candidates.iter().map(member).collect();
        objections(&members, &candidates).iter().map(Diagnostics::is_empty).collect()
    }

    #[test]
    fn who_is_in_keeps_its_group_whatever_the_names() {
        let (a, b) = (in_group("a", "one"), in_group("b", "two"));
        assert_eq!(come_in(&[a.clone(), b.clone()], &[in_group("b", "one")]), [false]);
        assert_eq!(come_in(&[a.clone(), b], &[in_group("a", "two")]), [false]);
        assert_eq!(come_in(&[a], &[in_group("a", "one")]), [true], "its own older version is no other");
    }

    #[test]
    fn of_two_that_come_together_the_first_gets_the_group() {
        let both = [in_group("a", "one"), in_group("b", "one")];
        assert_eq!(come_in(&[], &both), [true, false]);
        // The first is deleted: nothing speaks against the second any more.
        assert_eq!(come_in(&[], &both[1..]), [true]);
    }

    #[test]
    fn a_group_that_is_left_in_the_same_pass_is_free() {
        let members = [in_group("a", "one"), in_group("b", "two")];
        assert_eq!(come_in(&members, &[in_group("a", "two"), in_group("b", "three")]), [true, true]);
        assert_eq!(come_in(&members, &[in_group("a", "two"), in_group("b", "one")]), [false, false], "a swap");
    }
}
