//! Sums and products, as features and as compositions; values on grids.

use ndarray::{Array2, ArrayD, Axis};
use rheobase::basis::{
    BSpline, Composition, Expand, Fourier, History, MSpline, RaisedCosineLinear, RaisedCosineLog, Range,
    Scale,
};
use rheobase::features::{Channel, Expansion, Term};
use serde_json::Value as Json;

use super::{assert_near, beside, built, channels, numbers, section, table, term, values};

fn cosines(n: usize) -> RaisedCosineLinear {
    RaisedCosineLinear::new(n).unwrap()
}

fn splines() -> BSpline {
    BSpline::of_order(4, 2).unwrap()
}

fn evaluated(name: &str, basis: impl Into<rheobase::basis::Basis>) -> Term {
    term(name, Expansion::Evaluated { basis: basis.into(), range: None, fill: None })
}

fn inputs(record: &Json) -> Vec<Vec<Channel>> {
    let all = record["inputs"].as_array().unwrap().iter();
    all.zip(["a", "b", "c"]).map(|(input, name)| channels(name, input)).collect()
}

/// A basis on the range of the samples of one channel.
fn on(basis: impl Expand + 'static, channel: &Channel) -> Composition {
    let range = Range::of(&channel.label, &channel.values).unwrap();
    Composition::new(basis, range.into())
}

#[test]
fn sums_and_products_of_features() {
    let records = section("composite");
    assert_eq!(records.len(), 5);
    let mut inputs: Vec<_> = records.iter().map(inputs).collect();
    // a sum: one feature after the other, whatever their numbers of channels
    let [a, b] = inputs[0].clone().try_into().unwrap();
    assert_eq!((a.len(), b.len()), (1, 2));
    let parts = [
        values(&built(vec![evaluated("a", cosines(2))], vec![a]).block),
        values(&built(vec![evaluated("b", splines())], vec![b]).block),
    ];
    assert_near(&beside(&parts), &table(&records[0]["features"]), "sum");
    // products, of one channel and of two that are paired
    for k in [1, 2] {
        let terms = vec![evaluated("a", cosines(2)), evaluated("b", splines())];
        let built = built(terms, std::mem::take(&mut inputs[k]));
        assert_near(&values(&built.block), &table(&records[k]["features"]), "product");
        let per_channel = if k == 1 { 8 } else { 16 };
        assert_eq!((built.block.labels.len(), built.block.x.dim().1), (per_channel, per_channel));
    }
}

/// A sum inside a product, channel by channel: with one channel the value of the reference, with two channels the one
/// that was intended there, where wrong channels are multiplied.
#[test]
fn a_sum_inside_a_product_multiplies_channel_by_channel() {
    let records = section("composite");
    let mut columns: Vec<Array2<f64>> = Vec::new();
    for record in &records[3..] {
        let [a, c, b] = inputs(record).try_into().unwrap();
        columns.clear();
        for ((a, c), b) in a.iter().zip(&c).zip(&b) {
            let composed = (on(cosines(2), a) + on(cosines(3), c)) * on(splines(), b);
            columns.push(composed.evaluate(&[&a.values, &c.values, &b.values]).unwrap());
        }
        let all = beside(&columns);
        if record.get("features").is_some() {
            assert_near(&all, &table(&record["features"]), "one channel");
            continue;
        }
        let row = all.row(1).insert_axis(Axis(0)).to_owned();
        let of = |name: &str| Array2::from_shape_vec((1, 40), numbers(&record[name])).unwrap();
        assert_near(&row, &of("intended_features_row1"), "two channels");
        assert!((&row - &of("nemos_features_row1")).iter().any(|apart| apart.abs() > 0.01));
    }
    assert_eq!(columns.len(), 2);
}

#[test]
fn values_on_grids() {
    let within = |lo: f64, hi: f64| Scale::from(Range::new(lo, hi).unwrap());
    let unit = Scale::unbounded;
    let records = section("grid");
    for record in &records {
        let expr = record["expr"].as_str().unwrap();
        let composed = match expr {
            "RaisedCosineLinearEval(3,bounds=(2,4))" => Composition::new(cosines(3), within(2.0, 4.0)),
            "MSplineEval(4,bounds=(0,2))" => Composition::new(MSpline::new(4).unwrap(), within(0.0, 2.0)),
            "RaisedCosineLogConv(3,window_size=10)" => {
                Composition::new(RaisedCosineLog::new(3).unwrap(), unit())
            }
            "FourierEval(2,bounds=(0,3))" => Composition::new(Fourier::new(0..2).unwrap(), within(0.0, 3.0)),
            "RaisedCosineLinearEval(2,bounds=(0,2)) * RaisedCosineLinearEval(2)" => {
                Composition::new(cosines(2), within(0.0, 2.0)) * Composition::new(cosines(2), unit())
            }
            "RaisedCosineLinearEval(2) + BSplineEval(4)" => {
                Composition::new(cosines(2), unit()) + Composition::new(BSpline::new(4).unwrap(), unit())
            }
            "HistoryConv(3)" => {
                // a lag has no place between lags: the grid is the kernel, zeros after its window
                let kernel = History {}.kernel(3).unwrap();
                let expected = table(&record["values"]);
                let (within, beyond) = expected.view().split_at(Axis(0), 3);
                assert_near(&kernel, &within.to_owned(), expr);
                assert!(beyond.iter().all(|x| *x == 0.0));
                continue;
            }
            other => panic!("nothing is called {other}"),
        };
        let n: Vec<usize> = numbers(&record["n_samples"]).iter().map(|n| *n as usize).collect();
        let grid = composed.evaluate_on_grid(&n).unwrap();
        let expected = ArrayD::from_shape_vec(grid.values.shape(), flat(&record["values"])).unwrap();
        assert!((&grid.values - &expected).iter().all(|apart| apart.abs() <= super::TOLERANCE), "{expr}");
        let n_points: usize = n.iter().product();
        for (d, axis) in record["axes"].as_array().unwrap().iter().enumerate() {
            // a mesh in matrix order: the last axis runs fastest
            let every: usize = n[d + 1..].iter().product();
            let mesh: Vec<f64> = (0..n_points).map(|k| grid.axes[d][k / every % n[d]]).collect();
            let axis = flat(axis);
            assert!(mesh.iter().zip(&axis).all(|(a, b)| (a - b).abs() < 1e-15) && mesh.len() == axis.len());
        }
    }
    assert_eq!(records.len(), 7);
}

/// All numbers of nested lists.
fn flat(value: &Json) -> Vec<f64> {
    match value.as_array() {
        Some(list) => list.iter().flat_map(flat).collect(),
        None => vec![super::number(value)],
    }
}
