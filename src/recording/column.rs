//! One column of a table: a value per row, of the few kinds that tables in recordings have.

/// A named column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// What the file says about it.
    pub description: String,
    /// One value per row.
    pub values: ColumnValues,
}

/// The values of a [`Column`], one per row.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnValues {
    /// Numbers.
    Number(Vec<f64>),
    /// True or false.
    Truth(Vec<bool>),
    /// Strings.
    Text(Vec<String>),
    /// A list of numbers per row (a ragged column).
    NumberList(Vec<Vec<f64>>),
    /// A list of strings per row (a ragged column such as `tags`).
    TextList(Vec<Vec<String>>),
    /// A kind that is not read (references, arrays of arrays), described.
    Unread(String),
}

impl Column {
    /// The values of row `row` as text: one for a scalar, any number for a list.
    pub fn texts(&self, row: usize) -> Vec<String> {
        match &self.values {
            ColumnValues::Number(values) => values.get(row).map(ToString::to_string).into_iter().collect(),
            ColumnValues::Truth(values) => values.get(row).map(ToString::to_string).into_iter().collect(),
            ColumnValues::Text(values) => values.get(row).cloned().into_iter().collect(),
            ColumnValues::NumberList(values) => {
                values.get(row).map(|list| list.iter().map(ToString::to_string).collect()).unwrap_or_default()
            }
            ColumnValues::TextList(values) => values.get(row).cloned().unwrap_or_default(),
            ColumnValues::Unread(_) => Vec::new(),
        }
    }

    /// Whether row `row` holds `value`: equal text, equal number, `true`/`false` or `1`/`0`; any of a list.
    pub fn holds(&self, row: usize, value: &str) -> bool {
        let number = value.trim().parse::<f64>();
        match &self.values {
            ColumnValues::Number(values) => values.get(row).is_some_and(|v| number == Ok(*v)),
            ColumnValues::Truth(values) => values.get(row).is_some_and(|v| {
                value.eq_ignore_ascii_case(if *v { "true" } else { "false" })
                    || value == if *v { "1" } else { "0" }
            }),
            ColumnValues::Text(values) => values.get(row).is_some_and(|v| v == value),
            ColumnValues::NumberList(values) => {
                values.get(row).is_some_and(|list| list.iter().any(|v| number == Ok(*v)))
            }
            ColumnValues::TextList(values) => {
                values.get(row).is_some_and(|list| list.iter().any(|v| v == value))
            }
            ColumnValues::Unread(_) => false,
        }
    }

    /// The different values in order of appearance, each with the rows that hold it.
    pub fn distinct(&self, n_rows: usize) -> Vec<(String, Vec<usize>)> {
        let mut position = std::collections::HashMap::new();
        let mut found: Vec<(String, Vec<usize>)> = Vec::new();
        for row in 0..n_rows {
            for text in self.texts(row) {
                let at = *position.entry(text.clone()).or_insert_with(|| {
                    found.push((text, Vec::new()));
                    found.len() - 1
                });
                if found[at].1.last() != Some(&row) {
                    found[at].1.push(row);
                }
            }
        }
        found
    }

    /// The column with only these rows, in this order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        fn take<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|&row| values.get(row).cloned()).collect()
        }
        let values = match &self.values {
            ColumnValues::Number(v) => ColumnValues::Number(take(v, rows)),
            ColumnValues::Truth(v) => ColumnValues::Truth(take(v, rows)),
            ColumnValues::Text(v) => ColumnValues::Text(take(v, rows)),
            ColumnValues::NumberList(v) => ColumnValues::NumberList(take(v, rows)),
            ColumnValues::TextList(v) => ColumnValues::TextList(take(v, rows)),
            ColumnValues::Unread(what) => ColumnValues::Unread(what.clone()),
        };
        Self { name: self.name.clone(), description: self.description.clone(), values }
    }

    /// What kind of values these are, in words.
    pub fn kind(&self) -> String {
        match &self.values {
            ColumnValues::Number(_) => "numbers".into(),
            ColumnValues::Truth(_) => "true/false".into(),
            ColumnValues::Text(_) => "text".into(),
            ColumnValues::NumberList(_) => "lists of numbers".into(),
            ColumnValues::TextList(_) => "lists of text".into(),
            ColumnValues::Unread(what) => format!("not read ({what})"),
        }
    }
}
