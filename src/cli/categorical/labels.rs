//! Labels of bins: numbers of arrays and recordings, numbers or texts of csv columns.

use super::super::args::{DataArgs, NanPolicy};
use super::super::array_columns::{column_list, feature_columns, find};
use super::super::arrays::{Format, arrays};
use super::super::data::{Data, Part, Targets};
use super::super::left_out;
use crate::glm::Labelled;
use crate::observation::Label;
use crate::read::csv::CsvFile;
use crate::{Error, Result};

/// Whole numbers from here are rounded in `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Labels of every bin, one list per target; of responses that are numbers, these.
pub(in super::super) enum Labels {
    Numbers,
    Cells(Vec<Vec<Option<Label>>>),
}

impl Labels {
    fn of_bin(&self, data: &Data, target: usize, bin: usize) -> Option<Label> {
        match self {
            Self::Numbers => Some(data.y.get(bin, target)).filter(|y| y.is_finite()).map(Label::from),
            Self::Cells(cells) => cells[target][bin].clone(),
        }
    }

    /// The labels of a target in all bins, empty where there is none.
    pub(super) fn texts(&self, data: &Data, target: usize) -> Vec<String> {
        let text =
            |bin: usize| self.of_bin(data, target, bin).map_or(String::new(), |label| label.to_string());
        (0..data.n_bins()).map(text).collect()
    }

    /// The labels of a target in the bins that it uses.
    pub(super) fn of(&self, data: &Data, target: usize) -> Labelled {
        let mut used = data.used(target).iter().copied().peekable();
        let label = |bin: usize| used.next_if_eq(&bin).and_then(|bin| self.of_bin(data, target, bin));
        Labelled::learn(data.names[target].clone(), (0..data.n_bins()).map(label))
    }
}

/// What the labels of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers if those of all used rows are, else texts.
    Learnt,
    /// Numbers: a cell that is none is a text, which no model of numbers knows.
    Numbers,
    Texts,
}

/// The number of a cell; none for a whole one that would be rounded, so that no two labels become one.
fn number(cell: &str) -> Option<Label> {
    if let Ok(whole) = cell.parse::<i64>() {
        return Some(whole.into());
    }
    let number = cell.parse::<f64>().ok().filter(|number| number.is_finite())?;
    (number.fract() != 0.0 || number.abs() < EXACT).then(|| number.into())
}

/// Columns of a csv file as labels. An empty cell, `NA` and `NaN` are no label. Rows that are not used do not tell numbers from
/// texts.
fn of_cells(cells: Vec<String>, used: &[usize], kind: Kind) -> Vec<Option<Label>> {
    let is_missing =
        |cell: &String| cell.is_empty() || ["na", "nan"].contains(&cell.to_ascii_lowercase().as_str());
    let is_fine = |cell: &String| is_missing(cell) || number(cell).is_some();
    let are_numbers = match kind {
        Kind::Learnt => used.iter().all(|&row| cells.get(row).is_none_or(is_fine)),
        Kind::Numbers => true,
        Kind::Texts => false,
    };
    let label = |cell: String| {
        if is_missing(&cell) {
            return None;
        }
        let as_number = if are_numbers { number(&cell) } else { None };
        Some(as_number.unwrap_or(Label::Text(cell)))
    };
    cells.into_iter().map(label).collect()
}

/// The labels of all columns of a csv file.
fn of_all(data: &Data, cells: Vec<Vec<String>>, kinds: &[Kind]) -> Labels {
    let of_column =
        |(target, (cells, &kind)): (usize, (Vec<String>, &Kind))| of_cells(cells, data.used(target), kind);
    Labels::Cells(cells.into_iter().zip(kinds).enumerate().map(of_column).collect())
}

/// Features and labels of a csv file, whose label columns may hold texts.
pub(super) fn of_csv(args: &DataArgs, limit_bytes: Option<u64>) -> Result<(Data, Labels)> {
    let limit = limit_bytes.unwrap_or(u64::MAX);
    let Some(y) = &args.y else {
        let help = "give the columns of the labels: --y COL or --y COL,COL";
        return Err(Error::argument("--y", "the column that holds the labels", "nothing", help));
    };
    let file = CsvFile::open(&args.data, limit)?;
    let columns = find(&file, &args.data, "--y", y)?;
    let x = args.x.as_ref().map(|x| find(&file, &args.data, "--x", x)).transpose()?;
    let x = feature_columns(&file, args, x, &columns)?;
    if let Some(both) = x.iter().find(|column| columns.contains(column)) {
        let found = format!("{:?} in both", file.names()[*both]);
        let help = "leave it out of one of them: labels that explain themselves say nothing";
        return Err(Error::argument("--x", "other columns than --y", found, help));
    }
    let names = |columns: &[usize]| -> Vec<String> {
        columns.iter().map(|&column| file.names()[column].clone()).collect()
    };
    let choice = DataArgs { x: Some(column_list(&names(&x))), y: None, ..args.clone() };
    let mut data = arrays(Format::Csv, &choice, &Targets::Named(names(&columns)), limit_bytes)?;
    data.response = args.data.display().to_string();
    let labels = of_all(&data, file.read_texts(&columns, limit)?, &vec![Kind::Learnt; columns.len()]);
    only_labelled(&mut data, &labels, args.nan)?;
    Ok((data, labels))
}

/// The labels of columns of a csv file whose features were read already; `kinds` says what those of each
/// target are.
pub(super) fn of_columns(
    data: &mut Data,
    args: &DataArgs,
    y: &str,
    kinds: &[Kind],
    limit_bytes: Option<u64>,
) -> Result<Labels> {
    let limit = limit_bytes.unwrap_or(u64::MAX);
    let file = CsvFile::open(&args.data, limit)?;
    let columns = find(&file, &args.data, "--y", y)?;
    if columns.len() != kinds.len() {
        let expected = format!("as many columns as the model has targets ({})", kinds.len());
        return Err(Error::argument("--y", expected, y, "name them in the order of the model"));
    }
    let labels = of_all(data, file.read_texts(&columns, limit)?, kinds);
    data.response = args.data.display().to_string();
    only_labelled(data, &labels, args.nan)?;
    Ok(labels)
}

/// Gives every target a part of its own with the bins that have a label.
pub(super) fn only_labelled(data: &mut Data, labels: &Labels, nan: NanPolicy) -> Result<()> {
    let (mut parts, mut reasons): (Vec<Part>, _) = (Vec::new(), data.left_out.clone());
    for target in 0..data.names.len() {
        let Some(part) = data.parts.iter().find(|part| part.group.targets.contains(&target)) else {
            continue;
        };
        if matches!(labels, Labels::Numbers) {
            refuse_rounded(data, target, &part.used)?;
        }
        let has_label = |&bin: &usize| labels.of_bin(data, target, bin).is_some();
        let used: Vec<usize> = part.used.iter().copied().filter(has_label).collect();
        if nan == NanPolicy::Error && used.len() < part.used.len() {
            let first = part.used.iter().copied().find(|bin| !has_label(bin)).unwrap_or(0);
            let problem = "expected a label, found none".to_string();
            let help = "give it one, or leave the row out with --nan drop";
            return Err(Error::object(&data.input.path, format!("row {}", data.row(first)), problem, help));
        }
        if used.is_empty() {
            return Err(Error::Empty {
                what: data.response_of(target),
                problem: "no used row has a label".into(),
                help: "check the column of the labels".into(),
            });
        }
        left_out::note(&mut reasons, [(left_out::LABEL, part.used.len() - used.len())]);
        let mut group = part.group.clone();
        group.targets = vec![target];
        parts.push(Part { group, used });
    }
    let others = data.n_edge + data.n_weightless;
    let lost = parts.iter().map(|part| data.n_bins().saturating_sub(others + part.used.len()));
    let lost = lost.max().unwrap_or(0);
    data.n_dropped = data.n_dropped.max(lost);
    (data.parts, data.left_out) = (parts, reasons);
    Ok(())
}

/// Refuses whole numbers of arrays that may have been others before they became `f64`.
fn refuse_rounded(data: &Data, target: usize, used: &[usize]) -> Result<()> {
    let is_rounded = |y: f64| y.is_finite() && y.fract() == 0.0 && y.abs() >= EXACT;
    match used.iter().copied().find(|&bin| is_rounded(data.y.get(bin, target))) {
        None => Ok(()),
        Some(bin) => {
            let object = format!("row {} of {}", data.row(bin), data.names[target]);
            let found = data.y.get(bin, target);
            let problem = format!("expected labels below 2^53, which are told apart, found {found}");
            let help = "number the classes from 0, or give the labels in a column of a csv file";
            Err(Error::object(&data.input.path, object, problem, help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(cells: &[&str], used: &[usize], kind: Kind) -> Vec<String> {
        let found = of_cells(cells.iter().map(ToString::to_string).collect(), used, kind);
        found.into_iter().map(|label| label.map_or("none".into(), |label| format!("{label:?}"))).collect()
    }

    #[test]
    fn cells_are_numbers_if_all_are() {
        let all = [0, 1, 2, 3];
        assert_eq!(
            labels(&["1", "2.0", "", "NA"], &all, Kind::Learnt),
            ["Integer(1)", "Integer(2)", "none", "none"]
        );
        let texts = ["Text(\"1\")", "Text(\"a\")"];
        assert_eq!(labels(&["1", "a"], &all[..2], Kind::Learnt), texts);
        assert_eq!(labels(&["1"], &all[..1], Kind::Texts), texts[..1]);
    }

    #[test]
    fn large_labels_stay_apart() {
        let large = ["9007199254740992", "9007199254740993"];
        let apart = large.map(|cell| format!("Integer({cell})"));
        assert_eq!(labels(&large, &[0, 1], Kind::Learnt), apart);
        // larger than any integer: as numbers both would be one
        let larger = ["18446744073709551614", "18446744073709551615"];
        let apart = larger.map(|cell| format!("Text({cell:?})"));
        assert_eq!(labels(&larger, &[0, 1], Kind::Learnt), apart);
        assert_eq!(labels(&larger, &[0, 1], Kind::Numbers), apart);
    }

    #[test]
    fn unused_rows_do_not_decide_what_labels_are() {
        let (cells, one) = (["1", "x"], "Integer(1)");
        assert_eq!(labels(&cells, &[0], Kind::Learnt)[0], one);
        assert_eq!(labels(&cells, &[0, 1], Kind::Numbers), [one, "Text(\"x\")"]);
    }
}
