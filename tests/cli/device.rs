//! Devices: which there are, fits on one, and what happens without any.

use serde_json::Value;

use crate::array_fit::arrays;
use crate::recording_file::write_coupled;
use crate::{Place, Run, json, number, numbers, relative, tutorial};

/// Runs `rheobase` where adapters can be seen.
pub(crate) fn seeing(place: &Place, words: &[&str]) -> Run {
    let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
    Run::of(command.args(words).env_remove("WGPU_BACKEND"))
}

/// The number of an adapter that can be used, if there is one.
pub(crate) fn adapter(place: &Place) -> Option<String> {
    let devices = seeing(place, &["devices", "--json"]).ended(0).json();
    let usable = |device: &&Value| device["unusable"].is_null();
    let found = devices["devices"].as_array().unwrap().iter().find(usable);
    if found.is_none() {
        assert!(std::env::var_os("RHEOBASE_REQUIRE_GPU").is_none(), "no adapter: {devices}");
        eprintln!("skipped: no adapter");
    }
    found.map(|device| device["number"].to_string())
}

#[test]
fn a_machine_without_a_gpu_says_so() {
    let place = Place::new();
    let run = place.run(&["devices"]).ended(0);
    assert!(run.stdout.starts_with("cpu: ") && run.stdout.contains("no GPU"), "{run:?}");
    let devices = place.run(&["devices", "--json"]).ended(0).json();
    assert_eq!((&devices["devices"], devices["cpu"].is_string()), (&Value::Array(vec![]), true));
}

#[test]
fn a_fit_on_a_device_is_that_of_the_cpu() {
    let place = Place::new();
    let Some(number) = adapter(&place) else { return };
    let file = tutorial();
    let words = |out: &'static str, more: &[&'static str]| -> Vec<String> {
        let study = ["fit", &file, "--epochs", "Noise 1", "--unit", "0", "--bin", "1ms"];
        let features = ["--feature", "stimulus*1e12 : raised-cosine-log(4, window=50ms)", "--out", out];
        study.iter().chain(&features).chain(more).map(ToString::to_string).collect()
    };
    let run = |words: &[String], more: &[&str]| {
        let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
        seeing(&place, &words).ended(0)
    };
    run(&words("on-cpu", &["--backend", "cpu"]), &[]);
    let said = run(&words("on-gpu", &["--backend", "gpu", "--device"]), &[&number]);
    let [cpu, gpu] = ["on-cpu", "on-gpu"].map(|folder| json(&place.path(folder).join("fit.json")));
    assert_eq!((&cpu["backend"], &gpu["backend"]), (&"cpu".into(), &"gpu".into()));
    assert_eq!(gpu["plan"]["backend"], "gpu");
    // nothing happened to either
    assert_eq!([&cpu["device_events"], &gpu["device_events"]], [&Value::Array(vec![]); 2]);
    let device = gpu["device"].as_str().unwrap();
    assert!(said.stdout.contains(&format!(" on {device} in f32, finished in f64")), "{said:?}");
    let [a, b] = [&cpu, &gpu].map(|fit| {
        assert_eq!(fit["targets"][0]["status"], "converged");
        numbers(&fit["targets"][0]["coef"])
    });
    assert!(relative(&b, &a) < 1e-8, "{a:?} {b:?}");
    let errors = [&cpu, &gpu].map(|fit| numbers(&fit["targets"][0]["standard_errors"]));
    assert!(relative(&errors[1], &errors[0]) < 1e-8, "{errors:?}");
    // a plan is for the backend that it was made on
    let plan = place.path("on-gpu").join("fit.json").display().to_string();
    let refused = seeing(
        &place,
        &[
            "fit",
            &file,
            "--epochs",
            "Noise 1",
            "--unit",
            "0",
            "--bin",
            "1ms",
            "--feature",
            "stimulus*1e12 : raised-cosine-log(4, window=50ms)",
            "--backend",
            "cpu",
            "--plan",
            &plan,
        ],
    )
    .ended(3);
    assert!(refused.stderr.contains("plan.backend: expected cpu, found gpu"), "{refused:?}");
}

/// One fit on the CPU and on an adapter, of the same words.
fn on_both(place: &Place, number: &str, words: &[&str]) -> [Value; 2] {
    let cpu = seeing(place, &[words, &["--backend", "cpu", "--json"]].concat()).ended(0).json();
    let gpu =
        seeing(place, &[words, &["--backend", "gpu", "--device", number, "--json"]].concat()).ended(0).json();
    assert_eq!((&cpu["backend"], &gpu["backend"]), (&"cpu".into(), &"gpu".into()));
    assert_eq!((&gpu["plan"]["backend"], &gpu["plan"]["storage"]), (&"gpu".into(), &"f32".into()));
    [cpu, gpu]
}

fn assert_agree([cpu, gpu]: &[Value; 2], tolerance: f64) {
    let targets = |fit: &Value| fit["targets"].as_array().unwrap().clone();
    assert_eq!(targets(cpu).len(), targets(gpu).len());
    for (cpu, gpu) in targets(cpu).iter().zip(&targets(gpu)) {
        assert_eq!((&cpu["name"], &cpu["status"]), (&gpu["name"], &gpu["status"]));
        let far = relative(&numbers(&gpu["coef"]), &numbers(&cpu["coef"]));
        assert!(far < tolerance, "{}: {far:e}", cpu["name"]);
        let [a, b] = [cpu, gpu].map(|target| number(&target["intercept"]));
        assert!((a / b - 1.0).abs() < tolerance, "{a} {b}");
    }
}

#[test]
fn the_tutorials_models_are_those_of_the_cpu_in_few_passes() {
    let place = Place::new();
    let Some(number) = adapter(&place) else { return };
    let file = tutorial();
    let study = ["fit", &file, "--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms"];
    let history = "stimulus*1e12 : raised-cosine-log(8, window=200ms)";
    for features in [&["--feature", "stimulus*1e12"][..], &["--feature", history]] {
        for (solver, tolerance, digits) in [("lbfgs", "1e-15", 1e-6), ("newton", "1e-16", 1e-8)] {
            let words = [&study[..], features, &["--solver", solver, "--tolerance", tolerance]].concat();
            let both = on_both(&place, &number, &words);
            assert_agree(&both, digits);
            let passes = both[1]["targets"][0]["passes"].as_u64().unwrap();
            assert!(passes <= 30, "{features:?}, {solver}: {passes} passes");
        }
    }
}

#[test]
fn a_coupled_population_is_that_of_the_cpu() {
    let place = Place::new();
    write_coupled(&place.path("c.nwb"));
    let Some(number) = adapter(&place) else { return };
    let study = ["fit", "c.nwb", "--epochs", "run", "--unit", "all", "--bin", "10ms", "--feature", "current"];
    let coupling = ["--feature", "units : raised-cosine-log(3, window=100ms)"];
    let others = ["--feature", "units-others : raised-cosine-log(2, window=60ms)"];
    let ridge = ["--regularizer", "ridge", "--strength", "1e-3"];
    for more in [&coupling[..], &[&coupling[..], &ridge].concat(), &others] {
        let both = on_both(&place, &number, &[&study[..], more].concat());
        assert_eq!(both[0]["targets"].as_array().unwrap().len(), 12);
        assert_agree(&both, 1e-8);
    }
}

#[test]
fn a_device_that_is_not_there_is_an_error_and_auto_goes_on() {
    let place = arrays();
    let run = place.run(&["fit", "d.npz", "--backend", "gpu"]).ended(5);
    assert!(run.stderr.contains("no GPU to use") && run.stderr.contains("rheobase devices"), "{run:?}");
    let run = place.run(&["fit", "d.npz", "--backend", "auto"]).ended(0);
    assert!(run.stdout.contains(" on the CPU in "), "{run:?}");
    assert!(!run.stderr.contains("GPU"), "a small fit looks for none: {run:?}");
}

#[test]
fn software_counts_only_where_it_is_asked_for() {
    let place = arrays();
    let devices = seeing(&place, &["devices", "--json"]).ended(0).json();
    let all = devices["devices"].as_array().unwrap();
    if all.is_empty() || all.iter().any(|device| device["kind"] != "software") {
        eprintln!("skipped: not a machine with nothing but a software adapter");
        return;
    }
    let run = seeing(&place, &["fit", "d.npz", "--backend", "gpu"]).ended(5);
    assert!(run.stderr.contains("computes in software"), "{run:?}");
    let name = all[0]["name"].as_str().unwrap();
    for (variable, value) in [("RHEOBASE_SOFTWARE_GPU", "1"), ("WGPU_ADAPTER_NAME", name)] {
        let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
        command.args(["fit", "d.npz", "--backend", "gpu", "--explain"]).env_remove("WGPU_BACKEND");
        let fit = Run::of(command.env(variable, value)).ended(0);
        assert!(fit.stdout.contains(&format!("  steps on {name} (")), "{fit:?}");
    }
}
