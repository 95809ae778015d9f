//! The rules of the house, checked from the text of the sources.
//!
//! What is a rule of the compiler or of a lint is in `Cargo.toml`; here are the rules that no tool knows: which
//! module may import which, how long a file may be, what it may be called, where it says what it is for, and
//! where it may panic. Every exception stands in a table with its reason, and an exception that is no longer
//! needed fails the test as well. The last tests try the checks themselves on made-up text.

#[path = "architecture/text.rs"]
mod text;

use std::collections::BTreeSet;
use std::path::Path;

use text::{code, crate_names, is_word, line_of, without_tests};

/// The floors, lowest first. A module imports from lower floors only.
const FLOORS: [&[&str]; 12] = [
    &["error", "number", "registry", "stop"],
    &["math", "time"],
    &["inverse_link", "recording"],
    &["basis", "observation", "read", "regularizer", "simulate"],
    &["backend"],
    &["design"],
    &["features", "tuning"],
    &["objective"],
    &["solver"],
    &["glm"],
    &["check", "figure", "report", "write"],
    &["cli"],
];

/// What `lib.rs` itself offers to every module: the names of the lowest floor.
const ROOT_NAMES: [&str; 2] = ["Error", "Result"];

/// Lines of the longest file.
const MAX_LINES: usize = 400;

/// Files that are longer, and why.
const LONG: [(&str, &str); 2] = [
    ("tests/generators/reference_nemos.py", "made the golden values once: a record, not part of the program"),
    (
        "tests/generators/reference_pynapple.py",
        "made the golden values once: a record, not part of the program",
    ),
];

/// Names that say nothing about what a file holds.
const VAGUE: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

/// What ends the program where an error should be returned.
const PANICS: [&str; 6] = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("];

/// Where it may nevertheless stand: file, text, how often, why no input can reach it.
const MAY_PANIC: [(&str, &str, usize, &str); 2] = [
    ("src/time/convolution.rs", ".expect(", 3, "the plan of a transform made the buffers that it is given"),
    (
        "src/backend/cpu/convolution/transforms.rs",
        ".expect(",
        2,
        "the transforms made the scratch that they are given",
    ),
];

/// Kernels of the GPU without a file of their name below `src/backend/cpu`, and why.
const NO_TWIN: [(&str, &str); 11] = [
    ("copy_words", "measures a roof, as `roofs.rs` does on the CPU"),
    ("correlate", "on the CPU `spectra.rs` sums over the lags of samples, however few they are"),
    ("correlate_fft", "the same"),
    ("exponentials", "measures how exact a compiler's functions are; those of the CPU are ours everywhere"),
    ("fused", "on the CPU the general loop reads a tile once, in cache the second time"),
    ("fused_small", "the same for few columns"),
    ("multiply_adds", "the same"),
    ("reach", "a few lines of `line.rs` on the CPU"),
    ("reduce", "how sums of work groups are added up is the GPU's own matter"),
    ("seal", "on the CPU numbers do not travel"),
    ("two_sum", "measures what a compiler makes of roundings"),
];

/// A file below the root of the repository: its path with `/`, and its text.
struct Source {
    path: String,
    text: String,
}

/// All text files of a folder, sorted by path.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(Path::new(env!("CARGO_MANIFEST_DIR")), folder, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, folder: &str, found: &mut Vec<Source>) {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        let written = [".rs", ".py", ".wgsl", ".md"].iter().any(|ending| name.ends_with(ending));
        if root.join(&path).is_dir() {
            collect(root, &path, found);
        } else if written {
            let text = std::fs::read_to_string(root.join(&path)).unwrap();
            found.push(Source { path, text });
        }
    }
}

fn rust_sources() -> Vec<Source> {
    sources("src")
        .into_iter()
        .filter(|source| Path::new(&source.path).extension() == Some("rs".as_ref()))
        .collect()
}

/// The module of the crate that a file belongs to, `None` for the root of the library and the program.
fn module(path: &str) -> Option<&str> {
    let name = path.strip_prefix("src/")?.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!["lib", "main"].contains(&name)).then_some(name)
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Imports of a file that do not go down.
fn wrong_imports(path: &str, text: &str) -> Vec<String> {
    let Some(own) = module(path) else { return Vec::new() };
    let complaint = |(line, name): (usize, String)| {
        if name == own || ROOT_NAMES.contains(&name.as_str()) {
            return None;
        }
        match (floor(own), floor(&name)) {
            (Some(above), Some(below)) if below < above => None,
            (Some(above), Some(below)) => {
                Some(format!("{path}:{line}: {own} (floor {above}) imports {name} (floor {below})"))
            }
            _ => Some(format!("{path}:{line}: {own} imports {name}: one of them has no floor")),
        }
    };
    crate_names(&code(text)).into_iter().filter_map(complaint).collect()
}

/// The floors as a page draws them: each number is followed by the modules of its floor.
fn floors_of_page(page: &str) -> Vec<(usize, String)> {
    let after = page.split("stand on floors").nth(1).unwrap_or_default();
    let drawing = after.split("```").nth(1).unwrap_or_default().trim_start_matches("text");
    let mut floors = Vec::new();
    let mut number = None;
    for word in drawing.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()) {
        match (word.parse::<usize>(), number) {
            (Ok(next), _) => number = Some(next),
            (Err(_), Some(number)) => floors.push((number, word.to_string())),
            (Err(_), None) => {}
        }
    }
    floors.sort();
    floors
}

/// Whether a file says what it is for: a page at its head, or a documented type before anything else is public.
fn has_page(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("pub "));
    let above = |item: usize| lines[..item].iter().rev().find(|line| !line.starts_with("#["));
    text.starts_with("//! ")
        || first.is_some_and(|item| above(item).is_some_and(|line| line.starts_with("///")))
}

/// Places outside of tests where the program would end.
fn panics(text: &str) -> Vec<(usize, &'static str)> {
    let code = without_tests(&code(text));
    let at = |what: &'static str| {
        let code = &code;
        code.match_indices(what).map(move |(position, _)| (line_of(code, position), what))
    };
    PANICS.into_iter().flat_map(at).collect()
}

fn nothing_in(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn modules_import_from_lower_floors_only() {
    let wrong: Vec<String> =
        rust_sources().iter().flat_map(|source| wrong_imports(&source.path, &source.text)).collect();
    nothing_in(&wrong);
}

/// A second computation is worth as much as it shares little with the first.
#[test]
fn certificates_are_checked_without_kernels_and_solvers() {
    let own = rust_sources().into_iter().filter(|source| source.path.starts_with("src/check/"));
    let shared = |source: Source| {
        let names = crate_names(&without_tests(&code(&source.text)));
        let wrong = ["backend", "design", "objective", "tuning"];
        let of_fit = names.into_iter().filter(move |(_, name)| wrong.contains(&name.as_str()));
        of_fit.map(|(line, name)| format!("{}:{line}: {name}", source.path)).collect::<Vec<_>>()
    };
    let found: Vec<String> = own.flat_map(shared).collect();
    nothing_in(&found);
}

#[test]
fn the_table_of_floors_is_the_one_of_the_first_page_and_complete() {
    let sources = rust_sources();
    let page = &sources.iter().find(|source| source.path == "src/lib.rs").unwrap().text;
    let mut floors: Vec<(usize, String)> = Vec::new();
    for (number, modules) in FLOORS.iter().enumerate() {
        floors.extend(modules.iter().map(|module| (number, (*module).to_string())));
    }
    floors.sort();
    assert_eq!(floors_of_page(page), floors);
    let listed: BTreeSet<&str> = FLOORS.concat().into_iter().collect();
    let present: BTreeSet<&str> = sources.iter().filter_map(|source| module(&source.path)).collect();
    assert_eq!(listed, present);
}

#[test]
fn kernels_of_the_gpu_have_twins_on_the_cpu() {
    let rust = rust_sources();
    for shader in sources("shaders/kernel") {
        let name = shader.path.trim_start_matches("shaders/kernel/").trim_end_matches(".wgsl");
        let twin = format!("/{name}.rs");
        let has_twin = rust
            .iter()
            .any(|source| source.path.starts_with("src/backend/cpu/") && source.path.ends_with(&twin));
        let excused = NO_TWIN.iter().any(|(kernel, _)| *kernel == name);
        assert_ne!(has_twin, excused, "{name}");
        assert!(shader.text.starts_with("// "), "{name} says at its head what it computes");
    }
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for source in ["src", "tests", "benches", "shaders"].into_iter().flat_map(sources) {
        let n_lines = source.text.lines().count();
        let excused = LONG.iter().any(|(path, _)| *path == source.path);
        match (n_lines > MAX_LINES, excused) {
            (true, false) => wrong.push(format!("{}: {n_lines} lines, at most {MAX_LINES}", source.path)),
            (false, true) => wrong.push(format!("{}: needs no exception any more", source.path)),
            _ => {}
        }
    }
    nothing_in(&wrong);
}

#[test]
fn files_are_called_after_what_they_hold() {
    let vague = |path: &str| path.split(['/', '.']).any(|part| VAGUE.contains(&part));
    let wrong: Vec<String> =
        sources("src").into_iter().map(|source| source.path).filter(|path| vague(path)).collect();
    nothing_in(&wrong);
    assert!(vague("src/time/utils.rs") && vague("src/common/mod.rs") && !vague("src/time/unit.rs"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = rust_sources()
        .into_iter()
        .filter(|source| !has_page(&source.text))
        .map(|source| format!("{}: neither a page (`//!`) nor a documented first item", source.path))
        .collect();
    nothing_in(&silent);
}

#[test]
fn nothing_panics_but_where_it_says_why() {
    let mut wrong = Vec::new();
    let mut excused = [0; MAY_PANIC.len()];
    // files of tests alone may
    for source in rust_sources().into_iter().filter(|source| !source.path.contains("/tests/")) {
        for (line, what) in panics(&source.text) {
            match MAY_PANIC.iter().position(|entry| (entry.0, entry.1) == (source.path.as_str(), what)) {
                Some(entry) => excused[entry] += 1,
                None => wrong.push(format!("{}:{line}: {what}", source.path)),
            }
        }
    }
    for ((path, what, expected, _), found) in MAY_PANIC.iter().zip(excused) {
        if found != *expected {
            wrong.push(format!("{path}: {found} times {what}, {expected} excused"));
        }
    }
    nothing_in(&wrong);
}

#[test]
fn the_checks_find_imports_that_go_up_or_sideways() {
    let text = "//! See [`crate::glm`].\nuse crate::{Result, glm};\nuse crate::time::Ts;\nuse crate::tuning::A;\n\
                use crate::features::B;\nuse crate::nowhere::C;\n";
    let wrong = wrong_imports("src/features/signal.rs", text);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong[0].starts_with("src/features/signal.rs:2: features (floor 6) imports glm (floor 9)"));
    assert!(wrong[1].contains(":4: ") && wrong[2].contains(":6: "), "{wrong:?}");
    assert_eq!(wrong_imports("src/lib.rs", text), Vec::<String>::new());
}

#[test]
fn the_checks_read_pages_and_find_panics() {
    let page = "//! stand on floors\n//! ```text\n//! 2 c   1 a, b\n//!  0 error\n//! ```\n//! 7 times\n";
    let expected = [(0, "error"), (1, "a"), (1, "b"), (2, "c")];
    assert_eq!(floors_of_page(page), expected.map(|(number, name)| (number, name.to_string())));
    assert!(
        has_page("//! Page.\nuse a;\n") && has_page("use a;\n/// A type.\n#[derive(B)]\npub struct A;\n")
    );
    assert!(!has_page("use a;\n\npub struct A;\n/// Late.\npub struct B;\n") && !has_page("fn a() {}\n"));
    let text = "/// x.unwrap()\nfn f() {\n  y.unwrap(); y.unwrap_or(0); todo!();\n}\n\
                #[cfg(test)]\nmod t { fn g() { z.expect(\"\") } }\n";
    assert_eq!(panics(text), [(3, ".unwrap()"), (3, "todo!(")]);
}
