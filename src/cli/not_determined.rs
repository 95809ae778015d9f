//! What the data of a fit do not determine, for people.

use std::fmt::Write;

use crate::design::FeatureColumns;
use crate::glm::Identifiability;

/// Most columns whose dependence is told.
const MOST_EQUATIONS: usize = 12;

/// Which columns repeat which; empty where all is determined.
pub(super) fn text(found: Option<&Identifiability>, features: &[FeatureColumns]) -> String {
    let Some(found) = found.filter(|found| !found.is_whole()) else {
        return String::new();
    };
    let mut text = format!("{}:\n", found.summary());
    for dependence in found.dependences.iter().take(MOST_EQUATIONS) {
        let _ = writeln!(text, "  {}", dependence.equation(features));
    }
    if found.dependences.len() > MOST_EQUATIONS {
        let _ =
            writeln!(text, "  and {} more: --json, or --out DIR", found.dependences.len() - MOST_EQUATIONS);
    }
    text
}
