//! Which columns which targets may use: a table of 0 and 1.
//!
//! ```csv
//! feature,3,7,12
//! stimulus,1,1,1
//! units[3],0,1,1
//! ```
//!
//! The first column names features (all of their columns), channels of features with a basis, or columns of features without; the
//! header names targets. What the table does
//! not name may be used. A coefficient that may not be used is 0 and takes no part in the fit: targets with different rows
//! of the table are fitted to designs of their own.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord};

use super::data::{Data, Part};
use crate::features::{Group, Piece};
use crate::glm::alike;
use crate::read::regular;
use crate::{Error, Result};

/// A table, as it was read.
struct Mask {
    /// Targets in the header, by their numbers.
    targets: Vec<usize>,
    /// For each row the columns that it is about, by their labels, and whether each target may use them.
    rows: Vec<(Vec<String>, Vec<bool>)>,
}

/// Leaves out of every part of the data the columns that its targets may not use.
///
/// # Errors
/// [`Error::Io`] and [`Error::Object`] for a file that cannot be read or holds anything but 0 and 1, [`Error::Unknown`] for
/// features and targets that are not there, [`Error::Argument`] for a target without a column.
pub(super) fn apply(path: &Path, data: &mut Data) -> Result<()> {
    let mask = Mask::read(path, data)?;
    let mut parts = Vec::new();
    for part in &data.parts {
        let mut rows = Vec::with_capacity(part.group.targets.len());
        for &target in &part.group.targets {
            let may = mask.of_target(target, &part.group.pieces);
            check_channels(path, data, &part.group.pieces, &may)?;
            if !may.contains(&true) {
                return Err(Error::argument(
                    format!("--mask {}", path.display()),
                    "at least one column for every target",
                    format!("none for {:?}", data.names[target]),
                    "write a 1 into its column, or leave the target out",
                ));
            }
            rows.push(may);
        }
        for (may, members) in alike(rows) {
            let targets = members.into_iter().map(|k| part.group.targets[k]).collect();
            let group = Group { targets, pieces: pieces(&part.group.pieces, &may) };
            parts.push(Part { group, used: part.used.clone() });
        }
    }
    // in the order of their first targets, as parts are
    parts.sort_by_key(|part| part.group.targets[0]);
    data.parts = parts;
    Ok(())
}

/// The functions of a basis stand and fall together: penalties, filters and their errors are those of whole channels.
fn check_channels(path: &Path, data: &Data, pieces: &[Piece], may: &[bool]) -> Result<()> {
    let mut first = 0;
    for piece in pieces {
        let own =
            data.features.get(piece.block).and_then(|feature| feature.spec.n_functions(data.bin_s).ok());
        let columns = &may[first..first + piece.labels.len()];
        for (k, channel) in columns.chunks(own.unwrap_or(1).max(1)).enumerate() {
            if channel.iter().any(|own| own != &channel[0]) {
                let label = &piece.labels[k * channel.len()];
                return Err(Error::argument(
                    format!("--mask {}", path.display()),
                    "whole features, or whole channels of a basis",
                    format!("a part of the functions beside {label}"),
                    "name the feature or the channel, as in units[3], not one of its functions",
                ));
            }
        }
        first += piece.labels.len();
    }
    Ok(())
}

/// The runs of columns that may be used.
pub(super) fn pieces(all: &[Piece], may: &[bool]) -> Vec<Piece> {
    let mut left: Vec<Piece> = Vec::new();
    let mut number = 0;
    for piece in all {
        let mut last = None;
        for (k, label) in piece.labels.iter().enumerate() {
            let column = piece.columns.start + k;
            if may[number] {
                match left.last_mut().filter(|_| last == Some(k)) {
                    Some(run) => {
                        run.columns.end += 1;
                        run.labels.push(label.clone());
                    }
                    None => left.push(Piece {
                        block: piece.block,
                        columns: column..column + 1,
                        labels: vec![label.clone()],
                    }),
                }
                last = Some(k + 1);
            }
            number += 1;
        }
    }
    left
}

impl Mask {
    fn read(path: &Path, data: &Data) -> Result<Self> {
        const HELP: &str =
            "write a table with a row for each feature, a column for each target, and 0 or 1 in each cell";
        let unreadable = |error: csv::Error| {
            let told = format!("cannot be read: {error}");
            match error.into_kind() {
                csv::ErrorKind::Io(error) => Error::io(path, error),
                _ => Error::object(path, "table", told, HELP),
            }
        };
        let unknown = |kind: &'static str, name: &str, row: usize, present: Vec<String>| Error::Unknown {
            kind,
            name: name.into(),
            place: format!("{}, row {row}", path.display()),
            present,
        };
        let bytes = regular::bytes(path, "a csv file", HELP, regular::MOST_TABLE_BYTES)?;
        let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
        let header = reader.headers().map_err(unreadable)?.clone();
        let target = |name: &str| {
            let place = data.names.iter().position(|own| own == name);
            place.ok_or_else(|| unknown("target", name, 1, data.names.clone()))
        };
        let targets = header.iter().skip(1).map(target).collect::<Result<Vec<usize>>>()?;
        let mut rows = Vec::new();
        for (k, record) in reader.records().enumerate() {
            let record: StringRecord = record.map_err(unreadable)?;
            let name = record.get(0).unwrap_or_default();
            let columns = columns_of(name, data).ok_or_else(|| {
                let features = data.blocks.iter().map(|block| block.name.clone());
                unknown(
                    "feature",
                    name,
                    k + 2,
                    features.chain(data.labels.iter().flatten().cloned()).collect(),
                )
            })?;
            let cell = |cell: &str| match cell {
                "0" => Ok(false),
                "1" => Ok(true),
                other => {
                    let problem = format!("expected 0 or 1, found {other:?}");
                    Err(Error::object(path, format!("row {}, feature {name:?}", k + 2), problem, HELP))
                }
            };
            rows.push((columns, record.iter().skip(1).map(cell).collect::<Result<Vec<bool>>>()?));
        }
        if targets.is_empty() || rows.is_empty() {
            let problem = format!(
                "expected targets in its header and rows of features, found {} and {}",
                targets.len(),
                rows.len()
            );
            return Err(Error::object(path, "table", problem, HELP));
        }
        Ok(Self { targets, rows })
    }

    /// Whether a target may use each of the columns of these pieces.
    fn of_target(&self, target: usize, pieces: &[Piece]) -> Vec<bool> {
        let place = self.targets.iter().position(|own| *own == target);
        let may = |label: &String| {
            let own = self.rows.iter().filter(|(columns, _)| columns.contains(label));
            own.filter_map(|(_, may)| may.get(place?).copied()).all(|may| may)
        };
        pieces.iter().flat_map(|piece| &piece.labels).map(may).collect()
    }
}

/// The columns of a feature or a channel, or the one of this label.
fn columns_of(name: &str, data: &Data) -> Option<Vec<String>> {
    if let Some(k) = data.blocks.iter().position(|block| block.name == name) {
        return Some(data.labels[k].clone());
    }
    // `units[3]` for `units[3].1`, `units[3].2` and so on
    let is_of_channel = |label: &&String| {
        let rest = label.strip_prefix(name).and_then(|rest| rest.strip_prefix('.'));
        label.as_str() == name || rest.is_some_and(|rest| rest.bytes().all(|digit| digit.is_ascii_digit()))
    };
    let own: Vec<String> = data.labels.iter().flatten().filter(is_of_channel).cloned().collect();
    (!own.is_empty()).then_some(own)
}
