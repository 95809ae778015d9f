//! Which targets see which columns.

use std::collections::BTreeSet;
use std::ops::Range;

use super::units::Units;
use super::{Columns, FeatureBlock, Signal, StudyFeature};

/// Targets that see the same columns.
#[derive(Clone, Debug)]
pub struct Group {
    /// Columns of the response.
    pub targets: Vec<usize>,
    /// The columns, in their order.
    pub pieces: Vec<Piece>,
}

/// A run of columns of one feature's block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The block.
    pub block: usize,
    /// Its columns.
    pub columns: Range<usize>,
    /// What they are called for these targets.
    pub labels: Vec<String>,
}

impl Group {
    /// Which bins can be used, the bins left out at edges, and those left out because a feature is not finite.
    pub fn used_bins(&self, blocks: &[FeatureBlock<Columns>], n_bins: usize) -> (Vec<usize>, usize, usize) {
        let mut is_finite = vec![true; n_bins];
        for piece in &self.pieces {
            blocks[piece.block].x.strike_unknown(&piece.columns, &mut is_finite);
        }
        let (mut used, mut n_edge) = (Vec::with_capacity(n_bins), 0);
        for (bin, is_finite) in is_finite.into_iter().enumerate() {
            if self.is_edge(blocks, bin) {
                n_edge += 1;
            } else if is_finite {
                used.push(bin);
            }
        }
        let n_dropped = n_bins - n_edge - used.len();
        (used, n_edge, n_dropped)
    }

    /// Whether a bin is left out by design.
    pub fn is_edge(&self, blocks: &[FeatureBlock<Columns>], bin: usize) -> bool {
        self.pieces.iter().any(|piece| blocks[piece.block].edge[bin])
    }

    /// The first column of a bin that is not finite: its number, name and value.
    pub fn first_bad(&self, blocks: &[FeatureBlock<Columns>], bin: usize) -> Option<(usize, &str, f64)> {
        let mut first = 0;
        for piece in &self.pieces {
            let x = &blocks[piece.block].x;
            if let Some(k) = (0..piece.labels.len()).find(|&k| x.is_unknown(bin, piece.columns.start + k)) {
                return Some((first + k, &piece.labels[k], x.get(bin, piece.columns.start + k)));
            }
            first += piece.labels.len();
        }
        None
    }
}

/// Which columns which targets see.
pub(super) fn groups(
    features: &[StudyFeature],
    blocks: &[FeatureBlock<Columns>],
    units: &Units,
) -> Vec<Group> {
    let own =
        |feature: &StudyFeature| matches!(feature.spec.units(), Some(Signal::Spikes | Signal::UnitsOthers));
    let columns: Vec<usize> = (0..units.targets.len()).collect();
    let shares: Vec<Vec<usize>> = if features.iter().any(own) {
        columns.into_iter().map(|target| vec![target]).collect()
    } else {
        vec![columns]
    };
    let group = |targets: Vec<usize>| {
        let first = targets[0];
        let pieces = (features.iter().zip(blocks).enumerate())
            .flat_map(|(k, (feature, block))| pieces(k, feature, block, units, first))
            .collect();
        Group { targets, pieces }
    };
    shares.into_iter().filter(|targets| !targets.is_empty()).map(group).collect()
}

/// The columns of one feature that one target sees.
fn pieces(
    k: usize,
    feature: &StudyFeature,
    block: &FeatureBlock<Columns>,
    units: &Units,
    target: usize,
) -> Vec<Piece> {
    let n_columns = block.labels.len();
    let piece =
        |columns: Range<usize>| Piece { block: k, labels: block.labels[columns.clone()].to_vec(), columns };
    match feature.spec.units() {
        Some(Signal::Spikes) => {
            let n = n_columns / units.targets.len().max(1);
            let mut own = piece(target * n..(target + 1) * n);
            // every target calls its own spikes by the same name
            let unit = &units.names[units.targets[target]];
            for (term, name) in feature.spec.terms().zip(feature.spec.term_names(&feature.name)) {
                if term.signal == Signal::Spikes {
                    let of_unit = format!("{name}[{unit}]");
                    own.labels.iter_mut().for_each(|label| *label = label.replacen(&of_unit, &name, 1));
                }
            }
            vec![own]
        }
        Some(Signal::UnitsOthers) => {
            let own = units.targets[target];
            let n = n_columns / units.names.len().max(1);
            let around = [0..own * n, (own + 1) * n..n_columns];
            around.into_iter().filter(|columns| !columns.is_empty()).map(piece).collect()
        }
        _ => vec![piece(0..n_columns)],
    }
}

/// Names of the columns of every feature that some target sees, in their order.
pub(super) fn all_labels(
    features: &[StudyFeature],
    blocks: &[FeatureBlock<Columns>],
    groups: &[Group],
) -> Vec<Vec<String>> {
    let of_feature =
        |(k, (feature, block)): (usize, (&StudyFeature, &FeatureBlock<Columns>))| -> Vec<String> {
            let mut seen =
                groups.iter().map(|group| group.pieces.iter().filter(move |piece| piece.block == k));
            if feature.spec.units() == Some(&Signal::Spikes) {
                return seen
                    .next()
                    .map_or(Vec::new(), |pieces| pieces.flat_map(|p| p.labels.clone()).collect());
            }
            let seen: BTreeSet<&String> = seen.flatten().flat_map(|piece| &piece.labels).collect();
            block.labels.iter().filter(|label| seen.contains(label)).cloned().collect()
        };
    features.iter().zip(blocks).enumerate().map(of_feature).collect()
}
