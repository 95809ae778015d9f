//! Words as a shell reads them back.

/// A word, in quotes where it needs them.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,=@%:".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.into() } else { quote(word) }
}

/// An option with its value, in one word where the value looks like an option itself.
pub(super) fn option_words(option: &str, value: &str) -> Vec<String> {
    if value.starts_with('-') {
        return vec![format!("{option}={}", shell_word(value))];
    }
    vec![option.into(), shell_word(value)]
}

/// A word in quotes.
pub(super) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_needed() {
        assert_eq!(shell_word("a/b-1.nwb"), "a/b-1.nwb");
        assert_eq!(shell_word("Noise 1"), "'Noise 1'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(quote("plain"), "'plain'");
        assert_eq!(option_words("--unit", "3"), ["--unit", "3"]);
        assert_eq!(option_words("--unit", "-3"), ["--unit=-3"]);
        assert_eq!(option_words("--epochs", "- x"), ["--epochs='- x'"]);
    }
}
