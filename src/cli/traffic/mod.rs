//! Records that commands write to topics and read from them, outside of any pipeline.

mod broker;
mod feed;
mod lines;
mod reader;
mod writer;

pub(super) use broker::{create_topics, require_brokers, settings};
pub(super) use feed::{Feed, load_feeds};
pub(super) use lines::Line;
pub(super) use reader::Reader;
pub(super) use writer::Writer;
