//! Labels of bins: numbers of arrays and recordings, numbers or texts of csv columns.

use super::super::args::{DataArgs, NanPolicy};
use super::super::array_columns::{column_list, find, others};
use super::super::arrays::{Format, arrays};
use super::super::data::{Data, Part, Targets};
use crate::glm::Labelled;
use crate::observation::Label;
use crate::read::csv::CsvFile;
use crate::{Error, Result};

/// Labels of every bin, one list per target; of responses that are numbers, these.
pub(super) enum Labels {
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

    /// The labels of a target in the bins that it uses.
    pub(super) fn of(&self, data: &Data, target: usize) -> Labelled {
        let mut used = data.used(target).iter().copied().peekable();
        let label = |bin: usize| used.next_if_eq(&bin).and_then(|bin| self.of_bin(data, target, bin));
        Labelled::learn(data.names[target].clone(), (0..data.n_bins()).map(label))
    }
}

/// Columns of a csv file as labels: numbers if all of them are, or if numbers are expected, else texts. An empty cell, `NA` and
/// `NaN` are no label.
fn of_cells(cells: Vec<String>, as_texts: bool) -> Vec<Option<Label>> {
    let is_missing =
        |cell: &String| cell.is_empty() || ["na", "nan"].contains(&cell.to_ascii_lowercase().as_str());
    let number = |cell: &String| cell.parse::<f64>().ok().filter(|number| number.is_finite());
    let are_numbers = !as_texts && cells.iter().all(|cell| is_missing(cell) || number(cell).is_some());
    let label = |cell: String| match (is_missing(&cell), number(&cell)) {
        (true, _) => None,
        (false, Some(number)) if are_numbers => Some(number.into()),
        (false, _) => Some(Label::Text(cell)),
    };
    cells.into_iter().map(label).collect()
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
    let x = match &args.x {
        Some(x) => find(&file, &args.data, "--x", x)?,
        None => others(&file, &args.data, &columns)?,
    };
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
    let cells = file.read_texts(&columns, limit)?.into_iter().map(|cells| of_cells(cells, false));
    let labels = Labels::Cells(cells.collect());
    only_labelled(&mut data, &labels, args.nan)?;
    Ok((data, labels))
}

/// The labels of columns of a csv file whose features were read already; `texts` says of which targets they are texts.
pub(super) fn of_columns(
    data: &mut Data,
    args: &DataArgs,
    y: &str,
    texts: &[bool],
    limit_bytes: Option<u64>,
) -> Result<Labels> {
    let limit = limit_bytes.unwrap_or(u64::MAX);
    let file = CsvFile::open(&args.data, limit)?;
    let columns = find(&file, &args.data, "--y", y)?;
    if columns.len() != texts.len() {
        let expected = format!("as many columns as the model has targets ({})", texts.len());
        return Err(Error::argument("--y", expected, y, "name them in the order of the model"));
    }
    let cells = file.read_texts(&columns, limit)?.into_iter().zip(texts);
    let labels = Labels::Cells(cells.map(|(cells, &as_texts)| of_cells(cells, as_texts)).collect());
    data.response = args.data.display().to_string();
    only_labelled(data, &labels, args.nan)?;
    Ok(labels)
}

/// Gives every target a part of its own with the bins that have a label.
pub(super) fn only_labelled(data: &mut Data, labels: &Labels, nan: NanPolicy) -> Result<()> {
    let mut parts: Vec<Part> = Vec::new();
    for target in 0..data.names.len() {
        let Some(part) = data.parts.iter().find(|part| part.group.targets.contains(&target)) else {
            continue;
        };
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
        let mut group = part.group.clone();
        group.targets = vec![target];
        parts.push(Part { group, used });
    }
    let lost = parts.iter().map(|part| data.n_bins() - data.n_edge - part.used.len()).max().unwrap_or(0);
    data.n_dropped = data.n_dropped.max(lost);
    data.parts = parts;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbers_if_all_are() {
        let labels = |cells: &[&str], as_texts| {
            let found = of_cells(cells.iter().map(ToString::to_string).collect(), as_texts);
            found.into_iter().map(|label| label.map(|label| format!("{label:?}"))).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_string());
        assert_eq!(
            labels(&["1", "2.0", "", "NA"], false),
            [some("Integer(1)"), some("Integer(2)"), None, None]
        );
        assert_eq!(labels(&["1", "a"], false), [some("Text(\"1\")"), some("Text(\"a\")")]);
        assert_eq!(labels(&["1"], true), [some("Text(\"1\")")]);
    }
}
