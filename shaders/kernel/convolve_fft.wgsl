// As `convolve`, for long windows: blocks of samples are transformed, multiplied with the spectra of the filters, added up over
// channels and pieces of 1024 lags, and transformed back.
//
// A work group takes group_rows rows, 1024 positions at a time. START as in `convolve`.

@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> spectra: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> twiddles: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> place: array<u32>;
@group(0) @binding(5) var<storage, read> row_at: array<u32>;
@group(0) @binding(6) var<storage, read_write> eta: array<f32>;

fn add(position: u32, begin: u32, end: u32, value: f32) {
    let i = taken_at(position);
    if (i < begin || i >= end) {
        return;
    }
    var at = params.intercept;
    if (START == 1u) {
        at = eta[i];
    }
    eta[i] = at + value;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let first = place[params.run_row + row_of(begin)];
    let last = place[params.run_row + row_of(end - 1u)];
    // what lies behind the last position of a group is 0 to it
    for (var turn = 0u; turn < params.turns; turn++) {
        let base = first + turn * 1024u;
        var sum = array<vec2<f32>, 4>(vec2<f32>(0.0), vec2<f32>(0.0), vec2<f32>(0.0), vec2<f32>(0.0));
        for (var channel = 0u; channel < CHANNELS; channel++) {
            for (var piece = 0u; piece < PIECES; piece++) {
                transform_samples(channel, base, piece, last, lane);
                let filter_place = (channel * PIECES + piece) * 1024u;
                for (var m = 0u; m < 4u; m++) {
                    let k = lane + 256u * m;
                    sum[m] += packed_product(spectrum_at(k), spectra[filter_place + k], k);
                }
                workgroupBarrier();
            }
        }
        invert(sum, lane);
        for (var m = 0u; m < 2u; m++) {
            let k = lane + 256u * m;
            let both = pair_at(512u + k);
            add(base + 2u * k, begin, end, both.x);
            add(base + 2u * k + 1u, begin, end, both.y);
        }
        workgroupBarrier();
    }
}
