//! The report: what it shows, in which order, and that it stands alone.

use crate::common::{fit, poisson_data};
use crate::html::{Page, read};
use rheobase::backend::DeviceEvent;
use rheobase::glm::{FittedGlm, GlmSpec};
use rheobase::report::{
    Bins, Certificate, Computed, Epoch, FigureSvg, Report, ScoreRow, TargetWords, WrittenFile,
};
use rheobase::solver::Status;

/// Text that would be markup if it were not escaped.
const NASTY: &str = "<b>&\"x\"'</b>";

fn fitted(p: usize, n_targets: usize) -> FittedGlm {
    let (x, y) = poisson_data(5, 400, p, n_targets);
    fit(GlmSpec::default(), &x, &y)
}

/// What the command line says about a target.
fn words(fit: &FittedGlm, kind: &str) -> Vec<TargetWords> {
    let of = |target: &rheobase::glm::TargetFit| TargetWords {
        title: format!("{kind}{}", target.name),
        verdict: match target.status {
            Status::Converged => "at the optimum, with proof".into(),
            Status::NoEvents => "the rate is 0: there is no event to explain".into(),
            _ => "not at an optimum".into(),
        },
        remedy: (target.status == Status::Stopped).then(|| "raise --time-limit".into()),
        n_events: 120.0,
    };
    fit.targets.iter().map(of).collect()
}

fn certificates(fit: &FittedGlm) -> Vec<Certificate<'_>> {
    fit.targets.iter().map(|target| Certificate::of(fit, target, 120.0)).collect()
}

fn figure(name: &str) -> FigureSvg {
    FigureSvg {
        name: name.into(),
        title: format!("Title of {name}"),
        caption: format!("Caption of {name}"),
        svg: format!(
            "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 360\" \
             role=\"img\"><title>{name}</title><rect width=\"900\" height=\"360\" fill=\"#eef2f6\"/><text x=\"20\" \
             y=\"60\" font-size=\"16\">{name}, as small as letters of a figure</text></svg>"
        ),
    }
}

fn file(name: &str) -> WrittenFile {
    WrittenFile { name: name.into(), what: format!("what {name} holds") }
}

/// A report of a recording.
fn recording(fit: &FittedGlm) -> Report<'_> {
    let score = |data: &str, is_fitted, k: usize| ScoreRow {
        data: data.into(),
        is_fitted,
        model: "history".into(),
        target: format!("unit {}", fit.targets[k].name),
        n_events: 120.0,
        n_bins: 400,
        scores: fit.targets[k].scores.clone(),
        accuracy: None,
    };
    let n_targets = fit.targets.len();
    let scores = [("Noise 1", true), ("Noise 2", false)]
        .into_iter()
        .flat_map(|(data, is_fitted)| (0..n_targets).map(move |k| score(data, is_fitted, k)));
    let epoch = |start_s: f64, stop_s: f64| Epoch {
        start_s,
        stop_s,
        n_bins: 205,
        n_used: 200,
        n_events: vec![60.0; n_targets],
    };
    Report {
        model: "history".into(),
        input: "data/recording.nwb".into(),
        sha256: "ab".repeat(32),
        epochs_asked: "Noise 1".into(),
        features_typed: vec!["stimulus*1e12 : raised-cosine-log(3, window=200ms)".into()],
        fit,
        certificates: certificates(fit),
        words: words(fit, "unit "),
        classes: Vec::new(),
        scores: scores.collect(),
        tests: vec!["unit 0 against small.json: likelihood ratio 12.5".into()],
        figures: ["convergence", "other", "session", "filter-stimulus", "tuning"].map(figure).into(),
        lags_ms: (0..fit.labels.len()).map(|k| Some(k as f64 + 0.1 + 0.2)).collect(),
        bins: Bins {
            n: 410,
            n_used: 400,
            n_edge: 9,
            n_dropped: 1,
            left_out: vec![("its window leaves the epoch".into(), 9), ("no sample".into(), 1)],
            bin_s: Some(0.001),
        },
        epochs: vec![epoch(10.0, 10.205), epoch(70.5, 70.705)],
        notices: vec!["stimulus is interpolated".into()],
        computed: Computed {
            version: "9.8.7".into(),
            device: "a processor".into(),
            events: vec![DeviceEvent { event: "lost".into(), reason: "it was <pulled> out".into() }],
            n_threads: 2,
            peak_memory_bytes: Some(37_000_000),
            read_s: 0.0123,
            features_s: 0.5,
            total_s: 1.25,
        },
        study_toml: Some("data = \"data/recording.nwb\"\nbin = \"1ms\"\n".into()),
        command: "rheobase fit data/recording.nwb --bin 0.001s".into(),
        files: ["fit.json", "tables/bins.csv", "figures/session.svg", "figures/session.png"].map(file).into(),
    }
}

/// A report of arrays.
fn arrays(fit: &FittedGlm) -> Report<'_> {
    Report {
        input: "d.npz".into(),
        epochs_asked: String::new(),
        features_typed: Vec::new(),
        words: words(fit, ""),
        figures: Vec::new(),
        lags_ms: Vec::new(),
        bins: Bins { n: 400, n_used: 400, n_edge: 0, n_dropped: 0, left_out: Vec::new(), bin_s: None },
        epochs: Vec::new(),
        notices: Vec::new(),
        study_toml: None,
        ..recording(fit)
    }
}

/// The page of a report, checked for everything that holds for all pages; kept where a browser can look at it.
fn page(name: &str, report: &Report) -> (String, Page) {
    let html = report.html();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.html")), &html).unwrap();
    let page = read(&html);
    page.assert_stands_alone(&html);
    page.assert_numbers_are_typeset();
    assert!(html.contains("<html lang=\"en\">") && html.contains("name=\"viewport\""));
    (html, page)
}

#[test]
fn sections_and_figures_come_in_order() {
    let fit = fitted(3, 1);
    let (html, page) = page("recording", &recording(&fit));
    assert_eq!(Page::texts_of(&html, "title")[0], "unit y0 · recording.nwb · rheobase");
    assert_eq!(Page::texts_of(&html, "h1"), ["Encoding model of unit y0"]);
    let sections = [
        "Verdict",
        "Scores",
        "Figures",
        "Filters",
        "Data quality",
        "How it was computed",
        "Study",
        "Files",
        "Glossary",
    ];
    assert_eq!(Page::texts_of(&html, "h2"), sections);
    assert_eq!(Page::texts_of(&html, "nav"), [sections.concat()]);
    let groups = [
        "The recording",
        "Tuning",
        "The model",
        "Convergence",
        "More figures",
        "Epochs",
        "Notices about the data",
    ];
    assert_eq!(Page::texts_of(&html, "h3"), groups);
    let captions = Page::texts_of(&html, "figcaption");
    assert_eq!(captions[0], "Title of session. Caption of session SVG PNG");
    assert_eq!(
        captions[1..],
        ["tuning", "filter-stimulus", "convergence", "other"]
            .map(|name| { format!("Title of {name}. Caption of {name}") })
    );
    assert_eq!(page.elements.iter().filter(|(name, _)| name == "svg").count(), 5);
    for said in [
        "fitted to  recording.nwb",
        "2 epochs, together 410\u{202f}ms, 400 of 410 bins of 1\u{202f}ms, 120 spikes",
        "stimulus is interpolated",
        "1 gap between the epochs, together 60.3\u{202f}s",
        "rheobase fit data/recording.nwb --bin 0.001s",
        "data = \"data/recording.nwb\"\nbin = \"1ms\"\n",
        "unit 0 against small.json: likelihood ratio 12.5",
        "what tables/bins.csv holds",
        "rheobase 9.8.7",
        "lost: it was <pulled> out",
        "its window leaves the epoch",
        "37\u{202f}MB",
    ] {
        assert!(page.text.contains(said), "{said:?} is not in: {}", page.text);
    }
}

#[test]
fn the_filters_are_those_of_the_fit() {
    let fit = fitted(3, 1);
    let (html, _) = page("filters", &recording(&fit));
    let cells = Page::texts_of(&html[html.find("id=\"filters\"").unwrap()..], "td");
    let number = |text: &String| {
        let plain = text.replace('−', "-").replace('\u{202f}', "").replace("×10", "e");
        plain.parse::<f64>().unwrap_or_else(|error| panic!("{text}: {error}"))
    };
    let target = &fit.targets[0];
    // lag, coefficient, standard error, z, p and the interval; the intercept comes first and has neither lag nor p
    assert_eq!(cells[0], "");
    let rows = [(target.intercept, target.intercept_standard_error)]
        .into_iter()
        .chain(target.coef.iter().copied().zip(target.standard_errors.iter().copied()));
    for (k, (coef, error)) in rows.enumerate() {
        let mut row = cells[7 * k..7 * k + 7].to_vec();
        let p = row.remove(4);
        let half = 1.959_963_984_540_054 * error;
        for (text, expected) in row[1..].iter().zip([coef, error, coef / error, coef - half, coef + half]) {
            assert!((number(text) - expected).abs() <= 5.1e-3 * error.max(1.0), "{text} {expected}");
        }
        assert_eq!(p == "–", k == 0, "{p}");
        if k > 0 {
            let expected = target.p_values()[k - 1];
            assert!((number(&p) - expected).abs() <= 0.06 * expected, "{p} {expected}");
            assert!((number(&row[1]) - coef).abs() < 1e-4 * coef.abs().max(0.1));
            assert_eq!(row[0], ["0.3", "1.3", "2.3"][k - 1]);
        }
    }
}

#[test]
fn scores_name_the_models_where_there_are_several() {
    let fit = fitted(2, 1);
    let mut report = recording(&fit);
    let (html, plain) = page("scores", &report);
    assert!(!plain.text.contains(" model  spikes") && !plain.text.contains("Nothing was held out"));
    let scores = &html[html.find("id=\"scores\"").unwrap()..];
    let cells = Page::texts_of(scores, "td");
    let of_fit = &fit.targets[0].scores;
    assert_eq!((cells[0].as_str(), cells[1].as_str()), ("120", "400"));
    assert_eq!(cells[5], format!("{:.4}", of_fit.pseudo_r2_mcfadden));
    assert_eq!(cells[6], format!("{:.4}", of_fit.pseudo_r2_cohen));
    assert_eq!(Page::texts_of(scores, "th")[8..10], ["Noise 1 (fitted)", "Noise 2 (held out)"]);
    let mut other = report.scores[0].clone();
    other.model = "instantaneous".into();
    other.scores.log_likelihood = f64::NEG_INFINITY;
    report.scores.insert(1, other);
    let (html, _) = page("compared", &report);
    let cells = Page::texts_of(&html[html.find("id=\"scores\"").unwrap()..], "td");
    assert_eq!(
        (cells[0].as_str(), cells[8].as_str(), cells[11].as_str()),
        ("history", "instantaneous", "−∞")
    );
    report.scores.truncate(1);
    assert!(page("fitted-only", &report).1.text.contains("Nothing was held out"));
}

#[test]
fn a_target_that_did_not_arrive_says_why() {
    let said = |status: Status, warning: &str| {
        let mut fit = fitted(2, 1);
        fit.targets[0].status = status;
        fit.targets[0].warnings.extend((!warning.is_empty()).then(|| warning.to_string()));
        if status == Status::NoEvents {
            fit.targets[0].intercept = f64::NEG_INFINITY;
            fit.targets[0].coef.fill(0.0);
        }
        fit.targets[0].standard_errors.fill(f64::NAN);
        let (html, page) = page(status.name(), &arrays(&fit));
        assert!(html.contains("banner bad") && !html.contains("banner good"));
        page.text
    };
    let text =
        said(Status::Separated, "separated: the likelihood rises for ever along x1; add a ridge penalty");
    assert!(text.contains("Not at an optimum.") && text.contains("Status of y0: separated."));
    assert!(text.contains("Separated: the likelihood rises for ever along x1; add a ridge penalty."));
    assert!(text.contains("The estimate is infinite"));
    let text = said(Status::Stopped, "");
    assert!(text.contains("(stopped): not at an optimum. Raise --time-limit."), "{text}");
    assert!(text.contains("These numbers are not at an optimum."));
    let text = said(Status::NoEvents, "no event in the used bins");
    assert!(text.contains("The rate is 0: there is no event to explain."));
    assert!(text.contains("No event: the intercept is −∞"));
    // of several
    let mut fit = fitted(2, 3);
    fit.targets[1].status = Status::MaxIterations;
    let text = page("several", &arrays(&fit)).1.text;
    assert!(text.contains("2 of 3 targets are at the optimum, with proof.  1 is not."), "{text}");
    assert!(text.contains("y1  (max iterations): not at an optimum."));
    for target in &mut fit.targets {
        target.status = Status::Stalled;
    }
    assert!(page("none", &arrays(&fit)).1.text.contains("None of the 3 targets is at an optimum."));
}

#[test]
fn arrays_have_rows_and_events() {
    let fit = fitted(3, 2);
    let (html, page) = page("arrays", &arrays(&fit));
    for absent in ["epoch", "Epochs", "spikes of", "at edges", "peak lag"] {
        let shown = html.split("id=\"glossary\"").next().unwrap();
        assert!(!shown.contains(absent), "{absent}");
    }
    for said in ["expected count(", "400 of 400 rows", "events", "bits per event", "log-likelihood per row"] {
        assert!(page.text.contains(said), "{said}");
    }
    assert!(!Page::texts_of(&html, "h2").contains(&"Figures".to_string()));
}

#[test]
fn many_targets_and_columns_are_cut_and_it_is_said() {
    let fit = fitted(70, 14);
    let mut report = recording(&fit);
    let epoch = report.epochs[0].clone();
    report.epochs = vec![epoch; 100];
    let (html, page) = page("many", &report);
    assert!(page.text.contains("Shown are the first 12 of 14 targets and the first 60 of 70 columns"));
    assert_eq!(html.matches(">x59<").count(), 12);
    assert_eq!(html.matches(">x60<").count(), 0);
    for folded in ["The other 2 targets", "The other 60 epochs", "and 2 more."] {
        assert!(page.text.contains(folded), "{folded}");
    }
    assert!(html.len() < 1_000_000, "{}", html.len());
}

#[test]
fn every_text_is_escaped() {
    let mut fit = fitted(2, 2);
    fit.labels.fill(NASTY.into());
    fit.features[0].name = NASTY.into();
    for target in &mut fit.targets {
        target.name = NASTY.into();
        target.aliased = vec![NASTY.into()];
        target.warnings = vec![NASTY.into()];
    }
    fit.targets[1].status = Status::Failed;
    fit.inference_left_out = Some(NASTY.into());
    fit.plan.reason = NASTY.into();
    fit.solver = NASTY.into();
    let report = recording(&fit);
    let report = Report {
        model: NASTY.into(),
        input: format!("folder/{NASTY}"),
        epochs_asked: NASTY.into(),
        features_typed: vec![NASTY.into()],
        notices: vec![NASTY.into()],
        study_toml: Some(NASTY.into()),
        command: NASTY.into(),
        figures: vec![FigureSvg { title: NASTY.into(), caption: NASTY.into(), ..figure("session") }],
        files: vec![WrittenFile { name: format!("tables/{NASTY}.csv"), what: NASTY.into() }],
        scores: report.scores.iter().map(|row| ScoreRow { data: NASTY.into(), ..row.clone() }).collect(),
        tests: vec![NASTY.into()],
        computed: Computed { device: NASTY.into(), ..report.computed.clone() },
        ..report
    };
    let (html, page) = page("escaped", &report);
    assert!(!html.contains("<b>&amp;") && !html.contains("\"x\""));
    assert!(page.text.matches(NASTY).count() > 30, "{}", page.text.matches(NASTY).count());
    assert!(page.addresses.contains(&"tables/%3Cb%3E%26%22x%22%27%3C/b%3E.csv".to_string()));
}

#[test]
fn numbers_that_are_not_finite_are_words_or_signs() {
    let mut fit = fitted(2, 2);
    for target in &mut fit.targets {
        target.status = Status::Failed;
        target.coef = vec![f64::NAN, f64::INFINITY];
        target.standard_errors.fill(f64::NAN);
        (target.intercept, target.intercept_standard_error) = (f64::NAN, f64::NAN);
        (target.kkt_residual, target.loss_gap, target.loss) = (f64::NAN, f64::NAN, f64::INFINITY);
        target.scores.log_likelihood = f64::NAN;
        target.scores.log_likelihood_sum = f64::NAN;
        target.scores.deviance = f64::INFINITY;
        target.scores.pseudo_r2_cohen = f64::NEG_INFINITY;
    }
    fit.condition = f64::NAN;
    fit.plan.events_per_parameter = f64::INFINITY;
    let (_, page) = page("not-finite", &recording(&fit));
    assert!(page.text.contains("not computed") && page.text.contains('∞') && page.text.contains("−∞"));
}
