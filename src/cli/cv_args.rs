//! Cross-validation of the strength of a penalty.

use clap::{Args, ValueEnum};

use super::data::{Data, Part};
use super::quantity;
use crate::design::Rows;
use crate::glm::{CrossValidation, Folds, Pick};
use crate::{Error, Result};

/// Folds without `--folds`.
const FOLDS: usize = 10;
/// What the bins of random folds are drawn by: the same command draws the same.
const SEED: u64 = 20_261_130;

/// One strength, or several to choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Strengths {
    /// As it was typed.
    text: String,
    values: Vec<f64>,
}

impl Strengths {
    /// A number, or `a:b:n`: n numbers from a to b with equal ratios.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (text, what) = (text.trim(), "strength");
        let wrong = || {
            let (expected, help) =
                ("a number, or a:b:n", "write it like 1e-3, or 1e-4:1:20 for twenty to choose from");
            Err(Error::argument(what, expected, format!("`{text}`"), help))
        };
        let parts: Vec<&str> = text.split(':').collect();
        let values = match parts.as_slice() {
            [one] => vec![quantity::number(what, one)?],
            [from, to, n] => {
                let [from, to] = [quantity::number(what, from)?, quantity::number(what, to)?];
                let Ok(n) = n.trim().parse::<usize>() else { return wrong() };
                if !(from > 0.0 && to > 0.0 && from < to && (2..=1000).contains(&n)) {
                    let (expected, help) = (
                        "two numbers above 0, the smaller one first, and 2 to 1000 of them",
                        "write it like 1e-4:1:20",
                    );
                    return Err(Error::argument(what, expected, format!("`{text}`"), help));
                }
                let ratio = (to / from).ln() / (n - 1) as f64;
                let inside = (1..n - 1).map(|k| from * (ratio * k as f64).exp());
                std::iter::once(from).chain(inside).chain([to]).collect()
            }
            _ => return wrong(),
        };
        Ok(Self { text: text.into(), values })
    }

    /// The strength, if it is one.
    pub(super) fn single(&self) -> Option<f64> {
        if let [one] = self.values.as_slice() { Some(*one) } else { None }
    }

    /// As it was typed.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The numbers.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }
}

/// How held-out bins are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Held {
    /// Bins at random
    Kfold,
    /// Stretches of neighbouring bins, which a time series needs
    Blocked,
}

/// Which strength is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The one with the best mean score
    #[default]
    Best,
    /// The largest within one standard error of the best
    OneSe,
}

/// Arguments of a cross-validation.
#[derive(Clone, Debug, Args)]
pub struct CvArgs {
    /// Choose the strength of each target (`--strength a:b:n`) by how well held-out bins are predicted
    #[arg(long, value_name = "HOW")]
    pub cv: Option<Held>,
    /// Folds of --cv: every bin is held out once [default: 10]
    #[arg(long, value_name = "K")]
    pub folds: Option<usize>,
    /// Of `--cv blocked`: leave bins out that are nearer than this to a held-out stretch; a time with its unit, or of an
    /// array a number of rows
    #[arg(long, value_name = "TIME")]
    pub gap: Option<String>,
    /// Of --cv: which strength is taken [default: best]
    #[arg(long, value_name = "WHICH")]
    pub pick: Option<Choice>,
}

impl CvArgs {
    /// Checks what can be without the data, beside these strengths.
    ///
    /// # Errors
    /// [`Error::Argument`] for several strengths without a way to choose, and for options of a cross-validation without one.
    pub(super) fn check(&self, strengths: Option<&Strengths>) -> Result<()> {
        let Some(held) = self.cv else {
            let given = [
                ("--folds", self.folds.is_some()),
                ("--gap", self.gap.is_some()),
                ("--pick", self.pick.is_some()),
            ];
            if let Some((option, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
                return Err(Error::argument(
                    option,
                    "a cross-validation",
                    "none",
                    "add --cv blocked, or leave it out",
                ));
            }
            return match strengths.filter(|own| own.single().is_none()) {
                Some(own) => Err(Error::argument(
                    "strength",
                    "one, or a way to choose",
                    own.text(),
                    "add --cv blocked, which takes the one that predicts held-out bins best",
                )),
                None => Ok(()),
            };
        };
        if strengths.is_none() {
            let help = "add --regularizer ridge --strength 1e-4:1:20";
            return Err(Error::argument("--cv", "a penalty and strengths to choose from", "none", help));
        }
        if let Some(one) = strengths.filter(|own| own.single().is_some()) {
            let help = "give a range, as in --strength 1e-4:1:20, or leave --cv out";
            return Err(Error::argument("strength", "several to choose from", one.text(), help));
        }
        if self.gap.is_some() && held == Held::Kfold {
            let help = "use --cv blocked, or leave it out";
            return Err(Error::argument("--gap", "stretches of held-out bins", "bins at random", help));
        }
        match self.folds {
            Some(n @ 0..=1) => Err(Error::argument("folds", "2 or more", n.to_string(), "use 5 or 10")),
            _ => Ok(()),
        }
    }

    /// What is tried on one part of the data; `None` without a cross-validation.
    ///
    /// # Errors
    /// [`Error::Argument`] for more folds than bins, and a gap that is no time or leaves nothing to fit.
    pub(super) fn of_part(
        &self,
        strengths: Option<&Strengths>,
        data: &Data,
        part: &Part,
    ) -> Result<Option<CrossValidation>> {
        let (Some(held), Some(strengths)) = (self.cv, strengths) else { return Ok(None) };
        let rows: Rows = part.used.iter().copied().collect();
        let n_folds = self.folds.unwrap_or(FOLDS);
        let folds = match held {
            Held::Kfold => Folds::shuffled(&rows, n_folds, SEED)?,
            Held::Blocked => Folds::blocked(&rows, n_folds, self.gap_bins(data)?)?,
        };
        let pick = match self.pick.unwrap_or_default() {
            Choice::Best => Pick::Best,
            Choice::OneSe => Pick::OneStandardError,
        };
        Ok(Some(CrossValidation { strengths: strengths.values().to_vec(), folds, pick }))
    }

    fn gap_bins(&self, data: &Data) -> Result<usize> {
        let Some(gap) = &self.gap else { return Ok(0) };
        if data.bin_s.is_finite() {
            return Ok((quantity::duration_s("gap", gap)? / data.bin_s).ceil() as usize);
        }
        gap.trim().parse().map_err(|_| {
            let help = "write it like --gap 20: an array has no bin width";
            Error::argument("gap", "a number of rows", format!("`{gap}`"), help)
        })
    }

    /// The options as they would be typed.
    pub(super) fn words(&self) -> Vec<(&'static str, String)> {
        let name = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
        let mut words = Vec::new();
        words.extend(self.cv.map(|held| ("--cv", name(&held))));
        words.extend(self.folds.map(|n| ("--folds", n.to_string())));
        words.extend(self.gap.as_ref().map(|gap| ("--gap", gap.clone())));
        words.extend(
            self.pick.map(|pick| ("--pick", if pick == Choice::Best { "best" } else { "one-se" }.into())),
        );
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strengths_are_one_or_a_path_with_equal_ratios() {
        assert_eq!(Strengths::parse("1e-3").unwrap().single(), Some(1e-3));
        let path = Strengths::parse("1e-4:1:5").unwrap();
        let values = path.values();
        assert_eq!((values[0], values[4], values.len(), path.single()), (1e-4, 1.0, 5, None));
        assert!(values.windows(2).all(|pair| (pair[1] / pair[0] - 10.0).abs() < 1e-9));
        for wrong in
            ["", "x", "1:2", "1:2:3:4", "1:1:3", "2:1:3", "0:1:3", "-1:1:3", "1:2:1", "1:2:x", "1:2:1001"]
        {
            assert!(Strengths::parse(wrong).is_err(), "{wrong}");
        }
    }
}
