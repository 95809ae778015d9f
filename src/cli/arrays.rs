//! Arrays instead of a recording: npz, npy, csv and HDF5 files as one kind of data.
//!
//! Each format has one reader ([`super::array_columns`]), which returns named columns; what follows knows no formats.

use std::path::Path;
use std::time::Instant;

use ndarray::Array2;

use super::args::{DataArgs, NanPolicy};
use super::array_columns::{self, Arrays, Columns};
use super::data::{Block, Data, Part, Reading, Targets};
use super::left_out::{self, weightless};
use super::row_terms::RowTerms;
use crate::features::{Group, Piece};
use crate::observation::ObservationModel;
use crate::read::h5::is_recording;
use crate::write::digest::digest_file;
use crate::write::model::Input;
use crate::{Error, Result};

/// A format of arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Npz,
    Npy,
    Csv,
    Hdf5,
}

impl Format {
    /// The format of a file, by its ending; `None` for a recording.
    pub(super) fn of(args: &DataArgs) -> Option<Self> {
        let format = Self::of_path(&args.data)?;
        // a recording may be called .h5, too
        let is_array = args.x.is_some() || args.y.is_some();
        let is_of_recording = || !args.epochs.is_empty() || !args.unit.is_empty() || is_recording(&args.data);
        if format == Self::Hdf5 && !is_array && is_of_recording() { None } else { Some(format) }
    }

    /// The format that the ending of a file means.
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "npz" => Some(Self::Npz),
            "npy" => Some(Self::Npy),
            "csv" | "tsv" => Some(Self::Csv),
            "h5" | "hdf5" => Some(Self::Hdf5),
            _ => None,
        }
    }

    /// The name of the features in the file, for files that hold several arrays.
    pub(super) fn feature_name(self, args: &DataArgs) -> Option<String> {
        match self {
            Self::Npz => Some(args.x.clone().unwrap_or_else(|| "X".into())),
            Self::Hdf5 => args.x.clone(),
            Self::Npy | Self::Csv => None,
        }
    }

    fn read(self, args: &DataArgs, with_counts: bool, limit_bytes: u64) -> Result<Arrays> {
        match self {
            Self::Npz => array_columns::npz(args, with_counts, limit_bytes),
            Self::Npy => array_columns::npy(args, with_counts, limit_bytes),
            Self::Csv => array_columns::csv(args, with_counts, limit_bytes),
            Self::Hdf5 => array_columns::hdf5(args, with_counts, limit_bytes),
        }
    }
}

/// Reads arrays. Without counts the targets are those named, and their counts NaN.
pub(super) fn arrays(
    format: Format,
    args: &DataArgs,
    targets: &Targets,
    limit_bytes: Option<u64>,
) -> Result<Data> {
    let started = Instant::now();
    refuse_choices_of_recordings(args)?;
    let with_counts = *targets == Targets::Counted;
    if let Some(y) = args.y.as_ref().filter(|_| !with_counts) {
        let help = "leave it out: a prediction needs the features only";
        return Err(Error::argument("--y", "no counts", format!("{y:?}"), help));
    }
    let arrays = format.read(args, with_counts, limit_bytes.unwrap_or(u64::MAX))?;
    arrays.refuse_lengths()?;
    let Arrays { x, y, lines, mut notices } = arrays;
    let (n_rows, _) = x.values.dim();
    let (names, response) = match (&y, targets) {
        (Some(y), _) => (y.names.clone(), y.origin.clone()),
        (None, Targets::Named(names)) => (names.clone(), String::new()),
        (None, Targets::Counted) => (Vec::new(), String::new()),
    };
    let row_terms = RowTerms::of_arrays(format, args, n_rows, &lines, limit_bytes.unwrap_or(u64::MAX))?;
    let mut shares = used_rows(&x, y.as_ref(), names.len(), &lines, args.nan)?;
    let (mut n_dropped, mut n_weightless, mut left_out) = (0, 0, Vec::new());
    let mut of_features = vec![true; n_rows];
    x.values.strike_non_finite(&mut of_features);
    let n_bad = of_features.iter().filter(|is_finite| !**is_finite).count();
    let worst = if n_bad > 0 { least_finite(&x) } else { String::new() };
    if 2 * n_bad > n_rows {
        notices.push(format!("{n_bad} of {n_rows} rows are left out because a feature is not finite{worst}"));
    }
    for (_, used) in &mut shares {
        let n_unknown = n_rows - used.len();
        let [unknown, weightless] = row_terms.strike(used, args.nan, &lines)?;
        let of_data = [(left_out::FEATURE, n_bad), (left_out::RESPONSE, n_unknown - n_bad)];
        left_out::note(&mut left_out, of_data);
        left_out::note(&mut left_out, [(left_out::TERM, unknown), (left_out::WEIGHT, weightless)]);
        (n_dropped, n_weightless) = (n_dropped.max(n_unknown + unknown), n_weightless.max(weightless));
    }
    if let Some((targets, _)) = shares.iter().find(|(_, used)| used.is_empty()) {
        let of = match targets.first() {
            Some(&target) if shares.len() > 1 => format!(" for {:?}", names[target]),
            _ => String::new(),
        };
        let problem = format!(
            "of {n_rows} rows, {n_dropped} have data that are not finite{}, so none is left{of}{worst}",
            weightless(n_weightless)
        );
        let help = "check how the arrays were made".into();
        return Err(Error::Empty { what: args.data.display().to_string(), problem, help });
    }
    let name = format.feature_name(args).unwrap_or_else(|| "X".into());
    let piece = Piece { block: 0, columns: 0..x.names.len(), labels: x.names.clone() };
    let part = |(targets, used)| Part { group: Group { targets, pieces: vec![piece.clone()] }, used };
    let parts = shares.into_iter().map(part).collect();
    let read_s = started.elapsed().as_secs_f64();
    Ok(Data {
        observation: ObservationModel::default(),
        input: Input { path: args.data.clone(), sha256: digest_file(&args.data)? },
        centres_s: Vec::new(),
        epochs_s: Vec::new(),
        spike_times_s: Vec::new(),
        bin_s: f64::NAN,
        y: y.map_or_else(|| Array2::from_elem((n_rows, names.len()), f64::NAN).into(), |y| y.values.into()),
        names,
        classes: Vec::new(),
        blocks: vec![Block { name, labels: x.names.clone(), x: x.values.into() }],
        parts,
        row_terms,
        features: Vec::new(),
        labels: vec![x.names],
        response,
        lines,
        n_edge: 0,
        n_dropped,
        n_weightless,
        left_out,
        notices,
        seconds: Reading { read: read_s, features: 0.0 },
    })
}

/// The column with the most numbers that are not finite, as a part of a sentence.
fn least_finite(x: &Columns) -> String {
    let (n_rows, n_columns) = x.values.dim();
    let count = |j: usize| (0..n_rows).filter(|&i| !x.values.get(i, j).is_finite()).count();
    let counts = (0..n_columns).map(|j| (count(j), j)).rev();
    let most = counts.max_by_key(|(n, _)| *n);
    most.map_or_else(String::new, |(n, j)| format!("; most are in column {:?}, in {n} rows", x.names[j]))
}

/// Refuses names of arrays for a recording.
pub(super) fn refuse_names_of_arrays(args: &DataArgs) -> Result<()> {
    for (name, value) in [("x", &args.x), ("y", &args.y)] {
        if let Some(value) = value {
            let help = "leave it out: the counts come from --unit, the features from --feature";
            return Err(Error::argument(
                format!("--{name}"),
                "arrays",
                format!("{value:?} for an NWB file"),
                help,
            ));
        }
    }
    Ok(())
}

fn refuse_choices_of_recordings(args: &DataArgs) -> Result<()> {
    for (option, given) in [
        ("--epochs", !args.epochs.is_empty()),
        ("--epoch", args.epoch.is_some()),
        ("--unit", !args.unit.is_empty()),
        ("--detect-spikes", args.detect_spikes.is_some()),
    ] {
        if given {
            let found = args.data.display().to_string();
            return Err(Error::argument(option, "an NWB file", found, "leave it out for arrays"));
        }
    }
    Ok(())
}

impl Arrays {
    fn refuse_lengths(&self) -> Result<()> {
        let Some(y) = &self.y else { return Ok(()) };
        let (expected, found) = (self.x.values.dim().0, y.values.dim().0);
        let turned = |own: &Columns, object: &str, other: &Columns| {
            let ((n_rows, n_columns), n_bins) = (own.values.dim(), other.values.dim().0);
            (n_rows != n_bins && n_columns == n_bins).then(|| Error::Object {
                path: own.origin.clone().into(),
                object: object.into(),
                problem: format!(
                    "expected {n_bins} rows, as {} has, found {n_rows} rows of {n_columns}",
                    other.origin
                ),
                help: "they look transposed: save their transpose, one row per bin".into(),
            })
        };
        if let Some(error) = turned(&self.x, "features", y).or_else(|| turned(y, "counts", &self.x)) {
            return Err(error);
        }
        if found != expected {
            let what = format!("{}: rows, as the features have", y.origin);
            return Err(Error::Length { what, expected, found });
        }
        if y.values.dim().1 == 0 {
            let problem = "there is no column, so there is nothing to fit".into();
            let help = "give one column of counts per target".into();
            return Err(Error::Empty { what: y.origin.clone(), problem, help });
        }
        Ok(())
    }
}

/// Targets that use the same rows, and these: rows whose features are finite, and the target's own response, so that a gap in
/// one target's leaves the others as they are. With `--nan error` there must be no other rows.
fn used_rows(
    x: &Columns,
    y: Option<&Columns>,
    n_targets: usize,
    lines: &[usize],
    nan: NanPolicy,
) -> Result<Vec<(Vec<usize>, Vec<usize>)>> {
    let n_rows = x.values.dim().0;
    let both = || [Some(x), y].into_iter().flatten();
    let mut of_features = vec![true; n_rows];
    x.values.strike_non_finite(&mut of_features);
    let mut of_all = of_features.clone();
    if let Some(y) = y {
        y.values.strike_non_finite(&mut of_all);
    }
    let has_gaps = of_all != of_features;
    let mut shares: Vec<(Vec<usize>, Vec<bool>)> = Vec::new();
    for target in 0..n_targets {
        let mut own = of_features.clone();
        if let Some(y) = y.filter(|_| has_gaps) {
            own.iter_mut().enumerate().for_each(|(row, own)| *own &= y.values.get(row, target).is_finite());
        }
        match shares.iter_mut().find(|(_, other)| *other == own) {
            Some((targets, _)) => targets.push(target),
            None => shares.push((vec![target], own)),
        }
    }
    if shares.is_empty() {
        shares.push((Vec::new(), of_features));
    }
    if nan == NanPolicy::Error {
        let first_bad = (0..n_rows).find(|&row| shares.iter().any(|(_, own)| !own[row]));
        if let Some(error) = first_bad.and_then(|row| both().find_map(|columns| columns.bad(row, lines))) {
            return Err(error);
        }
    }
    let rows = |own: Vec<bool>| (0..n_rows).filter(|&row| own[row]).collect();
    Ok(shares.into_iter().map(|(targets, own)| (targets, rows(own))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_mean_formats() {
        for (path, format) in [
            ("a.csv", Some(Format::Csv)),
            ("a.CSV", Some(Format::Csv)),
            ("a.hdf5", Some(Format::Hdf5)),
            ("a.npz", Some(Format::Npz)),
            ("a.nwb", None),
            ("csv", None),
        ] {
            assert_eq!(Format::of_path(Path::new(path)), format, "{path}");
        }
    }
}
