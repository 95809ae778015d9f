//! Cases about epochs.

use rheobase::time::{IntervalSet, Metadata, TimeUnit};
use serde_json::Value;

use crate::Case;
use crate::json;

/// The unit a case names.
pub(crate) fn unit(v: &Value) -> TimeUnit {
    match v.as_str() {
        None | Some("s") => TimeUnit::Seconds,
        Some("ms") => TimeUnit::Milliseconds,
        Some("us") => TimeUnit::Microseconds,
        Some(other) => panic!("unknown unit {other:?}"),
    }
}

/// Compares epochs exactly, metadata included.
pub(crate) fn same(case: &Case, found: &IntervalSet, out: &Value) {
    json::exact(&format!("{} start", case.title()), found.start(), &json::numbers(&out["start"]));
    json::exact(&format!("{} end", case.title()), found.end(), &json::numbers(&out["end"]));
    let expected = json::metadata(&out["metadata"]);
    assert_eq!(found.metadata(), &expected, "{} metadata", case.title());
}

pub(crate) fn run(case: &Case) {
    let (input, out) = (case.input, &case.out);
    let a = || json::epochs(&input["a"]);
    let b = || json::epochs(&input["b"]);
    let threshold = || json::number(&input["threshold"]);
    let found = match case.op {
        "interval_set.new" | "interval_set.from_table" => return construct(case),
        "interval_set.tot_length" => {
            return json::exact(&case.title(), &[a().tot_length()], &[json::number(out)]);
        }
        "interval_set.centers" => return json::exact(&case.title(), &a().centers(0.5), &json::numbers(out)),
        "interval_set.in_interval" => {
            let rows = a().in_interval(&json::numbers(&input["t"]));
            let rows: Vec<f64> = rows.into_iter().map(|row| row.map_or(f64::NAN, |row| row as f64)).collect();
            return json::exact(&case.title(), &rows, &json::numbers(out));
        }
        "interval_set.intersect" => a().intersect(&b()),
        "interval_set.union" => {
            // the reference reports a column as empty metadata; a union has none
            assert_eq!(a().union(&b()).metadata(), &Metadata::new());
            a().union(&b())
        }
        "interval_set.set_diff" => a().set_diff(&b()),
        "interval_set.split" => a().split(json::number(&input["size"])).expect("pieces"),
        "interval_set.drop_short" => a().drop_short(threshold()),
        "interval_set.drop_long" => a().drop_long(threshold()),
        "interval_set.merge_close" => a().merge_close(threshold()),
        "interval_set.time_span" => a().time_span(),
        "interval_set.select" => match input.get("mask") {
            Some(mask) => {
                let mask: Vec<bool> = mask.as_array().expect("mask").iter().map(|v| *v == true).collect();
                a().select_mask(&mask).expect("rows")
            }
            None => {
                let (column, value) = (input["column"].as_str(), input["equals"].as_str());
                a().select_where(column.expect("column"), value.expect("value")).expect("rows")
            }
        },
        other => panic!("unknown operation {other:?}"),
    };
    same(case, &found, out);
}

/// Construction: epochs, metadata and whether something was repaired.
fn construct(case: &Case) {
    let unit = unit(&case.input["units"]);
    let times = |key: &str| -> Vec<f64> {
        json::numbers(&case.input[key]).into_iter().map(|x| unit.seconds(x)).collect()
    };
    let made =
        IntervalSet::with_metadata(&times("start"), &times("end"), json::metadata(&case.input["metadata"]));
    if let Some((found, notices)) = case.expect(made) {
        same(case, &found, &case.out);
        assert_eq!(!notices.is_empty(), case.warned, "{}: {notices:?}", case.title());
    }
}
