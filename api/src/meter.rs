//! How things are counted for Prometheus: made where they are counted, and read by `server/metrics.rs`.
//!
//! There is no global registry: each part has its own counters, so that several programs live in one process of tests.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};

/// What every name begins with.
const PREFIX: &str = "passerelle";

/// Upper bounds in seconds of what a client waits for.
pub const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of numbers of things that travel together.
pub const SIZES: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1000.0];

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("{PREFIX}_{name}"), help)
}

#[expect(clippy::expect_used, reason = "names and labels are constants, and a test reads all of them")]
fn right<T>(made: prometheus::Result<T>) -> T {
    made.expect("a name of letters, digits and `_`")
}

/// A number that only grows; its name ends with `_total`.
///
/// # Panics
/// Where the name is none of Prometheus.
pub fn counter(name: &str, help: &str) -> IntCounter {
    right(IntCounter::with_opts(opts(name, help)))
}

/// One for each combination of these labels.
///
/// # Panics
/// Where the name is none of Prometheus.
pub fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    right(IntCounterVec::new(opts(name, help), labels))
}

/// A number that grows and falls.
///
/// # Panics
/// Where the name is none of Prometheus.
pub fn gauge(name: &str, help: &str) -> IntGauge {
    right(IntGauge::with_opts(opts(name, help)))
}

/// One for each combination of these labels.
///
/// # Panics
/// Where the name is none of Prometheus.
pub fn gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    right(IntGaugeVec::new(opts(name, help), labels))
}

/// How often something was below each of these bounds.
///
/// # Panics
/// Where the name is none of Prometheus.
pub fn histogram(name: &str, help: &str, bounds: &[f64]) -> Histogram {
    right(Histogram::with_opts(HistogramOpts::from(opts(name, help)).buckets(bounds.to_vec())))
}

/// One for each combination of these labels.
///
/// # Panics
/// Where the name is none of Prometheus.
pub fn histograms(name: &str, help: &str, labels: &[&str], bounds: &[f64]) -> HistogramVec {
    right(HistogramVec::new(HistogramOpts::from(opts(name, help)).buckets(bounds.to_vec()), labels))
}
