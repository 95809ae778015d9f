// The adjoint of `convolve_fft`: one sum per channel and lag.
//
// Work group (k, c, s): rows k, channel c, piece s of 1024 lags. Spectra of residuals and samples are multiplied and added up
// over 1024 positions at a time, and transformed back once. ADD is 1 to add to what is there.

@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> twiddles: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> place: array<u32>;
@group(0) @binding(4) var<storage, read> row_at: array<u32>;
@group(0) @binding(5) var<storage, read> residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

fn weight_at(position: u32, begin: u32, end: u32) -> f32 {
    let i = taken_at(position);
    if (i < begin || i >= end) {
        return 0.0;
    }
    return residual[i];
}

fn put(lag: u32, at: u32, value: f32) {
    if (lag >= W) {
        return;
    }
    if (ADD == 1u) {
        sums[at + lag] += value;
    } else {
        sums[at + lag] = value;
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let first = place[params.run_row + row_of(begin)];
    let last = place[params.run_row + row_of(end - 1u)];
    var sum = array<vec2<f32>, 4>(vec2<f32>(0.0), vec2<f32>(0.0), vec2<f32>(0.0), vec2<f32>(0.0));
    // what lies behind the last position of a group is 0 to it
    for (var turn = 0u; turn < params.turns; turn++) {
        let base = first + turn * 1024u;
        // residuals are the second half of their block
        for (var k = lane; k < 512u; k += 256u) {
            let position = base + 2u * k;
            block[k] = vec2<f32>(0.0);
            block[512u + k] =
                vec2<f32>(weight_at(position, begin, end), weight_at(position + 1u, begin, end));
        }
        workgroupBarrier();
        transform(lane);
        var weights = array<vec2<f32>, 4>(vec2<f32>(0.0), vec2<f32>(0.0), vec2<f32>(0.0), vec2<f32>(0.0));
        for (var m = 0u; m < 4u; m++) {
            weights[m] = spectrum_at(lane + 256u * m);
        }
        workgroupBarrier();
        transform_samples(group.y, base, group.z, last, lane);
        for (var m = 0u; m < 4u; m++) {
            let k = lane + 256u * m;
            var x = spectrum_at(k);
            if (k != 0u) {
                x = conjugate(x);
            }
            sum[m] += packed_product(weights[m], x, k);
        }
        workgroupBarrier();
    }
    invert(sum, lane);
    let at = (params.first_partial + group.x) * params.width + group.y * W;
    for (var m = 0u; m < 2u; m++) {
        let k = lane + 256u * m;
        let both = pair_at(k);
        put(group.z * 1024u + 2u * k, at, both.x);
        put(group.z * 1024u + 2u * k + 1u, at, both.y);
    }
}
