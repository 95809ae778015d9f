//! `rheobase inspect`: what a file holds, as text for people and as JSON for programs, from the same facts.
//!
//! Times and shapes come from a few small reads; `check` reads everything. A file is never refused because of
//! one broken object: the object is listed with its error.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::examples::INSPECT_HELP;
use super::{inspect_text, suggestion};
use crate::error::Error;
use crate::read::nwb::{Finding, NwbFile, Severity};
use crate::recording::{Column, Entry, Kind, Timing};

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = INSPECT_HELP)]
pub struct InspectArgs {
    /// An NWB file
    pub file: PathBuf,
    /// Read everything and report every problem
    #[arg(long)]
    pub check: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Values of a column that are listed before the rest is only counted.
const MOST_VALUES: usize = 100;

/// What is known about a file.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    schema: u32,
    pub(super) file: String,
    pub(super) nwb_version: String,
    pub(super) identifier: String,
    pub(super) session_description: String,
    pub(super) session_start: String,
    pub(super) objects: Vec<Object>,
    pub(super) notices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) findings: Option<Vec<FindingFacts>>,
    /// A line that fits this file, ready to paste.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suggestion: Option<String>,
    /// Why there is no such line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nothing_to_fit: Option<String>,
}

/// One object of the file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Object {
    pub(super) key: String,
    pub(super) path: String,
    pub(super) kind: &'static str,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<String>,
    #[serde(flatten)]
    pub(super) facts: Facts,
}

/// What is known about an object, by its kind.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Facts {
    Series(SeriesReport),
    Intervals { n_rows: usize, seconds: f64, columns: Vec<ColumnFacts> },
    Units { n_units: usize, n_spikes: usize, units: Vec<UnitFacts>, columns: Vec<ColumnFacts> },
    Nothing {},
}

/// A time series.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SeriesReport {
    pub(super) n_samples: usize,
    pub(super) columns: Vec<String>,
    pub(super) unit: String,
    conversion: f64,
    offset: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_conversion: Option<Vec<f64>>,
    stored_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_hz: Option<f64>,
    timing: &'static str,
}

/// One unit.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UnitFacts {
    pub(super) id: i64,
    pub(super) n_spikes: usize,
}

/// One column of a table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ColumnFacts {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) n_distinct: usize,
    pub(super) values: Vec<ValueFacts>,
}

/// One value of a column, with the rows that hold it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ValueFacts {
    pub(super) value: String,
    pub(super) n_rows: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
}

/// One finding of the check.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FindingFacts {
    pub(super) object: String,
    pub(super) severity: &'static str,
    pub(super) text: String,
}

/// Gathers the facts of a file; `findings` are those of its check, if it was made.
pub fn inspect(file: &NwbFile, findings: Option<&[Finding]>) -> Inspection {
    let recording = file.recording();
    let mut notices = recording.notices.clone();
    let objects = recording.entries.iter().map(|entry| object(file, entry, &mut notices)).collect();
    let mut inspection = Inspection {
        schema: 1,
        file: recording.path.display().to_string(),
        nwb_version: recording.version.clone(),
        identifier: recording.identifier.clone(),
        session_description: recording.description.clone(),
        session_start: recording.session_start.clone(),
        objects,
        notices,
        findings: findings.map(|findings| findings.iter().map(finding).collect()),
        suggestion: None,
        nothing_to_fit: None,
    };
    match suggestion::fit_line(file, &inspection) {
        Ok(line) => inspection.suggestion = Some(line),
        Err(reason) => inspection.nothing_to_fit = Some(reason),
    }
    inspection
}

fn finding(finding: &Finding) -> FindingFacts {
    FindingFacts {
        object: finding.object.clone(),
        severity: match finding.severity {
            Severity::Problem => "problem",
            Severity::Remark => "remark",
        },
        text: finding.text.clone(),
    }
}

fn object(file: &NwbFile, entry: &Entry, notices: &mut Vec<String>) -> Object {
    let facts = match entry.kind {
        _ if entry.defect.is_some() => Ok(Facts::Nothing {}),
        Kind::Series => series(file, entry, notices),
        Kind::Intervals => intervals(file, entry, notices),
        Kind::Units => units(file, entry, notices),
        Kind::Annotations | Kind::Unreadable => Ok(Facts::Nothing {}),
    };
    let (facts, error, help) = match (facts, &entry.defect) {
        (Ok(facts), None) => (facts, None, None),
        (Ok(facts), Some(defect)) => (facts, Some(defect.problem.clone()), Some(defect.help.clone())),
        (Err(error), _) => (Facts::Nothing {}, Some(error.to_string()), Some(error.help())),
    };
    Object {
        key: entry.key.clone(),
        path: entry.path.clone(),
        kind: entry.kind.word(),
        type_name: entry.type_name.clone(),
        description: entry.description.clone(),
        error,
        help,
        facts,
    }
}

fn series(file: &NwbFile, entry: &Entry, notices: &mut Vec<String>) -> Result<Facts, Error> {
    let series = file.series(&entry.path)?;
    // a bad time is no reason to hide the series: ranges without it can be used
    let span = said(series.span(), notices);
    let spacing = span.and_then(|(first, last)| said(series.read_spacing(first, last), notices));
    let facts = series.facts().clone();
    Ok(Facts::Series(SeriesReport {
        n_samples: facts.n_samples,
        columns: facts.column_names,
        unit: facts.unit,
        conversion: facts.conversion,
        offset: facts.offset,
        channel_conversion: facts.channel_conversion,
        stored_type: facts.stored_type,
        start_s: span.map(|span| span.0),
        stop_s: span.map(|span| span.1),
        rate_hz: match facts.timing {
            Timing::Rate { rate_hz, .. } => Some(rate_hz),
            Timing::Stamps => spacing.filter(|&spacing| spacing > 0.0).map(|spacing| 1.0 / spacing),
        },
        timing: match facts.timing {
            Timing::Rate { .. } => "rate",
            Timing::Stamps => "timestamps",
        },
    }))
}

/// What was found, or none with its error as a notice.
fn said<T>(found: Result<Option<T>, Error>, notices: &mut Vec<String>) -> Option<T> {
    found.unwrap_or_else(|error| {
        notices.push(match error {
            Error::Object { object, problem, .. } => format!("{object}: {problem}"),
            other => other.to_string(),
        });
        None
    })
}

fn intervals(file: &NwbFile, entry: &Entry, notices: &mut Vec<String>) -> Result<Facts, Error> {
    let table = file.intervals(&entry.path)?;
    notices.extend(table.notices.iter().cloned());
    let n_rows = table.n_rows();
    let columns = table
        .columns
        .iter()
        .map(|column| column_facts(column, n_rows, |rows| Some(table.duration_s(rows))))
        .collect();
    let rows: Vec<usize> = (0..n_rows).collect();
    Ok(Facts::Intervals { n_rows, seconds: table.duration_s(&rows), columns })
}

fn units(file: &NwbFile, entry: &Entry, notices: &mut Vec<String>) -> Result<Facts, Error> {
    let table = file.units_named(&entry.path)?;
    notices.extend(table.notices.iter().cloned());
    let units = table.ids.iter().zip(&table.spike_times);
    Ok(Facts::Units {
        n_units: table.n_units(),
        n_spikes: table.n_spikes(),
        units: units.map(|(&id, times)| UnitFacts { id, n_spikes: times.len() }).collect(),
        columns: table.columns.iter().map(|column| column_facts(column, table.n_units(), |_| None)).collect(),
    })
}

fn column_facts(column: &Column, n_rows: usize, seconds: impl Fn(&[usize]) -> Option<f64>) -> ColumnFacts {
    let distinct = column.distinct(n_rows);
    ColumnFacts {
        name: column.name.clone(),
        kind: column.kind(),
        n_distinct: distinct.len(),
        values: distinct
            .into_iter()
            .take(MOST_VALUES)
            .map(|(value, rows)| ValueFacts { value, n_rows: rows.len(), seconds: seconds(&rows) })
            .collect(),
    }
}

impl Inspection {
    /// The facts as JSON.
    ///
    /// # Errors
    /// [`Error::Argument`] never in practice: every fact is finite text or number.
    pub fn json(&self) -> Result<Value, Error> {
        serde_json::to_value(self).map_err(|e| {
            Error::argument("inspection", "facts that JSON can hold", e.to_string(), "report this")
        })
    }

    /// The facts as text, ending with a command that fits this file.
    pub fn text(&self) -> String {
        inspect_text::text(self)
    }
}
