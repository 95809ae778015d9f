//! The pages of `docs/` are true: their commands run, say what the page says they say, and their links lead somewhere.
//!
//! A page's ```` ```sh ```` blocks run in order in a folder of their own that holds `recording.nwb`, a copy of
//! `tests/data/patchclamp_small.nwb`. A ```` ```text ```` block after one is what the commands printed: each of its
//! lines is found, in order; `..` stands for anything. Comments above a block say more:
//!
//! - `<!-- exit 4 -->`: the exit code of its last command, where it is not 0;
//! - `<!-- not run -->`: a block for the reader's own files.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the pages.
fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(docs().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn pages() -> Vec<String> {
    let names =
        std::fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md")).collect();
    names.sort();
    names
}

/// A fenced block.
#[derive(Clone, Debug, Default)]
struct Block {
    language: String,
    text: String,
    /// The comment above it.
    comment: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    let mut above = "";
    for (number, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let comment = above.strip_prefix("<!--").and_then(|text| text.strip_suffix("-->"));
                let comment = comment.unwrap_or_default().trim().to_string();
                open =
                    Some(Block { language: language.into(), comment, line: number + 1, ..Block::default() });
            }
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
        if !line.is_empty() {
            above = line;
        }
    }
    assert!(open.is_none(), "a block that does not end");
    found
}

/// A line with `..` for what differs from run to run.
fn is_like(line: &str, pattern: &str) -> bool {
    let mut rest = line.trim_end();
    for (k, piece) in pattern.trim_end().split("..").enumerate() {
        match rest.find(piece) {
            Some(at) if k > 0 || at == 0 => rest = &rest[at + piece.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.trim_end().ends_with("..")
}

/// The first line of `expected` that `output` does not hold after those before it.
fn first_missing<'t>(output: &str, expected: &'t str) -> Option<&'t str> {
    let mut lines = output.lines();
    expected
        .lines()
        .filter(|line| !matches!(line.trim(), "" | ".."))
        .find(|line| !lines.any(|said| is_like(said, line)))
}

/// Runs the commands of a page.
fn run(name: &str) {
    let place = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patchclamp_small.nwb");
    std::fs::copy(data, place.path().join("recording.nwb")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_rheobase"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let path = path.unwrap();
    let blocks = blocks(&page(name));
    let mut n_run = 0;
    for (k, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        if block.comment.starts_with("not ") {
            continue;
        }
        let expected = block.comment.strip_prefix("exit ").map_or(0, |code| code.parse().unwrap());
        let script = format!("set -e\n{}", block.text);
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let place = format!("docs/{name}:{}", block.line);
        assert_eq!(output.status.code(), Some(expected), "{place}: {}\n{said}", block.text);
        if let Some(text) = blocks.get(k + 1).filter(|next| next.language == "text") {
            let missing = first_missing(&said, &text.text);
            assert!(missing.is_none(), "docs/{name}:{}: {missing:?} is not in\n{said}", text.line);
        }
        n_run += 1;
    }
    assert!(n_run > 0, "{name} has no command that runs");
}

#[test]
fn the_tour_runs() {
    run("tour.md");
}

#[test]
fn the_exercises_run() {
    run("exercises.md");
}

#[test]
fn the_conventions_run() {
    run("conventions.md");
}

#[test]
fn the_page_for_users_of_pynapple_and_nemos_runs() {
    run("coming-from-pynapple-and-nemos.md");
}

#[test]
fn the_page_on_couplings_runs() {
    run("coupling.md");
}

#[test]
fn the_promises_run() {
    run("promises.md");
}

#[test]
fn every_page_is_run() {
    let source = include_str!("docs.rs");
    for name in pages() {
        assert!(source.contains(&format!("run(\"{name}\")")), "{name}");
    }
}

/// A heading as the address of its section.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let mut n_links = 0;
    for name in pages() {
        let text = page(&name);
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap();
            if link.contains("://") {
                continue;
            }
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let target = docs().join(if file.is_empty() { &name } else { file });
            assert!(target.exists(), "docs/{name}: {link}");
            if !section.is_empty() {
                let target = std::fs::read_to_string(target).unwrap();
                let mut headings = target.lines().filter(|line| line.starts_with('#'));
                let found = headings.any(|line| anchor(line.trim_start_matches('#')) == section);
                assert!(found, "docs/{name}: {link}");
            }
            n_links += 1;
        }
    }
    assert!(n_links > 5);
}

#[test]
fn the_check_itself_can_fail() {
    assert!(is_like("newton on the CPU in f64, 28 ms", "newton on the CPU in f64, .. ms"));
    assert!(is_like("unit 0: converged", "..converged") && !is_like("unit 0: converged", "converged"));
    assert!(!is_like("R2 0.2932 (McFadden)", "R2 0.2931 (McFadden)") && !is_like("R2 0.29321", "R2 0.2932"));
    assert_eq!(first_missing("a\nb\n", "b\na\n"), Some("a"));
    assert_eq!(first_missing("a\nb\n", "a\n..\nb\n"), None);
    let page = "x\n<!-- exit 4 -->\n\n```sh\na\nb\n```\n```text\nc\n```\n";
    let blocks = blocks(page);
    assert_eq!((blocks[0].comment.as_str(), blocks[0].text.as_str()), ("exit 4", "a\nb\n"));
    assert_eq!((blocks[1].language.as_str(), blocks.len()), ("text", 2));
}
