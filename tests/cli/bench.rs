//! `rheobase bench`: built-in workloads, and a warm engine for others to time.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;

use crate::array_file::{Array, random_data, write_npz};
use crate::array_fit::arrays;
#[cfg(feature = "gpu")]
use crate::device::{adapter, seeing};
use crate::{Place, Run, number, numbers, tutorial};

/// Runs `rheobase bench serve` with these words and this input.
fn serve(place: &Place, words: &[&str], input: &str) -> Run {
    let mut command = place.command(env!("CARGO_BIN_EXE_rheobase"));
    command.args(["bench", "serve"]).args(words);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // the program may be gone before it has read anything
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn answers(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_line_is_one_fit_and_all_are_the_fit() {
    let place = arrays();
    let fit = place.run(&["fit", "d.npz", "--json"]).ended(0).json();
    let run = serve(&place, &["d.npz"], "\n{}\n\n").ended(0);
    assert_eq!(run.stderr, "");
    let answers = answers(&run);
    assert_eq!(answers.len(), 3);
    for (k, answer) in answers.iter().enumerate() {
        assert_eq!(answer["fit"], k + 1);
        assert_eq!((&answer["targets"], &answer["converged"]), (&fit["targets"], &Value::Bool(true)));
        for name in ["solver", "precision", "tolerance"] {
            assert_eq!(answer[name], fit[name], "{name}");
        }
        let seconds = |name: &str| number(&answer["seconds"][name]);
        assert!(seconds("fit") > 0.0 && seconds("fit") + seconds("inference") <= seconds("total"));
    }
    assert_eq!(serve(&place, &["d.npz"], "").ended(0).stdout, "");
}

#[test]
fn options_and_formats_are_those_of_fit() {
    let place = arrays();
    let options = ["--solver", "lbfgs", "--tolerance", "1e-8", "--standard-errors", "off"];
    let file = tutorial();
    let recording = ["--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--feature"];
    let recording = [&[file.as_str()][..], &recording, &["stimulus*1e12"]].concat();
    for data in [&["X.npy", "--y", "y.npy"][..], &recording] {
        let words = [data, &options].concat();
        let fit = place.run(&[&["fit"], &words[..], &["--json"]].concat()).ended(0).json();
        let answer = &answers(&serve(&place, &words, "\n").ended(0))[0];
        assert_eq!((&answer["targets"], &answer["solver"]), (&fit["targets"], &fit["solver"]));
        assert_eq!(number(&answer["tolerance"]), 1e-8);
    }
}

#[test]
fn a_fit_that_does_not_arrive_is_answered_and_counts() {
    let place = arrays();
    let run = serve(&place, &["d.npz", "--max-iterations", "1"], "\n\n").ended(4);
    let answers = answers(&run);
    assert_eq!(answers.len(), 2);
    assert_eq!(
        (&answers[1]["converged"], &answers[1]["targets"][0]["status"]),
        (&Value::Bool(false), &Value::String("max_iterations".into()))
    );
}

#[test]
fn serve_says_what_it_cannot_do() {
    let help = Place::new().run(&["bench", "serve", "--help"]).ended(0).stdout;
    assert!(help.contains("--tolerance") && !help.contains("--out") && !help.contains("--explain"), "{help}");
    let place = arrays();
    for (words, said) in [
        (&["d.npz", "--out", "out"][..], "--out: expected `bench serve` without it"),
        (&["d.npz", "--write-nwb", "c.nwb"], "--write-nwb: expected `bench serve` without it"),
        (&["d.npz", "--explain"], "--explain: expected `bench serve` without it"),
        (&["d.npz", "--checkpoint", "c.json"], "--checkpoint: expected `bench serve` without it"),
        (&["d.npz", "--tolerance", "2"], "tolerance: expected a number between 0 and 1"),
        (&["d.npz", "--bin", "1ms"], "--bin: expected an NWB file"),
    ] {
        place.refused(&[&["bench", "serve"], words].concat(), 2, &[said]);
    }
    place.refused(&["bench", "serve", "none.npz"], 3, &["none.npz: No such file"]);
    let run = serve(&place, &["d.npz"], "\nfit again\n").ended(2);
    assert_eq!(run.stdout.lines().count(), 1);
    let error =
        "error: stdin, line 2: expected an empty line or {}, found `fit again`\nhelp: send an empty line";
    assert!(run.stderr.starts_with(error), "{run:?}");
    // targets that have no spike are no reason to stop
    let (x, _) = random_data();
    let silent = Array::vector(&[0.0; 400]);
    write_npz(&place.path("silent.npz"), &[("X", Array::matrix(3, &x)), ("y", silent)]);
    let run = serve(&place, &["silent.npz"], "\n").ended(4);
    assert_eq!(answers(&run)[0]["targets"][0]["intercept"], "-Infinity");
}

#[test]
fn a_workload_is_timed_and_proven() {
    let place = Place::new();
    let run = place.run(&["bench", "--workload", "a", "--quick", "--json", "--out", "out"]).ended(0);
    let document = run.json();
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    let machine = &document["machine"];
    assert!(machine["cores"].as_u64().unwrap() > 0 && machine["processor"].is_string(), "{machine}");
    assert!(machine["vector_instructions"].is_string());
    for roof in ["f32_gflops", "f64_gflops", "memory_read_gb_per_s", "memory_write_gb_per_s"] {
        assert!(number(&document["roofs"][roof]) > 0.1, "{roof}: {}", document["roofs"]);
    }
    let [result] = &document["results"].as_array().unwrap()[..] else { panic!("{document}") };
    assert_eq!((&result["workload"], &result["quick"]), (&"a".into(), &true.into()));
    assert_eq!(
        (&result["rows"], &result["columns"], &result["targets"]),
        (&27_820.into(), &8.into(), &1.into())
    );
    assert_eq!((&result["precision"], &result["converged"]), (&"f64".into(), &true.into()));
    assert!(result["threads"].as_u64().unwrap() > 0 && result["most_passes"].as_u64().unwrap() > 0);
    assert!(number(&result["loss_gap"]).abs() < 1e-14, "{result}");
    let seconds = |name: &str| number(&result["seconds"][name]);
    assert_eq!(result["seconds"]["n"], 3);
    assert!(0.0 < seconds("least") && seconds("least") <= seconds("lower_quartile"));
    assert!(seconds("lower_quartile") <= seconds("median") && seconds("median") <= seconds("upper_quartile"));
    #[cfg(target_os = "linux")]
    assert!(number(&result["peak_memory_bytes"]) > 27_820.0 * 8.0 * 8.0, "{result}");
    let written = std::fs::read_to_string(place.path("out/bench.json")).unwrap();
    assert_eq!(written, run.stdout);
    let table = std::fs::read_to_string(place.path("out/bench.txt")).unwrap();
    assert!(table.contains("1 x 27820 x 8 f64") && table.contains("quick: fewer rows"), "{table}");
}

#[test]
fn a_fit_without_features_says_what_one_evaluation_takes() {
    let place = Place::new();
    let words = ["bench", "--workload", "f5", "--quick", "--no-roofs", "--json", "--out", "out"];
    let result = place.run(&words).ended(0).json()["results"][0].take();
    assert_eq!((&result["form"], &result["rows"]), (&"written out".into(), &10_000.into()));
    let (seconds, ns) = (&result["evaluation_seconds"]["median"], number(&result["evaluation_ns_per_bin"]));
    assert!((number(seconds) * 1e9 / 10_000.0 / ns - 1.0).abs() < 1e-12 && ns > 0.0, "{result}");
    let table = std::fs::read_to_string(place.path("out/bench.txt")).unwrap();
    assert!(table.contains("evaluation") && table.contains(" ns a bin"), "{table}");
}

#[test]
fn a_sweep_times_every_number_of_threads_in_a_process_of_its_own() {
    let place = Place::new();
    let words = ["bench", "--workload", "a", "--quick", "--threads-sweep", "--json"];
    let document = place.run(&words).ended(0).json();
    let threads =
        document["results"].as_array().unwrap().iter().map(|result| result["threads"].as_u64().unwrap());
    let threads: Vec<u64> = threads.collect();
    assert_eq!(threads.last(), document["machine"]["cores"].as_u64().as_ref());
    assert!(threads[0] == 1 && threads.is_sorted(), "{threads:?}");
}

#[test]
fn whole_processes_are_timed_too() {
    let place = Place::new();
    let document = place.run(&["bench", "--workload", "e", "--quick", "--json"]).ended(0).json();
    let result = &document["results"][0];
    assert_eq!((&result["converged"], &result["loss_gap_from"]), (&true.into(), &"certificate".into()));
    // two processes take longer than either says of itself
    assert!(
        number(&result["seconds"]["median"]) > 0.0 && number(&result["longest_in_process_seconds"]) > 0.0
    );
}

#[test]
fn written_data_are_those_that_are_timed() {
    let place = Place::new();
    let run = place.run(&["bench", "--workload", "a,d1", "--quick", "--write-data", "data"]).ended(0);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 2));
    let fit = place.run(&["fit", "data/a.npz", "--json"]).ended(0).json();
    assert_eq!((&fit["n_bins_used"], &fit["targets"][0]["status"]), (&27_820.into(), &"converged".into()));
    assert_eq!(numbers(&fit["targets"][0]["coef"]).len(), 8);
    // float32 as they are, with its tolerance
    let fit = place.run(&["fit", "data/d1.npz", "--standard-errors", "off", "--json"]).ended(0).json();
    assert_eq!((&fit["n_bins"], fit["targets"].as_array().unwrap().len()), (&10_000.into(), 20));
    assert_eq!(number(&fit["tolerance"]), 1e-10);
}

#[test]
fn kernels_are_held_against_roofs() {
    let place = Place::new();
    let document = place.run(&["bench", "--kernels", "--threads", "1", "--json"]).ended(0).json();
    let kernels = document["kernels"].as_array().unwrap();
    assert!(kernels.len() > 20, "{document}");
    for own in kernels {
        let part = number(&own["rate"]) / number(&own["roof"]);
        assert!(part > 0.0 && number(&own["part_of_roof"]) == part, "{own}");
        assert_eq!(own["threads"], 1);
    }
    let named = |part: &str, numbers: &str| {
        let is_it =
            |own: &&Value| own["kernel"].as_str().unwrap().contains(part) && own["numbers"] == numbers;
        kernels.iter().filter(is_it).count()
    };
    let both = ["loss and gradient,", "Hessian", "along a line"]
        .map(|part| [named(part, "f32"), named(part, "f64")]);
    assert_eq!(both, [[4, 3], [2, 2], [1, 1]]);
    let found =
        ["by transforms", "written again", "Gram of"].map(|part| [named(part, "f32"), named(part, "f64")]);
    assert_eq!((found, named("optimality residual", "f64")), ([[2, 0], [2, 0], [4, 0]], 2));
    place.refused(&["bench", "--kernels", "--workload", "a"], 2, &["--kernels"]);
}

/// The rows of a comparison of processors: the works that there are, and what every row holds.
fn compared(bench: &Value, processors: &[&str]) {
    assert_eq!((&bench["schema"], &bench["quick"]), (&1.into(), &true.into()));
    let cpu = &bench["roofs"]["cpu"];
    assert!(number(&cpu["bytes_per_s"]) > 1e6 && number(&cpu["flop_per_s"]) > 1e6, "{cpu}");
    let rows = bench["rows"].as_array().unwrap();
    let mut works: Vec<&str> = rows.iter().map(|row| row["work"].as_str().unwrap()).collect();
    works.sort_unstable();
    works.dedup();
    let all = ["build_features", "gram", "loss_changes", "loss_gradient", "matmul", "matmul_transposed"];
    assert_eq!(works, all);
    for kind in ["samples", "events"] {
        let of_kind = rows.iter().filter(|row| row["kind"] == kind);
        assert!(
            of_kind.map(|row| row["lags"].as_u64().unwrap()).collect::<Vec<_>>().contains(&2000),
            "{kind}"
        );
    }
    for row in rows {
        for processor in ["cpu", "gpu"] {
            let own = &row[processor];
            assert_eq!(own.is_null(), !processors.contains(&processor), "{row}");
            if own.is_null() {
                continue;
            }
            assert!(number(&own["error"]) < 1e-5, "{row}");
            let times = &own["evaluation_s"];
            let [tenth, median, ninetieth] =
                ["tenth_percentile", "median", "ninetieth_percentile"].map(|name| number(&times[name]));
            assert!(0.0 < tenth && tenth <= median && median <= ninetieth, "{row}");
            // the work of transforms is not that of direct sums
            let is_direct = row["kind"] != "samples" || (processor == "gpu" && row["lags"] == 50);
            let is_direct = is_direct || (processor == "gpu" && row["work"] == "build_features");
            assert_eq!(own["part_of_roof"].is_null(), !is_direct, "{row}");
        }
    }
    let fits = bench["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 3);
    for fit in fits {
        for processor in processors {
            let own = &fit[processor];
            assert_eq!((&own["converged"], &own["backend"]), (&true.into(), &(*processor).into()), "{fit}");
            assert!(number(&own["seconds"]["median"]) > 0.0 && number(&own["loss_apart"]) <= 1e-12, "{fit}");
        }
    }
}

#[test]
fn the_rows_of_a_comparison_need_no_gpu() {
    let place = Place::new();
    let words = ["bench", "--cpu-only", "--quick"];
    let bench = place.run(&[&words[..], &["--json"]].concat()).ended(0).json();
    compared(&bench, &["cpu"]);
    assert!(bench["device"].is_null() && bench["variants"].is_null() && bench["record"].is_null());
    let text = place.run(&[&words[..], &["--part", "dense,fits"]].concat()).ended(0).stdout;
    assert!(text.contains("loss and gradient") && text.contains("certified fits"), "{text}");
    assert!(!text.contains("GPU") && !text.contains("two products forward"), "{text}");
    place.refused(&["bench", "--cpu-only", "--kernels"], 2, &["--cpu-only", "--kernels"]);
    place.refused(&["bench", "--part", "dense"], 2, &["--cpu-only"]);
}

#[cfg(feature = "gpu")]
#[test]
fn a_gpu_is_compared_before_it_is_timed() {
    let place = Place::new();
    place.refused(&["bench", "--gpu", "--cpu-only"], 2, &["--cpu-only", "--gpu"]);
    place.refused(&["bench", "--gpu"], 5, &["no GPU to use"]);
    let Some(device) = adapter(&place) else { return };
    let words = ["bench", "--gpu", "--quick", "--device", &device];
    let bench = seeing(&place, &[&words[..], &["--json"]].concat()).ended(0).json();
    compared(&bench, &["cpu", "gpu"]);
    assert_eq!(bench["is_gpu"], bench["device"]["kind"] != "software");
    let roofs = &bench["roofs"]["gpu"];
    for roof in ["copy_bytes_per_s", "flop_per_s", "upload_bytes_per_s", "read_back_bytes_per_s"] {
        assert!(number(&roofs[roof]) > 1e6, "{roofs}");
    }
    assert!(number(&roofs["submission_s"]) > 0.0);
    // every way is there, timed or with the reason why not, and exact where it must be
    let gradients = bench["variants"]["gradients"].as_array().unwrap();
    assert_eq!(gradients.len(), 6);
    for own in gradients {
        let is_timed = own["left_out"].is_null();
        assert_eq!(own["evaluation_s"]["median"].is_number(), is_timed, "{own}");
        let is_exact = is_timed && number(&own["accuracy_ratio"]) < 1e-6;
        assert!(is_exact || !is_timed || own["variant"] == "the compiler's exponential", "{own}");
    }
    let pieces = bench["variants"]["uploads"].as_array().unwrap();
    let sizes: Vec<u64> = pieces.iter().map(|own| own["piece_mib"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [1, 4, 16, 64]);
    assert!(pieces.iter().all(|own| number(&own["bytes_per_s"]) > 1e6));
    recorded(&bench["record"]);
    let text = seeing(&place, &[&words[..], &["--part", "record"]].concat()).ended(0).stdout;
    assert_eq!(text.contains("these are not the figures of a GPU"), bench["is_gpu"] == false, "{text}");
    assert!(text.contains("rests of sums") && text.contains("max_buffer_size"), "{text}");
}

/// The record beside the times.
#[cfg(feature = "gpu")]
fn recorded(record: &Value) {
    let limits = &record["limits"]["max_compute_workgroup_storage_size"];
    assert_eq!(limits["device"], 16_384);
    assert!(limits["adapter"].as_u64().unwrap() >= 16_384, "{limits}");
    assert_eq!(record["subgroup_sizes"].as_array().unwrap().len(), 2);
    assert!(record["wgpu"].as_str().unwrap().contains('.'));
    let exponentials = record["exponentials"].as_array().unwrap();
    assert_eq!(exponentials.len(), 3);
    for own in exponentials {
        assert!(number(&own["own"]) < 1.5e-7 && number(&own["built_in_of_bound"]) <= 1.0, "{own}");
    }
    assert_eq!(record["two_sum"]["n_pinned"], record["two_sum"]["n"]);
    let accuracy = record["accuracy"].as_array().unwrap();
    assert!(!accuracy.is_empty());
    for own in accuracy {
        assert!(number(&own["gpu"]) < 1e-6 && number(&own["cpu_f32"]) < 1e-6, "{own}");
    }
    let compiled = record["compiled"].as_array().unwrap();
    for kernel in ["fused_small", "fused", "matmul", "convolve", "convolve_fft", "correlate_events"] {
        let own = compiled.iter().find(|own| own["kernel"] == kernel);
        assert!(number(&own.unwrap_or_else(|| panic!("{kernel}"))["median_s"]) > 0.0, "{kernel}");
    }
}
