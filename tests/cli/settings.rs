//! Settings from the environment.

use crate::array_fit::arrays;
use crate::{Place, Run};

/// Runs `rheobase` with one variable set.
fn with(place: &Place, variable: &str, value: &str, words: &[&str]) -> Run {
    Run::of(place.command(env!("CARGO_BIN_EXE_rheobase")).args(words).env(variable, value))
}

#[test]
fn a_variable_stands_between_the_study_and_what_is_typed() {
    let place = arrays();
    std::fs::write(place.path("s.toml"), "data = \"d.npz\"\nthreads = 3\nmemory-limit = \"3GB\"\n").unwrap();
    let threads = |run: &Run| -> String {
        run.stdout.lines().find(|line| line.contains("threads =")).unwrap().to_string()
    };
    let words = ["fit", "s.toml", "--print-config"];
    assert_eq!(threads(&place.run(&words)), "threads = 3");
    assert_eq!(threads(&with(&place, "RHEOBASE_THREADS", "2", &words)), "threads = 2");
    let typed = [&words[..], &["--threads", "1"]].concat();
    assert_eq!(threads(&with(&place, "RHEOBASE_THREADS", "2", &typed)), "threads = 1");
    assert!(threads(&place.run(&["fit", "d.npz", "--print-config"])).starts_with("# threads = N"));
    let limit = with(&place, "RHEOBASE_MEMORY_LIMIT", "5MB", &words).stdout;
    assert!(limit.contains("memory-limit = \"5MB\"\n"), "{limit}");
}

#[test]
fn a_variable_is_in_force_and_the_result_the_same() {
    let place = arrays();
    let plain = place.run(&["fit", "d.npz", "--json"]).ended(0).json();
    let set = with(&place, "RHEOBASE_THREADS", "1", &["fit", "d.npz", "--json"]).ended(0).json();
    assert_eq!((&plain["targets"], &plain["command"]), (&set["targets"], &set["command"]));
    let refused = with(&place, "RHEOBASE_MEMORY_LIMIT", "100B", &["fit", "d.npz"]).ended(1);
    assert!(refused.stderr.contains("100 are allowed"), "{refused:?}");
}

#[test]
fn a_wrong_variable_is_named() {
    let place = arrays();
    for (variable, value, said) in [
        ("RHEOBASE_THREADS", "many", "expected a whole number, 1 or more, found `many`"),
        ("RHEOBASE_THREADS", "0", "expected 1 or more, found 0"),
        ("RHEOBASE_THREADS", "", "expected a whole number, 1 or more, found ``"),
        ("RHEOBASE_BACKEND", "tpu", "expected one of auto, cpu, gpu, found `tpu`"),
        ("RHEOBASE_PRECISION", "f16", "expected one of auto, f32, f64, found `f16`"),
        ("RHEOBASE_MEMORY_LIMIT", "4", "expected a size with its unit, found `4`"),
    ] {
        let help = format!("help: change or unset {variable}, or see `rheobase fit --help`\n");
        let run = with(&place, variable, value, &["fit", "d.npz"]).ended(2);
        assert_eq!(run.stderr, format!("error: {variable}: {said}\n{help}"));
        // typed, the option is named; what is typed wins over a variable, even over a wrong one
        let option =
            format!("--{}", variable.trim_start_matches("RHEOBASE_").to_lowercase().replace('_', "-"));
        let run = with(&place, variable, "auto", &["fit", "d.npz", &format!("{option}=?")]).ended(2);
        assert!(!run.stderr.contains("RHEOBASE"), "{run:?}");
    }
    let good = [("THREADS", "1"), ("BACKEND", "cpu"), ("PRECISION", "f64"), ("MEMORY_LIMIT", "1GB")];
    for (variable, value) in good {
        with(&place, &format!("RHEOBASE_{variable}"), value, &["fit", "d.npz"]).ended(0);
    }
}

#[test]
fn a_device_that_is_not_there_is_named_with_its_variable() {
    let place = arrays();
    for (variable, value) in [("RHEOBASE_DEVICE", "big"), ("RHEOBASE_BACKEND", "gpu")] {
        let run = with(&place, variable, value, &["fit", "d.npz"]).ended(5);
        assert!(run.stderr.starts_with(&format!("error: {variable}={value}: ")), "{run:?}");
        // a command that names the CPU asks for no other device
        with(&place, variable, value, &["fit", "d.npz", "--backend", "cpu"]).ended(0);
    }
    let typed = place.run(&["fit", "d.npz", "--device", "big"]).ended(5);
    assert!(
        typed.stderr.starts_with("error: no GPU to use: looked for a device whose name contains \"big\""),
        "{typed:?}"
    );
}

#[test]
fn the_demo_names_a_wrong_variable_too() {
    let place = Place::new();
    let run = with(&place, "RHEOBASE_THREADS", "x", &["demo"]).ended(2);
    assert!(run.stderr.starts_with("error: RHEOBASE_THREADS: expected a whole number, 1 or more"), "{run:?}");
}

#[test]
fn the_help_names_the_variables_and_not_their_values() {
    let place = Place::new();
    for command in ["fit", "score"] {
        let help = with(&place, "RHEOBASE_MEMORY_LIMIT", "12345MB", &[command, "--help"]).ended(0).stdout;
        for variable in ["BACKEND", "DEVICE", "THREADS", "PRECISION", "MEMORY_LIMIT"] {
            assert!(help.contains(&format!("[env: RHEOBASE_{variable}]")), "{help}");
        }
        assert!(!help.contains("12345"), "{help}");
    }
}
