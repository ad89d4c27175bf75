//! What the node tells about itself: logs for people and machines, metrics for Prometheus.

mod definitions;
mod fetches;
mod histogram;
mod instruments;
mod logging;
mod metrics;
mod reference;

pub use fetches::FetchOutcome;
pub use histogram::{Histogram, quantile_of};
pub use instruments::{Counter, Gauge};
pub use logging::{LogOptions, LoggingError, start as start_logging};
pub use metrics::{FunctionMetrics, Metrics, NodeMetrics};
pub use reference::reference;

/// The media type of [`Metrics::render`].
pub const METRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
