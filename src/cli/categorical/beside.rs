//! Models of classes beside one another.

use std::path::Path;

use super::super::args::{DataArgs, NanPolicy};
use super::super::comparable::{Agreement, Comparable, Observed, OnBins};
use super::super::data::Data;
use super::super::progress::Progress;
use super::applied::{Applied, Probabilities, probabilities};
use super::labels::{Labels, only_labelled};
use super::scored::{ClassScores, of_classes};
use crate::glm::Scores;
use crate::observation::Label;
use crate::write::categorical::CategoricalFile;
use crate::write::model::Study;
use crate::{Error, Result};

impl Agreement for ClassScores {
    fn scores(&self) -> &Scores {
        &self.scores
    }

    fn accuracy(&self) -> Option<f64> {
        Some(self.confusion.accuracy)
    }
}

impl Comparable for CategoricalFile {
    type Response = Labels;
    type Prediction = Probabilities;
    type Scores = ClassScores;
    const COUNTS: bool = false;

    fn load(path: &Path) -> Result<Self> {
        Self::load(path)
    }

    fn study(&self) -> &Study {
        &self.study
    }

    fn apply(
        &self,
        choice: &DataArgs,
        limit_bytes: Option<u64>,
        progress: &Progress,
    ) -> Result<OnBins<Self>> {
        let (applied, _) = Applied::labelled(self.clone(), choice, limit_bytes, progress)?;
        Ok(OnBins::new(&applied.data, applied.fitted, applied.probabilities))
    }

    fn response(data: &mut Data, nan: NanPolicy) -> Result<Labels> {
        only_labelled(data, &Labels::Numbers, nan)?;
        Ok(Labels::Numbers)
    }

    fn check_rival(&self, fitted: &[usize], of: &Observed<Self>) -> Result<()> {
        for (target, &theirs) in fitted.iter().enumerate() {
            let (own, theirs) = (of.response.of(of.data, target), &self.fit.targets[theirs].classes);
            if own.classes() != theirs {
                let words = |classes: &[Label]| {
                    let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
                    format!("the classes {}", classes.join(", "))
                };
                let expected = format!("{} of {}, as the fit has", words(own.classes()), own.name);
                let help = "compare models that were fitted to the same labels";
                return Err(Error::argument("model", expected, words(theirs), help));
            }
        }
        Ok(())
    }

    fn check_held_out(fitted: &Observed<Self>, held_out: &Observed<Self>) -> Result<()> {
        let help = "fit epochs in which every label occurs, or test on others";
        for target in 0..held_out.data.names.len() {
            let known = fitted.response.of(fitted.data, target);
            of_classes(held_out.response, held_out.data, target, (known.classes(), help))?;
        }
        Ok(())
    }

    fn predict(&self, data: &Data) -> Result<Vec<Probabilities>> {
        probabilities(&self.fit, &(0..data.names.len()).collect::<Vec<_>>(), data)
    }

    fn scores(
        &self,
        fitted: usize,
        of: &Observed<Self>,
        target: usize,
        bins: &[usize],
        prediction: &Probabilities,
    ) -> Result<ClassScores> {
        let classes = &self.fit.targets[fitted].classes;
        let response = of.response.of(of.data, target).of_classes(classes, bins)?;
        Ok(ClassScores::new(&response, prediction, bins))
    }

    fn notices(&self, _: &Data, _: &[Probabilities]) -> Vec<String> {
        Vec::new()
    }
}
