//! A place in a text that is being read, and errors that point at it.

use crate::{Error, Result};

/// Letters of a text that are shown around a mistake.
const LONG: usize = 150;

/// Characters that end a word.
const MARKS: &str = ":*@[]()'\",=";

/// Reads a text from left to right.
pub(super) struct Cursor<'a> {
    /// What the text is, for errors.
    what: &'static str,
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(what: &'static str, text: &'a str) -> Self {
        Self { what, text, at: 0 }
    }

    /// The place, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns to an earlier place.
    pub(super) fn go_back(&mut self, at: usize) {
        self.at = at;
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Whether nothing but spaces is left.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest().trim_start().is_empty()
    }

    /// Whether `mark` comes next, after spaces; skips the spaces.
    pub(super) fn looks_at(&mut self, mark: char) -> bool {
        self.skip_spaces();
        self.rest().starts_with(mark)
    }

    /// Takes `mark` if it comes next, after spaces.
    pub(super) fn take(&mut self, mark: char) -> bool {
        let found = self.looks_at(mark);
        if found {
            self.at += mark.len_utf8();
        }
        found
    }

    /// Takes everything up to the first character that `ends`.
    fn take_until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// A word: everything up to a space or mark, perhaps nothing.
    pub(super) fn word(&mut self) -> &'a str {
        self.take_until(|c| c.is_whitespace() || MARKS.contains(c))
    }

    /// Everything up to `mark` or the end.
    pub(super) fn until(&mut self, mark: char) -> &'a str {
        self.take_until(|c| c == mark)
    }

    /// Everything up to one of `marks` or the end.
    pub(super) fn until_any(&mut self, marks: &str) -> &'a str {
        self.take_until(|c| marks.contains(c))
    }

    /// A text in quotes, if a quote comes next; a doubled quote inside stands for one.
    pub(super) fn quoted(&mut self) -> Result<Option<String>> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return Ok(None);
        };
        let start = self.at;
        self.at += 1;
        let mut inside = String::new();
        loop {
            inside.push_str(self.until(quote));
            if self.rest().is_empty() {
                let help = format!("close the quote with {quote}");
                return self.fail(start, "a name in quotes", &help);
            }
            self.at += 1;
            if !self.rest().starts_with(quote) {
                return Ok(Some(inside));
            }
            inside.push(quote);
            self.at += 1;
        }
    }

    /// The text on a line of its own, or what of a long one is around the place `at`, with a caret under it.
    pub(super) fn excerpt(&self, at: usize) -> String {
        let column = self.text[..at].chars().count();
        let is_long = self.text.chars().nth(LONG).is_some();
        let first = if is_long { column.saturating_sub(LONG / 2) } else { 0 };
        let shown = self.text.chars().skip(first).take(LONG);
        let line: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        format!("\n    {line}\n    {}^", " ".repeat(column - first))
    }

    /// An error at the place `at`: what was expected there, and what to do.
    pub(super) fn fail<T>(&self, at: usize, expected: &str, help: &str) -> Result<T> {
        let found = match self.text[at..].split_whitespace().next() {
            Some(found) => format!("`{}`", found.chars().take(LONG / 2).collect::<String>()),
            None => "the end".into(),
        };
        Err(Error::argument(self.what, expected, format!("{found}{}", self.excerpt(at)), help))
    }

    /// The same error with the place `at` shown, if it is one about an argument.
    pub(super) fn mark(&self, at: usize, error: Error) -> Error {
        match error {
            Error::Argument { what, expected, found, help } => {
                Error::Argument { what, expected, found: format!("{found}{}", self.excerpt(at)), help }
            }
            other => other,
        }
    }
}
