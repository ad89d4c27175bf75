//! Kafka's silence about results that it was given. What is on its way never times out, or it would come back behind what
//! is younger; so somebody has to say that it takes long.

use std::time::{Duration, Instant};

/// How long Kafka may leave results unanswered before that is said, and how often it is said.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
pub(super) struct Silence {
    since: Option<Instant>,
}

impl Silence {
    /// Returns what is to be said. `heard` is whether Kafka has answered to anything since the last call, `waiting` how many
    /// results it has not answered to.
    pub(super) fn watch(&mut self, heard: bool, waiting: usize, now: Instant) -> Option<String> {
        if heard || waiting == 0 {
            self.since = None;
            return None;
        }
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) < PATIENCE {
            return None;
        }
        self.since = Some(now);
        Some(format!("Kafka has not answered for {PATIENCE:?} to {waiting} results that it was sent"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kafka::{Settings, Takes, Topics};
    use crate::pipeline::ledger::Seq;
    use crate::pipeline::output::Output;
    use crate::pipeline::sink::{Sink, Writing};
    use crate::pipeline::sinks::Sinks;
    use crate::pipeline::tickets::Ticket;

    #[test]
    fn it_is_said_after_half_a_minute_and_again_after_each_further_one() {
        let (mut silence, begun) = (Silence::default(), Instant::now());
        let says: Vec<u64> =
            (0..=95).filter(|&second| silence.watch(false, 3, begun + Duration::from_secs(second)).is_some()).collect();
        assert_eq!(says, [30, 60, 90]);
    }

    #[test]
    fn whoever_is_heard_or_owes_nothing_is_not_silent() {
        let (mut silence, begun) = (Silence::default(), Instant::now());
        let at = |second| begun + Duration::from_secs(second);
        let mut says = |heard, waiting, second| silence.watch(heard, waiting, at(second)).is_some();
        assert!(!says(false, 1, 0) && !says(true, 1, 29) && !says(false, 1, 30) && !says(false, 1, 59));
        assert!(!says(false, 0, 60) && !says(false, 1, 61) && !says(false, 1, 90) && says(false, 1, 91));
    }

    #[test]
    fn a_sink_says_so_of_what_kafka_was_sent() {
        // Nobody listens there.
        let settings = Settings { brokers: "127.0.0.1:1".to_owned(), ..Settings::default() };
        let sinks = Sinks::new(settings.clone(), Arc::new(Topics::new(&settings, None).unwrap())).unwrap();
        let shared = sinks.shared();
        let output = Output { topic: shared.producer.topic("t").unwrap(), takes: Takes::default(), generation: 0 };
        let mut sink = Sink::open(&sinks, Arc::new(|| {}));
        let record = Writing { output: &output, partition: None, timestamp: None, key: None, value: Some(b"x") };
        sink.write(Ticket::result(1, Seq(0)), record, std::iter::empty());
        let (begun, mut delivered) = (Instant::now(), Vec::new());
        sink.collect(begun, &mut delivered);
        assert_eq!(sink.take_trouble(), None);
        sink.collect(begun + PATIENCE, &mut delivered);
        let trouble = sink.take_trouble().expect("it is said");
        assert!(trouble.contains("has not answered for 30s to 1 results"), "{trouble}");
        // It would wait for somebody to take them.
        shared.producer.abandon();
    }
}
