//! The data of a model's study, as they were fitted, row by row.

use super::Run;
use crate::check::{PlainFeature, Rows};
use crate::cli::args::DataArgs;
use crate::cli::data::Data;
use crate::cli::mask;
use crate::cli::row_terms::is_file;
use crate::design::FeatureColumns;
use crate::features::{Piece, Request, Signals};
use crate::read::nwb;
use crate::regularizer::Regularizer;
use crate::time::IntervalSet;
use crate::write::model::Study;
use crate::{Error, Result};

/// A choice of data, with everything that is not typed as in the fit: rows, responses, weights and offset.
pub(in crate::cli) fn as_fitted(choice: &DataArgs, study: &Study, names: &[String]) -> DataArgs {
    let mut choice = choice.clone();
    let terms = study.row_terms();
    choice.weights = choice.weights.or(terms.weights);
    choice.offset = choice.offset.or(terms.offset);
    match study {
        Study::Recording(study) => {
            if choice.epochs.is_empty() {
                choice.epochs.clone_from(&study.selectors);
                choice.epoch = choice.epoch.or(study.epoch);
            }
            if choice.unit.is_empty() {
                choice.unit = names.to_vec();
                choice.detect_spikes = choice.detect_spikes.or_else(|| study.detect_spikes.clone());
            }
        }
        // what is in the file is found without, a file of its own is not
        Study::Arrays(study) => choice.y = choice.y.or_else(|| Some(study.y.clone()).filter(|y| is_file(y))),
        Study::Nemos => {}
    }
    choice
}

/// Where the columns of features come from.
pub(in crate::cli) enum Plain {
    /// They were given.
    Given,
    /// They are made of signals, one entry per feature.
    Features(Vec<PlainFeature>),
}

impl Plain {
    /// Reads the signals of a study of a recording.
    pub(in crate::cli) fn read(study: &Study, choice: &DataArgs, run: &Run) -> Result<Self> {
        let Study::Recording(study) = study else { return Ok(Self::Given) };
        let file = match run.limit_bytes {
            Some(limit_bytes) => nwb::open_with_limit(&choice.data, limit_bytes)?,
            None => nwb::open(&choice.data)?,
        };
        let request = Request {
            epochs: choice.epochs.clone(),
            epoch: choice.epoch,
            except: IntervalSet::empty(),
            units: choice.unit.clone(),
            detect_spikes: choice.detect_spikes.clone(),
            bin_s: study.bin_s,
            features: study.features.clone(),
            memory_limit_bytes: run.limit_bytes,
        };
        let Signals { grid, features, channels } =
            Signals::read(&file, request, &mut |step| run.progress.step(step))?;
        let pairs = features.iter().zip(channels);
        let plain = pairs.map(|(feature, channels)| PlainFeature::new(feature, &grid, channels));
        plain.collect::<Result<_>>().map(Self::Features)
    }
}

/// The columns that a target sees, and how they stand among those of the model.
pub(in crate::cli) struct OwnColumns {
    pub(in crate::cli) pieces: Vec<Piece>,
    pub(in crate::cli) labels: Vec<String>,
    /// Which columns of the model they are.
    keep: Vec<bool>,
    /// What there is of each feature.
    pub(in crate::cli) features: Vec<[usize; 2]>,
}

impl OwnColumns {
    /// Those of some pieces that are not `unseen`, in a model with these columns and features.
    ///
    /// # Errors
    /// [`Error::Object`] if they are not columns of the model, in its order.
    pub(in crate::cli) fn new(
        (pieces, unseen): (&[Piece], &[String]),
        (of_model, features): (&[String], &[FeatureColumns]),
        data: &Data,
    ) -> Result<Self> {
        let all = pieces.iter().flat_map(|piece| &piece.labels);
        let may: Vec<bool> = all.map(|label| !unseen.contains(label)).collect();
        let pieces = if unseen.is_empty() { pieces.to_vec() } else { mask::pieces(pieces, &may) };
        let labels: Vec<String> = pieces.iter().flat_map(|piece| piece.labels.clone()).collect();
        let keep: Vec<bool> = of_model.iter().map(|label| labels.contains(label)).collect();
        let kept = of_model.iter().zip(&keep).filter(|(_, keep)| **keep).map(|(label, _)| label);
        if !kept.eq(&labels) {
            let problem = "expected the columns of the model in its order, found others".to_string();
            let help = format!("the model has: {}", of_model.join(", "));
            return Err(Error::object(&data.input.path, "features", problem, help));
        }
        let before = |column: usize| keep[..column].iter().filter(|keep| **keep).count();
        let features = features.iter().map(|own| own.columns.map(before)).collect();
        Ok(Self { pieces, labels, keep, features })
    }

    /// What a list with one entry per column of the model has for them.
    pub(in crate::cli) fn of(&self, values: &[f64]) -> Vec<f64> {
        values.iter().zip(&self.keep).filter(|(_, keep)| **keep).map(|(value, _)| *value).collect()
    }

    /// The same with `n` entries per column.
    pub(in crate::cli) fn of_rows(&self, values: &[f64], n: usize) -> Vec<f64> {
        let rows = values.chunks(n).zip(&self.keep).filter(|(_, keep)| **keep);
        rows.flat_map(|(row, _)| row.iter().copied()).collect()
    }

    /// The penalty of a target of the model on them. Its strength may be that of the first target, where a cross-validation chose
    /// one for each: those of the two are `strengths`.
    ///
    /// # Errors
    /// As [`Regularizer::of_columns`].
    pub(in crate::cli) fn regularizer(
        &self,
        of_model: &Regularizer,
        strengths: [Option<f64>; 2],
        features: &[FeatureColumns],
    ) -> Result<Regularizer> {
        let own = match strengths {
            [Some(own), Some(first)] if own != first => of_model.times(own / first),
            _ => of_model.clone(),
        };
        if self.keep.iter().all(|keep| *keep) {
            return Ok(own);
        }
        let features: Vec<[usize; 2]> = features.iter().map(|own| own.columns).collect();
        own.of_columns(&self.keep, &features)
    }
}

/// The used rows of some columns.
pub(in crate::cli) struct PartRows<'a> {
    pub(in crate::cli) plain: &'a Plain,
    pub(in crate::cli) data: &'a Data,
    pub(in crate::cli) pieces: &'a [Piece],
    pub(in crate::cli) used: &'a [usize],
}

impl Rows for PartRows<'_> {
    fn n_rows(&self) -> usize {
        self.used.len()
    }

    fn n_columns(&self) -> usize {
        self.pieces.iter().map(|piece| piece.labels.len()).sum()
    }

    fn write(&self, row: usize, out: &mut [f64]) -> Result<()> {
        let (bin, mut first) = (self.used[row], 0);
        for piece in self.pieces {
            let own = &mut out[first..first + piece.labels.len()];
            first += piece.labels.len();
            match self.plain {
                Plain::Given => {
                    let x = &self.data.blocks[piece.block].x;
                    own.iter_mut()
                        .zip(piece.columns.clone())
                        .for_each(|(out, column)| *out = x.get(bin, column));
                }
                Plain::Features(features) => {
                    let feature = &features[piece.block];
                    let n = feature.n_functions();
                    for (channel, own) in (piece.columns.start / n..).zip(own.chunks_mut(n)) {
                        feature.write(bin, channel, own)?;
                    }
                }
            }
        }
        Ok(())
    }
}
