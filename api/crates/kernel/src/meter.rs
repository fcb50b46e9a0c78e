//! Constructors of Prometheus metrics. A metric is created by the part that counts, and read by `server/metrics.rs`.
//!
//! There is no global registry: each part has its own metrics, so that tests can run several servers in one process.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

/// Prefix of every name.
const PREFIX: &str = "passerelle";

/// Histogram bounds for the waiting times of clients, in seconds.
pub const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Histogram bounds for the sizes of batches.
pub const SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0];

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("{PREFIX}_{name}"), help)
}

#[expect(clippy::expect_used, reason = "names and labels are constants, and a test reads all of them")]
fn right<T>(made: prometheus::Result<T>) -> T {
    made.expect("a name of letters, digits and `_`")
}

/// A counter; its name ends with `_total`.
///
/// # Panics
/// If the name is not a valid name of a metric.
pub fn counter(name: &str, help: &str) -> IntCounter {
    right(IntCounter::with_opts(opts(name, help)))
}

/// A counter for each combination of these labels.
///
/// # Panics
/// If the name is not a valid name of a metric.
pub fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    right(IntCounterVec::new(opts(name, help), labels))
}

/// A gauge.
///
/// # Panics
/// If the name is not a valid name of a metric.
pub fn gauge(name: &str, help: &str) -> IntGauge {
    right(IntGauge::with_opts(opts(name, help)))
}

/// A gauge for each combination of these labels.
///
/// # Panics
/// If the name is not a valid name of a metric.
pub fn gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    right(IntGaugeVec::new(opts(name, help), labels))
}

/// A histogram with these upper bounds.
///
/// # Panics
/// If the name is not a valid name of a metric.
pub fn histogram(name: &str, help: &str, bounds: &[f64]) -> Histogram {
    right(Histogram::with_opts(HistogramOpts::from(opts(name, help)).buckets(bounds.to_vec())))
}

/// A histogram for each combination of these labels.
///
/// # Panics
/// If the name is not a valid name of a metric.
pub fn histograms(name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> HistogramVec {
    right(HistogramVec::new(HistogramOpts::from(opts(name, help)).buckets(bounds.to_vec()), labels))
}
