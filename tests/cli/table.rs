//! CSV tables read back.

use std::path::Path;

/// The columns of a table by name, in order.
pub(crate) struct Table(Vec<(String, Vec<String>)>);

impl Table {
    /// Reads a table whose cells hold no commas.
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut lines = text.lines().map(|line| line.split(',').map(String::from).collect::<Vec<_>>());
        let names = lines.next().unwrap();
        let rows: Vec<Vec<String>> = lines.collect();
        assert!(rows.iter().all(|row| row.len() == names.len()), "{text}");
        let column = |k: usize| rows.iter().map(|row| row[k].clone()).collect();
        Self(names.iter().enumerate().map(|(k, name)| (name.clone(), column(k))).collect())
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.0[0].1.len()
    }

    pub(crate) fn texts(&self, name: &str) -> &[String] {
        let found = self.0.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("{name} is not among {:?}", self.names())).1
    }

    pub(crate) fn numbers(&self, name: &str) -> Vec<f64> {
        self.texts(name).iter().map(|cell| cell.parse().unwrap()).collect()
    }
}
