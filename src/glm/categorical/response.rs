//! The response: a label in every bin.

use std::collections::BTreeMap;

use crate::design::Rows;
use crate::math::dense::Matrix;
use crate::observation::Label;
use crate::{Error, Result};

/// Most classes of a fit: more are numbers that somebody took for labels.
pub(super) const MOST_CLASSES: usize = 256;
/// The number of a bin without a label.
const UNKNOWN: usize = usize::MAX;

/// Labels of the bins of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The target.
    pub name: String,
    /// The labels that occur, or may, ascending.
    classes: Vec<Label>,
    /// For each bin the number of its class.
    codes: Vec<usize>,
}

impl Labelled {
    /// Learns the classes from the labels of all bins; bins without one must not be used. NaN is
    /// no label.
    pub fn learn(name: impl Into<String>, labels: impl IntoIterator<Item = Option<Label>>) -> Self {
        let mut numbers: BTreeMap<Label, usize> = BTreeMap::new();
        let first_seen = |label: Option<Label>| {
            let next = numbers.len();
            label.filter(Label::is_one).map_or(UNKNOWN, |label| *numbers.entry(label).or_insert(next))
        };
        let mut codes: Vec<usize> = labels.into_iter().map(first_seen).collect();
        // from the order in which they were seen to their own
        let mut places = vec![0; numbers.len()];
        numbers.values().enumerate().for_each(|(place, &number)| places[number] = place);
        codes.iter_mut().filter(|code| **code != UNKNOWN).for_each(|code| *code = places[*code]);
        Self { name: name.into(), classes: numbers.into_keys().collect(), codes }
    }

    /// The same with the classes of a fit.
    ///
    /// # Errors
    /// [`Error::Unknown`] for a label in the bins `rows` that is none of them.
    pub fn of_classes(&self, classes: &[Label], rows: &[usize]) -> Result<Self> {
        let places: Vec<usize> = self
            .classes
            .iter()
            .map(|label| classes.iter().position(|own| own == label).unwrap_or(UNKNOWN))
            .collect();
        for &row in rows {
            if let Some(code) = self.code(row)
                && places[code] == UNKNOWN
            {
                return Err(Error::Unknown {
                    kind: "label",
                    name: self.classes[code].to_string(),
                    place: format!("the classes that the model was fitted to (row {row} of {})", self.name),
                    present: classes.iter().map(ToString::to_string).collect(),
                });
            }
        }
        let code = |&code: &usize| if code == UNKNOWN { UNKNOWN } else { places[code] };
        let codes = self.codes.iter().map(code).collect();
        Ok(Self { name: self.name.clone(), classes: classes.to_vec(), codes })
    }

    /// The classes, ascending.
    pub fn classes(&self) -> &[Label] {
        &self.classes
    }

    /// Bins.
    pub fn n_bins(&self) -> usize {
        self.codes.len()
    }

    /// The number of the class of a bin; `None` without a label.
    ///
    /// # Panics
    /// If there is no such bin.
    pub fn code(&self, bin: usize) -> Option<usize> {
        Some(self.codes[bin]).filter(|&code| code != UNKNOWN)
    }

    /// Checks that the used bins have labels, of every class one or more.
    ///
    /// # Errors
    /// [`Error::Argument`] for rows that are not there, [`Error::Empty`] for a used bin without a label, for fewer than two
    /// classes, and for a class that no used bin has; [`Error::Argument`] for more than 256 classes.
    pub(super) fn check(&self, rows: &Rows) -> Result<()> {
        if let Some(row) = rows.max().filter(|&row| row >= self.codes.len()) {
            let expected = format!("rows below {}", self.codes.len());
            return Err(Error::argument("used rows", expected, row.to_string(), "give rows of the response"));
        }
        let empty = |problem: String, help: &str| Error::Empty {
            what: format!("labels of {}", self.name),
            problem,
            help: help.into(),
        };
        let mut counts = vec![0; self.classes.len()];
        for row in rows.iter() {
            match self.code(row) {
                Some(code) => counts[code] += 1,
                None => {
                    let help = "leave out the rows without a label, or give them one";
                    return Err(empty(format!("row {row}, which is used, has none"), help));
                }
            }
        }
        if let Some(missing) = counts.iter().position(|&count| count == 0) {
            let problem =
                format!("no used row is of class {}: its probability would be 0", self.classes[missing]);
            return Err(empty(problem, "learn the classes from the rows that are used, or use more rows"));
        }
        match self.classes.as_slice() {
            many if many.len() > MOST_CLASSES => Err(Error::argument(
                format!("labels of {}", self.name),
                format!("at most {MOST_CLASSES} classes"),
                format!("{} (from {} to {})", many.len(), many[0], many[many.len() - 1]),
                "labels name classes: for counts or other numbers choose another observation model",
            )),
            [_, _, ..] => Ok(()),
            [only] => {
                let problem = format!("every used row is of class {only}, so there is nothing to tell apart");
                Err(empty(problem, "use rows of at least two classes"))
            }
            [] => Err(empty("there is no row".into(), "use rows of at least two classes")),
        }
    }

    /// The numbers of the classes as a response, shape (bins, 1), 0 in bins without a label.
    pub(super) fn numbers(&self) -> Matrix {
        Matrix::from_shape_fn((self.codes.len(), 1), |(bin, _)| self.code(bin).unwrap_or(0) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_learnt_in_order() {
        let labels = ["b", "a", "b"].map(|text| Some(Label::from(text)));
        let own = Labelled::learn("y", labels.into_iter().chain([None]));
        assert_eq!(own.classes(), [Label::from("a"), Label::from("b")]);
        assert_eq!((0..4).map(|bin| own.code(bin)).collect::<Vec<_>>(), [Some(1), Some(0), Some(1), None]);
        assert!(own.check(&(0..3).into()).is_ok());
        let numbers = Labelled::learn("y", [0.5, f64::NAN, 1.0].map(|number| Some(Label::from(number))));
        assert_eq!((numbers.classes().len(), numbers.code(1)), (2, None));
    }

    #[test]
    fn what_cannot_be_fitted_is_said() {
        let labels = [0, 1, 1, 2].map(|number| Some(Label::from(number)));
        let own = Labelled::learn("y", labels.iter().cloned().chain([None]));
        let message = |rows: Vec<usize>| own.check(&rows.into()).unwrap_err().to_string();
        assert!(message(vec![0, 4]).contains("row 4, which is used, has none"));
        assert!(message(vec![0, 1]).contains("no used row is of class 2"));
        assert!(message(vec![0, 9]).contains("rows below 5"));
        let numbers = Labelled::learn("y", (0..300).map(|k| Some(Label::from(f64::from(k) + 0.5))));
        let error = numbers.check(&(0..300).into()).unwrap_err();
        assert!(
            error.to_string().contains("300 (from 0.5 to 299.5)")
                && error.help().contains("observation model")
        );
        let one = Labelled::learn("y", labels[1..3].to_vec());
        assert!(one.check(&(0..2).into()).unwrap_err().to_string().contains("every used row is of class 1"));
        let error = own.of_classes(&[0.into(), 1.into()], &[0, 3]).unwrap_err().to_string();
        assert!(error.contains("label \"2\"") && error.contains("row 3"), "{error}");
        assert!(own.of_classes(&[0.into(), 1.into()], &[0, 1]).is_ok());
    }
}
