//! The feature language: what it means, that it prints back, and what it says about mistakes.

use rheobase::Error;
use rheobase::basis::{Basis, RaisedCosineLog, Range};
use rheobase::cli::feature::parse;
use rheobase::features::{Causality, Expansion, FeatureSpec, Resample, Signal, Term};

fn series(name: &str, column: Option<&str>, resample: Option<Resample>) -> Signal {
    Signal::Series { name: name.into(), column: column.map(String::from), resample }
}

fn basis(n_functions: usize) -> RaisedCosineLog {
    RaisedCosineLog::new(n_functions).unwrap()
}

fn plain(signal: Signal, scale: f64) -> FeatureSpec {
    Term { signal, scale, expansion: Expansion::Plain }.into()
}

fn windowed(signal: Signal, scale: f64, basis: RaisedCosineLog, window_s: f64) -> FeatureSpec {
    let expansion = Expansion::Convolved {
        basis: Basis::from(basis),
        window_s,
        causality: Causality::Causal,
        include_present: false,
    };
    Term { signal, scale, expansion }.into()
}

#[test]
fn signals() {
    for (text, expected) in [
        ("stimulus", plain(series("stimulus", None, None), 1.0)),
        ("  stimulus * 1e12 ", plain(series("stimulus", None, None), 1e12)),
        ("stimulus*-2.5", plain(series("stimulus", None, None), -2.5)),
        ("position[x]", plain(series("position", Some("x"), None), 1.0)),
        ("position[0]@nearest*2", plain(series("position", Some("0"), Some(Resample::Nearest)), 2.0)),
        ("position@linear", plain(series("position", None, Some(Resample::Linear)), 1.0)),
        ("position @ mean", plain(series("position", None, Some(Resample::Average)), 1.0)),
        ("beh/Position/pos-2.b", plain(series("beh/Position/pos-2.b", None, None), 1.0)),
        ("'my series: 3'[left eye]", plain(series("my series: 3", Some("left eye"), None), 1.0)),
        ("\"it's\"", plain(series("it's", None, None), 1.0)),
        ("'it''s \"it\"'['a]b']", plain(series("it's \"it\"", Some("a]b"), None), 1.0)),
        ("'spikes'", plain(series("spikes", None, None), 1.0)),
        ("units-others", plain(Signal::UnitsOthers, 1.0)),
        ("température", plain(series("température", None, None), 1.0)),
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn bases() {
    let stimulus = || series("stimulus", None, None);
    let evaluated = |basis: RaisedCosineLog, range: Option<(f64, f64)>| {
        let range = range.map(|(lo, hi)| Range::new(lo, hi).unwrap());
        let expansion = Expansion::Evaluated { basis: Basis::from(basis), range, fill: None };
        FeatureSpec::from(Term { signal: stimulus(), scale: 1.0, expansion })
    };
    for (text, expected) in [
        ("stimulus*1e12 : raised-cosine-log(8, window=200ms)", windowed(stimulus(), 1e12, basis(8), 0.2)),
        ("stimulus:raised-cosine-log(n-functions=8,window=0.2s)", windowed(stimulus(), 1.0, basis(8), 0.2)),
        (
            "spikes : raised-cosine-log(5, window=500us, width=2.5, time-scaling=10)",
            windowed(
                Signal::Spikes,
                1.0,
                basis(5).with_width(2.5).unwrap().with_time_scaling(10.0).unwrap(),
                0.0005,
            ),
        ),
        (
            "units : raised-cosine-log(5, 1.5, 20, false, window=1s)",
            windowed(
                Signal::Units,
                1.0,
                basis(5).with_width(1.5).unwrap().with_time_scaling(20.0).unwrap().without_decay_to_zero(),
                1.0,
            ),
        ),
        ("stimulus : raised-cosine-log(8)", evaluated(basis(8), None)),
        ("stimulus : raised-cosine-log(8, range=-5:1.5e2)", evaluated(basis(8), Some((-5.0, 150.0)))),
        (
            "stimulus : raised-cosine-log(8, decay-to-zero=false)",
            evaluated(basis(8).without_decay_to_zero(), None),
        ),
    ] {
        assert_eq!(parse(text).unwrap(), expected, "{text}");
    }
    let sides = [
        ("causality=acausal", Causality::Acausal, true),
        ("causality=anti-causal", Causality::AntiCausal, false),
        ("causality=anti-causal, include-present=true", Causality::AntiCausal, true),
        ("include-present=true", Causality::Causal, true),
    ];
    for (text, side, present) in sides {
        let feature = parse(&format!("stimulus : raised-cosine-log(3, window=5ms, {text})")).unwrap();
        let Expansion::Convolved { causality, include_present, .. } = feature.first.expansion else {
            panic!("{text}")
        };
        assert_eq!((causality, include_present), (side, present), "{text}");
    }
}

#[test]
fn the_canonical_text_reads_back_and_so_does_the_stored_form() {
    for text in [
        "stimulus",
        "stimulus*1e12",
        "stimulus*0.001 : raised-cosine-log(8, window=200ms)",
        "position[x]@nearest*2.5 : raised-cosine-log(4, width=3, range=-5:1e9)",
        "position[0]@linear",
        "position@mean",
        "'my series: 3'[left eye]",
        "'it''s \"it\"'['a]b']",
        "'units'",
        "spikes : raised-cosine-log(5, time-scaling=10, decay-to-zero=false, window=500us)",
        "units : raised-cosine-log(5, window=2s)",
        "units-others : raised-cosine-log(5, window=0.12345678901s, include-present=true)",
        "stimulus : raised-cosine-log(3, window=5ms, causality=acausal)",
        "stimulus : raised-cosine-log(3, window=5ms, causality=anti-causal, include-present=true)",
        "x : raised-cosine-linear(5, width=1.5)",
        "x : bspline(10, order=3, range=0:2, fill=-1.5)",
        "phase : cyclic-bspline(8, range=0:360)",
        "x*2 : mspline(6)",
        "spikes : orth-exponential([1, 3, 9.5], window=100ms)",
        "phase : fourier(4)",
        "phase : fourier(2:5, keep-zero=true)",
        "phase : fourier([1, 3], range=-180:180)",
        "x : identity",
        "x : identity(range=0:1, fill=0)",
        "spikes : history(window=20ms)",
        "x x x",
        "position[x]@nearest : bspline(10) x theta*2 : cyclic-bspline(8, range=0:360)",
        "spikes : history(window=5ms) x speed x position : bspline(4, fill=0)",
    ] {
        let feature = parse(text).unwrap();
        assert_eq!(feature.to_string(), text);
        let stored = serde_json::to_string(&feature).unwrap();
        assert_eq!(serde_json::from_str::<FeatureSpec>(&stored).unwrap(), feature, "{stored}");
    }
    let longer =
        parse(" stimulus*1000000000000:raised-cosine-log(n-functions=8,window=0.2s,width=2)").unwrap();
    assert_eq!(longer.to_string(), "stimulus*1e12 : raised-cosine-log(8, window=200ms)");
}

#[test]
fn any_name_and_duration_reads_back() {
    for name in ["a b", "a:b", "*", "", " ", "'", "''", "\"", "a@b", "é'[x]", "a,b=c", "units-others", "(x)"]
    {
        if name.is_empty() {
            continue; // no series has an empty name
        }
        for column in [None, Some(name)] {
            let feature = plain(series(name, column, None), 1.0);
            assert_eq!(parse(&feature.to_string()).unwrap(), feature, "{feature}");
        }
    }
    for window_s in [0.1 + 0.2, 1e-9, 1.0 / 3.0, 123_456.789, 5e-324, 1e300] {
        let feature = windowed(Signal::Spikes, 1.0 / 3.0, basis(2), window_s);
        assert_eq!(parse(&feature.to_string()).unwrap(), feature, "{feature}");
    }
}

/// The message, with the place of the caret as the text after it.
fn mistake(text: &str) -> (String, String, String) {
    let error = parse(text).unwrap_err();
    let message = error.to_string();
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let shown = lines.next().unwrap_or_default();
    let caret = lines.next().unwrap_or_default().chars().count();
    let after = shown.chars().skip(caret.saturating_sub(1)).collect();
    (first, after, error.help())
}

#[test]
fn an_error_shows_the_place_and_the_remedy() {
    let error = parse("stimulus : raised-cosine-log(8, window=200)").unwrap_err();
    assert_eq!(
        error.to_string(),
        "window: expected a duration with its unit, found `200`\n    \
         stimulus : raised-cosine-log(8, window=200)\n    \
         \u{20}                                      ^"
    );
    assert_eq!(error.help(), "add the unit: s, ms, us, ns, min or h, as in 1ms");
}

#[test]
fn an_unknown_basis_lists_the_registry() {
    let error = parse("stimulus : raised-cosine-lag(8)").unwrap_err();
    assert!(matches!(&error, Error::Unknown { kind: "basis", name, .. } if name == "raised-cosine-lag"));
    assert!(
        error.to_string().ends_with("\n    stimulus : raised-cosine-lag(8)\n               ^"),
        "{error}"
    );
    let help = error.help();
    assert!(help.starts_with("did you mean raised-cosine-log? present are: raised-cosine-log, "), "{help}");
    assert!(help.contains("bspline, cyclic-bspline"), "{help}");
}

/// Text, what the caret points at, part of the message, part of the help.
fn assert_mistakes(mistakes: &[(&str, &str, &str, &str)]) {
    for &(text, after, message, help) in mistakes {
        let (first, found_after, found_help) = mistake(text);
        assert!(found_after.starts_with(after), "{text}: caret at {found_after:?}");
        assert_eq!(found_after.is_empty(), after.is_empty(), "{text}: caret at {found_after:?}");
        assert!(first.contains(message), "{text}: {first}");
        assert!(found_help.contains(help), "{text}: {found_help}");
    }
}

#[test]
fn mistakes_are_pointed_at() {
    assert_mistakes(&[
        ("", "", "name of a signal", "write a feature like"),
        (": raised-cosine-log(8)", ": raised", "name of a signal", "write a feature like"),
        ("'my series", "'my series", "name in quotes", "close the quote with '"),
        ("my series", "series", "found `series`", "names with spaces"),
        ("stimulus*", "", "a number other than 0", "stimulus*1e12"),
        ("stimulus*0", "0", "a number other than 0", "stimulus*1e12"),
        ("stimulus*1e999", "1e999", "a number other than 0", "stimulus*1e12"),
        ("stimulus*1 2", "2", "found `2`", "write a feature"),
        ("position[x", "", "`]`", "close the bracket"),
        ("position[]", "]", "name or number of a column", "position[0]"),
        ("position@cubic", "cubic", "a way of resampling", "mean, linear, nearest"),
        ("spikes", "spikes", "predict itself", "window=100ms"),
        ("units*2 : raised-cosine-log(8)", "units*2", "predict itself", "window=100ms"),
        (
            "spikes : raised-cosine-log(8, window=9ms, include-present=true)",
            "spikes",
            "predict itself",
            "causal",
        ),
        ("units : raised-cosine-log(8, window=9ms, causality=acausal)", "units", "predict itself", "causal"),
        ("spikes[0] : raised-cosine-log(8, window=9ms)", "[0]", "found `[0]`", "neither columns"),
        ("units@mean", "@mean", "found `@mean`", "neither columns"),
        ("stimulus :", "", "name of a basis", "raised-cosine-log"),
        ("stimulus : raised-cosine-log", "raised-cosine-log", "n-functions", "raised-cosine-log(8)"),
        ("stimulus : raised-cosine-log()", "raised-cosine-log()", "n-functions", "raised-cosine-log(8)"),
        ("stimulus : raised-cosine-log(", "", "a whole number", "n-functions"),
        ("stimulus : raised-cosine-log(8", "", "`,` or `)`", "close the parenthesis"),
        ("stimulus : raised-cosine-log(8,)", ")", "a number", "width"),
        ("stimulus : raised-cosine-log(8.5)", "8.5)", "a whole number", "n-functions"),
        ("stimulus : raised-cosine-log(1)", "raised-cosine-log(1)", "2 or more", "raised-cosine-log(8)"),
        ("stimulus : raised-cosine-log(8, width=2.2)", "raised-cosine", "steps of 0.5", "width=1.5"),
        (
            "stimulus : raised-cosine-log(8, widht=2)",
            "widht=2)",
            "name of a parameter",
            "width, time-scaling",
        ),
        ("stimulus : raised-cosine-log(8, n-functions=8)", "n-functions=8)", "once", "remove one"),
        ("stimulus : raised-cosine-log(width=2, 8)", "8)", "`name=value`", "by name"),
        ("stimulus : raised-cosine-log(8, 2, 50, true, 1)", "1)", "`name=value`", "by name"),
        ("stimulus : raised-cosine-log(8, decay-to-zero=yes)", "yes)", "true or false", "decay-to-zero"),
        ("stimulus : raised-cosine-log(8, window=0ms)", "0ms)", "window above 0", "window=200ms"),
        ("stimulus : raised-cosine-log(8, window=-1ms)", "-1ms)", "0 or more", "minus"),
        ("stimulus : raised-cosine-log(8, window=5parsec)", "5parsec)", "duration", "the units are s, ms"),
        ("stimulus : raised-cosine-log(8, window=1ms, window=2ms)", "window=2ms)", "once", "remove one"),
        ("stimulus : raised-cosine-log(8, range=5)", "5)", "two numbers a:b", "0:150"),
        ("stimulus : raised-cosine-log(8, range=5:1)", "5:1)", "smaller one first", "0:150"),
        ("stimulus : raised-cosine-log(8, window=1ms, range=0:1)", "range=0:1)", "no range", "remove range="),
        (
            "stimulus : raised-cosine-log(8, causality=causal)",
            "causality=causal)",
            "a window",
            "window=200ms",
        ),
        ("stimulus : raised-cosine-log(8, window=1ms, causality=past)", "past)", "causality", "anti-causal"),
        (
            "stimulus : raised-cosine-log(8, window=1ms, include-present=1)",
            "1)",
            "true or false",
            "true or false",
        ),
        (
            "stimulus : raised-cosine-log(8, window=1ms, causality=acausal, include-present=false)",
            "stimulus",
            "the present bin inside",
            "include the present bin",
        ),
        ("é é", "é", "found `é`", "names with spaces"),
    ]);
}

#[test]
fn mistakes_in_products_and_parameters_are_pointed_at() {
    assert_mistakes(&[
        ("stimulus : raised-cosine-log(8) y theta", "y theta", "found `y`", "write a feature"),
        ("stimulus : raised-cosine-log(8) x", "", "name of a signal", "write a feature"),
        ("stimulus : raised-cosine-log(8) xtheta", "xtheta", "found `xtheta`", "write a feature"),
        ("a x spikes", "spikes", "predict itself", "window=100ms"),
        (
            "spikes : history(window=9ms) x units : history(window=9ms)",
            "spikes",
            "same units",
            "multiply spikes only",
        ),
        ("a : history(5)", "5)", "`name=value`", "window"),
        ("a : history", "a : history", "made for values", "history(window=20ms)"),
        ("a : identity(window=1ms)", "a : identity", "made for windows", "leave out window="),
        ("a : fourier(4, window=1ms)", "a : fourier", "made for windows", "leave out window="),
        ("a : fourier(1)", "fourier(1)", "at least one of them above 0", "fourier(1:5)"),
        ("a : fourier(4:x)", "4:x)", "how many frequencies", "frequencies"),
        ("a : fourier(99999999999)", "99999999999)", "how many frequencies", "frequencies"),
        ("a : fourier([1, 2.5])", "2.5])", "a number", "[1, 3, 9]"),
        ("a : fourier(4, fill=0)", "a : fourier", "no fill value", "remove fill="),
        ("a : identity(fill=0)", "a : identity", "a range beside", "range=0:150"),
        ("a : bspline(8, fill=nan)", "nan)", "a number", "0.5"),
        ("a : bspline(8, fill=1, fill=2)", "fill=2)", "once", "remove one"),
        ("a : bspline(8, fill=1, window=9ms)", "fill=1", "no fill value", "remove fill="),
        ("a : bspline(3)", "bspline(3)", "4 or more, its order", "bspline(10)"),
        ("a : bspline(8, order=0)", "bspline(8, order=0)", "1 or more", "order=4"),
        ("a : cyclic-bspline(8, order=1)", "cyclic", "2 or more", "order=4"),
        ("a : orth-exponential", "orth-exponential", "decay-rates", "orth-exponential([1, 3, 9])"),
        ("a : orth-exponential(1)", "1)", "numbers in brackets", "decay-rates"),
        ("a : orth-exponential([1, 3)", ")", "`,` or `]`", "[1, 3, 9]"),
        ("a : orth-exponential([1, 1])", "orth-exponential([1, 1])", "all different", "[1, 3, 9]"),
        ("a : bspline(8) x b : bsplin(8)", "bsplin(8)", "bsplin", "did you mean bspline?"),
    ]);
}

#[test]
fn no_text_panics() {
    let pieces = [
        "a",
        "'",
        "\"",
        "[",
        "]",
        "@",
        "*",
        ":",
        "(",
        ")",
        ",",
        "=",
        " ",
        "8",
        "é",
        "raised-cosine-log",
        "window",
        "1ms",
        " x ",
        "fourier",
        "history",
    ];
    let mut state = 1_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(pieces[(state >> 40) as usize % pieces.len()]);
        }
        if let Ok(feature) = parse(&text) {
            assert_eq!(parse(&feature.to_string()).unwrap(), feature, "{text}");
        }
    }
}
