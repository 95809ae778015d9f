//! Every kernel with every model is translated for Vulkan, Metal and DX12, without any of them.
//!
//! The text for DX12 is written, not compiled: what its compiler is known to refuse or to get wrong is looked for in
//! `barriers.rs`.

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::backend::Model;
use crate::backend::gpu::adapter::WORKGROUP_BYTES;
use crate::backend::gpu::convolution::{
    build_features, convolve, convolve_events, convolve_fft, correlate, correlate_events,
};
use crate::backend::gpu::shader::{BUILT_IN_EXP, Constants, Kernel, Shared};
use crate::backend::gpu::variant::Variant;
use crate::backend::gpu::{
    bin_spikes, classes, copy_rows, fused, partials, products, record, roofs, rows, seal,
};
use crate::observation::ObservationModel;

/// All kernels with the sizes that they are compiled for.
pub(super) fn all() -> Vec<(Kernel, Vec<Constants>)> {
    let with = |mut constants: Constants, more: &[(&'static str, u32)]| {
        constants.extend_from_slice(more);
        constants
    };
    let mut tiles = Vec::new();
    for p4 in [1, 2, 9, 13, 24, 50, 128, 200, 256] {
        for [start, predict, keep, point, curvature, gradient] in [
            [0, 1, 0, 1, 0, 1],
            [0, 1, 0, 1, 1, 1],
            [0, 1, 1, 0, 0, 0],
            [1, 1, 1, 0, 0, 0],
            [1, 0, 0, 0, 0, 1],
            [2, 0, 0, 0, 0, 1],
        ] {
            let parts = [
                ("START", start),
                ("PREDICT", predict),
                ("KEEP", keep),
                ("POINT", point),
                ("CURVATURE", curvature),
                ("GRADIENT", gradient),
            ];
            tiles.push(with(fused::tile_constants(p4, 2 * p4, Variant::default().tile_bytes), &parts));
        }
    }
    let small = (1..=8).flat_map(|p4| [0, 1].map(|curvature| vec![("P4", p4), ("CURVATURE", curvature)]));
    let responses = [false, true].map(|is_bytes| products::response_constants(3, is_bytes));
    let matmul = responses.iter().flat_map(|responses| {
        [[0, 0], [1, 0], [0, 1], [1, 1]].map(|[start, tail]| {
            let sizes = with(products::matmul_constants(5, 2), responses);
            with(sizes, &[("START", start), ("TAIL", tail)])
        })
    });
    let sides = [1, 2, 4, 8, 16, 50];
    let add = |constants: Constants| [0, 1].map(|adds| with(constants.clone(), &[("ADD", adds)]));
    let grams =
        sides.iter().flat_map(|&p4| [false, true].map(|weighted| products::gram_constants(p4, weighted)));
    let across =
        responses.iter().flat_map(|own| [1, 16].map(|across| with(own.clone(), &[("ACROSS", across)])));
    let across: Vec<Constants> = across.collect();
    let windows = [1, 5, 256, 3000];
    let starts = |own: Constants| [0, 1].map(|start| with(own.clone(), &[("START", start)]));
    let lag_sums: Vec<Constants> =
        windows.iter().flat_map(|&w| [false, true].map(|adds| correlate::constants(w, adds))).collect();
    let built = windows
        .iter()
        .flat_map(|&w| [false, true].map(|is_events| build_features::constants(w, 7, 24, is_events)));
    let of_classes: Vec<Constants> = responses
        .iter()
        .flat_map(|own| [(2, 1), (2, 2), (5, 4)].map(|(k, d)| classes::constants(own.clone(), k, d)))
        .collect();
    let weighted = |own: &Constants| {
        [[0, 1], [1, 1], [1, 4]]
            .map(|[weighted, stride]| with(own.clone(), &[("WEIGHTED", weighted), ("W_STRIDE", stride)]))
    };
    let weighed: Vec<Constants> = of_classes.iter().flat_map(weighted).collect();
    let points = weighed.iter().flat_map(|own| {
        [[0, 0], [1, 0], [0, 1]]
            .map(|[sizes, p]| with(own.clone(), &[("MAGNITUDES", sizes), ("PROBABILITIES", p)]))
    });
    let beside = |own: Constants| [0, 1, 2, 3].map(|beside| with(own.clone(), &[("BESIDE", beside)]));
    vec![
        (classes::POINTWISE_CLASSES, points.collect()),
        (classes::CLASS_WEIGHTS, weighed.clone()),
        (classes::CLASS_CHANGES, weighed.clone()),
        (classes::CLASS_REACH, of_classes),
        (fused::FUSED, tiles),
        (fused::FUSED_SMALL, small.collect()),
        (products::MATMUL, matmul.collect()),
        (
            products::MATMUL_TRANSPOSED,
            sides.iter().flat_map(|&p4| add(products::transposed_constants(p4))).collect(),
        ),
        (products::WEIGHTED_GRAM, grams.flat_map(add).collect()),
        (rows::POINTWISE, across.iter().flat_map(weighted).flat_map(beside).collect()),
        (rows::LOSS_CHANGES, across.iter().flat_map(weighted).collect()),
        (rows::REACH, across.iter().flat_map(weighted).collect()),
        (partials::REDUCE, [8, 32].map(|slots| vec![("SLOTS", slots)]).to_vec()),
        (convolve::CONVOLVE, windows.iter().flat_map(|&w| starts(convolve::constants(w, 3))).collect()),
        (
            convolve_events::CONVOLVE_EVENTS,
            windows.iter().flat_map(|&w| starts(convolve_events::constants(w))).collect(),
        ),
        (
            convolve_fft::CONVOLVE_FFT,
            windows.iter().flat_map(|&w| starts(convolve_fft::constants(w, 3))).collect(),
        ),
        (convolve_fft::CORRELATE_FFT, lag_sums.clone()),
        (correlate::CORRELATE, lag_sums.clone()),
        (correlate_events::CORRELATE_EVENTS, lag_sums),
        (build_features::BUILD_FEATURES, built.collect()),
        (seal::SEAL, vec![vec![]]),
        (roofs::COPY_WORDS, vec![vec![]]),
        (roofs::MULTIPLY_ADDS, vec![vec![]]),
        (bin_spikes::BIN_SPIKES, [false, true].map(bin_spikes::constants).to_vec()),
        (record::EXPONENTIALS, vec![vec![], vec![(BUILT_IN_EXP, 1)]]),
        (record::TWO_SUM, vec![vec![]]),
        (copy_rows::COPY_ROWS, vec![copy_rows::constants(5, 8, 12)]),
    ]
}

fn models() -> Vec<Model> {
    let pairs = |&observation: &ObservationModel| {
        Model::links_of(observation).iter().map(move |&inverse_link| Model { observation, inverse_link })
    };
    ObservationModel::ALL.iter().flat_map(pairs).collect()
}

fn translate(kernel: &Kernel, source: &str, most_bytes: u32) {
    let module = kernel.checked(source, most_bytes).unwrap_or_else(|error| panic!("{error}"));
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::default());
    let info = validator.validate(&module).unwrap_or_else(|error| panic!("{}: {error:?}", kernel.name));
    let spirv = spv::write_vec(&module, &info, &spv::Options::default(), None).unwrap();
    assert!(spirv.len() > 100, "{}", kernel.name);
    let options = msl::Options { fake_missing_bindings: true, ..msl::Options::default() };
    let (metal, _) = msl::write_string(&module, &info, &options, &msl::PipelineOptions::default()).unwrap();
    assert!(metal.contains("kernel void"), "{}", kernel.name);
    let mut dx12 = String::new();
    let (options, pipeline) = (hlsl::Options::default(), hlsl::PipelineOptions::default());
    hlsl::Writer::new(&mut dx12, &options, &pipeline).write(&module, &info, None).unwrap();
    assert!(dx12.contains("numthreads"), "{}", kernel.name);
}

/// The texts of a kernel: each of the sizes with each model, where it has one.
pub(super) fn sources(kernel: &Kernel, sizes: &[Constants]) -> Vec<String> {
    let with_model = kernel.shared.contains(&Shared::Model);
    let models = if with_model { models().into_iter().map(Some).collect() } else { vec![None] };
    models.iter().flat_map(|&model| sizes.iter().map(move |sizes| kernel.source(sizes, model))).collect()
}

#[test]
fn every_kernel_translates_for_every_model() {
    for (kernel, sizes) in all() {
        sources(&kernel, &sizes).iter().for_each(|source| translate(&kernel, source, WORKGROUP_BYTES));
    }
}

#[test]
fn kernels_translate_in_the_ways_that_are_only_measured() {
    let large = Variant { tile_bytes: 24 << 10, built_in_exp: true, ..Variant::default() };
    for p4 in [2, 16, 50, 128] {
        let mut constants = fused::tile_constants(p4, p4, large.tile_bytes);
        let whole = ["PREDICT", "POINT", "GRADIENT", BUILT_IN_EXP].map(|name| (name, 1));
        constants.extend(whole.into_iter().chain(["START", "KEEP", "CURVATURE"].map(|name| (name, 0))));
        let source = fused::FUSED.source(&constants, Some(Model::default()));
        translate(&fused::FUSED, &source, large.workgroup_bytes());
        assert_eq!(fused::FUSED.checked(&source, WORKGROUP_BYTES).is_ok(), p4 < 128, "{p4}");
    }
}

#[test]
fn every_kernel_file_is_in_the_list() {
    let listed: Vec<&str> = all().iter().map(|(kernel, _)| kernel.name).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/kernel");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".wgsl").unwrap();
        assert!(listed.contains(&name), "{name} is not translated");
    }
}

#[test]
fn a_kernel_that_asks_for_too_much_memory_is_refused() {
    let kernel = Kernel { name: "greedy", text: "", shared: &[], bindings: &[] };
    let text = |n: u32| {
        format!("var<workgroup> a: array<f32, {n}>; @compute @workgroup_size(64) fn main() {{ a[0] = 1.0; }}")
    };
    assert!(kernel.checked(&text(4096), WORKGROUP_BYTES).is_ok());
    let error = kernel.checked(&text(4097), WORKGROUP_BYTES).unwrap_err().to_string();
    assert!(error.contains("greedy") && error.contains("16400 bytes"), "{error}");
    let wide = "@compute @workgroup_size(512) fn main() {}";
    assert!(kernel.checked(wide, WORKGROUP_BYTES).unwrap_err().to_string().contains("512 invocations"));
    assert!(kernel.checked("fn main( {}", WORKGROUP_BYTES).unwrap_err().to_string().contains("greedy"));
}
