//! Penalties as `NeMoS` has them: a strength for each coefficient, groups as masks of coefficients.

use crate::design::FeatureColumns;
use crate::read::nemos::NemosRegularizer;
use crate::read::npz_entries::Entry;
use crate::regularizer::{Groups, Regularizer, Strength};

/// The coefficients of a model: columns, targets and, of classifiers, classes.
pub(super) struct Outputs<'f> {
    pub(super) features: &'f [FeatureColumns],
    pub(super) n_columns: usize,
    pub(super) n_targets: usize,
    /// 0 of models of numbers.
    pub(super) n_classes: usize,
}

impl Outputs<'_> {
    /// Linear predictors.
    fn n_all(&self) -> usize {
        self.n_targets * self.n_classes.max(1)
    }

    /// The shape of the coefficients: one target has no axis, nor have numbers an axis of classes.
    fn shape(&self) -> Vec<usize> {
        let of_targets = Some(self.n_targets).filter(|n| *n > 1);
        let of_classes = Some(self.n_classes).filter(|n| *n > 0);
        std::iter::once(self.n_columns).chain(of_targets).chain(of_classes).collect()
    }

    /// The penalty; `UnRegularized` for those that `NeMoS` has not.
    pub(super) fn regularizer(&self, regularizer: &Regularizer) -> NemosRegularizer {
        // NeMoS wants one strength for each coefficient, so those of a population for each of its targets
        let of_columns = |strength: &Strength| match strength {
            Strength::All(strength) => Entry::from(*strength),
            Strength::Each(each) => {
                let of_outputs = each.iter().flat_map(|&own| std::iter::repeat_n(own, self.n_all()));
                Entry::numbers_of(self.shape(), of_outputs)
            }
        };
        match regularizer {
            Regularizer::None | Regularizer::Smooth { .. } => NemosRegularizer::UnRegularized,
            Regularizer::Ridge { strength } => NemosRegularizer::Ridge { strength: of_columns(strength) },
            Regularizer::Lasso { strength } => NemosRegularizer::Lasso { strength: of_columns(strength) },
            Regularizer::ElasticNet { strength, ratio } => {
                NemosRegularizer::ElasticNet { strength: of_columns(strength), ratio: Entry::from(*ratio) }
            }
            Regularizer::GroupLasso { strength, groups } => self.group_lasso(strength, groups),
        }
    }

    /// The groups of each target are groups of their own: targets share no penalty. The classes of a target share theirs.
    fn group_lasso(&self, strength: &Strength, groups: &Groups) -> NemosRegularizer {
        let (n_columns, n_targets, n_all) = (self.n_columns, self.n_targets, self.n_all());
        let features: Vec<[usize; 2]> = self.features.iter().map(|feature| feature.columns).collect();
        let groups = groups.of(&features);
        let mut mask = vec![0.0; groups.len() * n_targets * n_columns * n_all];
        let n_own = n_all / n_targets;
        for (group, columns) in groups.iter().enumerate() {
            for target in 0..n_targets {
                for column in columns {
                    let first = ((group * n_targets + target) * n_columns + column) * n_all + target * n_own;
                    mask[first..first + n_own].fill(1.0);
                }
            }
        }
        let n_groups = groups.len() * n_targets;
        let strength = match strength {
            Strength::All(strength) => Entry::from(*strength),
            Strength::Each(each) => {
                let of_targets = each.iter().flat_map(|&own| std::iter::repeat_n(own, n_targets));
                Entry::numbers_of([n_groups], of_targets)
            }
        };
        let shape: Vec<usize> = std::iter::once(n_groups).chain(self.shape()).collect();
        NemosRegularizer::GroupLasso { strength, mask: Some(Entry::numbers_of(shape, mask)) }
    }
}
