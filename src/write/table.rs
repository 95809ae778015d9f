//! Tables: CSV for programs, aligned text for people.
//!
//! CSV follows RFC 4180 except for the line ends, which are single newlines, as every reader accepts and diff
//! tools prefer. A number is written with as many of its 17 significant digits as are needed to read back the same
//! bits: `0.1`, not `1.0000000000000001e-1`. Non-finite numbers are `NaN`, `Infinity` and `-Infinity`, names that
//! `NumPy`, pandas, R and Rust all read.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use ndarray::ArrayView1;

use crate::features::ColumnOf;
use crate::number::non_finite_name;
use crate::objective::OwnedCounts;
use crate::{Error, Result};

/// A piece of a table is not much longer.
const PIECE_BYTES: usize = 1 << 18;

/// Values of one column.
#[derive(Clone, Debug)]
pub enum Values<'a> {
    /// Numbers.
    Numbers(ArrayView1<'a, f64>),
    /// Numbers in single precision, written as the `f64` that they are.
    Singles(ArrayView1<'a, f32>),
    /// Counts in bytes, written as the `f64` that they are.
    Bytes(ArrayView1<'a, u8>),
    /// Counts, identifiers, row numbers.
    Integers(&'a [i64]),
    /// Names.
    Texts(&'a [String]),
}

impl<'a> Values<'a> {
    /// A column of a matrix.
    pub fn column(column: &'a ColumnOf) -> Self {
        match column {
            ColumnOf::Singles(x) => Self::Singles(*x),
            ColumnOf::Doubles(x) => Self::Numbers(*x),
            ColumnOf::Computed(x) => Self::Numbers(x.into()),
        }
    }

    /// The counts of one target.
    pub fn counts(counts: &'a OwnedCounts, target: usize) -> Self {
        match counts {
            OwnedCounts::F64(y) => Self::Numbers(y.column(target)),
            OwnedCounts::Bytes(y) => Self::Bytes(y.column(target)),
        }
    }

    fn n_rows(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Singles(values) => values.len(),
            Self::Bytes(values) => values.len(),
            Self::Integers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    fn push_cell(&self, row: usize, text: &mut String) {
        match self {
            Self::Numbers(values) => push_number(values[row], text),
            Self::Singles(values) => push_number(values[row].into(), text),
            Self::Bytes(values) => push_number(values[row].into(), text),
            Self::Integers(values) => {
                // writing to a string cannot fail
                let _ = write!(text, "{}", values[row]);
            }
            Self::Texts(values) => push_quoted(&values[row], text),
        }
    }
}

impl<'a> From<&'a [f64]> for Values<'a> {
    fn from(values: &'a [f64]) -> Self {
        Self::Numbers(values.into())
    }
}

/// The bytes of a CSV file: a header row, then one row per value.
///
/// ```
/// use rheobase::write::table::csv_bytes;
///
/// let bytes = csv_bytes(&[("t", (&[0.0005, 0.0015][..]).into()), ("rate, Hz", (&[0.1, f64::NAN][..]).into())])?;
/// assert_eq!(String::from_utf8_lossy(&bytes), "t,\"rate, Hz\"\n0.0005,0.1\n0.0015,NaN\n");
/// # Ok::<(), rheobase::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] without columns, [`Error::Length`] if columns differ in length.
pub fn csv_bytes(columns: &[(&str, Values<'_>)]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    csv_pieces(columns, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(bytes)
}

/// Gives the bytes of [`csv_bytes`] to `visit` in pieces of whole rows, so that a long table is never in memory.
///
/// # Errors
/// Those of [`csv_bytes`], and what `visit` returns.
pub fn csv_pieces(columns: &[(&str, Values<'_>)], mut visit: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let Some((first_name, first)) = columns.first() else {
        return Err(Error::Empty {
            what: "table".into(),
            problem: "it has no columns".into(),
            help: "give at least one column".into(),
        });
    };
    let n_rows = first.n_rows();
    for (name, values) in columns {
        if values.n_rows() != n_rows {
            let what = format!("columns {first_name:?} and {name:?}");
            return Err(Error::Length { what, expected: n_rows, found: values.n_rows() });
        }
    }
    let mut text = String::new();
    push_row(&mut text, columns, |(name, _), text| push_quoted(name, text));
    for row in 0..n_rows {
        push_row(&mut text, columns, |(_, values), text| values.push_cell(row, text));
        if text.len() >= PIECE_BYTES {
            visit(text.as_bytes())?;
            text.clear();
        }
    }
    visit(text.as_bytes())
}

/// A table for a terminal: rows of cells under a header, with lines of box-drawing characters.
///
/// Columns whose cells are all numbers are set right. With `width` (in characters) cells wrap so that the table
/// fits. There are no colours, hence nothing that `NO_COLOR` would have to switch off.
pub fn terminal_table(header: &[&str], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header.to_vec()).add_rows(rows.iter().cloned());
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        let mut cells = rows.iter().filter_map(|row| row.get(index));
        if !rows.is_empty() && cells.all(|cell| is_number(cell)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

/// Whether a cell is empty, a dash or a number, also one with a unit or sign after it (`12.5 %`).
fn is_number(cell: &str) -> bool {
    let first = cell.split_whitespace().next().unwrap_or("-");
    first == "-" || first.parse::<f64>().is_ok()
}

fn push_row<C>(text: &mut String, cells: &[C], push_cell: impl Fn(&C, &mut String)) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_cell(cell, text);
    }
    text.push('\n');
}

fn push_number(x: f64, text: &mut String) {
    match non_finite_name(x) {
        Some(name) => text.push_str(name),
        None => {
            let _ = write!(text, "{x:?}");
        }
    }
}

/// A cell, in quotes if it holds a comma, a quote, a line end or outer blanks.
fn push_quoted(cell: &str, text: &mut String) {
    if cell.contains([',', '"', '\n', '\r']) || cell.trim() != cell {
        text.push('"');
        text.push_str(&cell.replace('"', "\"\""));
        text.push('"');
    } else {
        text.push_str(cell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_bit_exactly() {
        let numbers = [
            0.1,
            -0.0,
            1.0 / 3.0,
            5e-324,
            f64::MAX,
            f64::MIN_POSITIVE,
            1e-7,
            123_456_789.0,
            1e16,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ];
        let text = String::from_utf8(csv_bytes(&[("x", (&numbers[..]).into())]).unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "x");
        assert_eq!(&lines[1..3], &["0.1", "-0.0"]);
        assert_eq!(&lines[10..], &["NaN", "Infinity", "-Infinity"]);
        for (&x, line) in numbers.iter().zip(&lines[1..]) {
            let back: f64 = line.parse().unwrap();
            assert!(back.to_bits() == x.to_bits() || (back.is_nan() && x.is_nan()), "{line}");
        }
    }

    #[test]
    fn cells_that_need_quotes_have_them() {
        let texts: Vec<String> =
            ["plain", "a,b", "say \"hi\"", "two\nlines", " edge", ""].map(String::from).to_vec();
        let ids = [0, -1, 2, 3, 4, 5];
        let columns = [("na\"me", Values::Texts(&texts)), ("id", Values::Integers(&ids))];
        let text = String::from_utf8(csv_bytes(&columns).unwrap()).unwrap();
        let expected =
            "\"na\"\"me\",id\nplain,0\n\"a,b\",-1\n\"say \"\"hi\"\"\",2\n\"two\nlines\",3\n\" edge\",4\n,5\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn columns_of_a_matrix_are_columns_of_a_table() {
        let matrix = ndarray::array![[1.0, 2.0], [3.0, 4.5]];
        let columns = [("a", Values::Numbers(matrix.column(0))), ("b", Values::Numbers(matrix.column(1)))];
        assert_eq!(csv_bytes(&columns).unwrap(), b"a,b\n1.0,2.0\n3.0,4.5\n");
        // as a matrix that is owned; single precision is exact, not short
        let singles = ndarray::array![[0.1_f32, 2.0]];
        let singles = singles.columns().into_iter().map(ColumnOf::Singles).collect::<Vec<_>>();
        let columns = [("a", Values::column(&singles[0])), ("b", Values::column(&singles[1]))];
        assert_eq!(csv_bytes(&columns).unwrap(), b"a,b\n0.10000000149011612,2.0\n");
        // counts look the same however they are held
        let counts = ndarray::array![[0.0, 3.0], [255.0, 1.0]];
        for counts in [OwnedCounts::from(counts.clone()), OwnedCounts::F64(counts)] {
            let columns = [("a", Values::counts(&counts, 0)), ("b", Values::counts(&counts, 1))];
            assert_eq!(csv_bytes(&columns).unwrap(), b"a,b\n0.0,3.0\n255.0,1.0\n");
        }
    }

    #[test]
    fn no_columns_and_unequal_columns_are_errors() {
        assert!(matches!(csv_bytes(&[]), Err(Error::Empty { .. })));
        let (two, three) = ([1.0; 2], [1.0; 3]);
        let error = csv_bytes(&[("a", (&two[..]).into()), ("b", (&three[..]).into())]).unwrap_err();
        assert!(matches!(error, Error::Length { expected: 2, found: 3, .. }));
        assert!(error.to_string().contains("\"a\" and \"b\""));
    }

    #[test]
    fn terminal_tables_align_and_fit() {
        let rows = vec![
            vec!["stimulus".to_string(), "0.5".to_string()],
            vec!["a long name of a feature".to_string(), "-12.25".to_string()],
        ];
        let table = terminal_table(&["feature", "coef"], &rows, None);
        assert!(table.contains("    0.5 │"), "{table}");
        assert!(table.contains("│ stimulus   "), "{table}");
        assert!(!table.contains('\u{1b}'), "no escape sequences");
        let narrow = terminal_table(&["feature", "coef"], &rows, Some(24));
        assert!(narrow.lines().all(|line| line.chars().count() <= 24), "{narrow}");
        assert!(narrow.lines().count() > table.lines().count());
        assert!(terminal_table(&["feature"], &[], Some(40)).contains("feature"));
    }
}
