//! Texts of messages that came out of a file: a cell or a name may have a million letters, a message has not.

/// Letters of a message that may be anything.
const MOST: usize = 400;
/// Of them, those at the end.
const TAIL: usize = 100;

/// The text, without its middle if it is long.
pub(crate) fn shortened(text: impl Into<String>) -> String {
    let text = text.into();
    // bytes are cheap to count, and no fewer than letters
    if text.len() <= MOST {
        return text;
    }
    let n = text.chars().count();
    if n <= MOST {
        return text;
    }
    let head: String = text.chars().take(MOST - TAIL).collect();
    let tail: String = text.chars().skip(n - TAIL).collect();
    format!("{head} [..] {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_keep_their_ends() {
        assert_eq!(shortened("short"), "short");
        let letters = "ä".repeat(400);
        assert_eq!(shortened(letters.as_str()), letters);
        let long = format!("begin {} end", "ä".repeat(10_000));
        let short = shortened(long);
        assert!(short.starts_with("begin ä") && short.ends_with("ä end") && short.contains(" [..] "));
        assert_eq!(short.chars().count(), 406);
    }
}
