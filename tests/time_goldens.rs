//! The 247 golden cases of the time layer, produced by pynapple 0.11.4 (`tests/generators/reference_pynapple.py`).
//!
//! Times, counts, indices and edges must agree exactly, averages and tuning curves to 1e-12 relative, smoothing and
//! convolution to 1e-12 of the largest input. Where the reference is known to be wrong (`quirk`), the sane answer
//! is written out in `sane`.

#[path = "common/json.rs"]
mod json;

#[path = "goldens/epoch_cases.rs"]
mod epoch_cases;
#[path = "goldens/sane.rs"]
mod sane;
#[path = "goldens/series_cases.rs"]
mod series_cases;
#[path = "goldens/tuning_cases.rs"]
mod tuning_cases;

use serde_json::Value;

/// One call of the reference.
pub(crate) struct Case<'a> {
    pub(crate) op: &'a str,
    pub(crate) name: &'a str,
    pub(crate) input: &'a Value,
    /// What must come out: the sane value where the reference has a quirk.
    pub(crate) out: Value,
    /// What the reference gave.
    pub(crate) reference: &'a Value,
    pub(crate) warned: bool,
}

impl Case<'_> {
    /// `op "name"`, for messages.
    pub(crate) fn title(&self) -> String {
        format!("{} {:?}", self.op, self.name)
    }

    /// The result where the case expects one; `None` where it expects an error and there is one.
    pub(crate) fn expect<T>(&self, result: rheobase::Result<T>) -> Option<T> {
        match (result, self.out.get("error")) {
            (Ok(value), None) => Some(value),
            (Err(_), Some(_)) => None,
            (Ok(_), Some(_)) => panic!("{}: expected an error", self.title()),
            (Err(error), None) => panic!("{}: {error}", self.title()),
        }
    }
}

/// Runs one case; whatever its number or shape, an unknown operation is a failure.
fn run(case: &Case) {
    match case.op.split('.').next().unwrap_or_default() {
        "interval_set" => epoch_cases::run(case),
        "ts" | "tsd" | "tsdframe" | "tsgroup" | "smooth" => series_cases::run(case),
        _ => tuning_cases::run(case),
    }
}

#[test]
fn all_cases_agree() {
    let file = json::load("reference_pynapple.json");
    let mut n_run = 0;
    let mut n_quirks = 0;
    for case in file["cases"].as_array().expect("cases") {
        let (op, name) = (case["op"].as_str().expect("op"), case["name"].as_str().expect("name"));
        let sane = sane::sane(op, name);
        if case.get("quirk").is_some() {
            let handled = sane.is_some() || sane::KEPT.contains(&(op, name));
            assert!(handled, "{op} {name:?} is marked as a quirk without a sane value");
            n_quirks += 1;
        }
        run(&Case {
            op,
            name,
            input: &case["in"],
            out: sane.unwrap_or_else(|| case["out"].clone()),
            reference: &case["out"],
            warned: case["warned"] == true,
        });
        n_run += 1;
    }
    assert_eq!((n_run, n_quirks), (247, 13));
}
