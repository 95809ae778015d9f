use ndarray::Array2;
use rheobase::backend::Cpu;
use rheobase::design::{DesignPlan, Source, Values};
use rheobase::glm::*;
use std::time::Instant;
struct R(u64);
impl R {
    fn u(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
    fn n(&mut self) -> f64 {
        (0..12).map(|_| self.u()).sum::<f64>() - 6.0
    }
    fn p(&mut self, m: f64) -> f64 {
        let (l, mut p, mut c) = ((-m).exp(), self.u(), 0.0);
        while p > l {
            p *= self.u();
            c += 1.0;
        }
        c
    }
}
fn fit<'a>(x: Values<'a>, y: &Array2<f64>, tol: f64, solver: SolverChoice, f64s: bool, reps: usize) {
    let p = x.ncols();
    let mut times = vec![];
    let mut last = None;
    for _ in 0..reps {
        let t = Instant::now();
        let labels = (0..p).map(|j| format!("x{j}")).collect();
        let plan =
            DesignPlan::new(vec![Source { name: "x".into(), labels, x }], (0..x.nrows()).collect()).unwrap();
        let tp = t.elapsed().as_secs_f64();
        let names = (0..y.ncols()).map(|k| format!("y{k}")).collect();
        let spec =
            GlmSpec { tolerance: tol, solver, standard_errors: StandardErrors::Off, ..GlmSpec::default() }
                .check()
                .unwrap();
        let r = Response { y: y.view(), names };
        let f = if f64s {
            spec.fit(&Cpu::<f64>::default(), &plan, &r, &mut |_| {})
        } else {
            spec.fit(&Cpu::<f32>::default(), &plan, &r, &mut |q| {
                if std::env::var("V").is_ok() {
                    eprintln!("{q:?}")
                }
            })
        }
        .unwrap();
        times.push((tp + f.seconds.fit, tp, f.seconds.inference, t.elapsed().as_secs_f64()));
        last = Some(f);
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let f = last.unwrap();
    let m = times[times.len() / 2];
    let t = &f.targets;
    println!(
        "median {:.3} ms (plan {:.3}, inference {:.3}, wall {:.3}) min {:.3}; {} iterations {} passes {} gap {:.1e} kkt {:.1e} status {:?} gram rows {} sample {:?}",
        m.0 * 1e3,
        m.1 * 1e3,
        m.2 * 1e3,
        m.3 * 1e3,
        times[0].0 * 1e3,
        f.solver,
        t.iter().map(|t| t.iterations).max().unwrap(),
        t.iter().map(|t| t.passes as f64).sum::<f64>() / t.len() as f64,
        t.iter().map(|t| t.loss_gap / t.loss.abs()).fold(0.0, f64::max),
        t.iter().map(|t| t.kkt_residual).fold(0.0, f64::max),
        t.iter().filter(|t| t.status != rheobase::solver::Status::Converged).count(),
        f.plan.n_gram_rows,
        f.plan.n_sample_rows
    );
}
fn main() {
    let what: Vec<String> = std::env::args().skip(1).collect();
    let has = |w: &str| what.iter().any(|x| x == w);
    if has("a") {
        use rheobase::basis::{Expand, RaisedCosineLog};
        use rheobase::features::{Causality, Channel, convolved};
        use rheobase::time::{BinGrid, IntervalSet};
        let grid = BinGrid::new(&IntervalSet::new(&[39.02], &[67.04]).unwrap(), 0.001).unwrap();
        let file = hdf5::File::open("tests/data/patchclamp_small.nwb").unwrap();
        let read = |path: &str| -> Vec<f64> { file.dataset(path).unwrap().read_raw().unwrap() };
        let c: Vec<f64> = read("stimulus/presentation/stimulus/data").iter().map(|x| x * 1e12).collect();
        let values = grid.average(&read("stimulus/presentation/stimulus/timestamps"), &c);
        let counts = grid.count(&read("units/spike_times"));
        let kernel = RaisedCosineLog::new(8).unwrap().kernel(200).unwrap();
        let block = convolved(
            &grid,
            "s",
            &[Channel { label: "s".into(), values }],
            &kernel,
            Causality::Causal,
            false,
        )
        .unwrap();
        let rows: Vec<usize> = (0..counts.len()).filter(|&r| !block.edge[r]).collect();
        let y = Array2::from_shape_fn((rows.len(), 1), |(i, _)| f64::from(counts[rows[i]]));
        let x = block.x.select(ndarray::Axis(0), &rows);
        for f64s in [false, true, false, true] {
            print!("a f64={f64s} ");
            fit(x.view().into(), &y, 1e-16, SolverChoice::Auto, f64s, 101);
        }
        print!("a lbfgs ");
        fit(x.view().into(), &y, 1e-16, SolverChoice::Lbfgs, false, 21);
    }
    if has("b") {
        let (n, p) = (500_000, 100);
        let mut r = R(7);
        let x = Array2::from_shape_simple_fn((n, p), || r.n() as f32);
        let w: Vec<f64> = (0..p).map(|_| 0.05 * r.n()).collect();
        let y = Array2::from_shape_fn((n, 1), |(i, _)| {
            let e: f64 = x.row(i).iter().zip(&w).map(|(x, w)| *x as f64 * w).sum();
            r.p((e - 2.0).exp())
        });
        print!("b ");
        fit(x.view().into(), &y, 1e-10, SolverChoice::Auto, false, 7);
    }
    if has("d1") || has("d2") {
        let (n, c, m) = if has("d2") { (200_000, 100, 100) } else { (100_000, 20, 20) };
        use rheobase::basis::{Expand, RaisedCosineLog};
        let mut r = R(3);
        let k = RaisedCosineLog::new(8).unwrap().kernel(200).unwrap();
        let mut x = Array2::<f32>::zeros((n, c * 8));
        for ch in 0..c {
            let ev: Vec<usize> = (0..n).filter(|_| r.u() < 0.025).collect();
            for &e in &ev {
                for l in 0..200.min(n - e - 1) {
                    for f in 0..8 {
                        x[(e + 1 + l, ch * 8 + f)] += k[(l, f)] as f32;
                    }
                }
            }
        }
        let w = Array2::from_shape_simple_fn((c * 8, m), || 0.15 * r.n() / (c as f64 / 20.0).sqrt());
        let b: Vec<f64> = (0..m).map(|_| -4.0 + 2.5 * r.u()).collect();
        let mut y = Array2::zeros((n, m));
        for i in 0..n {
            for t in 0..m {
                let mut e = b[t];
                for j in 0..c * 8 {
                    let v = x[(i, j)];
                    if v != 0.0 {
                        e += v as f64 * w[(j, t)];
                    }
                }
                y[(i, t)] = r.p(e.min(3.0).exp());
            }
        }
        println!(
            "mean y {:.4} .. {:.4}",
            (0..m).map(|t| y.column(t).mean().unwrap()).fold(1.0, f64::min),
            (0..m).map(|t| y.column(t).mean().unwrap()).fold(0.0, f64::max)
        );
        print!("d ");
        fit(x.view().into(), &y, 1e-8, SolverChoice::Auto, false, if has("d2") { 1 } else { 5 });
    }
}
