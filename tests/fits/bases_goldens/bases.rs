//! Bases evaluated at samples, beyond their range, and on kernels.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use rheobase::basis::{Custom, Expand, FourierGrid, History, Range, Scale, Zero};
use rheobase::features::{Expansion, evaluated};
use serde_json::Value as Json;

use super::{
    assert_near, basis, bounds, built, channels, grid, numbers, projector, section, table, term, values,
};

/// Frequencies of one dimension: a count, or the first and the one behind the last.
fn frequencies(value: &Json) -> Vec<usize> {
    match value {
        Json::Array(ends) => {
            (ends[0].as_u64().unwrap() as usize..ends[1].as_u64().unwrap() as usize).collect()
        }
        count => (0..count.as_u64().unwrap() as usize).collect(),
    }
}

fn in_several_dimensions(record: &Json) {
    let arguments = &record["kwargs"];
    let n_dimensions = arguments["ndim"].as_u64().unwrap() as usize;
    let own: Vec<Vec<usize>> = match &arguments["frequencies"] {
        Json::Array(all) => all.iter().map(frequencies).collect(),
        count => vec![frequencies(count); n_dimensions],
    };
    let fourier = match arguments.get("frequency_mask") {
        Some(mask) if mask == "all" => FourierGrid::masked(&own, |_| true),
        Some(mask) => panic!("no mask is called {mask}"),
        None => FourierGrid::new(&own),
    };
    let fourier = fourier.unwrap();
    let tuples = table(&record["masked_frequencies"]);
    let found = Array2::from_shape_fn(tuples.dim(), |(d, j)| fourier.tuples()[j][d] as f64);
    assert_near(&found, &tuples, "tuples");
    let inputs = record["inputs"].as_array().unwrap().iter().map(numbers);
    let periods: Vec<Vec<f64>> = inputs.map(|x| Range::of("x", &x).unwrap().rescale(&x)).collect();
    let signals: Vec<&[f64]> = periods.iter().map(Vec::as_slice).collect();
    assert_near(&fourier.expand(&signals).unwrap(), &table(&record["features"]), &arguments.to_string());
}

#[test]
fn evaluated_bases() {
    let records = section("eval_bases");
    for record in &records {
        let (name, arguments) = (record["basis"].as_str().unwrap(), &record["kwargs"]);
        let what = format!("{name} {arguments}");
        let expected = table(&record["features"]);
        let channels = channels("x", &record["inputs"][0]);
        let n_bins = channels[0].values.len();
        let fill = arguments["fill_value"].as_f64();
        let of = |basis: &dyn Expand| evaluated(&grid(&[n_bins]), "x", &channels, basis, None).unwrap().0.x;
        match name {
            "Zero" => assert_eq!(of(&Zero).dim(), (n_bins, 0)),
            "CustomBasis" => {
                assert_eq!(arguments["funcs"].to_string(), r#"["z","z**2"]"#);
                let custom = Custom::new(vec![Arc::new(|z| z), Arc::new(|z| z * z)]).unwrap();
                assert_near(&of(&custom), &expected, &what);
            }
            _ if arguments.get("ndim").is_some() => in_several_dimensions(record),
            _ => {
                let basis = basis(name, arguments);
                let range = bounds(arguments);
                let expansion = Expansion::Evaluated { basis: basis.clone(), range, fill };
                let built = built(vec![term("x", expansion)], vec![channels.clone()]);
                let found = values(&built.block);
                let is_known = |t: usize| channels.iter().all(|channel| !channel.values[t].is_nan());
                for (t, edge) in built.block.edge.iter().enumerate().filter(|(t, _)| is_known(*t)) {
                    assert_eq!(*edge, found.row(t).iter().any(|x| x.is_nan()), "{what}: edge {t}");
                }
                if name == "OrthExponentialEval" {
                    assert_near(&projector(&found), &table(&record["projector"]), &what);
                    assert_near(&projector(&found), &projector(&expected), &what);
                } else {
                    assert_near(&found, &expected, &what);
                }
                // the slow way: written out at once, and on the scales that were remembered
                if fill.is_none() {
                    let remembered = &built.scales[0];
                    let again = evaluated(&grid(&[n_bins]), "x", &channels, &basis, Some(remembered));
                    assert_eq!(again.unwrap().0.x.mapv(f64::to_bits), found.mapv(f64::to_bits), "{what}");
                }
            }
        }
    }
    assert_eq!(records.len(), 56);
}

/// Outside their range the functions are those of the reference, but that cyclic ones wrap around, as they should.
#[test]
fn raw_values_outside_the_range() {
    let records = section("evaluate_only");
    for record in &records {
        let (name, arguments) = (record["basis"].as_str().unwrap(), &record["kwargs"]);
        let (basis, x) = (basis(name, arguments), numbers(&record["inputs"][0]));
        let mut found = Array2::zeros((x.len(), basis.n_functions()));
        basis.evaluate(&Scale::from(bounds(arguments).unwrap()), &x, &mut found).unwrap();
        let expected = table(&record["values"]);
        if name == "CyclicBSplineEval" {
            assert_eq!(x, [-0.5, -0.01, 0.5, 1.5]);
            let inside = |x: &Array2<f64>| x.row(2).insert_axis(Axis(0)).to_owned();
            assert_near(&inside(&found), &inside(&expected), name);
            for row in [0, 3] {
                assert!((&found.row(row) - &found.row(2)).iter().all(|apart| apart.abs() < 1e-14), "{row}");
            }
        } else {
            assert_near(&found, &expected, name);
        }
    }
    assert_eq!(records.len(), 5);
}

#[test]
fn convolution_kernels() {
    let records = section("conv_kernels");
    for record in &records {
        let (name, arguments) = (record["basis"].as_str().unwrap(), &record["kwargs"]);
        let window_bins = arguments["window_size"].as_u64().unwrap() as usize;
        let basis = basis(name, arguments);
        let (found, expected) = (basis.kernel(window_bins).unwrap(), table(&record["kernel"]));
        assert_eq!(found.ncols(), basis.n_functions_over(window_bins), "{name}");
        if name == "OrthExponentialConv" {
            assert_near(&projector(&found), &projector(&expected), name);
        } else {
            assert_near(&found, &expected, name);
        }
    }
    assert_eq!(records.len(), 8);
    assert_eq!(History {}.n_functions_over(7), 7);
}
