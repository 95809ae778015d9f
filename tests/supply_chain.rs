//! What the program is built from, checked from the text of the sources, `Cargo.toml` and `Cargo.lock`.
//!
//! `deny.toml` has the licences, sources and duplicates for `cargo deny`; these rules hold without that tool: every direct
//! dependency says what it is for, no code of ours is unsafe, nothing that a build takes comes from anywhere but crates.io, and
//! nothing that runs reaches for the network or for another program.

#[path = "common/tally.rs"]
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tally::tally;
use toml::{Table, Value};

/// Crates that exist to speak to other machines.
const NETWORK: [&str; 36] = [
    "actix-web",
    "async-std",
    "attohttpc",
    "axum",
    "curl",
    "curl-sys",
    "ehttp",
    "git2",
    "gix",
    "h2",
    "h3",
    "hickory-resolver",
    "http",
    "hyper",
    "hyper-util",
    "isahc",
    "libgit2-sys",
    "libssh2-sys",
    "minreq",
    "mio",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "rustls",
    "smol",
    "socket2",
    "ssh2",
    "surf",
    "tiny_http",
    "tokio",
    "tonic",
    "tungstenite",
    "ureq",
    "warp",
];

/// What a source of ours would write to reach another machine.
const SOCKETS: [&str; 6] =
    ["std::net", "TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs", "std::os::unix::net"];

/// Where a program is started, and which.
const STARTS: [(&str, &str); 2] = [
    (
        "src/cli/bench/children.rs",
        "a benchmark measures this program's own peak of memory in a process of its own",
    ),
    ("src/cli/bench/workloads/tutorial.rs", "a benchmark times whole runs of this program"),
];

/// Packages of two versions in one build, and who still asks for the older one.
const TWICE: [(&str, &str); 8] = [
    ("equator", "nano-gemm, within faer"),
    ("equator-macro", "the same"),
    ("foldhash", "hashbrown 0.15"),
    ("hashbrown", "fontdue, within kuva, and gpu-allocator, within wgpu"),
    ("miniz_oxide", "png, within kuva"),
    ("syn", "macros, which are not in the program"),
    ("thiserror", "sysctl, within gemm-common, on macOS alone"),
    ("thiserror-impl", "the same"),
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table(path: &str) -> Table {
    read(path).parse().unwrap()
}

/// All Rust files of a folder.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries {
        let path = format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap());
        if root.join(&path).is_dir() {
            found.extend(rust_files(&path));
        } else if Path::new(&path).extension() == Some("rs".as_ref()) {
            let text = read(&path);
            found.push((path, text));
        }
    }
    found.sort();
    found
}

/// Dependencies of a manifest in a section: name of the package, and the line above.
fn dependencies<'m>(manifest: &'m str, section: &str) -> Vec<(&'m str, &'m str)> {
    let own = manifest.split(&format!("\n[{section}]\n")).nth(1).unwrap_or_default();
    let own = own.split("\n[").next().unwrap_or_default();
    let lines: Vec<&str> = std::iter::once("").chain(own.lines()).collect();
    let named = |pair: &[&'m str]| Some((pair[1].split_once('=')?.0.trim(), pair[0]));
    lines.windows(2).filter(|pair| !pair[1].starts_with('#')).filter_map(named).collect()
}

/// Packages of the lock file: name with version, and the names of what it needs.
fn packages(lock: &Table) -> Vec<(String, String, Vec<String>)> {
    let text = |own: &Table, field: &str| own[field].as_str().unwrap().to_string();
    let needs = |own: &Table| -> Vec<String> {
        let all = own.get("dependencies").and_then(Value::as_array).cloned().unwrap_or_default();
        all.iter().map(|need| need.as_str().unwrap().to_string()).collect()
    };
    let all = lock["package"].as_array().unwrap().iter().map(|own| own.as_table().unwrap());
    all.map(|own| (text(own, "name"), text(own, "version"), needs(own))).collect()
}

/// What wgpu asks for in browsers alone, where the program does not run.
const OF_BROWSERS: &str = "wasm-bindgen-futures";

/// Everything that a build of the program needs on any system, itself left out: from the direct dependencies on, those of tests
/// not among them.
fn built_from(
    direct: &BTreeSet<String>,
    packages: &[(String, String, Vec<String>)],
) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    // a need says its version only where there are several
    let mut open: Vec<String> = direct.iter().cloned().collect();
    while let Some(need) = open.pop() {
        let (name, version) = match need.split_once(' ') {
            Some((name, version)) => (name, Some(version)),
            None => (need.as_str(), None),
        };
        let is_it = |own: &&(String, String, Vec<String>)| {
            own.0 == name && version.is_none_or(|version| own.1 == version)
        };
        for (name, version, needs) in packages.iter().filter(is_it).filter(|own| own.0 != OF_BROWSERS) {
            if found.insert((name.clone(), version.clone())) {
                open.extend(needs.iter().cloned());
            }
        }
    }
    found
}

/// Names of the packages that a section of the manifest asks for.
fn direct(manifest: &Table, section: &str) -> BTreeSet<String> {
    let own = manifest[section].as_table().unwrap();
    let package = |(name, value): (&String, &Value)| {
        value.get("package").and_then(Value::as_str).unwrap_or(name).to_string()
    };
    own.iter().map(package).collect()
}

/// Code without the lines that are comments.
fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether code names what starts another program, however it comes by it: `process::Command`, a list or everything of that
/// module, or the module itself.
fn starts_programs(code: &str) -> bool {
    let code =
        code.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ::", "::").replace(":: ", "::");
    let is_start = |word: &str| word.starts_with("Command") || word == "*" || word.starts_with("self");
    code.match_indices("process").any(|(at, word)| {
        let (before, after) = (&code[..at], &code[at + word.len()..]);
        if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            return false;
        }
        match after.strip_prefix("::") {
            Some(named) => {
                let list = named.strip_prefix('{').map(|list| list.split('}').next().unwrap_or(list));
                let list = list.unwrap_or_else(|| named.split([';', ' ', '(', ',']).next().unwrap_or(named));
                list.split(',').any(|word| is_start(word.trim()))
            }
            None => {
                let statement = before.rsplit(';').next().unwrap_or(before);
                let is_named = after.trim_start().starts_with([';', ',', '}']) || after.starts_with(" as ");
                statement.contains("use ") && is_named
            }
        }
    })
}

/// Every package of a lock file but our own comes from crates.io with its digest; how many versions there are of each.
fn versions_of_one_place(lock: &Table, own: &[&str]) -> BTreeMap<String, usize> {
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        *versions.entry(name.into()).or_default() += 1;
        let source = package.get("source").and_then(Value::as_str);
        if own.contains(&name) {
            assert_eq!(source, None, "{name}");
            continue;
        }
        assert_eq!(source, Some("registry+https://github.com/rust-lang/crates.io-index"), "{name}");
        assert!(package["checksum"].as_str().is_some_and(|sum| sum.len() == 64), "{name}: no checksum");
    }
    versions
}

fn nothing_in(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_direct_dependency_says_what_it_is_for() {
    let manifest = read("Cargo.toml");
    let mut n_found = 0;
    for section in ["dependencies", "dev-dependencies"] {
        let found = dependencies(&manifest, section);
        let silent = found.iter().filter(|(_, above)| !above.starts_with("# "));
        nothing_in(
            &silent
                .map(|(name, _)| format!("{name}: no line above it says what it is for"))
                .collect::<Vec<_>>(),
        );
        assert_eq!(found.len(), table("Cargo.toml")[section].as_table().unwrap().len(), "{section}");
        n_found += found.len();
    }
    assert!(n_found > 20);
}

#[test]
fn no_code_of_ours_is_unsafe() {
    assert_eq!(table("Cargo.toml")["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    let roots = ["src/lib.rs", "src/main.rs"].map(|path| (path.to_string(), read(path)));
    let is_root = |(path, _): &(String, String)| path.matches('/').count() == 1;
    let others = ["benches", "examples"].map(rust_files).concat().into_iter().filter(is_root);
    let silent =
        roots.into_iter().chain(others).filter(|(_, text)| !text.contains("\n#![forbid(unsafe_code)]\n"));
    nothing_in(&silent.map(|(path, _)| format!("{path}: no #![forbid(unsafe_code)]")).collect::<Vec<_>>());
}

#[test]
fn everything_comes_from_one_place_and_once() {
    let versions = versions_of_one_place(&table("Cargo.lock"), &["rheobase"]);
    let fuzzed = versions_of_one_place(&table("tests/fuzz/Cargo.lock"), &["rheobase", "rheobase-fuzz"]);
    assert!(versions.len() > 50 && fuzzed.len() > 50);
    for manifest in ["Cargo.toml", "tests/fuzz/Cargo.toml", ".cargo/config.toml"].map(table) {
        assert!(["patch", "replace", "source"].iter().all(|name| !manifest.contains_key(*name)));
    }
    let twice: Vec<&str> = versions.iter().filter(|(_, n)| **n > 1).map(|(name, _)| name.as_str()).collect();
    assert_eq!(twice, TWICE.map(|(name, _)| name), "packages of several versions, and their excuses");
    let deny = table("deny.toml");
    let skipped = deny["bans"]["skip"].as_array().unwrap();
    let skipped: BTreeSet<&str> =
        skipped.iter().filter_map(|own| own["crate"].as_str()?.split('@').next()).collect();
    assert_eq!(skipped.into_iter().collect::<Vec<_>>(), twice, "deny.toml excuses the same");
}

#[test]
fn nothing_that_runs_reaches_for_the_network() {
    let (manifest, packages) = (table("Cargo.toml"), packages(&table("Cargo.lock")));
    let own = direct(&manifest, "dependencies");
    let all = built_from(&own, &packages);
    let reaching: Vec<&str> =
        all.iter().map(|(name, _)| name.as_str()).filter(|name| NETWORK.contains(name)).collect();
    assert!(reaching.is_empty(), "{reaching:?}");
    let deny = table("deny.toml");
    let denied = deny["bans"]["deny"].as_array().unwrap();
    let denied: BTreeSet<&str> = denied.iter().filter_map(|own| own["crate"].as_str()).collect();
    assert_eq!(denied, NETWORK.into_iter().collect(), "deny.toml denies the same");
    let mut wrong = Vec::new();
    let mut starts = BTreeSet::new();
    for (path, text) in rust_files("src") {
        let code = code_of(&text);
        wrong.extend(
            SOCKETS.iter().filter(|word| code.contains(**word)).map(|word| format!("{path}: {word}")),
        );
        if starts_programs(&code) {
            starts.insert(path);
        }
    }
    nothing_in(&wrong);
    assert_eq!(starts.iter().map(String::as_str).collect::<Vec<_>>(), STARTS.map(|(path, _)| path));
    tally(
        "supply chain",
        &[
            ("direct dependencies", own.len() as u64),
            ("crates in the build, all systems", all.len() as u64),
            ("crates that speak to a network", reaching.len() as u64),
        ],
    );
}

#[test]
fn the_checks_find_what_they_look_for() {
    let manifest = "[package]\nname = \"a\"\n\n[dependencies]\n# why\nb = \"1\"\nc = { version = \"2\" }\n\n[x]\nd = 1\n";
    assert_eq!(dependencies(manifest, "dependencies"), [("b", "# why"), ("c", "b = \"1\"")]);
    let package = |name: &str, version: &str, needs: &[&str]| {
        (name.to_string(), version.to_string(), needs.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let packages = [
        package("a", "0", &["b", "test"]),
        package("b", "1", &["tokio", "c 2"]),
        package("c", "1", &["old"]),
        package("c", "2", &["b"]),
        package("old", "1", &[]),
        package("tokio", "1", &[]),
        package("test", "1", &[]),
    ];
    let found = built_from(&["b".to_string()].into(), &packages);
    let found: Vec<String> = found.iter().map(|(name, version)| format!("{name} {version}")).collect();
    assert_eq!(found, ["b 1", "c 2", "tokio 1"]);
    let starting = [
        "let a = std::process::Command::new(b);",
        "use std::process::{ExitCode, Command};",
        "use std::process::{\n    ExitCode,\n    Command as Other,\n};",
        "use std::process::*;",
        "use std::{io, process};",
        "use std::{io, process, fmt};",
        "use std::process;",
        "use std::process::{self, ExitCode};",
        "use std::process as p;",
        "use std::os::unix::process::CommandExt;",
        "let a = process\n    ::Command::new(b);",
    ];
    let silent = starting.iter().filter(|code| !starts_programs(code));
    nothing_in(&silent.map(ToString::to_string).collect::<Vec<_>>());
    let harmless = [
        "fn main() -> std::process::ExitCode {",
        "use std::process::{ExitCode, id};",
        "let own = std::process::id();",
        "use crate::cli::process_time;",
        "let text = \"a process of its own\"; use std::io;",
    ];
    let accused = harmless.iter().filter(|code| starts_programs(code));
    nothing_in(&accused.map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(code_of("a\n  // std::process::Command\nb"), "a\nb");
}

#[test]
#[should_panic(expected = "elsewhere")]
fn a_package_from_elsewhere_is_found() {
    let lock = "[[package]]\nname = \"elsewhere\"\nversion = \"1\"\nsource = \"git+https://example.org/a\"\n";
    versions_of_one_place(&lock.parse().unwrap(), &["rheobase"]);
}
