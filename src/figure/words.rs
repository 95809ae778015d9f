//! Widths of words, numbers as labels, lines that are broken to fit.

/// How wide a text of size 1 is at most, in the fonts that a figure may meet.
///
/// # Source
/// Advances of `DejaVu` Sans, the widest of the usual sans-serif fonts, rounded up by groups of characters.
fn advance(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 0.29,
        'f'
        | 'r'
        | 't'
        | 'I'
        | 'J'
        | '.'
        | ','
        | ':'
        | ';'
        | '('
        | ')'
        | '['
        | ']'
        | ' '
        | '-'
        | '/'
        | '!'
        | '⁰'..='₉'
        | '¹'
        | '²'
        | '³' => 0.41,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.99,
        'A'..='Z' => 0.78,
        '−' | '+' | '=' | '<' | '>' | '×' | '±' | '~' => 0.84,
        c if c.is_ascii() => 0.64,
        c if (c as u32) < 0x2000 => 0.75,
        _ => 1.0,
    }
}

/// Width of a text, pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(advance).sum::<f64>() * size
}

/// The text in at most two lines of at most `limit` pixels, broken at a space; what is left over is cut.
pub(super) fn broken(text: &str, size: f64, limit: f64) -> Vec<String> {
    if width(text, size) <= limit {
        return vec![text.to_string()];
    }
    let breaks = text.match_indices(' ').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let longer = |(first, second): &(&str, &str)| width(first, size).max(width(second, size));
    match breaks.min_by(|a, b| longer(a).total_cmp(&longer(b))) {
        Some((first, second)) => vec![cut(first, size, limit), cut(second, size, limit)],
        None => vec![cut(text, size, limit)],
    }
}

/// The text, or its beginning with dots where it is wider than `limit` pixels.
pub(super) fn cut(text: &str, size: f64, limit: f64) -> String {
    if width(text, size) <= limit {
        return text.to_string();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if width(&kept, size) + advance(c) * size + advance('…') * size > limit {
            break;
        }
        kept.push(c);
    }
    kept.trim_end().to_string() + "…"
}

/// A number with so many decimals and a real minus.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if is_zero { text.replace('-', "") } else { text.replace('-', "−") }
}

/// An exponent in raised digits.
pub(super) fn raised(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = exponent.unsigned_abs().to_string();
    let raised = digits.bytes().map(|digit| DIGITS[usize::from(digit - b'0')]);
    (exponent < 0).then_some('⁻').into_iter().chain(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::{broken, cut, number, raised, width};

    #[test]
    fn long_words_are_broken_and_cut() {
        assert_eq!(broken("rate (Hz)", 10.0, 100.0), ["rate (Hz)"]);
        assert_eq!(broken("predicted rate (Hz)", 10.0, 90.0), ["predicted", "rate (Hz)"]);
        let cut = cut("a_series_with_a_very_long_name", 10.0, 100.0);
        assert!(cut.ends_with('…') && width(&cut, 10.0) <= 100.0, "{cut}");
    }

    #[test]
    fn numbers_have_one_zero_and_a_real_minus() {
        assert_eq!([number(-0.04, 1), number(-0.5, 1), number(12.0, 0)], ["0.0", "−0.5", "12"]);
        assert_eq!(raised(-12), "⁻¹²");
    }
}
