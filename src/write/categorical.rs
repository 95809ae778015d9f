//! Model files of responses that are one of several classes: the whole study beside the fit.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::model::{
    HDF5_SIGNATURE, Head, SCHEMA, Study, ZIP_SIGNATURE, first_bytes, model_bytes, unfit, unreadable, wrong,
};
use super::nemos::classes_of_nemos;
use crate::Result;
use crate::glm::FittedCategorical;
use crate::observation::{CATEGORICAL, LOG_SOFTMAX, Label};
use crate::read::nemos::{is_nemos_classifier, read_nemos};
use crate::solver::Status;

/// A model of classes as it is stored, or as a file of `NeMoS` has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CategoricalFile {
    /// Layout of this file.
    pub schema: u32,
    /// Version of rheobase that wrote it.
    pub version: String,
    /// `categorical`, which tells it from other models.
    pub observation: String,
    /// `log-softmax`.
    pub link: String,
    /// What was fitted to what.
    pub study: Study,
    /// The fit.
    pub fit: FittedCategorical,
}

const HELP: &str = "give the model.json that `rheobase fit --observation categorical --out` wrote, whole";

impl CategoricalFile {
    /// A model of this version.
    pub fn new(study: Study, fit: FittedCategorical) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            observation: CATEGORICAL.into(),
            link: LOG_SOFTMAX.into(),
            study,
            fit,
        }
    }

    /// Whether a file is one; false for one that cannot be read, about which whoever reads it says more.
    pub fn is_one(path: &Path) -> bool {
        // other files may be large
        let Ok(first) = first_bytes(path, HELP) else { return false };
        if first.starts_with(ZIP_SIGNATURE) {
            return is_nemos_classifier(path);
        }
        let may_be = first.starts_with(b"{") || first == HDF5_SIGNATURE;
        let Ok(bytes) = (if may_be { model_bytes(path) } else { Ok(Vec::new()) }) else { return false };
        serde_json::from_slice::<Head>(&bytes)
            .is_ok_and(|head| head.observation.as_deref() == Some(CATEGORICAL))
    }

    /// Reads one, the one in a copy of a recording ([`crate::write::nwb::write_copy`]), or a classifier of `NeMoS`
    /// ([`crate::read::nemos`]).
    ///
    /// # Errors
    /// [`crate::Error::Io`] if it cannot be read; [`crate::Error::Format`] for what is no such file, has another schema or link, and for a fit
    /// that was changed: classes that are not different or not sorted, numbers, features or a penalty that do not fit columns and classes, or numbers
    /// that are not finite; [`crate::Error::Object`] for an entry of a model of `NeMoS`.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = model_bytes(path)?;
        if bytes.starts_with(ZIP_SIGNATURE) {
            return Ok(Self::new(Study::Nemos, classes_of_nemos(path, &read_nemos(path)?)?));
        }
        let head = Head::read(path, &bytes)?;
        if head.observation.as_deref() != Some(CATEGORICAL) || head.study.is_none() {
            // other kinds name their observation within the fit
            let is_model = head.observation.is_none() && head.study.is_some();
            let found =
                if is_model { "a model of one mean (another --observation)" } else { "another result" };
            return Err(wrong(path, "a model file of classes", found.into(), HELP));
        }
        let file: Self = serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error))?;
        if file.link != LOG_SOFTMAX {
            return Err(wrong(path, &format!("the link {LOG_SOFTMAX}"), format!("{:?}", file.link), HELP));
        }
        match file.changed() {
            None => Ok(file),
            Some((expected, found)) => {
                Err(wrong(path, &expected, found, "fit again: this file was changed after it was written"))
            }
        }
    }

    /// What a fit has that no fit can have: what is expected, and what is found.
    fn changed(&self) -> Option<(String, String)> {
        let n_columns = self.fit.labels.len();
        if self.fit.targets.is_empty() {
            return Some(("a model of at least one target".into(), "none".into()));
        }
        let of_targets = self.fit.targets.iter().filter_map(|own| Some((&own.name, own.apart.as_ref()?)));
        let wrong = unfit(n_columns, &self.fit.features, &self.fit.regularizer, of_targets);
        if wrong.is_some() {
            return wrong;
        }
        self.fit.targets.iter().find_map(|target| {
            let (name, n_classes) = (&target.name, target.classes.len());
            let are_ordered =
                target.classes.is_sorted_by(|a, b| a < b) && target.classes.iter().all(Label::is_one);
            if n_classes < 2 || !are_ordered {
                let found: Vec<String> = target.classes.iter().map(ToString::to_string).collect();
                let expected = format!("two or more different classes of {name}, ascending");
                return Some((expected, format!("({})", found.join(", "))));
            }
            let n = n_columns * n_classes;
            for (what, values, n) in [
                ("coefficients", &target.coef, n),
                ("standard errors", &target.standard_errors, n),
                ("intercepts", &target.intercept, n_classes),
                ("standard errors of intercepts", &target.intercept_standard_error, n_classes),
            ] {
                if values.len() != n {
                    return Some((format!("{n} {what} of {name}"), values.len().to_string()));
                }
            }
            let numbers = || target.coef.iter().chain(&target.intercept);
            // a fit that failed may have any numbers, and says so
            let bad = numbers().find(|number| !number.is_finite());
            let bad = bad.filter(|_| target.status != Status::Failed)?;
            Some((format!("finite coefficients of {name}"), bad.to_string()))
        })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use serde_json::{Value, json};

    use super::*;
    use crate::backend::Cpu;
    use crate::design::{DesignPlan, Source};
    use crate::glm::{CategoricalSpec, GlmSpec, Labelled};

    #[test]
    fn changed_files_are_refused() {
        let x = array![[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]];
        let labels = [0, 1, 0, 2, 1, 2].map(|label| Some(Label::from(label)));
        let source = Source { name: "x".into(), labels: vec!["x".into()], x: x.view().into() };
        let plan = DesignPlan::new(vec![source], 0..6).unwrap();
        let spec = CategoricalSpec::new(GlmSpec::default()).unwrap();
        let response = [Labelled::learn("y", labels)];
        let fit = spec.fit(&Cpu::<f64>::default(), &plan, &response, &mut |_| {}).unwrap();
        let whole = json!(CategoricalFile::new(Study::Nemos, fit));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        let load = |file: &Value| {
            std::fs::write(&path, file.to_string()).unwrap();
            CategoricalFile::load(&path).map_err(|error| error.to_string())
        };
        assert!(load(&whole).is_ok());
        let mut whole = whole;
        whole["fit"]["targets"][0]["apart"] = Value::Null;
        assert!(load(&whole).is_ok());
        let outside = json!({ "group-lasso": { "strength": 0.1, "groups": { "columns": [[0], [7]] } } });
        for (place, value, said) in [
            ("/link", json!("logit"), "log-softmax"),
            ("/schema", json!(99), "schema 99"),
            ("/observation", json!("poisson"), "another result"),
            ("/fit/targets", json!([]), "at least one target"),
            ("/fit/targets/0/classes", json!([0, 2, 1]), "ascending"),
            ("/fit/targets/0/classes", json!([0, 1, 1]), "different classes"),
            ("/fit/targets/0/classes", json!([0]), "two or more"),
            ("/fit/targets/0/coef", json!([0.0]), "3 coefficients of y"),
            ("/fit/targets/0/intercept", json!([0.0, 0.0]), "3 intercepts of y"),
            ("/fit/targets/0/intercept_standard_error", json!([]), "3 standard errors of intercepts"),
            ("/fit/targets/0/coef/0", json!("NaN"), "finite coefficients of y"),
            ("/fit/features/0/columns", json!([0, 2]), "columns of x within the 1 labels"),
            ("/fit/features/0/columns", json!([1, 0]), "columns of x within the 1 labels"),
            ("/fit/regularizer", json!({ "ridge": { "strength": [0.1, 0.2] } }), "a penalty on 1 columns"),
            ("/fit/targets/0/apart", json!({ "unseen": [], "regularizer": outside }), "a penalty of y"),
        ] {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = value;
            let error = load(&changed).unwrap_err();
            assert!(error.contains(said), "{place}: {error}");
        }
    }
}
