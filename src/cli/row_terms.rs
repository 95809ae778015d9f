//! `--weights` and `--offset`: one number per bin, from the data or from an npy file of its own. The offset of a model of classes has
//! a number for every bin and class.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{DataArgs, NanPolicy};
use super::array_columns::column_names;
use super::arrays::Format;
use super::feature;
use crate::features::{Columns, Dataset, Expansion, StudyFeature};
use crate::math::numbers::Numbers;
use crate::read::csv::CsvFile;
use crate::read::h5::read_h5;
use crate::read::npz::{read_npy, read_npz};
use crate::write::digest::digest_file;
use crate::write::model::{Input, RowTermNames};
use crate::{Error, Result};

/// What bins have beside response and features.
#[derive(Clone, Default)]
pub(super) struct RowTerms {
    /// What bins count for.
    pub(super) weights: Option<Arc<Vec<f64>>>,
    /// Parts of their linear predictors, bin after bin.
    pub(super) offset: Option<Arc<Vec<f64>>>,
    /// How many of them a bin has: 1, or one for each class.
    pub(super) n_offsets: usize,
    /// Where they are from.
    pub(super) names: RowTermNames,
}

/// Where one of them is.
enum Place {
    /// An npy file.
    File(PathBuf),
    /// A column, array, dataset or signal of the data.
    Name(String),
}

/// What leaves the weights of a model out.
pub(super) const NONE: &str = "none";
/// What each is called on the command line.
const OPTIONS: [&str; 2] = ["--weights", "--offset"];

impl Place {
    fn of(text: &str) -> Self {
        let is_file = Path::new(text).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"));
        if is_file { Self::File(text.into()) } else { Self::Name(text.into()) }
    }
}

/// Whether a text names an npy file, and nothing within the data.
pub(super) fn is_file(text: &str) -> bool {
    matches!(Place::of(text), Place::File(_))
}

impl DataArgs {
    fn row_terms(&self) -> [Option<&String>; 2] {
        [self.weights.as_ref(), self.offset.as_ref()]
    }

    /// The names of those that are in the data, whose columns are no features.
    pub(super) fn row_term_columns(&self) -> Result<Vec<String>> {
        let mut columns = Vec::new();
        for (option, text) in OPTIONS.into_iter().zip(self.row_terms()) {
            let Some((text, Place::Name(_))) = text.map(|text| (text, Place::of(text))) else { continue };
            columns.extend(self.columns_of(option, text)?);
        }
        Ok(columns)
    }

    /// The columns of a csv file that an option names.
    fn columns_of(&self, option: &str, text: &str) -> Result<Vec<String>> {
        if self.offset_of_classes && option == OPTIONS[1] {
            column_names(option, text)
        } else {
            Ok(vec![text.into()])
        }
    }

    /// Numbers that an option has for every bin, if more than one are good: those of classes.
    fn checked_numbers(&self, option: &str, text: &str, values: &Numbers, n_bins: usize) -> Result<Vec<f64>> {
        if self.offset_of_classes && option == OPTIONS[1] {
            return one_per_class(option, text, values, n_bins);
        }
        one_per_bin(option, text, values, n_bins)
    }

    /// Takes those that a model was fitted with, where others are not chosen; weights for scores alone.
    ///
    /// # Errors
    /// [`Error::Argument`] for an offset that the model's data had in a file of its own.
    pub(super) fn take_row_terms(&mut self, of_model: &RowTermNames, with_weights: bool) -> Result<()> {
        let is_named = |text: &&String| matches!(Place::of(text), Place::Name(_));
        match &self.weights {
            Some(weights) if weights == NONE => self.weights = None,
            None if with_weights => self.weights = of_model.weights.as_ref().filter(is_named).cloned(),
            _ => {}
        }
        match (&self.offset, &of_model.offset) {
            (None, Some(own)) if !is_named(&own) => Err(Error::argument(
                "--offset",
                "the offset of these data, since the model has one",
                format!("nothing (that of the model was in {own})"),
                if self.offset_of_classes {
                    "add --offset FILE.npy with one number per bin and class"
                } else {
                    "add --offset FILE.npy with one number per bin"
                },
            )),
            (None, own) => {
                self.offset.clone_from(own);
                Ok(())
            }
            (Some(given), None) => Err(Error::argument(
                "--offset",
                "a model that was fitted with an offset",
                format!("{given} for one without"),
                "leave it out",
            )),
            _ => Ok(()),
        }
    }

    /// For another model on these data: with its own offset, which may be in the same file, and without weights.
    pub(super) fn for_other(&self, of_model: &RowTermNames) -> Self {
        let offset = self
            .offset
            .clone()
            .filter(|own| matches!(Place::of(own), Place::File(_)) && of_model.offset.as_ref() == Some(own));
        Self { weights: Some(NONE.into()), offset, ..self.clone() }
    }

    /// Refuses files of one number per bin where other bins are read as well.
    ///
    /// # Errors
    /// [`Error::Argument`] if there is one.
    pub(super) fn refuse_row_term_files(&self, option: &str) -> Result<()> {
        for (name, text) in OPTIONS.into_iter().zip(self.row_terms()) {
            if let Some(Place::File(_)) = text.map(|text| Place::of(text)) {
                let found = format!("{} of the fitted ones", text.map_or("", |text| text));
                let help = format!(
                    "name a signal of the recording, or leave {option} out and use `rheobase score MODEL DATA --epochs TAG \
                     {name} FILE.npy`"
                );
                return Err(Error::argument(
                    name,
                    format!("a number for every bin of {option} too"),
                    found,
                    help,
                ));
            }
        }
        Ok(())
    }

    /// What a model file keeps of them: names, and digests of the files that they have for themselves, that of the response too.
    ///
    /// # Errors
    /// [`Error::Io`] if one of the files cannot be read.
    fn row_term_names(&self) -> Result<RowTermNames> {
        let of_response = self.y.as_ref().map(|y| Place::of(y));
        let beside = self.row_terms().into_iter().flatten().map(|text| Place::of(text)).chain(of_response);
        let mut files: Vec<Input> = Vec::new();
        for place in beside {
            if let Place::File(path) = place
                && path.is_file()
            {
                files.push(Input { sha256: digest_file(&path)?, path });
            }
        }
        Ok(RowTermNames { weights: self.weights.clone(), offset: self.offset.clone(), files })
    }
}

impl RowTerms {
    /// Those of arrays, one number per row.
    pub(super) fn of_arrays(
        format: Format,
        args: &DataArgs,
        n_rows: usize,
        lines: &[usize],
        limit_bytes: u64,
    ) -> Result<Self> {
        let read = |(option, text): (&str, Option<&String>)| -> Result<Option<Vec<f64>>> {
            let Some(text) = text else { return Ok(None) };
            let values = match (Place::of(text), format) {
                (Place::File(path), _) => read_npy(&path, limit_bytes)?.values,
                (Place::Name(name), Format::Npz) => read_npz(&args.data, &name, limit_bytes)?.values,
                (Place::Name(name), Format::Hdf5) => read_h5(&args.data, &name, limit_bytes)?,
                (Place::Name(name), Format::Csv) => {
                    let file = CsvFile::open(&args.data, limit_bytes)?;
                    let place = |name: String| {
                        let place = file.names().iter().position(|known| *known == name);
                        place.ok_or_else(|| Error::Unknown {
                            kind: "column",
                            name,
                            place: args.data.display().to_string(),
                            present: file.names().to_vec(),
                        })
                    };
                    let names = args.columns_of(option, &name)?;
                    let columns: Vec<usize> = names.into_iter().map(place).collect::<Result<_>>()?;
                    file.read(&columns, limit_bytes)?.values.into()
                }
                (Place::Name(name), Format::Npy) => {
                    let help = "save them as an npy file of their own";
                    return Err(Error::argument(option, "an npy file, FILE.npy", name, help));
                }
            };
            args.checked_numbers(option, text, &values, n_rows).map(Some)
        };
        Self::checked(
            OPTIONS.into_iter().zip(args.row_terms()).map(read),
            (args.row_term_names()?, n_rows),
            lines,
        )
    }

    /// The signals that a recording has them in, as features to read beside the others.
    ///
    /// # Errors
    /// [`Error::Argument`] for a signal with a basis, and spikes.
    pub(super) fn signals(args: &DataArgs) -> Result<Vec<StudyFeature>> {
        let mut signals = Vec::new();
        for (option, text) in OPTIONS.into_iter().zip(args.row_terms()) {
            let Some((text, Place::Name(_))) = text.map(|text| (text, Place::of(text))) else { continue };
            let spec = feature::parse(text)?;
            let is_plain = spec.times.is_empty() && matches!(spec.first.expansion, Expansion::Plain);
            if !is_plain || spec.units().is_some() {
                let help = "name a series of the recording, as NAME or NAME*SCALE, or give FILE.npy";
                return Err(Error::argument(option, "a signal without a basis", text.clone(), help));
            }
            let (name, ranges) = (option.into(), std::collections::BTreeMap::new());
            signals.push(StudyFeature { text: text.clone(), name, spec, ranges });
        }
        Ok(signals)
    }

    /// Those of a recording: of the signals, which are its last features and are taken out of it, and of files.
    pub(super) fn of_recording(args: &DataArgs, dataset: &mut Dataset, limit_bytes: u64) -> Result<Self> {
        let n_bins = dataset.grid.n_bins();
        let n_signals = Self::signals(args)?.len();
        let first = dataset.blocks.len() - n_signals;
        let mut blocks = dataset.blocks.split_off(first).into_iter();
        dataset.features.truncate(first);
        dataset.labels.truncate(first);
        for group in &mut dataset.groups {
            group.pieces.retain(|piece| piece.block < first);
        }
        let read = |(option, text): (&str, Option<&String>)| -> Result<Option<Vec<f64>>> {
            let Some(text) = text else { return Ok(None) };
            if let Place::File(path) = Place::of(text) {
                return args
                    .checked_numbers(option, text, &read_npy(&path, limit_bytes)?.values, n_bins)
                    .map(Some);
            }
            let Some(block) = blocks.next() else { return Ok(None) };
            let x: Columns = block.x;
            let n_columns = x.dim().1;
            if args.offset_of_classes && option == OPTIONS[1] {
                refuse_common(option, text, n_columns)?;
            } else if n_columns != 1 {
                let (found, help) =
                    (format!("{text} with {n_columns} columns"), "choose one of them: NAME[0]");
                return Err(Error::argument(option, "a signal of one column", found, help));
            }
            Ok(Some((0..n_bins * n_columns).map(|k| x.get(k / n_columns, k % n_columns)).collect()))
        };
        Self::checked(
            OPTIONS.into_iter().zip(args.row_terms()).map(read),
            (args.row_term_names()?, n_bins),
            &[],
        )
    }

    /// Refuses weights below 0.
    fn checked(
        mut found: impl Iterator<Item = Result<Option<Vec<f64>>>>,
        (names, n_bins): (RowTermNames, usize),
        lines: &[usize],
    ) -> Result<Self> {
        let mut next = || found.next().transpose().map(|values| values.flatten().map(Arc::new));
        let (weights, offset) = (next()?, next()?);
        if let Some(weights) = &weights
            && let Some(row) = weights.iter().position(|&weight| weight < 0.0)
        {
            let found = format!("{} in row {}", weights[row], lines.get(row).copied().unwrap_or(row));
            let help = "a bin that is not to count has the weight 0";
            return Err(Error::content("--weights", "weights of 0 or more", found, help));
        }
        let n_offsets = offset.as_ref().map_or(1, |offset| offset.len() / n_bins.max(1));
        Ok(Self { weights, offset, n_offsets, names })
    }

    /// Leaves bins out of those used that have a weight or offset that is not finite, or a weight of 0; how many of each.
    ///
    /// # Errors
    /// [`Error::NonFinite`] with the first of them if there must be none.
    pub(super) fn strike(
        &self,
        used: &mut Vec<usize>,
        nan: NanPolicy,
        lines: &[usize],
    ) -> Result<[usize; 2]> {
        let mut n_dropped = 0;
        for (option, values, n) in
            [(OPTIONS[0], &self.weights, 1), (OPTIONS[1], &self.offset, self.n_offsets)]
        {
            let Some(values) = values else { continue };
            let bad = |row: usize| (0..n).find(|column| !values[row * n + column].is_finite());
            if nan == NanPolicy::Error
                && let Some((row, column)) = used.iter().find_map(|&row| Some((row, bad(row)?)))
            {
                let (what, value) = (option.to_string(), values[row * n + column]);
                let row = lines.get(row).copied().unwrap_or(row);
                return Err(Error::NonFinite { what, row, column, value });
            }
            let before = used.len();
            used.retain(|&row| bad(row).is_none());
            n_dropped += before - used.len();
        }
        let before = used.len();
        if let Some(weights) = &self.weights {
            used.retain(|&row| weights[row] > 0.0);
        }
        Ok([n_dropped, before - used.len()])
    }

    /// Those of some bins: weights, then offsets, of which a bin has one.
    pub(super) fn of_bins(&self, bins: &[usize]) -> [Option<Vec<f64>>; 2] {
        [&self.weights, &self.offset]
            .map(|values| values.as_ref().map(|values| bins.iter().map(|&bin| values[bin]).collect()))
    }
}

/// The only column, if it has as many rows as there are bins.
fn one_per_bin(option: &str, text: &str, values: &Numbers, n_bins: usize) -> Result<Vec<f64>> {
    let (n_rows, n_columns) = values.dim();
    if n_columns != 1 || n_rows != n_bins {
        let expected = format!("one number for each of the {n_bins} bins");
        let found = format!("{text} with {n_rows} rows of {n_columns}");
        let help = "give as many numbers as the data have rows (bins of the epochs, in their order)";
        return Err(Error::content(option, expected, found, help));
    }
    Ok((0..n_rows).map(|row| values.get(row, 0)).collect())
}

/// A column for each class, with as many rows as there are bins, bin after bin.
fn one_per_class(option: &str, text: &str, values: &Numbers, n_bins: usize) -> Result<Vec<f64>> {
    let (n_rows, n_columns) = values.dim();
    refuse_common(option, text, n_columns)?;
    if n_rows != n_bins {
        let expected = format!("{n_bins} rows, one for each bin, with a column for each class");
        let found = format!("{text} with {n_rows} rows of {n_columns}");
        let help = "give as many rows as the data have (bins of the epochs, in their order)";
        return Err(Error::content(option, expected, found, help));
    }
    Ok((0..n_rows * n_columns).map(|k| values.get(k / n_columns, k % n_columns)).collect())
}

/// One number for all classes of a bin says nothing.
fn refuse_common(option: &str, text: &str, n_columns: usize) -> Result<()> {
    if n_columns > 1 {
        return Ok(());
    }
    let found = format!("{text} with {n_columns} column{}", if n_columns == 1 { "" } else { "s" });
    let help = "an offset that is common to all classes changes no probability: give a column for each class, in the order of the \
                classes (of a csv file a,b,c)";
    Err(Error::argument(option, "a column for each class", found, help))
}
