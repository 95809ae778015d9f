//! Tables of numbers as text: comma-separated values with a header row.
//!
//! RFC 4180 (a name or cell in quotes may hold commas, doubled quotes and line ends), with what other programs
//! write: a byte order mark, `\r\n`, and tabs or semicolons instead of commas where the header has no comma. Only
//! the columns that are asked for are read, so that others may hold text. A cell that is empty, `NA` or `NaN` is a
//! missing number. The file is measured before it is read, so one that exceeds the limit allocates nothing.
//!
//! Rows in messages are lines as an editor counts them: the header is row 1.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};
use ndarray::Array2;

use super::regular;
use crate::error::{Error, Result, shortened};

/// A csv file and the names of its columns.
#[derive(Clone, Debug)]
pub struct CsvFile {
    path: PathBuf,
    delimiter: u8,
    names: Vec<String>,
    /// At least as many as there are rows.
    n_lines: usize,
}

/// Columns of a csv file.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvColumns {
    /// Their numbers, (rows, columns), NaN where one is missing.
    pub values: Array2<f64>,
    /// The line of the file that each row begins on, from 1.
    pub lines: Vec<usize>,
}

impl CsvFile {
    /// Measures a file and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`] for a file that cannot be read; [`Error::Format`] for one that is empty, is no UTF-8 text or
    /// whose first row holds numbers; [`Error::Object`] for two columns of one name; [`Error::Memory`] if a single
    /// line exceeds the limit.
    pub fn open(path: &Path, limit_bytes: u64) -> Result<Self> {
        let size = Size::of(path)?;
        if size.longest_line > limit_bytes {
            let what = format!("{}: one line", path.display());
            return Err(Error::Memory { what, needed_bytes: size.longest_line, limit_bytes });
        }
        let delimiter = delimiter_of(&size.first_line);
        let mut header = ByteRecord::new();
        let mut file = Self { path: path.into(), delimiter, names: Vec::new(), n_lines: size.n_lines };
        let found = file
            .reader(limit_bytes)?
            .read_byte_record(&mut header)
            .map_err(|e| file.unreadable(e, 1, limit_bytes))?;
        if !found {
            return Err(file.wrong("an empty one", HELP_HEADER));
        }
        for name in &header {
            let name =
                str::from_utf8(name).map_err(|_| file.wrong("bytes that are no UTF-8 text", HELP_UTF8))?;
            file.names.push(name.trim().to_string());
        }
        if file.names.iter().all(|name| name.parse::<f64>().is_ok()) {
            let found = format!("numbers in its first row ({})", shortened(file.names.join(", ")));
            return Err(file.wrong(&found, HELP_HEADER));
        }
        let mut known = BTreeSet::new();
        for (k, name) in file.names.iter().enumerate() {
            if name.is_empty() || known.insert(name) {
                continue;
            }
            let problem = format!("expected a name of its own, found {name:?} a second time");
            let help = "give every column another name";
            return Err(Error::object(path, format!("row 1, column {}", k + 1), problem, help));
        }
        Ok(file)
    }

    /// Names of the columns, in the order of the file; a column without a name has an empty one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What separates the columns: `commas`, `tabs` or `semicolons`.
    pub fn separators(&self) -> &'static str {
        match self.delimiter {
            b'\t' => "tabs",
            b';' => "semicolons",
            _ => "commas",
        }
    }

    /// Reads the columns with these numbers, in this order.
    ///
    /// # Errors
    /// [`Error::Object`] for a cell that is no number and for a row with another number of cells than the header,
    /// both with the row; [`Error::Empty`] if there is only the header; [`Error::Memory`] above `limit_bytes`.
    ///
    /// # Panics
    /// If there is no column of such a number.
    pub fn read(&self, columns: &[usize], limit_bytes: u64) -> Result<CsvColumns> {
        let mut values = Vec::with_capacity(self.n_lines * columns.len());
        let lines = self.each_row(columns, 8, limit_bytes, |line, record| {
            for &column in columns {
                let cell = record.get(column).unwrap_or_default();
                values.push(number(cell).ok_or_else(|| self.no_number(line, column, cell))?);
            }
            Ok(())
        })?;
        let shape = (lines.len(), columns.len());
        let values =
            Array2::from_shape_vec(shape, values).map_err(|e| self.wrong(&e.to_string(), HELP_HEADER))?;
        Ok(CsvColumns { values, lines })
    }

    /// Reads the cells of the columns with these numbers as they are, without spaces at their ends: one list per column.
    ///
    /// # Errors
    /// As [`CsvFile::read`], and [`Error::Format`] for a cell that is no UTF-8 text.
    ///
    /// # Panics
    /// If there is no column of such a number.
    pub fn read_texts(&self, columns: &[usize], limit_bytes: u64) -> Result<Vec<Vec<String>>> {
        let mut cells = vec![Vec::with_capacity(self.n_lines); columns.len()];
        self.each_row(columns, size_of::<String>() as u64, limit_bytes, |_, record| {
            for (cells, &column) in cells.iter_mut().zip(columns) {
                let cell = str::from_utf8(record.get(column).unwrap_or_default());
                cells.push(
                    cell.map_err(|_| self.wrong("bytes that are no UTF-8 text", HELP_UTF8))?.trim().into(),
                );
            }
            Ok(())
        })?;
        Ok(cells)
    }

    /// Shows every row below the header to `visit`, with its line; the lines of all. A cell that is kept takes so many bytes.
    fn each_row(
        &self,
        columns: &[usize],
        bytes_per_cell: u64,
        limit_bytes: u64,
        mut visit: impl FnMut(usize, &ByteRecord) -> Result<()>,
    ) -> Result<Vec<usize>> {
        let needed_bytes = (self.n_lines as u64).saturating_mul(bytes_per_cell * columns.len() as u64 + 8);
        if needed_bytes > limit_bytes {
            let what = format!("{}: reading {} columns", self.path.display(), columns.len());
            return Err(Error::Memory { what, needed_bytes, limit_bytes });
        }
        let mut reader = self.reader(limit_bytes)?;
        let mut record = ByteRecord::new();
        reader.read_byte_record(&mut record).map_err(|e| self.unreadable(e, 1, limit_bytes))?;
        let mut rows = Rows { read_after_header: reader.position().line(), next: 1 + line_ends(&record) + 1 };
        let mut lines = Vec::with_capacity(self.n_lines);
        let first = rows.next;
        loop {
            reader.get_mut().left = limit_bytes;
            let is_there = reader.read_byte_record(&mut record);
            if !is_there.map_err(|e| self.unreadable(e, rows.next, limit_bytes))? {
                break;
            }
            let line = rows.next;
            rows.next += 1 + line_ends(&record);
            let n_read = (reader.position().line() - rows.read_after_header) as usize;
            if n_read > rows.next - first {
                return Err(self.ragged(line, "an empty line"));
            }
            if record.len() != self.names.len() {
                return Err(self.ragged(line, &record.len().to_string()));
            }
            visit(line, &record)?;
            lines.push(line);
        }
        if lines.is_empty() {
            let problem = "there is a header and no row below it".into();
            let help = "give one row of numbers per bin".into();
            return Err(Error::Empty { what: self.path.display().to_string(), problem, help });
        }
        Ok(lines)
    }

    fn reader(&self, limit_bytes: u64) -> Result<Reader<Bounded>> {
        let file = File::open(&self.path).map_err(|e| Error::io(&self.path, e))?;
        let file = Bounded { file, left: limit_bytes };
        let mut builder = ReaderBuilder::new();
        // lengths are checked here, where the row is known
        builder.has_headers(false).flexible(true).delimiter(self.delimiter).buffer_capacity(1 << 16);
        Ok(builder.from_reader(file))
    }

    /// What is wrong with the record that begins on this line.
    fn unreadable(&self, error: csv::Error, line: usize, limit_bytes: u64) -> Error {
        match error.into_kind() {
            csv::ErrorKind::Io(source) if source.kind() == ErrorKind::FileTooLarge => {
                let what =
                    format!("{}: row {line}, where perhaps a quote never closes,", self.path.display());
                Error::Memory { what, needed_bytes: limit_bytes.saturating_add(1), limit_bytes }
            }
            csv::ErrorKind::Io(source) => Error::io(&self.path, source),
            other => self.wrong(&format!("one that cannot be read ({other:?})"), HELP_UTF8),
        }
    }

    fn wrong(&self, found: &str, help: &str) -> Error {
        wrong(&self.path, found, help)
    }

    fn ragged(&self, line: usize, found: &str) -> Error {
        let problem = format!("expected {} cells, as the header has, found {found}", self.names.len());
        let help = match self.delimiter {
            _ if found == "an empty line" => "remove the line, or write NA where a number is missing",
            b',' => "a cell that holds a comma goes in quotes; write NA where a number is missing",
            _ => "write NA where a number is missing",
        };
        Error::object(&self.path, format!("row {line}"), problem, help)
    }

    fn no_number(&self, line: usize, column: usize, cell: &[u8]) -> Error {
        let text = String::from_utf8_lossy(cell);
        let object = format!("row {line}, column {:?}", self.names[column]);
        let is_decimal_comma = number(text.replacen(',', ".", 1).as_bytes()).is_some();
        let help = if is_decimal_comma {
            "write a point in decimal numbers, not a comma"
        } else if str::from_utf8(cell).is_err() {
            HELP_UTF8
        } else {
            "write a number, or NA where it is missing; --x COL,COL leaves out columns that hold no numbers, and \
             --observation categorical takes texts as labels (--y)"
        };
        Error::object(&self.path, object, format!("expected a number, found {text:?}"), help)
    }
}

const EXPECTED: &str = "a csv file with a header row";
const HELP_HEADER: &str = "the first row holds a name for each column, the rows below it numbers";
const HELP_UTF8: &str = "save it as UTF-8 text (in a spreadsheet: CSV UTF-8)";

/// A file of which only so many bytes are read before somebody allows for more: those of one record.
struct Bounded {
    file: File,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let n = self.file.read(buffer)?;
        self.left = self.left.saturating_sub(n as u64);
        Ok(n)
    }
}

/// Where reading is: the reader's own count of lines goes on at other places than records end.
struct Rows {
    /// The reader's count of lines after the header.
    read_after_header: u64,
    /// The line on which the next record begins if no empty line is before it.
    next: usize,
}

/// Line ends inside the cells of a record.
fn line_ends(record: &ByteRecord) -> usize {
    record.as_slice().iter().map(|&byte| usize::from(byte == b'\n')).sum()
}

/// A number as text; NaN where it is missing.
fn number(cell: &[u8]) -> Option<f64> {
    let text = str::from_utf8(cell).ok()?.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("na") { Some(f64::NAN) } else { text.parse().ok() }
}

fn wrong(path: &Path, found: &str, help: &str) -> Error {
    Error::Format { path: path.into(), expected: EXPECTED.into(), found: found.into(), help: help.into() }
}

/// What stands between the columns: commas unless the header has none, but tabs or semicolons.
fn delimiter_of(header: &[u8]) -> u8 {
    let mut in_quotes = false;
    let mut seen = [false; 256];
    for &byte in header {
        in_quotes ^= byte == b'"';
        seen[usize::from(byte)] |= !in_quotes;
    }
    let has = |byte: u8| seen[usize::from(byte)];
    [b',', b'\t', b';'].into_iter().find(|&byte| has(byte)).unwrap_or(b',')
}

/// What a file would take.
struct Size {
    first_line: Vec<u8>,
    n_lines: usize,
    longest_line: u64,
}

/// Bytes of the first line that are kept: more than any header has.
const MOST_HEADER_BYTES: usize = 1 << 24;

impl Size {
    fn of(path: &Path) -> Result<Self> {
        let file = regular::open(path, EXPECTED, "give the path of one csv file")?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let mut size = Self { first_line: Vec::new(), n_lines: 0, longest_line: 0 };
        let mut line: u64 = 0;
        loop {
            let bytes = reader.fill_buf().map_err(|e| Error::io(path, e))?;
            if bytes.is_empty() {
                break;
            }
            if size.first_line.is_empty()
                && (bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff"))
            {
                return Err(wrong(path, "UTF-16 text", HELP_UTF8));
            }
            for &byte in bytes {
                line += 1;
                if size.n_lines == 0 && size.first_line.len() < MOST_HEADER_BYTES {
                    size.first_line.push(byte);
                }
                if byte == b'\n' || byte == b'\r' {
                    // the two bytes of `\r\n` count as a line and an empty one
                    size.n_lines += usize::from(line > 1);
                    size.longest_line = size.longest_line.max(line);
                    line = 0;
                }
            }
            let n = bytes.len();
            reader.consume(n);
        }
        size.n_lines += usize::from(line > 0);
        size.longest_line = size.longest_line.max(line);
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_come_from_the_header() {
        assert_eq!(delimiter_of(b"a,b"), b',');
        assert_eq!(delimiter_of(b"a;b,c"), b',');
        assert_eq!(delimiter_of(b"a;b"), b';');
        assert_eq!(delimiter_of(b"a\tb;c"), b'\t');
        assert_eq!(delimiter_of(b"\"a,b\";c"), b';');
        assert_eq!(delimiter_of(b"a"), b',');
    }

    #[test]
    fn missing_numbers_are_nan() {
        for cell in ["", "  ", "NA", "na", "NaN", "nan"] {
            assert!(number(cell.as_bytes()).unwrap().is_nan(), "{cell:?}");
        }
        assert_eq!(number(b" 1e-3 "), Some(1e-3));
        assert_eq!(number(b"inf"), Some(f64::INFINITY));
        assert_eq!([number(b"1,5"), number(b"x"), number(b"\xff")], [None; 3]);
    }
}
