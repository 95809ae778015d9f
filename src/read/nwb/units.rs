//! The units table: ragged spike times and one value of metadata per unit.

use hdf5::{Group, H5Type};

use super::element::{attribute_text, clean, member_names};
use super::storage::Storage;
use super::table;
use crate::error::Result;
use crate::recording::{Column, ColumnValues, Entry, UnitsTable};

/// Position of an electrode group, as the standard stores it.
#[derive(Clone, Copy, H5Type)]
#[repr(C)]
struct Position {
    x: f64,
    y: f64,
    z: f64,
}

/// The same in single precision.
#[derive(Clone, Copy, H5Type)]
#[repr(C)]
struct SinglePosition {
    x: f32,
    y: f32,
    z: f32,
}

/// The position that a dataset holds; none where it is of another type, which may be anything.
fn position(set: &hdf5::Dataset) -> Option<[f64; 3]> {
    let dtype = set.dtype().ok().filter(|_| set.size() > 0 && set.size() <= 16)?;
    if dtype.is::<Position>() {
        let Position { x, y, z } = *set.read_raw::<Position>().ok()?.first()?;
        return Some([x, y, z]);
    }
    if !dtype.is::<SinglePosition>() {
        return None;
    }
    let SinglePosition { x, y, z } = *set.read_raw::<SinglePosition>().ok()?.first()?;
    Some([x, y, z].map(f64::from))
}

/// Where the pieces of the ragged column of spike times end, and the identifiers: all but the times.
struct Layout {
    group: Group,
    times: String,
    ends: Vec<usize>,
    ids: Vec<i64>,
}

/// Checks everything but the spike times themselves; returns units and spikes.
pub(super) fn check_layout(storage: &Storage, entry: &Entry) -> Result<(usize, usize)> {
    let layout = layout(storage, &entry.path)?;
    Ok((layout.ids.len(), layout.ends.last().copied().unwrap_or(0)))
}

/// Name of the ragged column of spike times: `spike_times`, or the first column that ends in `_times`.
pub(super) fn times_column(group: &Group) -> Option<String> {
    let names = member_names(group);
    let mut times: Vec<String> = names
        .iter()
        .filter_map(|name| name.strip_suffix("_index"))
        .filter(|name| name.ends_with("_times"))
        .map(ToString::to_string)
        .collect();
    times.sort_by_key(|name| name != "spike_times");
    times.into_iter().next()
}

fn layout(storage: &Storage, base: &str) -> Result<Layout> {
    let group = storage.group(base)?;
    let ids = match storage.optional(&group, base, "id")? {
        Some(set) => Some(storage.numbers::<i64>(&set, &format!("{base}/id"))?),
        None => None,
    };
    let times = times_column(&group).unwrap_or_else(|| "spike_times".into());
    let set = storage.dataset(&group, base, &times)?;
    storage.expect_numbers(&set, &format!("{base}/{times}"))?;
    let n_rows = ids.as_ref().map(Vec::len);
    let ends = table::read_index(storage, &group, base, &format!("{times}_index"), n_rows, set.size())?;
    let ids = ids.unwrap_or_else(|| (0..ends.len() as i64).collect());
    Ok(Layout { group, times, ends, ids })
}

/// Reads the table; unsorted spike times are sorted, NaN dropped, both said.
pub(super) fn read(storage: &Storage, entry: &Entry) -> Result<UnitsTable> {
    let base = entry.path.as_str();
    let Layout { group, times, ends, ids } = layout(storage, base)?;
    let mut notices = Vec::new();
    let set = storage.dataset(&group, base, &times)?;
    let flat = storage.numbers::<f64>(&set, &format!("{base}/{times}"))?;
    let used = ends.last().copied().unwrap_or(0);
    if used < flat.len() {
        notices.push(format!("{base}: {} spike times belong to no unit", flat.len() - used));
    }
    let mut spike_times = table::cut(&flat, &ends);
    for (id, times) in ids.iter().zip(&mut spike_times) {
        notices.extend(tidy(times).into_iter().map(|what| format!("{base}: unit {id}: {what}")));
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(id) = ids.iter().find(|&&id| !seen.insert(id)) {
        notices.push(format!("{base}: id {id} occurs more than once; `--unit {id}` takes the first"));
    }
    let obs_intervals = obs_intervals(storage, &group, base, ids.len())?;
    for (id, intervals) in ids.iter().zip(obs_intervals.iter().flatten()) {
        let is_none = |&&[start, stop]: &&[f64; 2]| !(start.is_finite() && stop.is_finite() && start <= stop);
        if let Some([start, stop]) = intervals.iter().find(is_none) {
            notices.push(format!("{base}: unit {id}: observed from {start} to {stop}, which is no interval"));
        }
    }
    let columns = metadata(storage, &group, base, &times, ids.len(), &mut notices)?;
    Ok(UnitsTable { key: entry.key.clone(), ids, spike_times, obs_intervals, columns, notices })
}

/// Drops times that are not finite and sorts the rest; says what it did.
fn tidy(times: &mut Vec<f64>) -> Vec<String> {
    let mut notices = Vec::new();
    let n = times.len();
    times.retain(|time| time.is_finite());
    if times.len() < n {
        notices.push(format!("{} of {n} spike times are not finite; dropped", n - times.len()));
    }
    let n_resets = times.windows(2).filter(|pair| pair[1] < pair[0]).count();
    if n_resets > 0 {
        notices.push(format!(
            "spike times are not in order ({n_resets} steps back); sorted (if they count from the start of \
             each trial, this unit is not usable)"
        ));
        times.sort_by(f64::total_cmp);
    }
    notices
}

fn obs_intervals(
    storage: &Storage,
    group: &Group,
    base: &str,
    n_units: usize,
) -> Result<Option<Vec<Vec<[f64; 2]>>>> {
    if !group.link_exists("obs_intervals") || !group.link_exists("obs_intervals_index") {
        return Ok(None);
    }
    let object = format!("{base}/obs_intervals");
    let set = storage.dataset(group, base, "obs_intervals")?;
    let shape = set.shape();
    if shape.len() != 2 || shape[1] != 2 {
        return Err(storage.error(
            &object,
            format!("expected shape (intervals, 2), found {shape:?}"),
            "write start and stop of each interval",
        ));
    }
    let ends = table::read_index(storage, group, base, "obs_intervals_index", Some(n_units), shape[0])?;
    let flat = storage.numbers::<f64>(&set, &object)?;
    let pairs: Vec<[f64; 2]> = flat.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
    Ok(Some(table::cut(&pairs, &ends)))
}

/// Columns with one number or text per unit, in the order of the file; electrode groups become their location
/// and position, electrodes the scalar columns of their table.
fn metadata(
    storage: &Storage,
    group: &Group,
    base: &str,
    times: &str,
    n_units: usize,
    notices: &mut Vec<String>,
) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    let mut put = |column: Column| match columns.iter_mut().find(|present| present.name == column.name) {
        Some(present) => *present = column,
        None => columns.push(column),
    };
    for name in table::column_names(group) {
        if name == times || name == "obs_intervals" {
            continue;
        }
        if !group.link_exists(&name) {
            notices.push(format!("{base}: column {name:?} is announced but not there"));
        } else if name == "electrode_group" {
            electrode_group(storage, group, base).into_iter().for_each(&mut put);
        } else if name == "electrodes" && !group.link_exists("electrodes_index") {
            electrodes(storage, group, base).into_iter().for_each(&mut put);
        } else {
            let column = table::read_column(storage, group, base, &name, n_units)?;
            let is_scalar = matches!(
                column.values,
                ColumnValues::Number(_) | ColumnValues::Text(_) | ColumnValues::Truth(_)
            );
            if is_scalar {
                put(column);
            }
        }
    }
    Ok(columns)
}

fn electrode_group(storage: &Storage, group: &Group, base: &str) -> Vec<Column> {
    let Some(groups) = table::referenced_groups(storage, group, base, "electrode_group") else {
        return Vec::new();
    };
    let column = |name: &str, values| Column {
        name: name.to_string(),
        description: format!("{name} of the electrode group"),
        values,
    };
    let name_of = |group: &Group| clean(&group.name()).rsplit('/').next().unwrap_or_default().to_string();
    let locations = groups.iter().map(|group| attribute_text(group, "location").unwrap_or_default());
    let mut columns = vec![
        column("electrode_group", ColumnValues::Text(groups.iter().map(name_of).collect())),
        column("location", ColumnValues::Text(locations.collect())),
    ];
    let of_group = |group: &Group| position(&group.dataset("position").ok()?);
    if let Some(positions) = groups.iter().map(of_group).collect::<Option<Vec<[f64; 3]>>>() {
        for (axis, name) in ["x", "y", "z"].into_iter().enumerate() {
            let values = positions.iter().map(|position| position[axis]).collect();
            columns.push(column(name, ColumnValues::Number(values)));
        }
    }
    columns
}

fn electrodes(storage: &Storage, group: &Group, base: &str) -> Vec<Column> {
    let Some((rows, electrodes)) = table::region(storage, group, base, "electrodes") else {
        return Vec::new();
    };
    let object = format!("{base}/electrodes");
    let n_rows = electrodes.dataset("id").map_or(0, |set| set.size());
    if rows.iter().any(|&row| row >= n_rows) {
        return Vec::new();
    }
    table::column_names(&electrodes)
        .iter()
        .filter_map(|name| table::read_column(storage, &electrodes, &object, name, n_rows).ok())
        .filter(|column| matches!(column.values, ColumnValues::Number(_) | ColumnValues::Text(_)))
        .map(|column| column.pick(&rows))
        .collect()
}
