//! `[permissions]`: what a function may reach by `fetch`.

use super::Permissions;
use crate::{
    diagnostic::codes,
    document::{TableReader, ValueReader},
    fetch::{HostPattern, Place},
};

/// Where the hosts of a list may be found.
#[derive(Clone, Copy, PartialEq)]
enum List {
    Public,
    Private,
}

pub(super) fn read(root: &mut TableReader<'_>, permissions: &mut Permissions) {
    let Some(mut table) = root.table("permissions") else {
        return;
    };
    hosts(&mut table, "net", List::Public, &mut permissions.net);
    hosts(&mut table, "private-net", List::Private, &mut permissions.private_net);
    table.refuse_unknown();
}

fn hosts(table: &mut TableReader<'_>, key: &'static str, list: List, hosts: &mut Vec<HostPattern>) {
    let Some(value) = table.value(key) else {
        return;
    };
    for (text, place) in value.strings().unwrap_or_default() {
        if let Some(host) = host(&text, &place, list) {
            hosts.push(host);
        }
    }
}

fn host(text: &str, value: &ValueReader<'_>, list: List) -> Option<HostPattern> {
    let pattern = match HostPattern::parse(text) {
        Ok(pattern) => pattern,
        Err(bad) => return value.refuse(codes::HOST, format!("{text:?} is no host: {}", bad.reason), bad.hint),
    };
    // An address in the wrong list would never be reached.
    let (what, hint) = match (pattern.place(), list) {
        (Some(Place::Private), List::Public) => ("is a private address", "move it to `private-net`"),
        (Some(Place::Public), List::Private) => ("is a public address", "move it to `net`"),
        (Some(Place::Nowhere), _) => ("is not the address of a host", "name a host that can be connected to"),
        _ => return Some(pattern),
    };
    value.refuse(codes::HOST, format!("{text:?} {what}"), hint)
}
