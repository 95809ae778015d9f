//! Everything in a file, read in pieces, and every problem of it.
//!
//! Ordinary reading checks the range that is used; this reads all of it, for files that behave strangely.

use super::{NwbFile, Series};
use crate::error::Result;
use crate::recording::{IntervalTable, Kind, UnitsTable, median_spacing};

/// Rows per piece: 64 Ki rows of a few columns stay within a few megabytes.
const PIECE_ROWS: usize = 1 << 16;

/// A step longer than this many median steps is a gap.
const GAP_STEPS: f64 = 1.5;

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something is wrong and may make the object unusable.
    Problem,
    /// Unusual, but in order.
    Remark,
}

/// One thing found by the check of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path of the object.
    pub object: String,
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub text: String,
}

/// Reads everything and reports what was found, in the order of the entries.
pub(super) fn check(file: &NwbFile) -> Vec<Finding> {
    let mut findings = Findings::default();
    let recording = file.recording();
    for entry in &recording.entries {
        if let Some(defect) = &entry.defect {
            findings.problem(&entry.path, defect.problem.clone());
        }
    }
    let usable = |kind| recording.of_kind(kind).filter(|entry| entry.defect.is_none());
    let mut span: Option<(f64, f64)> = None;
    for entry in usable(Kind::Series) {
        match file.series(&entry.path) {
            Ok(series) => {
                if let Some((first, last)) = check_series(&series, &entry.path, &mut findings) {
                    span = Some(span.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
                }
            }
            Err(error) => findings.problem(&entry.path, error.to_string()),
        }
    }
    for entry in usable(Kind::Intervals) {
        match file.intervals(&entry.path) {
            Ok(table) => check_intervals(&table, &entry.path, span, &mut findings),
            Err(error) => findings.problem(&entry.path, error.to_string()),
        }
    }
    for entry in usable(Kind::Units) {
        match file.units_named(&entry.path) {
            Ok(units) => check_units(&units, &entry.path, span, &mut findings),
            Err(error) => findings.problem(&entry.path, error.to_string()),
        }
    }
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, severity: Severity, object: &str, text: String) {
        self.0.push(Finding { object: object.to_string(), severity, text });
    }

    fn problem(&mut self, object: &str, text: String) {
        self.add(Severity::Problem, object, text);
    }

    fn remark(&mut self, object: &str, text: String) {
        self.add(Severity::Remark, object, text);
    }
}

/// A count and where it first happened.
#[derive(Clone, Copy, Default)]
struct Tally {
    n: usize,
    first: usize,
}

impl Tally {
    fn add(&mut self, row: usize) {
        if self.n == 0 {
            self.first = row;
        }
        self.n += 1;
    }
}

/// Checks times, then values; returns first and last finite time.
fn check_series(series: &Series, object: &str, findings: &mut Findings) -> Option<(f64, f64)> {
    if series.is_hollow() {
        let n = series.n_samples();
        findings.problem(object, format!("most of its {n} samples were never written; not checked further"));
        return None;
    }
    let span = match check_times(series, object, findings) {
        Ok(span) => span,
        Err(error) => {
            findings.problem(object, error.to_string());
            None
        }
    };
    if let Err(error) = check_values(series, object, findings) {
        findings.problem(object, error.to_string());
    }
    span
}

fn check_times(series: &Series, object: &str, findings: &mut Findings) -> Result<Option<(f64, f64)>> {
    let n = series.n_samples();
    let piece_rows = series.piece_rows_of_times(PIECE_ROWS);
    let head = series.raw_times(0..n.min(piece_rows))?;
    let spacing = median_spacing(&head).filter(|&spacing| spacing > 0.0);
    let (mut not_finite, mut backwards, mut doubled, mut gaps) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default());
    let mut before: Option<f64> = None;
    let mut span: Option<(f64, f64)> = None;
    for start in (0..n).step_by(piece_rows) {
        for (i, time) in series.raw_times(start..(start + piece_rows).min(n))?.into_iter().enumerate() {
            let row = start + i;
            if !time.is_finite() {
                not_finite.add(row);
                continue;
            }
            if let Some(before) = before {
                if time < before {
                    backwards.add(row);
                } else if time == before {
                    doubled.add(row);
                } else if spacing.is_some_and(|spacing| time - before > GAP_STEPS * spacing) {
                    gaps.add(row);
                }
            }
            before = Some(time);
            span = Some(span.map_or((time, time), |(a, b)| (a.min(time), b.max(time))));
        }
    }
    let mut say = |tally: Tally, is_problem: bool, what: &str| {
        let severity = if is_problem { Severity::Problem } else { Severity::Remark };
        if tally.n > 0 {
            findings.add(severity, object, format!("{} {what} (first at row {})", tally.n, tally.first));
        }
    };
    say(not_finite, true, "timestamps are not finite");
    say(backwards, true, "timestamps go back in time");
    say(doubled, false, "timestamps repeat the one before");
    say(gaps, false, "gaps longer than 1.5 sample intervals");
    Ok(span)
}

fn check_values(series: &Series, object: &str, findings: &mut Findings) -> Result<()> {
    let n = series.n_samples();
    let (mut nan, mut infinite) = (Tally::default(), Tally::default());
    let n_rows = series.piece_rows((PIECE_ROWS / series.n_columns().max(1)).max(1));
    for start in (0..n).step_by(n_rows) {
        let values = series.values(start..(start + n_rows).min(n), None)?;
        for (i, row) in values.rows().into_iter().enumerate() {
            for value in row {
                if value.is_nan() {
                    nan.add(start + i);
                } else if value.is_infinite() {
                    infinite.add(start + i);
                }
            }
        }
    }
    for (tally, what) in [(nan, "NaN"), (infinite, "infinite")] {
        if tally.n > 0 {
            findings.problem(object, format!("{} values are {what} (first at row {})", tally.n, tally.first));
        }
    }
    Ok(())
}

fn check_intervals(table: &IntervalTable, object: &str, span: Option<(f64, f64)>, findings: &mut Findings) {
    for notice in &table.notices {
        findings.problem(object, without_path(notice, object));
    }
    let mut overlaps = Tally::default();
    let mut latest = f64::NEG_INFINITY;
    for (row, (&start, &stop)) in table.start_s.iter().zip(&table.stop_s).enumerate() {
        if start < latest {
            overlaps.add(row);
        }
        latest = latest.max(stop);
    }
    if overlaps.n > 0 {
        findings.remark(
            object,
            format!(
                "{} rows overlap an earlier row (first: row {} in order of start)",
                overlaps.n, overlaps.first
            ),
        );
    }
    if let Some((first, last)) = span {
        let is_outside = |row: &usize| table.stop_s[*row] < first || table.start_s[*row] > last;
        let n_outside = (0..table.n_rows()).filter(is_outside).count();
        if n_outside > 0 {
            findings.problem(
                object,
                format!("{n_outside} rows lie outside every series of the file ({first} to {last} s)"),
            );
        }
    }
}

fn check_units(units: &UnitsTable, object: &str, span: Option<(f64, f64)>, findings: &mut Findings) {
    for notice in &units.notices {
        findings.problem(object, without_path(notice, object));
    }
    for (id, times) in units.ids.iter().zip(&units.spike_times) {
        if times.is_empty() {
            findings.remark(object, format!("unit {id} has no spikes"));
        }
        let Some((first, last)) = span else { continue };
        let n_outside = times.iter().filter(|&&time| time < first || time > last).count();
        if n_outside > 0 {
            findings.problem(
                object,
                format!(
                    "unit {id}: {n_outside} spikes lie outside every series of the file ({first} to {last} s)"
                ),
            );
        }
    }
}

fn without_path(notice: &str, object: &str) -> String {
    notice.strip_prefix(&format!("{object}: ")).unwrap_or(notice).to_string()
}
