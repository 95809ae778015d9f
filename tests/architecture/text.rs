//! Just enough reading of Rust text: code without comments and strings, items of tests, paths from the root.

/// The code alone: comments, strings and characters become blanks, lines stay where they are.
pub(crate) fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut kept = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match chars[i] {
            '/' if chars.get(i + 1) == Some(&'/') => i + find(&chars[i..], "\n"),
            '/' if chars.get(i + 1) == Some(&'*') => end_of_block(&chars, i),
            '"' => end_of_quote(&chars, i + 1, '"'),
            'r' if i == 0 || !is_word(chars[i - 1]) || chars[i - 1] == 'b' => end_of_raw(&chars, i),
            '\'' if chars.get(i + 1) == Some(&'\\') || chars.get(i + 2) == Some(&'\'') => {
                end_of_quote(&chars, i + 1, '\'')
            }
            _ => i,
        };
        if end == i {
            kept.push(chars[i]);
            i += 1;
        } else {
            kept.extend(chars[i..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            i = end;
        }
    }
    kept
}

/// Whether a character can be part of a name.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `what` begins, or the length if it does not occur.
fn find(chars: &[char], what: &str) -> usize {
    let what: Vec<char> = what.chars().collect();
    chars.windows(what.len()).position(|window| window == what).unwrap_or(chars.len())
}

fn end_of_block(chars: &[char], start: usize) -> usize {
    let (mut depth, mut i) = (0, start);
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => (depth, i) = (depth + 1, i + 2),
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
    }
    chars.len()
}

fn end_of_quote(chars: &[char], mut i: usize, quote: char) -> usize {
    while i < chars.len() && chars[i] != quote {
        i += if chars[i] == '\\' { 2 } else { 1 };
    }
    (i + 1).min(chars.len())
}

/// The end of a raw string that begins at `start`, or `start` if none does.
fn end_of_raw(chars: &[char], start: usize) -> usize {
    let n_hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
    let first = start + 1 + n_hashes;
    if chars.get(first) != Some(&'"') {
        return start;
    }
    let end = format!("\"{}", "#".repeat(n_hashes));
    (first + 1 + find(&chars[first + 1..], &end) + end.len()).min(chars.len())
}

/// The code without the items that only tests see.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = code.to_string();
    while let Some(start) = kept.find(MARK) {
        let mut depth = 0;
        let end = kept[start..].char_indices().find_map(|(i, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0 && (c == '}' || c == ';')).then_some(start + i + 1)
        });
        let end = end.unwrap_or(kept.len());
        let blank: String = kept[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        kept.replace_range(start..end, &blank);
    }
    kept
}

/// The line of a position, from 1.
pub(crate) fn line_of(code: &str, position: usize) -> usize {
    1 + code[..position].matches('\n').count()
}

/// The first names after `crate::` with their lines, from code without comments.
pub(crate) fn crate_names(code: &str) -> Vec<(usize, String)> {
    const ROOT: &str = "crate::";
    let mut names = Vec::new();
    for (position, _) in code.match_indices(ROOT) {
        if code[..position].ends_with(is_word) {
            continue;
        }
        let path = code[position + ROOT.len()..].trim_start();
        let mut add = |text: &str| {
            let name: String = text.trim_start().chars().take_while(|&c| is_word(c)).collect();
            if !name.is_empty() {
                names.push((line_of(code, position), name));
            }
        };
        let Some(group) = path.strip_prefix('{') else {
            add(path);
            continue;
        };
        let (mut depth, mut first) = (0, 0);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    add(&group[first..i]);
                    first = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    names
}

#[test]
fn code_is_what_is_no_comment_and_no_string() {
    let text = "use a; // crate::b\n/* x /* y */ crate::c */ let d = \"\\\"crate::e\n\"; f('\"', '\\'');\n\
                let g = r#\"crate::\"h\"#; fn i<'a>(r: &'a str) { r\"\\\" }";
    let lines: Vec<String> = code(text).lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines, ["usea;", "letd=", ";f(,);", "letg=;fni<'a>(r:&'astr){}"]);
    let test_only = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { c() } }\n#[cfg(test)]\nuse d;\nfn e() {}";
    let kept: String = without_tests(test_only).split_whitespace().collect();
    assert_eq!(kept, "fna(){}fne(){}");
}

#[test]
fn paths_from_the_root_are_found_in_groups_and_macros() {
    let names = |text: &str| -> Vec<String> { crate_names(text).into_iter().map(|found| found.1).collect() };
    assert_eq!(
        names("use crate::time::Ts;\nlet x = crate::math::sum(); pub(crate) fn f() {}"),
        ["time", "math"]
    );
    assert_eq!(names("use crate::{Error, time::{Ts, run::{a}}, math,\n};"), ["Error", "time", "math"]);
    assert_eq!(names("$crate::error::f(); my_crate::time::g()"), ["error"]);
}
