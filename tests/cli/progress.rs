//! Progress on a terminal: a pseudo-terminal of `script` stands for it.

use crate::array_file::{Array, Random, write_npz};
use crate::array_fit::arrays;
use crate::{Place, Run};

/// Runs `rheobase` with its stderr on a terminal and stdout in a file; what the terminal saw, and stdout.
fn on_a_terminal(place: &Place, words: &str) -> Option<(String, String)> {
    let mut command = place.command("script");
    let line = format!("{} {words} > stdout", env!("CARGO_BIN_EXE_rheobase"));
    command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("COLUMNS", "100");
    if place.command("script").arg("--version").output().is_err() {
        eprintln!("skipped: script (of util-linux) is not there");
        return None;
    }
    let run = Run::of(&mut command).ended(0);
    Some((run.stdout, std::fs::read_to_string(place.path("stdout")).unwrap()))
}

/// Data whose fit takes seconds, so that a fast machine shows its progress too: many targets.
fn large() -> Place {
    let place = Place::new();
    let mut random = Random(3);
    let (n, p, m) = (60_000, 64, 40);
    let x: Vec<f64> = (0..n * p).map(|_| random.normal()).collect();
    let y: Vec<f64> = (0..n * m).map(|_| f64::from(u8::from(random.uniform() < 0.1))).collect();
    write_npz(&place.path("d.npz"), &[("X", Array::matrix(p, &x)), ("y", Array::matrix(m, &y))]);
    place
}

#[test]
fn a_long_fit_shows_where_it_stands_and_leaves_nothing() {
    let place = large();
    // so large that a GPU would be looked for, and a note would follow
    let words = "fit d.npz --solver newton --standard-errors on --backend cpu";
    let Some((seen, stdout)) = on_a_terminal(&place, words) else { return };
    assert!(stdout.contains("converged"), "{stdout}");
    for said in ["fitting: iteration ", ", pass ", "loss gap ", "goal 1e-16", " of 40, ", " left"] {
        assert!(seen.contains(said), "{said:?} was not seen: {seen:?}");
    }
    // the last thing on the terminal is a line that was wiped out
    assert!(seen.ends_with("\u{1b}[2K") || seen.ends_with("\r\u{1b}[2K"), "{seen:?}");
    let (quiet, _) = on_a_terminal(&place, &format!("{words} --quiet")).unwrap();
    assert_eq!(quiet, "");
}

#[test]
fn a_short_fit_shows_nothing() {
    let place = arrays();
    let Some((seen, stdout)) = on_a_terminal(&place, "fit d.npz") else { return };
    assert!(stdout.contains("converged"), "{stdout}");
    assert_eq!(seen, "");
}
