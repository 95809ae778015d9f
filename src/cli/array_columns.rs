//! Named columns out of every format of arrays.

use std::path::Path;

use ndarray::Axis;

use super::args::DataArgs;
use crate::math::numbers::Numbers;
use crate::read::csv::CsvFile;
use crate::read::h5::{n_dims, read_h5};
use crate::read::npz::{read_npy, read_npz};
use crate::{Error, Result};

/// Columns with their names.
pub(super) struct Columns {
    /// File and array, for messages.
    pub(super) origin: String,
    pub(super) names: Vec<String>,
    /// Shape (rows, columns).
    pub(super) values: Numbers,
}

/// What a file of arrays gives.
pub(super) struct Arrays {
    pub(super) x: Columns,
    /// Without it the counts are not wanted.
    pub(super) y: Option<Columns>,
    /// Line of the file that each row is on, from 1; empty for files that have no lines.
    pub(super) lines: Vec<usize>,
    pub(super) notices: Vec<String>,
}

impl Columns {
    /// A column of a row that is not finite, as an error.
    pub(super) fn bad(&self, row: usize, lines: &[usize]) -> Option<Error> {
        let value = |column: usize| self.values.get(row, column);
        let column = (0..self.names.len()).find(|&column| !value(column).is_finite())?;
        let value = value(column);
        let by_number = Error::NonFinite { what: self.origin.clone(), row, column, value };
        Some(match lines.get(row) {
            None => by_number,
            Some(line) => Error::object(
                Path::new(&self.origin),
                format!("row {line}, column {:?}", self.names[column]),
                format!("expected a finite number, found {value}"),
                by_number.help(),
            ),
        })
    }
}

/// `X[0]`, `X[1]`, ..
fn numbered(name: &str, n_columns: usize) -> Vec<String> {
    (0..n_columns).map(|column| format!("{name}[{column}]")).collect()
}

/// Features of an array that has no names for its columns.
fn features(origin: String, name: &str, values: Numbers) -> Columns {
    Columns { origin, names: numbered(name, values.dim().1), values }
}

/// Refuses a list where rows of columns are needed: nobody can tell one feature of many bins from many features of one.
fn refuse_list(path: &Path, name: &str, n_dims: usize) -> Result<()> {
    if n_dims == 2 {
        return Ok(());
    }
    let problem = "expected features with two dimensions (rows, columns), found one";
    let help = "save a single feature as a column, for example numpy.reshape(X, (-1, 1))";
    Err(Error::object(path, name, problem, help))
}

/// Counts of an array that has no names for its columns.
fn counts(origin: String, values: Numbers) -> Columns {
    let n_columns = values.dim().1;
    let names = if n_columns == 1 { vec!["y".to_string()] } else { numbered("y", n_columns) };
    Columns { origin, names, values }
}

/// Two arrays of an npz file.
pub(super) fn npz(args: &DataArgs, with_counts: bool, limit_bytes: u64) -> Result<Arrays> {
    let origin = |name: &str| format!("{}: {name}", args.data.display());
    let x = args.x.as_deref().unwrap_or("X");
    let y = args.y.as_deref().unwrap_or("y");
    let read =
        |option: &str, given: &Option<String>, name: &str| match read_npz(&args.data, name, limit_bytes) {
            Err(Error::Unknown { place, present, .. }) if given.is_none() => {
                let expected = format!("the name of an array of {place} ({})", present.join(", "));
                let found = format!("nothing, and no array is called {name}");
                Err(Error::argument(option, expected, found, format!("name it: {option} NAME")))
            }
            read => read,
        };
    let of_features = read("--x", &args.x, x)?;
    refuse_list(&args.data, x, of_features.n_dims)?;
    let features = features(origin(x), x, of_features.values);
    let read_counts = || Ok(counts(origin(y), read("--y", &args.y, y)?.values));
    Ok(Arrays {
        x: features,
        y: with_counts.then(read_counts).transpose()?,
        lines: Vec::new(),
        notices: Vec::new(),
    })
}

/// An npy file of features, and another of counts.
pub(super) fn npy(args: &DataArgs, with_counts: bool, limit_bytes: u64) -> Result<Arrays> {
    if let Some(x) = &args.x {
        let help = "leave it out: an npy file holds one array";
        return Err(Error::argument("--x", "an npz file", format!("{x:?} for an npy file"), help));
    }
    if with_counts && args.y.is_none() {
        let help = "give the counts: --y y.npy";
        return Err(Error::argument("--y", "the npy file that holds the counts", "nothing", help));
    }
    let x = read_npy(&args.data, limit_bytes)?;
    refuse_list(&args.data, "X", x.n_dims)?;
    let x = features(args.data.display().to_string(), "X", x.values);
    let y = match &args.y {
        Some(y) => Some(counts(y.clone(), read_npy(Path::new(y), limit_bytes)?.values)),
        None => None,
    };
    Ok(Arrays { x, y, lines: Vec::new(), notices: Vec::new() })
}

/// Two datasets of an HDF5 file.
pub(super) fn hdf5(args: &DataArgs, with_counts: bool, limit_bytes: u64) -> Result<Arrays> {
    let given = |option: &str, given: &Option<String>, example: &str| {
        given.clone().ok_or_else(|| {
            let help = format!("give its path inside the file: {option} {example}");
            Error::argument(option, "a dataset of the HDF5 file", "nothing", help)
        })
    };
    let x = given("--x", &args.x, "/path/of/features")?;
    let y = if with_counts { Some(given("--y", &args.y, "/path/of/counts")?) } else { None };
    let origin = |object: &str| format!("{}: {object}", args.data.display());
    let values = read_h5(&args.data, &x, limit_bytes)?;
    refuse_list(&args.data, &x, n_dims(&args.data, &x)?)?;
    let x = features(origin(&x), &x, values);
    let y = match y {
        Some(y) => Some(counts(origin(&y), read_h5(&args.data, &y, limit_bytes)?)),
        None => None,
    };
    Ok(Arrays { x, y, lines: Vec::new(), notices: Vec::new() })
}

/// Columns of a csv file.
pub(super) fn csv(args: &DataArgs, with_counts: bool, limit_bytes: u64) -> Result<Arrays> {
    if with_counts && args.y.is_none() {
        let help = "give the columns of the counts: --y COL or --y COL,COL";
        return Err(Error::argument("--y", "the column that holds the counts", "nothing", help));
    }
    let file = CsvFile::open(&args.data, limit_bytes)?;
    let typed = |option: &str, list: &Option<String>| {
        list.as_ref().map(|text| find(&file, &args.data, option, text)).transpose()
    };
    let x = typed("--x", &args.x)?;
    let y = typed("--y", &args.y)?.unwrap_or_default();
    let x = feature_columns(&file, args, x, &y)?;
    if let Some(both) = x.iter().find(|column| y.contains(column)) {
        let found = format!("{:?} in both", file.names()[*both]);
        let help = "leave it out of one of them: counts that explain themselves say nothing";
        return Err(Error::argument("--x", "other columns than --y", found, help));
    }
    // both at once: the file is read one time
    let columns: Vec<usize> = x.iter().chain(&y).copied().collect();
    let read = file.read(&columns, limit_bytes)?;
    let part = |first: usize, columns: &[usize]| Columns {
        origin: args.data.display().to_string(),
        names: columns.iter().map(|&column| file.names()[column].clone()).collect(),
        values: read.values.select(Axis(1), &(first..first + columns.len()).collect::<Vec<_>>()).into(),
    };
    let mut notices = Vec::new();
    if file.separators() != "commas" {
        notices.push(format!(
            "the columns of {} are separated by {}",
            args.data.display(),
            file.separators()
        ));
    }
    let y = with_counts.then(|| part(x.len(), &y));
    Ok(Arrays { x: part(0, &x), y, lines: read.lines, notices })
}

/// The columns of the features: those of a list, or all that are neither responses nor weights nor an offset.
pub(super) fn feature_columns(
    file: &CsvFile,
    args: &DataArgs,
    x: Option<Vec<usize>>,
    y: &[usize],
) -> Result<Vec<usize>> {
    let terms = args.row_term_columns()?;
    let is_term = |column: &usize| terms.contains(&file.names()[*column]);
    let Some(x) = x else {
        let apart: Vec<usize> = y.iter().copied().chain((0..file.names().len()).filter(is_term)).collect();
        return others(file, &args.data, &apart);
    };
    match x.iter().copied().find(is_term) {
        None => Ok(x),
        Some(both) => {
            let found = format!("{:?}, which is the weights or the offset", file.names()[both]);
            let help = "leave it out of --x: a column is one or the other";
            Err(Error::argument("--x", "other columns than --weights and --offset", found, help))
        }
    }
}

/// The columns that a list names; a name that holds a comma or a quote is written in quotes, as in the file.
pub(super) fn find(file: &CsvFile, path: &Path, option: &str, text: &str) -> Result<Vec<usize>> {
    let mut found = Vec::new();
    for name in column_names(option, text)? {
        let Some(column) = file.names().iter().position(|known| *known == name && !name.is_empty()) else {
            if file.names().iter().any(|known| known == text.trim()) {
                let help =
                    format!("put a name that holds a comma in quotes: {option} '{}'", listed(text.trim()));
                return Err(Error::argument(option, "names of columns: a,b,c", format!("{text:?}"), help));
            }
            let present = file.names().iter().filter(|name| !name.is_empty());
            return Err(Error::Unknown {
                kind: "column",
                name,
                place: path.display().to_string(),
                present: present.map(|name| listed(name)).collect(),
            });
        };
        if found.contains(&column) {
            let help = "name every column once";
            return Err(Error::argument(option, "different columns", format!("{name:?} twice"), help));
        }
        found.push(column);
    }
    Ok(found)
}

/// All columns but those of the counts.
fn others(file: &CsvFile, path: &Path, y: &[usize]) -> Result<Vec<usize>> {
    let found: Vec<usize> = (0..file.names().len()).filter(|column| !y.contains(column)).collect();
    if let Some(column) = found.iter().find(|&&column| file.names()[column].is_empty()) {
        let object = format!("row 1, column {}", column + 1);
        let help = "name it, or choose the columns of the features: --x COL,COL";
        return Err(Error::object(path, object, "expected the name of a column, found nothing", help));
    }
    Ok(found)
}

/// The names in a list such as `a,"b, c",d`; none in an empty one.
pub(super) fn column_names(option: &str, text: &str) -> Result<Vec<String>> {
    let wrong = || {
        let help = "put commas between the names, and double quotes inside quotes: 'a,\"b, c\"'";
        Error::argument(option, "names of columns: a,b,c", format!("`{text}`"), help)
    };
    let mut names = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() || !names.is_empty() {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted).ok_or_else(wrong)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim_end().to_string(), &rest[end..])
            }
        };
        names.push(name);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if after.trim().is_empty() => break,
            None => return Err(wrong()),
        }
    }
    Ok(names)
}

/// A text up to its closing quote, doubled quotes made single, and what follows; `None` if nothing closes it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut name, mut rest) = (String::new(), text);
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(next) => {
                name.push('"');
                rest = next;
            }
            None => return Some((name, rest)),
        }
    }
}

/// A list of columns as it is typed.
pub(super) fn column_list(names: &[String]) -> String {
    names.iter().map(|name| listed(name)).collect::<Vec<_>>().join(", ")
}

/// A name as it stands in a list of columns.
fn listed(name: &str) -> String {
    let is_plain = !name.contains([',', '"', '\n', '\r']) && name.trim() == name;
    if is_plain { name.into() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_columns_read_back() {
        for names in [&["a"][..], &["a,b", "c"], &["say \"hi\"", "d e"], &[]] {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(column_names("--x", &column_list(&names)).unwrap(), names);
        }
        assert_eq!(column_names("--x", " a ,b").unwrap(), ["a", "b"]);
        assert_eq!(column_names("--x", "a,").unwrap(), ["a", ""]);
        assert!(column_names("--x", "\"a").is_err() && column_names("--x", "\"a\"b").is_err());
    }
}
