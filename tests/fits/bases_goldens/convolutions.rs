//! Convolutions of given kernels, and of bases over epochs.

use rheobase::features::{Causality, Channel, Expansion, FeatureSpec, convolved};
use serde_json::Value as Json;

use super::{assert_near, basis, channels, grid, numbers, section, table, term, values};

fn causality(name: &Json) -> Causality {
    let name = name.as_str().unwrap_or("causal");
    Causality::ALL.into_iter().find(|causality| causality.name() == name).unwrap()
}

#[test]
fn kernels_on_one_series() {
    let records = section("conv");
    for record in &records {
        let (kernel, x) = (table(&record["kernel"]), numbers(&record["series"]));
        let shift = record["shift"].as_bool().unwrap();
        let grid = grid(&[x.len()]);
        let channels = [Channel { label: "x".into(), values: x }];
        let side = causality(&record["predictor_causality"]);
        let block = convolved(&grid, "x", &channels, &kernel, side, !shift).unwrap();
        assert_near(&block.x, &table(&record["features"]), &record.to_string());
    }
    assert_eq!(records.len(), 8);
}

#[test]
fn bases_over_epochs() {
    let records = section("conv_epochs");
    for record in &records {
        let (name, arguments) = (record["basis"].as_str().unwrap(), &record["kwargs"]);
        let epochs = table(&record["epochs_first_last_index"]);
        let lengths: Vec<usize> =
            epochs.rows().into_iter().map(|ends| (ends[1] - ends[0]) as usize + 1).collect();
        let how = &arguments["conv_kwargs"];
        let side = causality(&how["predictor_causality"]);
        let include_present = !how["shift"].as_bool().unwrap_or(side != Causality::Acausal);
        let expansion = Expansion::Convolved {
            basis: basis(name, arguments),
            window_s: arguments["window_size"].as_f64().unwrap(),
            causality: side,
            include_present,
        };
        let feature = FeatureSpec::from(term("x", expansion));
        let built = feature.build(&grid(&lengths), "x", vec![channels("x", &record["series"])], &[]).unwrap();
        let expected = table(&record["features"]);
        assert_near(&values(&built.block), &expected, &record.to_string());
        let edge: Vec<bool> = expected.rows().into_iter().map(|row| row[0].is_nan()).collect();
        assert_eq!(built.block.edge, edge, "{name}");
        let n_channels = table(&record["series"]).ncols();
        assert_eq!(feature.n_functions(1.0).unwrap() * n_channels, expected.ncols(), "{name}");
    }
    assert_eq!(records.len(), 7);
}
