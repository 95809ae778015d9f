//! A model as `NeMoS` stores it.

use ndarray::Array2;

use super::{NemosClass, NemosLabels, NemosLink, NemosObservation};
use crate::read::npz_entries::Entry;

/// A fitted model.
#[derive(Clone, Debug)]
pub struct NemosModel {
    /// Its class, which decides the shapes.
    pub class: NemosClass,
    /// How responses scatter.
    pub observation: NemosObservation,
    /// From the linear predictor to the mean.
    pub link: NemosLink,
    /// The penalty it was fitted with.
    pub regularizer: NemosRegularizer,
    /// The solver, as `LBFGS[optax+optimistix]`.
    pub solver: String,
    /// Options of the solver by their names; none means its defaults.
    pub solver_options: Vec<(String, Entry)>,
    /// The labels of a classifier; none of other models.
    pub classes: NemosLabels,
    /// The coefficients: one array, or one for each key of a tree of features in the order of the keys.
    pub coef: Vec<NemosCoef>,
    /// One for each output, see [`NemosModel::n_outputs`].
    pub intercept: Vec<f64>,
    /// The scale of the observation model, one for each target: of a Gaussian one its variance.
    pub scale: Vec<f64>,
    /// Degrees of freedom of the residuals, one for each target.
    pub dof_resid: Vec<f64>,
    /// Which coefficients count, 1 or 0, shape (columns, outputs); all of them without it.
    pub feature_mask: Option<Array2<f64>>,
    /// Packages and their versions.
    pub versions: Vec<(String, String)>,
}

/// Coefficients of some columns.
#[derive(Clone, Debug, PartialEq)]
pub struct NemosCoef {
    /// Their key in a tree of features.
    pub key: Option<String>,
    /// The coefficients, shape (columns, outputs).
    pub values: Array2<f64>,
}

/// The penalty of a model. A strength is a number, or an array with one for each coefficient (of a group lasso for each group).
#[derive(Clone, Debug)]
pub enum NemosRegularizer {
    /// None.
    UnRegularized,
    /// `strength / 2` times the sum of squares.
    Ridge {
        /// Its strength.
        strength: Entry,
    },
    /// `strength` times the sum of magnitudes.
    Lasso {
        /// Its strength.
        strength: Entry,
    },
    /// Magnitudes and squares.
    ElasticNet {
        /// Its strength.
        strength: Entry,
        /// The part of the magnitudes.
        ratio: Entry,
    },
    /// Norms of groups.
    GroupLasso {
        /// Its strength.
        strength: Entry,
        /// Which coefficients are in which group, 1 or 0, shape (groups, columns) or (groups, columns, targets).
        mask: Option<Entry>,
    },
    /// A class of the user, known by its name only.
    Own {
        /// Its name.
        class: String,
    },
}

impl NemosModel {
    /// Names of the columns: `X[0]`, `X[1]`, .. of an array, `key[0]`, .. of a tree of features.
    pub fn labels(&self) -> Vec<String> {
        let of = |own: &NemosCoef| {
            let name = own.key.clone().unwrap_or_else(|| "X".into());
            (0..own.values.nrows()).map(move |column| format!("{name}[{column}]"))
        };
        self.coef.iter().flat_map(of).collect()
    }

    /// The coefficients of an output, those that do not count as 0.
    ///
    /// # Panics
    /// If there is no output of this number.
    pub fn coef_of(&self, output: usize) -> Vec<f64> {
        let all = self.coef.iter().flat_map(|own| own.values.column(output).to_vec());
        let counts =
            |column: usize| self.feature_mask.as_ref().is_none_or(|mask| mask[(column, output)] != 0.0);
        all.enumerate().map(|(column, coef)| if counts(column) { coef } else { 0.0 }).collect()
    }

    /// Number of targets.
    pub fn n_targets(&self) -> usize {
        self.n_outputs() / self.classes.n().max(1)
    }

    /// Number of linear predictors: one for each target, of a classifier one for each target and class, class after class.
    pub fn n_outputs(&self) -> usize {
        self.intercept.len()
    }
}
