//! What comes out where the reference's answer is known to be wrong.

use serde_json::{Value, json};

/// Quirks whose numbers are kept, because they follow from the definitions, and that come with a notice instead.
pub(crate) const KEPT: [(&str, &str); 2] = [
    ("tsgroup.new", "a one-spike unit outside the other spans loses its spike"),
    ("tsd.smooth", "sliced series has the wrong rate"),
];

/// The sane answer to a case.
pub(crate) fn sane(op: &str, name: &str) -> Option<Value> {
    Some(match (op, name) {
        // one bad row does not cost the others their metadata
        ("interval_set.new", "zero length dropped, metadata lost") => {
            json!({"start": [0.0, 7.0], "end": [1.0, 9.0], "metadata": {"a": [1, 3]}})
        }
        ("interval_set.new", "unsorted with metadata: metadata lost") => {
            json!({"start": [0.0, 10.0], "end": [5.0, 15.0], "metadata": {"a": [2, 1]}})
        }
        // pairs stay pairs: [10, 5] is reversed and dropped
        ("interval_set.new", "starts and ends are sorted independently") => {
            json!({"start": [0.0], "end": [11.0], "metadata": {}})
        }
        // the joined row has no value of its own; the column stays
        ("interval_set.from_table", "overlapping rows are joined, metadata lost") => {
            json!({"start": [0.0], "end": [8.0], "metadata": {"a": [""]}})
        }
        ("interval_set.split", "length equal to size gives nothing") => {
            json!({"start": [0.0], "end": [0.999_999], "metadata": {}})
        }
        ("ts.new", "single time has an empty support") => json!({"t": [1.0], "support": [], "rate": "NaN"}),
        // unsorted input is an error unless sorting is asked for
        ("ts.new", "sorted, duplicates kept") | ("tsd.new", "unsorted times: only the times are sorted") => {
            json!({"error": "Unsorted"})
        }
        ("tsgroup.new", "only one spike in total") => {
            json!({"units": {"0": [1.0]}, "support": [], "rates": ["NaN"], "metadata": {}})
        }
        // a run of one sample that touches both borders of its epoch gets 1 µs
        ("tsd.threshold", "last sample alone in the last epoch") => json!({
            "t": [1.0, 2.0, 5.0], "d": [3.0, 3.0, 3.0], "support": [[0.5, 2.0], [5.0, 5.000_001]],
            "rate": 3.0 / 1.500_001
        }),
        ("tsd.derivative", "epoch with one sample") => json!({
            "t": [0.0, 1.0, 2.0, 10.0], "d": [1.0, 2.0, 3.0, "NaN"], "support": [[0.0, 2.0], [10.0, 11.0]],
            "rate": 4.0 / 3.0
        }),
        // the NaN sample is left out: its bin holds 1 and 2
        ("tuning_curves", "continuous with NaN") => json!({
            "units": [0], "values": [[1.5, 4.5, 8.5, 13.0, 17.0]], "occupancy": [2.0, 2.0, 2.0, 2.0, 2.0],
            "fs": 10.0, "bin_edges": [[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]], "centres": [[1.0, 3.0, 5.0, 7.0, 9.0]]
        }),
        ("tuning_curves", "continuous, visited bin without data") => json!({
            "units": [0], "values": [[6.0, "NaN", "NaN", "NaN", "NaN"]], "occupancy": [2.0, 2.0, 2.0, 2.0, 2.0],
            "fs": 10.0, "bin_edges": [[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]], "centres": [[1.0, 3.0, 5.0, 7.0, 9.0]]
        }),
        // the lags that were asked for, not one more on each side
        ("event_triggered_average", "") => json!({
            "t": [-0.2, -0.1, 0.0, 0.1, 0.2], "d": [[2.0], [3.0], [4.0], [5.0], [6.0]], "columns": [0],
            "support": [[-0.2, 0.2]], "rate": 12.5
        }),
        _ => return None,
    })
}
