//! `rheobase completions` and `rheobase man`.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::{Place, Run, files_under};

/// What a program says about a text; `None` if the program is not there.
fn judged(program: &str, words: &[&str], text: &str) -> Option<Run> {
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: {program} is not there");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_string();
    let writing = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Run {
        code: output.status.code().unwrap(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    })
}

#[test]
fn every_shell_has_a_script_of_all_options() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = place.run(&["completions", shell]).ended(0);
        assert_eq!(run.stderr, "");
        for said in ["fit", "inspect", "detect-spikes", "print-config", "cost-constants", "newton"] {
            // elvish and powershell complete no values
            let is_left_out = said == "newton" && ["elvish", "powershell"].contains(&shell);
            assert!(is_left_out || run.stdout.contains(said), "{said} is not in the script of {shell}");
        }
        assert_eq!(run.stdout, place.run(&["completions", shell]).stdout);
    }
    let script = place.run(&["completions", "bash"]).stdout;
    if let Some(bash) = judged("bash", &["-n"], &script) {
        assert_eq!((bash.code, bash.stderr.as_str()), (0, ""));
    }
    // the shell completes a word by it
    let ask = "\nCOMP_WORDS=(rheobase fit --sol); COMP_CWORD=2; _rheobase rheobase --sol fit; echo \"${COMPREPLY[@]}\"";
    if let Some(bash) = judged("bash", &["-s"], &(script + ask)) {
        assert_eq!((bash.code, bash.stdout.as_str()), (0, "--solver\n"), "{bash:?}");
    }
}

#[test]
fn shells_that_are_none() {
    let place = Place::new();
    let run = place.refused(&["completions", "tcsh"], 2, &[]);
    assert_eq!(
        run.stderr,
        "error: <SHELL>: expected one of bash, elvish, fish, powershell, zsh, found `tcsh`\n\
         help: see `rheobase completions --help`\n"
    );
    place.refused(&["completions"], 2, &["rheobase completions: expected <SHELL>, found nothing"]);
}

/// Parts that every page has, and lines that groff would complain about.
fn check_page(page: &str, name: &str) {
    assert!(page.contains(&format!(".TH {name} 1")), "{name}: {page}");
    for part in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION"] {
        assert!(page.contains(part), "{name} lacks {part}");
    }
    assert_eq!(page.matches(".nf\n").count(), page.matches(".fi\n").count(), "{name}");
    if let Some(groff) = judged("groff", &["-ww", "-man", "-Tutf8", "-K", "utf8"], page) {
        assert_eq!((groff.code, groff.stderr.as_str()), (0, ""), "{name}");
        assert!(groff.stdout.len() > 500, "{name}");
    }
}

#[test]
fn manual_pages_of_all_commands() {
    let place = Place::new();
    let program = place.run(&["man"]).ended(0);
    check_page(&program.stdout, "rheobase");
    assert!(program.stdout.contains("EXIT STATUS") && program.stdout.contains("rheobase\\-fit(1)"));
    let fit = place.run(&["man", "fit"]).ended(0).stdout;
    check_page(&fit, "rheobase-fit");
    assert!(fit.contains("RHEOBASE_THREADS") && fit.contains("trials:correct=1 \\-\\-unit all"), "{fit}");
    if let Some(read) = judged("groff", &["-man", "-Tascii", "-P-c"], &fit) {
        // examples stand as they are typed
        let lines: Vec<&str> = read.stdout.lines().map(str::trim_end).collect();
        let example =
            "         rheobase fit FILE.nwb --epochs 'Noise 1' --unit 0 --bin 1ms --feature 'stimulus*1e12'";
        assert!(lines.iter().any(|line| line.trim() == example.trim()), "{}", read.stdout);
    }
    let serve = place.run(&["man", "bench-serve"]).ended(0).stdout;
    check_page(&serve, "rheobase-bench-serve");
    let run = place.run(&["man", "--out", "pages"]).ended(0);
    assert_eq!(run.stdout, "");
    let pages = files_under(&place.path("pages"));
    let help = place.run(&["--help"]).stdout;
    for page in &pages {
        let text = std::fs::read_to_string(place.path("pages").join(page)).unwrap();
        check_page(&text, page.trim_end_matches(".1"));
        // a command of a command has a page of its own
        let command = page.trim_end_matches(".1").split('-').nth(1).unwrap_or_default();
        assert!(help.contains(&format!("  {command}")), "{page}");
    }
    assert!(
        ["rheobase.1", "rheobase-inspect.1", "rheobase-bench.1", "rheobase-bench-serve.1"]
            .iter()
            .all(|page| pages.contains(*page)),
        "{pages:?}"
    );
    assert_eq!(run.stderr, format!("{} files written to pages\n", pages.len()));
    assert_eq!(std::fs::read_to_string(place.path("pages/rheobase-fit.1")).unwrap(), fit);
}

#[test]
fn pages_that_there_are_not() {
    let place = Place::new();
    let run = place.refused(&["man", "fitt"], 2, &["command \"fitt\" does not exist in rheobase"]);
    assert!(run.stderr.contains("help: did you mean fit? present are: demo, inspect, fit, score"), "{run:?}");
    place.refused(&["man", "fit", "--out", "x"], 2, &["expected it without", "--out", "keep one of them"]);
    std::fs::write(place.path("file"), "").unwrap();
    place.refused(&["man", "--out", "file"], 1, &["file: "]);
}
