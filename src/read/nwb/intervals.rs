//! Tables of intervals: start, stop and labels of each row.

use super::storage::Storage;
use super::table;
use crate::error::Result;
use crate::recording::{Entry, IntervalTable};

/// Reads the table; unusable rows are dropped and said, rows are sorted by start.
pub(super) fn read(storage: &Storage, entry: &Entry) -> Result<IntervalTable> {
    let base = entry.path.as_str();
    let group = storage.group(base)?;
    let bound = |name: &str| {
        let set = storage.dataset(&group, base, name)?;
        storage.numbers::<f64>(&set, &format!("{base}/{name}"))
    };
    let start = bound("start_time")?;
    let stop = bound("stop_time")?;
    if start.len() != stop.len() {
        return Err(storage.error(
            base,
            format!("expected {} stop times (one per start time), found {}", start.len(), stop.len()),
            "write the table again; its columns differ in length",
        ));
    }
    let mut notices = Vec::new();
    let mut columns = Vec::new();
    for name in table::column_names(&group) {
        if name == "start_time" || name == "stop_time" {
            continue;
        }
        if !group.link_exists(&name) {
            notices.push(format!("{base}: column {name:?} is announced but not there"));
            continue;
        }
        columns.push(table::read_column(storage, &group, base, &name, start.len())?);
    }
    let is_usable = |&row: &usize| start[row].is_finite() && stop[row].is_finite() && start[row] < stop[row];
    let (mut rows, dropped): (Vec<usize>, Vec<usize>) = (0..start.len()).partition(is_usable);
    if let Some(&row) = dropped.first() {
        notices.push(format!(
            "{base}: {} of {} rows dropped: start and stop must be finite and start < stop (first: row {row}, {} to {})",
            dropped.len(),
            start.len(),
            start[row],
            stop[row]
        ));
    }
    if rows.windows(2).any(|pair| start[pair[1]] < start[pair[0]]) {
        notices.push(format!("{base}: rows are not in order of start; sorted"));
        rows.sort_by(|&a, &b| start[a].total_cmp(&start[b]));
    }
    Ok(IntervalTable {
        key: entry.key.clone(),
        start_s: rows.iter().map(|&row| start[row]).collect(),
        stop_s: rows.iter().map(|&row| stop[row]).collect(),
        columns: columns.iter().map(|column| column.pick(&rows)).collect(),
        file_rows: rows,
        notices,
    })
}
