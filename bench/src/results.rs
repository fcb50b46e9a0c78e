//! Figures: their files and their tables.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The results of one run of `run` or `pgbench`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Results {
    /// `run` or `pgbench`.
    pub(crate) tool: String,
    /// The address that was measured, never with the password of a database.
    pub(crate) target: String,
    /// Requests at the same time.
    pub(crate) connections: u32,
    /// Seconds of each measurement.
    pub(crate) seconds: u64,
    /// One for each operation.
    pub(crate) operations: Vec<Figures>,
}

/// The figures of one operation.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    /// Q1 to Q5, or mixed.
    pub(crate) name: String,
    /// Answers in a second.
    pub(crate) requests_per_second: f64,
    /// Average time of an answer.
    pub(crate) mean_ms: f64,
    /// Median time; absent where the tool does not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p50_ms: Option<f64>,
    /// 95th percentile of the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p95_ms: Option<f64>,
    /// 99th percentile of the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99_ms: Option<f64>,
    /// Average size of an answer's body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_per_answer: Option<f64>,
    /// The number of answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answers: Option<usize>,
}

impl Results {
    /// Writes them to a file.
    ///
    /// # Errors
    /// Fails where the file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(Failure::during("the figures"))?;
        fs::write(path, text + "\n").map_err(Failure::during(path.display()))
    }

    /// Reads them from a file.
    ///
    /// # Errors
    /// Fails where there is no such file, or it holds something else.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(Failure::during(path.display()))?;
        serde_json::from_str(&text).map_err(Failure::during(path.display()))
    }

    /// The figures of one operation.
    pub(crate) fn of(&self, name: &str) -> Option<&Figures> {
        self.operations.iter().find(|figures| figures.name == name)
    }

    /// The figures as a table.
    pub(crate) fn table(&self) -> String {
        let head = ["", "requests/s", "mean ms", "p50 ms", "p95 ms", "p99 ms", "bytes", "answers"];
        let rows = self.operations.iter().map(|figures| {
            let of = |value: Option<f64>, decimals| {
                value.map_or_else(String::new, |value| number(value, decimals))
            };
            vec![
                figures.name.clone(),
                number(figures.requests_per_second, 0),
                number(figures.mean_ms, 2),
                of(figures.p50_ms, 2),
                of(figures.p95_ms, 2),
                of(figures.p99_ms, 2),
                of(figures.bytes_per_answer, 0),
                figures.answers.map_or_else(String::new, |count| count.to_string()),
            ]
        });
        table(&head.map(str::to_owned), rows)
    }
}

/// Draws a table. The first column is aligned to the left, the others to the right.
pub(crate) fn table(head: &[String], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut lines = vec![head.to_vec()];
    lines.extend(rows);
    let width = |column| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .enumerate()
            .map(
                |(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// A figure and its target.
#[derive(Debug)]
pub(crate) struct Measure {
    /// The name of the figure.
    what: String,
    /// The value that was measured.
    is: f64,
    /// The target, which the value must not exceed; `None` where there is no target.
    at_most: Option<f64>,
    /// The unit of both.
    unit: &'static str,
}

impl Measure {
    /// A figure and its target.
    pub(crate) fn new(what: impl Into<String>, is: f64, at_most: Option<f64>, unit: &'static str) -> Self {
        Self { what: what.into(), is, at_most, unit }
    }

    /// Whether the target is met, for people; empty without a target.
    pub(crate) fn verdict(&self) -> &'static str {
        match self.at_most {
            Some(at_most) if self.is <= at_most => "met",
            Some(_) => "MISSED",
            None => "",
        }
    }

    /// These figures as a table.
    pub(crate) fn table(all: &[Self]) -> String {
        let rows = all.iter().map(|measure| {
            let shown = |value: f64| format!("{} {}", number(value, usize::from(value < 10.0)), measure.unit);
            let target = measure.at_most.map_or_else(String::new, shown);
            vec![measure.what.clone(), shown(measure.is), target, measure.verdict().to_owned()]
        });
        table(&["", "measured", "target", ""].map(str::to_owned), rows)
    }
}

/// Returns a percentile of sorted values; 0 where there are none.
pub(crate) fn percentile(sorted: &[std::time::Duration], percent: usize) -> std::time::Duration {
    let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).copied().unwrap_or_default()
}

/// Formats a number with the given decimals and separated thousands.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_what_was_promised() {
        let all = [
            Measure::new("a", 150.4, Some(150.4), "ms"),
            Measure::new("b", 5.12, Some(5.0), "s"),
            Measure::new("c", 1.0, None, "s"),
        ];
        let drawn = Measure::table(&all);
        let words: Vec<Vec<&str>> = drawn.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["a", "150", "ms", "150", "ms", "met"]);
        assert_eq!(words[2], ["b", "5.1", "s", "5.0", "s", "MISSED"]);
        assert_eq!(words[3], ["c", "1.0", "s"]);
        let times: Vec<_> = (1..=200).map(std::time::Duration::from_millis).collect();
        assert_eq!([50, 99].map(|percent| percentile(&times, percent).as_millis()), [101, 199]);
        assert_eq!(percentile(&[], 99), std::time::Duration::ZERO);
    }

    #[test]
    fn numbers_and_tables_are_readable() {
        assert_eq!(
            [number(1_234_567.891, 2), number(999.4, 0), number(-1000.0, 0)],
            ["1,234,567.89", "999", "-1,000"]
        );
        let drawn = table(&[String::new(), "a".to_owned()], [vec!["Q1".to_owned(), "1,000".to_owned()]]);
        assert_eq!(drawn, "        a\nQ1  1,000\n");
    }
}
