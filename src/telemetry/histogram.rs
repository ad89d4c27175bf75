//! How long things took: counted without a lock, exact enough for quantiles, coarse enough for Prometheus.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Durations below 2^10 ns (about a microsecond) share the first bucket.
const FIRST_OCTAVE: u32 = 10;
/// Durations from 2^40 ns (about 18 minutes) share the last bucket.
const LAST_OCTAVE: u32 = 40;
/// Buckets within a factor of two, so that a quantile is off by an eighth at most.
const STEPS: usize = 4;
const BUCKETS: usize = (LAST_OCTAVE - FIRST_OCTAVE) as usize * STEPS + 2;

/// The octaves shown to Prometheus: 16 microseconds to 69 seconds.
const SHOWN_OCTAVES: std::ops::RangeInclusive<u32> = 14..=36;

/// Counts of durations. What was never observed takes no memory for its buckets.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: OnceLock<Box<[AtomicU64; BUCKETS]>>,
    total_nanos: AtomicU64,
}

/// The counts of one moment, as Prometheus wants them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) seconds: f64,
    pub(super) count: u64,
    /// Upper bounds in seconds with the number of durations between this bound and the one before.
    pub(super) buckets: Vec<(f64, u64)>,
}

impl Histogram {
    pub fn observe(&self, duration: Duration) {
        self.observe_many(duration, 1);
    }

    /// Counts `count` things that took `duration` each.
    pub fn observe_many(&self, duration: Duration, count: u64) {
        let nanos = nanos_of(duration);
        self.add(bucket_of(nanos), count, nanos.saturating_mul(count));
    }

    /// Counts many durations one after the other, most of them about as long as the one before.
    pub fn tally(&self) -> Tally<'_> {
        Tally { histogram: self, bucket: 0, count: 0, nanos: 0 }
    }

    fn add(&self, bucket: usize, count: u64, nanos: u64) {
        let buckets = self.buckets.get_or_init(|| Box::new([const { AtomicU64::new(0) }; BUCKETS]));
        buckets[bucket].fetch_add(count, Relaxed);
        self.total_nanos.fetch_add(nanos, Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.counts().iter().sum()
    }

    /// The duration that the share `quantile` of all durations did not exceed; nothing if nothing was observed.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        self.quantile_since(&[], quantile)
    }

    /// The same, of what was observed after `earlier` was taken with [`Histogram::counts`].
    pub fn quantile_since(&self, earlier: &[u64], quantile: f64) -> Option<Duration> {
        let mut counts = self.counts();
        for (count, before) in counts.iter_mut().zip(earlier) {
            *count = count.saturating_sub(*before);
        }
        quantile_of(&counts, quantile)
    }

    /// The counts as they are now, also for adding up those of several histograms.
    pub fn counts(&self) -> Vec<u64> {
        match self.buckets.get() {
            Some(buckets) => buckets.iter().map(|bucket| bucket.load(Relaxed)).collect(),
            None => vec![0; BUCKETS],
        }
    }

    pub(super) fn shown(&self) -> Shown {
        let counts = self.counts();
        let mut taken = 0;
        let mut buckets: Vec<(f64, u64)> = SHOWN_OCTAVES
            .map(|octave| {
                // Up to and without the first bucket of this octave: everything below 2^octave.
                let end = (octave - FIRST_OCTAVE) as usize * STEPS + 1;
                let count = counts[taken..end].iter().sum();
                taken = end;
                (seconds(1 << octave), count)
            })
            .collect();
        buckets.push((f64::INFINITY, counts[taken..].iter().sum()));
        Shown { seconds: seconds(self.total_nanos.load(Relaxed)), count: counts.iter().sum(), buckets }
    }
}

/// Durations that were observed and are not in their histogram yet; dropping it puts them there.
#[derive(Debug)]
pub struct Tally<'h> {
    histogram: &'h Histogram,
    /// The bucket that all of them belong to.
    bucket: usize,
    count: u64,
    nanos: u64,
}

impl Tally<'_> {
    pub fn observe(&mut self, duration: Duration) {
        let nanos = nanos_of(duration);
        let bucket = bucket_of(nanos);
        if bucket != self.bucket {
            self.put();
            self.bucket = bucket;
        }
        self.count += 1;
        self.nanos = self.nanos.saturating_add(nanos);
    }

    fn put(&mut self) {
        if self.count > 0 {
            self.histogram.add(self.bucket, self.count, self.nanos);
        }
        (self.count, self.nanos) = (0, 0);
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.put();
    }
}

fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The quantile of counts that [`Histogram::counts`] gave, or of sums of such counts.
pub fn quantile_of(counts: &[u64], quantile: f64) -> Option<Duration> {
    let total: u64 = counts.iter().sum();
    if total == 0 {
        return None;
    }
    let rank = ((total as f64 * quantile).ceil() as u64).clamp(1, total);
    let mut seen = 0;
    let bucket = counts.iter().position(|count| {
        seen += count;
        seen >= rank
    })?;
    Some(Duration::from_nanos(middle_of(bucket)))
}

fn bucket_of(nanos: u64) -> usize {
    let octave = nanos.max(1).ilog2();
    if octave < FIRST_OCTAVE {
        return 0;
    }
    if octave >= LAST_OCTAVE {
        return BUCKETS - 1;
    }
    let step = (nanos >> (octave - 2)) as usize & (STEPS - 1);
    (octave - FIRST_OCTAVE) as usize * STEPS + step + 1
}

fn middle_of(bucket: usize) -> u64 {
    if bucket == 0 {
        return 1 << (FIRST_OCTAVE - 1);
    }
    let (octave, step) = ((bucket - 1) / STEPS, (bucket - 1) % STEPS);
    let width = 1_u64 << (FIRST_OCTAVE as usize + octave - 2);
    width * (STEPS + step) as u64 + width / 2
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quantile_is_off_by_an_eighth_at_most(nanos in 1_024_u64..1 << 40) {
            let histogram = Histogram::default();
            histogram.observe(Duration::from_nanos(nanos));
            let found = histogram.quantile(0.5).unwrap().as_nanos() as f64;
            prop_assert!((found / nanos as f64 - 1.0).abs() <= 0.125, "{found} for {nanos}");
        }

        #[test]
        fn no_duration_falls_out_of_the_buckets(nanos: u64) {
            let histogram = Histogram::default();
            histogram.observe_many(Duration::from_nanos(nanos), 3);
            let shown = histogram.shown();
            prop_assert_eq!(shown.count, 3);
            prop_assert_eq!(shown.buckets.iter().map(|bucket| bucket.1).sum::<u64>(), 3);
            let first_above = shown.buckets.iter().find(|bucket| seconds(nanos) < bucket.0).unwrap();
            prop_assert_eq!(first_above.1, 3, "{:?}", shown);
        }
    }

    #[test]
    fn a_tally_counts_what_observing_one_by_one_would() {
        let (one_by_one, tallied) = (Histogram::default(), Histogram::default());
        let mut tally = tallied.tally();
        for nanos in [0, 1, 5_000, 5_001, 1 << 41, 5_000, 5_002] {
            one_by_one.observe(Duration::from_nanos(nanos));
            tally.observe(Duration::from_nanos(nanos));
        }
        drop(tally);
        assert_eq!(tallied.shown(), one_by_one.shown());
    }

    #[test]
    fn quantiles_of_a_period_leave_out_what_was_before() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.99), None);
        histogram.observe_many(Duration::from_secs(10), 1000);
        let earlier = histogram.counts();
        histogram.observe_many(Duration::from_millis(1), 99);
        histogram.observe_many(Duration::from_millis(100), 1);
        let median = histogram.quantile_since(&earlier, 0.5).unwrap();
        assert!(median < Duration::from_millis(2), "{median:?}");
        let slowest = histogram.quantile_since(&earlier, 1.0).unwrap();
        assert!(slowest > Duration::from_millis(80) && slowest < Duration::from_millis(120), "{slowest:?}");
    }
}
