//! Fits that are killed or stopped and go on: the answer is that of a fit that nobody disturbed.

use std::time::{Duration, Instant};

use ndarray::Array2;
use rheobase::Error;
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Source};
use rheobase::glm::{Entries, FittedGlm, GlmSpec, Journal, Response, SolverChoice};
use rheobase::solver::{Progress, Status};
use rheobase::stop::Stop;
use serde_json::Value;

use crate::array_file::Random;
use crate::tally::tally;
use crate::{Place, alone, numbers, population, relative};

/// How far coefficients of a fit that went on may be from those of one that did not.
const SAME: f64 = 1e-10;

/// Labels of one of three classes that four columns tell apart, in csv.
fn labels(place: &Place, n: usize) {
    let mut random = Random(5);
    let mut lines = vec!["a,b,c,d,turn".to_string()];
    for _ in 0..n {
        let x: Vec<f64> = (0..4).map(|_| random.normal()).collect();
        let scores = [x[0] + 0.5 * x[1], 0.7 * x[2] - x[3], 0.2];
        let noisy = scores.map(|score| score - (-random.uniform().ln()).ln());
        let best = (0..3).max_by(|&i, &j| noisy[i].total_cmp(&noisy[j])).unwrap();
        lines.push(format!("{},{},{},{},{}", x[0], x[1], x[2], x[3], ["left", "right", "stop"][best]));
    }
    std::fs::write(place.path("turns.csv"), lines.join("\n") + "\n").unwrap();
}

/// What must agree: coefficients and intercept of every target, and how it ended.
fn answers(place: &Place, name: &str) -> Vec<(Vec<f64>, Vec<f64>, Value, Value)> {
    let fit = place.json(name);
    let of_target = |target: &Value| {
        let fields = ["status", "gap_from", "strength", "aliased"].map(|key| target[key].clone());
        let proven = crate::number(&target["loss_gap"]) <= 1e-12;
        (numbers(&target["coef"]), numbers(&target["intercept"]), Value::from(fields.to_vec()), proven.into())
    };
    fit["targets"].as_array().unwrap().iter().map(of_target).collect()
}

/// How a fit is disturbed.
#[derive(Clone, Copy, Debug)]
enum By {
    Kill,
    Signal(&'static str),
    /// Its own limit of time, a part of what the undisturbed fit took.
    TimeLimit(f64),
}

/// Fits once undisturbed, then again and again disturbed at parts of the time that it took, and resumed; the number of disturbed runs
/// that had something to go on from.
fn disturbed(place: &Place, words: &[&str], by: &[By]) -> u64 {
    let started = Instant::now();
    place.run(&[words, &["--out", "whole", "--quiet"]].concat()).with(0);
    let whole = started.elapsed();
    let truth = answers(place, "whole/fit.json");
    let mut n_resumed = 0;
    for (k, by) in by.iter().enumerate() {
        let out = format!("out{k}");
        let own = [words, &["--out", &out, "--checkpoint-every", "20ms"]].concat();
        // from a third to two thirds of the way
        let on_the_way = whole.mul_f64(0.35 + 0.3 * k as f64 / 3.0);
        match by {
            By::Kill => {
                let running = place.start(&own);
                std::thread::sleep(on_the_way);
                drop(running.kill());
            }
            By::Signal(name) => {
                let running = place.start(&own);
                std::thread::sleep(on_the_way);
                running.signal(&[name]);
                drop(running.ended());
            }
            By::TimeLimit(part) => {
                let limit = format!("{}ms", whole.mul_f64(*part).as_millis().max(1));
                drop(place.run(&[&own[..], &["--time-limit", &limit, "--quiet"]].concat()));
            }
        }
        let checkpoint = std::fs::read(place.path(&out).join("checkpoint.json"));
        let progress = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).unwrap()["progress"].clone();
        let nothing = serde_json::json!({ "open": {}, "done": {} });
        n_resumed += u64::from(checkpoint.is_ok_and(|bytes| progress(bytes) != nothing));
        let ended = place.run(&[&own[..], &["--resume"]].concat()).with(0);
        assert!(!place.path(&out).join("checkpoint.json").exists(), "{ended:?}");
        for (target, (found, truth)) in
            answers(place, &format!("{out}/fit.json")).iter().zip(&truth).enumerate()
        {
            let apart = relative(&found.0, &truth.0).max(relative(&found.1, &truth.1));
            assert!(apart <= SAME, "{words:?}, {by:?}, target {target}: {apart:e}");
            assert_eq!((&found.2, &found.3), (&truth.2, &truth.3), "{words:?}, {by:?}, target {target}");
        }
    }
    n_resumed
}

#[test]
fn fits_of_every_kind_go_on_to_the_same_answer() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "one.npz", [60_000, 80, 1]);
    population(&place, "many.npz", [20_000, 40, 8]);
    population(&place, "few.npz", [15_000, 12, 2]);
    labels(&place, 20_000);
    let int = By::Signal("INT");
    let limits = [0.1, 0.25, 0.4, 0.55].map(By::TimeLimit);
    let cases: [(&str, &[&str], &[By]); 8] = [
        ("l-bfgs", &["fit", "one.npz", "--solver", "lbfgs"], &[By::Kill, int]),
        ("population", &["fit", "many.npz", "--solver", "newton"], &[By::Kill, By::Signal("TERM")]),
        ("ridge", &["fit", "many.npz", "--regularizer", "ridge", "--strength", "1e-3"], &[int]),
        ("lasso", &["fit", "many.npz", "--regularizer", "lasso", "--strength", "1e-2"], &[By::Kill, int]),
        (
            "cross-validation",
            &[
                "fit",
                "few.npz",
                "--regularizer",
                "ridge",
                "--strength",
                "1e-5:1:12",
                "--cv",
                "blocked",
                "--folds",
                "5",
            ],
            &[&[By::Kill, int, By::Kill][..], &limits].concat(),
        ),
        (
            "dispersion",
            &["fit", "few.npz", "--observation", "negative-binomial", "--dispersion", "ml"],
            &[By::Kill, int],
        ),
        ("classes", &["fit", "turns.csv", "--y", "turn", "--observation", "categorical"], &[By::Kill, int]),
        (
            "cross-validation of classes",
            &[
                "fit",
                "turns.csv",
                "--y",
                "turn",
                "--observation",
                "categorical",
                "--regularizer",
                "ridge",
                "--strength",
                "1e-4:1:4",
                "--cv",
                "kfold",
                "--folds",
                "3",
            ],
            &[&[By::Kill, int][..], &limits].concat(),
        ),
    ];
    let (mut n_disturbed, mut n_resumed) = (0, 0);
    for (what, words, by) in cases {
        n_disturbed += by.len() as u64;
        let own = disturbed(&place, words, by);
        eprintln!("{what}: {own} of {} went on from a checkpoint", by.len());
        n_resumed += own;
    }
    assert!(n_resumed * 2 > n_disturbed, "only {n_resumed} of {n_disturbed} had something to go on from");
    tally(
        "fits that were stopped or killed",
        &[
            ("disturbed", n_disturbed),
            ("resumed from a checkpoint", n_resumed),
            ("with the same answer", n_disturbed),
        ],
    );
}

#[test]
fn a_checkpoint_of_another_fit_is_refused_and_says_what_differs() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [60_000, 64, 20]);
    let words = ["fit", "d.npz", "--solver", "newton", "--checkpoint-every", "50ms", "--quiet"];
    let place_of = ["--checkpoint", "c.json"];
    let mut running = place.start(&[&words[..], &place_of].concat());
    assert!(running.has_points("c.json"));
    running.signal(&["INT"]);
    let ended = running.ended().with(4);
    assert!(ended.stderr.contains("checkpoint written to c.json; to go on:"), "{ended:?}");
    let refused = |more: &[&str], said: &str| {
        let ended = place.run(&[&words[..], &place_of, &["--resume"], more].concat()).with(2);
        assert!(ended.stderr.contains(said) && ended.stderr.contains("\nhelp: resume with"), "{ended:?}");
    };
    refused(&["--tolerance", "0.001"], "--tolerance not given then, 0.001 now");
    refused(&["--regularizer", "ridge", "--strength", "1"], "--regularizer ");
    refused(&["--out", "out"], "--out not given then, given now");
    let bytes = std::fs::read(place.path("d.npz")).unwrap();
    population(&place, "d.npz", [60_000, 64, 19]);
    refused(&[], "other data: the file has changed");
    std::fs::write(place.path("d.npz"), bytes).unwrap();
    let checkpoint = std::fs::read(place.path("c.json")).unwrap();
    std::fs::write(place.path("c.json"), &checkpoint[..checkpoint.len() / 2]).unwrap();
    let ended = place.run(&[&words[..], &place_of, &["--resume"]].concat()).with(3);
    assert!(ended.stderr.starts_with("error: c.json: "), "{ended:?}");
    // options that decide nothing may differ
    std::fs::write(place.path("c.json"), checkpoint).unwrap();
    place
        .run(
            &[
                &words[..],
                &place_of,
                &["--resume", "--threads", "1", "--json", "--max-iterations", "500", "--backend", "cpu"],
            ]
            .concat(),
        )
        .with(0);
    assert!(!place.path("c.json").exists());
    // without a checkpoint the fit begins at the start
    population(&place, "small.npz", [500, 3, 1]);
    let ended = place.run(&["fit", "small.npz", "--out", "out", "--resume"]).with(0);
    assert!(ended.stderr.contains("checkpoint.json is not there: the fit begins at the start"), "{ended:?}");
    let ended = place.run(&["fit", "small.npz", "--resume"]).with(2);
    assert!(ended.stderr.contains("--resume: expected a place where the checkpoint is"), "{ended:?}");
}

#[test]
fn a_checkpoint_takes_the_place_of_no_other_file() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [500, 3, 1]);
    std::fs::write(place.path("notes.txt"), "of somebody").unwrap();
    std::fs::write(place.path("other.json"), "{\"of\": \"another program\"}").unwrap();
    std::fs::create_dir(place.path("out")).unwrap();
    let before = crate::contents(&place.path("."));
    let refused = |checkpoint: &str, more: &[&str]| {
        let ended = place.run(&[&["fit", "d.npz", "--checkpoint", checkpoint], more].concat());
        assert!(
            ended.code == Some(2) && ended.stderr.starts_with("error: --checkpoint: expected "),
            "{checkpoint}: {ended:?}"
        );
        assert!(
            ended.stderr.contains(checkpoint) && crate::contents(&place.path(".")) == before,
            "{ended:?}"
        );
    };
    let files = ["d.npz", "notes.txt", "other.json"];
    files.iter().for_each(|name| refused(name, &[]));
    let results = ["out/fit.json", "out/../out/model.json", "out/report.html", "out/tables/c.json"];
    results.iter().for_each(|name| refused(name, &["--out", "out"]));
    refused("d.npz", &["--resume"]);
    // also where it would go without --checkpoint
    std::fs::write(place.path("out/checkpoint.json"), "[1, 2]").unwrap();
    let ended = place.run(&["fit", "d.npz", "--out", "out"]).with(2);
    assert!(ended.stderr.contains("a file that is none, out/checkpoint.json"), "{ended:?}");
    assert_eq!(std::fs::read(place.path("out/checkpoint.json")).unwrap(), b"[1, 2]");
    // what is no file at all
    assert!(place.command("mkfifo").arg("pipe").status().unwrap().success());
    let ended = place.run(&["fit", "d.npz", "--checkpoint", "pipe"]).with(2);
    assert!(ended.stderr.contains("a file that is none, pipe"), "{ended:?}");
    assert!(!std::fs::metadata(place.path("pipe")).unwrap().is_file());
    let n_refused = (files.len() + results.len() + 3) as u64;
    tally("files that a checkpoint could have replaced", &[("refused", n_refused)]);
}

#[test]
fn a_fit_that_begins_anew_says_that_there_is_a_checkpoint_and_leaves_it_unless_it_writes_its_own() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "long.npz", [60_000, 64, 20]);
    population(&place, "d.npz", [500, 3, 1]);
    let long =
        ["fit", "long.npz", "--solver", "newton", "--checkpoint-every", "50ms", "--checkpoint", "c.json"];
    let mut running = place.start(&long);
    assert!(running.has_points("c.json"));
    running.signal(&["INT"]);
    running.ended().with(4);
    let bytes = std::fs::read(place.path("c.json")).unwrap();
    // so short a fit writes none
    let words = ["fit", "d.npz", "--checkpoint", "c.json", "--checkpoint-every", "1h"];
    let ended = place.run(&words).with(0);
    assert_eq!(
        ended.stderr.matches("note: c.json is there: --resume goes on from it").count(),
        1,
        "{ended:?}"
    );
    assert_eq!(std::fs::read(place.path("c.json")).unwrap(), bytes);
    let ended = place.run(&[&words[..], &["--quiet"]].concat()).with(0);
    assert!(ended.stderr.is_empty(), "{ended:?}");
    place.run(&[&long[..], &["--resume"]].concat()).with(0);
    assert!(!place.path("c.json").exists());
}

#[test]
fn writing_checkpoints_costs_next_to_nothing() {
    let _alone = alone();
    let place = Place::new();
    population(&place, "d.npz", [30_000, 40, 10]);
    let words = ["fit", "d.npz", "--solver", "newton", "--checkpoint", "c.json", "--json"];
    let passes = |more: &[&str]| -> Vec<Value> {
        let ended = place.run(&[&words[..], more].concat()).with(0);
        let targets = ended.json()["targets"].as_array().unwrap().clone();
        targets.iter().map(|target| serde_json::json!([target["passes"], target["coef"]])).collect()
    };
    // the same passes and the same bits, whether checkpoints are written all the time or never
    assert_eq!(passes(&["--checkpoint-every", "1ms"]), passes(&["--checkpoint-every", "1h"]));
    assert!(!place.path("c.json").exists());
}

#[test]
fn the_library_stops_by_a_token_and_goes_on_from_a_journal() {
    let mut random = Random(3);
    let x = Array2::from_shape_simple_fn((4000, 12), || random.normal());
    let y = Array2::from_shape_fn((4000, 2), |(i, k)| {
        random.poisson((0.5 * x[(i, k)] - 0.3 * x[(i, 5)] - 1.0).exp())
    });
    let labels = (0..12).map(|j| format!("x{j}")).collect();
    let plan =
        DesignPlan::new(vec![Source { name: "x".into(), labels, x: x.view().into() }], 0..4000).unwrap();
    let response = Response { y: y.view().into(), names: vec!["a".into(), "b".into()] };
    let on = Cpu::<f32>::default();
    for solver in [SolverChoice::Lbfgs, SolverChoice::Newton] {
        let spec = |stop: &Stop, journal: &Journal| {
            GlmSpec { solver, stop: stop.clone(), journal: journal.clone(), ..GlmSpec::default() }
                .check()
                .unwrap()
        };
        let whole =
            spec(&Stop::default(), &Journal::default()).fit(&on, &plan, &response, &mut |_| {}).unwrap();
        let (stop, journal) = (Stop::new(), Journal::new(Entries::default()));
        let mut after_two = |at: Progress| {
            if at.iteration == 2 {
                stop.request();
            }
        };
        let stopped = spec(&stop, &journal).fit(&on, &plan, &response, &mut after_two).unwrap();
        assert!(!stopped.converged() && stopped.inference_left_out.is_some());
        assert!(stopped.targets.iter().any(|target| target.status == Status::Stopped));
        // so small a fit has time for its certificate
        assert!(stopped.targets.iter().all(|target| target.loss.is_finite() && target.loss_gap.is_finite()));
        std::thread::sleep(Duration::from_millis(500));
        let late = spec(&stop, &Journal::default()).fit(&on, &plan, &response, &mut |_| {});
        assert!(matches!(late, Err(Error::Interrupted)));
        let text = serde_json::to_string(&journal.entries()).unwrap();
        let noted = Journal::new(serde_json::from_str(&text).unwrap());
        let resumed = spec(&Stop::new(), &noted).fit(&on, &plan, &response, &mut |_| {}).unwrap();
        for (found, truth) in resumed.targets.iter().zip(&whole.targets) {
            assert_eq!((found.status, truth.status), (Status::Converged, Status::Converged));
            assert!(relative(&found.coef, &truth.coef) <= SAME && found.standard_errors[0].is_finite());
        }
        let steps = |of: &FittedGlm| of.targets.iter().map(|target| target.iterations).sum::<usize>();
        assert!(steps(&stopped) < steps(&resumed), "those before the stop count");
        // a journal of other columns is of no use, and does no harm
        let own = plan.with_columns(&[vec![false], vec![true; 11]].concat()).unwrap();
        let other =
            spec(&Stop::new(), &Journal::new(journal.entries())).fit(&on, &own, &response, &mut |_| {});
        assert!(other.unwrap().converged());
    }
}
