//! Functions for tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::TopicMap;
use crate::function::Program;
use crate::manifest::{Manifest, Topics};
use crate::protocol::control::{Bundle, Handler};

pub fn manifest(name: &str, sources: &[&str], sink: &str) -> Manifest {
    let names = sources.iter().map(|topic| (*topic).to_owned()).collect();
    let mut manifest = Manifest::new(name, Topics::Named(names));
    manifest.sink.topic = Some(sink.to_owned());
    manifest
}

pub fn program(manifest: Manifest) -> Arc<Program> {
    let bundle = Bundle { entry: "index.js".to_owned(), modules: Vec::new(), handler: Handler::Record };
    Arc::new(Program::new(manifest, 1, String::new(), bundle, BTreeMap::new()))
}

pub fn topics(list: &[(&str, i32)]) -> TopicMap {
    list.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect()
}
