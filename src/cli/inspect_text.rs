//! The text form of an inspection: one table of all objects, then the labels of each table.

use std::fmt::Write;

use comfy_table::{Table, presets};

use super::inspect::{ColumnFacts, Facts, Inspection, Object, SeriesReport};

/// Columns with more different values than this are counted, not listed (tags are always listed).
const MOST_LISTED: usize = 12;

/// Longest description that is shown, characters.
const LONGEST: usize = 48;

/// The facts as text, ending with a command that fits this file.
pub(super) fn text(inspection: &Inspection) -> String {
    // writing to a String cannot fail
    let mut out = String::new();
    let _ = writeln!(out, "{} (NWB {})", inspection.file, inspection.nwb_version);
    let about = [&inspection.session_description, &inspection.identifier, &inspection.session_start]
        .map(String::as_str);
    let about: Vec<&str> = about.into_iter().filter(|part| !part.is_empty()).collect();
    if !about.is_empty() {
        let _ = writeln!(out, "{}", about.join("; "));
    }
    let _ = writeln!(out, "\n{}", objects(&inspection.objects));
    for object in &inspection.objects {
        labels(&mut out, object);
    }
    for object in &inspection.objects {
        if let Some(error) = &object.error {
            let _ = writeln!(out, "\nnot usable: {}: {error}", object.path);
            if let Some(help) = &object.help {
                let _ = writeln!(out, "help: {help}");
            }
        }
    }
    if !inspection.notices.is_empty() {
        out.push_str("\nnotices\n");
        for notice in &inspection.notices {
            let _ = writeln!(out, "  {notice}");
        }
    }
    if let Some(findings) = &inspection.findings {
        out.push_str("\ncheck of all data\n");
        for finding in findings {
            let _ = writeln!(out, "  {}: {}: {}", finding.severity, finding.object, finding.text);
        }
        if findings.is_empty() {
            out.push_str("  no problem found\n");
        }
    }
    if let Some(line) = &inspection.suggestion {
        let _ = writeln!(out, "\nfit this file\n  {line}");
    }
    if let Some(reason) = &inspection.nothing_to_fit {
        let _ = writeln!(out, "\nnothing to fit\n  {reason}");
    }
    out
}

fn objects(objects: &[Object]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(vec!["key", "type", "holds", "time", "description"]);
    for object in objects {
        let (holds, time) = match &object.facts {
            _ if object.error.is_some() => ("not usable, see below".to_string(), String::new()),
            Facts::Series(series) => (series_holds(series), series_time(series)),
            Facts::Intervals { n_rows, seconds, columns } => {
                (counted(*n_rows, "row") + &column_list(columns), format!("{} s", short(*seconds)))
            }
            Facts::Units { n_units, n_spikes, columns, .. } => (
                format!(
                    "{}, {}{}",
                    counted(*n_units, "unit"),
                    counted(*n_spikes, "spike"),
                    column_list(columns)
                ),
                String::new(),
            ),
            Facts::Nothing {} => (object.kind.to_string(), String::new()),
        };
        table.add_row(vec![
            object.key.clone(),
            object.type_name.clone(),
            holds,
            time,
            cut(&object.description),
        ]);
    }
    table.trim_fmt()
}

fn series_holds(series: &SeriesReport) -> String {
    let columns = match &series.columns[..] {
        [_] => String::new(),
        columns if columns.len() <= MOST_LISTED => format!(" x {} ({})", columns.len(), columns.join(", ")),
        columns => format!(" x {}", columns.len()),
    };
    format!("{}{columns}, {}", counted(series.n_samples, "sample"), series.unit)
}

fn series_time(series: &SeriesReport) -> String {
    let (Some(start_s), Some(stop_s)) = (series.start_s, series.stop_s) else { return String::new() };
    let rate = series.rate_hz.map_or(String::new(), |rate_hz| format!(", {} Hz", short(rate_hz)));
    format!("{} to {} s{rate}", short(start_s), short(stop_s))
}

fn column_list(columns: &[ColumnFacts]) -> String {
    if columns.is_empty() {
        return String::new();
    }
    format!("; {}", columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", "))
}

/// The values of each column of a table, tags with their time.
fn labels(out: &mut String, object: &Object) {
    let (Facts::Intervals { columns, .. } | Facts::Units { columns, .. }) = &object.facts else { return };
    if columns.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", object.key);
    for column in columns {
        let is_listed = column.name == "tags" || column.n_distinct <= MOST_LISTED;
        let values = if !is_listed || column.values.is_empty() {
            format!("{}, {} different", column.kind, column.n_distinct)
        } else {
            let value = |value: &super::inspect::ValueFacts| match value.seconds {
                Some(seconds) => {
                    format!("{} ({}, {} s)", value.value, counted(value.n_rows, "row"), short(seconds))
                }
                None if value.n_rows == 1 => value.value.clone(),
                None => format!("{} ({})", value.value, value.n_rows),
            };
            column.values.iter().map(value).collect::<Vec<_>>().join(", ")
        };
        let _ = writeln!(out, "  {}: {values}", column.name);
    }
    if let Facts::Units { units, .. } = &object.facts {
        let listed: Vec<String> =
            units.iter().take(MOST_LISTED).map(|unit| format!("{} ({})", unit.id, unit.n_spikes)).collect();
        let more = units.len().saturating_sub(MOST_LISTED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "  id (spikes): {}{more}", listed.join(", "));
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// A number with at most six decimals and no trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    // the placeholder that pynwb writes
    if line == "no description" {
        return String::new();
    }
    if line.chars().count() <= LONGEST {
        return line.to_string();
    }
    format!("{}..", line.chars().take(LONGEST).collect::<String>().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(19_999.999_999_4), "19999.999999");
        assert_eq!(short(20_000.0), "20000");
        assert_eq!(short(173.128), "173.128");
        assert_eq!(short(0.0), "0");
    }

    #[test]
    fn descriptions_are_cut_by_characters() {
        assert_eq!(cut("äöü"), "äöü");
        assert_eq!(cut(&"ä".repeat(60)), format!("{}..", "ä".repeat(48)));
    }
}
