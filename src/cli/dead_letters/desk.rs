//! What every verb works with: the brokers, and a bar for long work.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    cli::{args::NodeFlags, context::Context, exit, failure::Failure, traffic},
    config::NodeConfig,
    kafka::{Settings, TopicInfo, TopicPartition, Topics},
};

/// How long Kafka may take for an answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);
/// How long records may stay away that Kafka has. Those behind an open transaction show when it ends: if its node was
/// killed, after its 15 s, and Kafka looks every 10 s.
pub(super) const READ: Duration = Duration::from_secs(45);

pub(super) struct Desk<'c> {
    pub(super) context: &'c Context,
    pub(super) config: NodeConfig,
    pub(super) settings: Settings,
    pub(super) topics: Topics,
}

impl<'c> Desk<'c> {
    pub(super) fn open(context: &'c Context, flags: &NodeFlags) -> anyhow::Result<Desk<'c>> {
        let config = context.load(flags)?.config;
        let settings = traffic::settings(&config)?;
        let topics = Topics::new(&settings, None)?;
        Ok(Desk { context, config, settings, topics })
    }

    /// Those of the topics that exist, in the given order.
    pub(super) fn describe(&self, names: &[&str]) -> Result<Vec<Option<TopicInfo>>, Failure> {
        self.topics.describe(names, TIMEOUT).map_err(|error| {
            Failure::new(exit::BROKER_UNREACHABLE, format!("cannot reach {}: {error}", self.settings.brokers))
                .with_hint("check that Kafka runs there, and `kafka.brokers` and `kafka.properties`")
        })
    }

    /// Shows how far long work is, where somebody watches.
    pub(super) fn bar(&self, what: &'static str) -> ProgressBar {
        let target =
            if self.context.is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{msg} {bar:30} {human_pos}/{human_len} {per_sec}");
        ProgressBar::with_draw_target(None, target)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_message(what)
    }
}

pub(super) fn partitions_of(topic: &TopicInfo) -> impl Iterator<Item = TopicPartition> {
    let name: std::sync::Arc<str> = topic.name.as_str().into();
    (0..topic.partitions).map(move |number| TopicPartition::new(std::sync::Arc::clone(&name), number))
}
