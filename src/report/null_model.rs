//! What the model predicts that others are compared with: no feature, but what bins have beside features.

use super::Report;

impl Report<'_> {
    /// What the null model of the scores does, from its verb on.
    pub(super) fn null_model(&self) -> String {
        let rows = self.rows(2);
        let [responses, mean] = match (self.is_of_classes(), self.has_events()) {
            (true, _) => ["labels", "frequencies of the classes in"],
            (false, true) => ["counts", "mean count of"],
            (false, false) => ["responses", "mean response of"],
        };
        if !self.fit.has_offset {
            let weighted = if self.is_weighted() { "weighted " } else { "" };
            return format!("predicts the {weighted}{mean} the same {rows}");
        }
        let constant = if self.is_of_classes() {
            "the constants of the classes beside it that make"
        } else {
            "the constant beside it that makes"
        };
        let weighted = if self.is_weighted() { ", which count by their weights" } else { "" };
        format!(
            "predicts from the offset and {constant} the {responses} of the same {rows} most likely{weighted}"
        )
    }

    /// Whether bins have weights.
    pub(super) fn is_weighted(&self) -> bool {
        self.fit.targets.iter().any(|target| target.total_weight.is_some())
    }
}
