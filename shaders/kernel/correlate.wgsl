// The adjoint of `convolve`: one sum per channel and lag, sum_p residual(p) x_c[p - k] over the rows that are taken.
//
// Work group (k, c, s): rows k, channel c, 256 lags s. An invocation has the sums of four lags; subsets of invocations take four
// positions of a tile in turn. Sums of a tile are added up apart before they join the others. ADD is 1 to add to what is
// there.

@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> place: array<u32>;
@group(0) @binding(3) var<storage, read> row_at: array<u32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;

var<workgroup> weights: array<vec4<f32>, 256>;

fn weight_at(position: u32, begin: u32, end: u32) -> f32 {
    let i = taken_at(position);
    if (i < begin || i >= end) {
        return 0.0;
    }
    return residual[i];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let first_lag = group.z * 256u;
    let n_quads = (min(W - first_lag, 256u) + 3u) / 4u;
    let n_subsets = 256u / n_quads;
    let quad = lane % n_quads;
    let subset = lane / n_quads;
    let first = place[params.run_row + row_of(begin)];
    let last = place[params.run_row + row_of(end - 1u)];
    var all = vec4<f32>(0.0);
    for (var turn = 0u; turn < params.turns; turn++) {
        let base = first + turn * 1024u;
        // a group may have fewer positions than another
        if (base <= last) {
            load_tile(group.y, base, first_lag, lane);
            let position = base + 4u * lane;
            weights[lane] = vec4<f32>(
                weight_at(position, begin, end),
                weight_at(position + 1u, begin, end),
                weight_at(position + 2u, begin, end),
                weight_at(position + 3u, begin, end),
            );
        }
        workgroupBarrier();
        if (base <= last && subset < n_subsets) {
            var some = vec4<f32>(0.0);
            for (var k = subset; k < 256u; k += n_subsets) {
                let r = weights[k];
                let above = tile[64u + k - quad];
                let below = tile[63u + k - quad];
                some += vec4<f32>(
                    dot(r, above),
                    dot(r, vec4<f32>(below.w, above.xyz)),
                    dot(r, vec4<f32>(below.zw, above.xy)),
                    dot(r, vec4<f32>(below.yzw, above.x)),
                );
            }
            all += some;
        }
        workgroupBarrier();
    }
    tile[lane] = all;
    workgroupBarrier();
    if (lane < n_quads) {
        var sum = tile[lane];
        for (var k = 1u; k < n_subsets; k++) {
            sum += tile[lane + k * n_quads];
        }
        for (var k = 0u; k < 4u; k++) {
            let lag = first_lag + 4u * lane + k;
            if (lag < W) {
                let at = (params.first_partial + group.x) * params.width + group.y * W + lag;
                if (ADD == 1u) {
                    sums[at] += sum[k];
                } else {
                    sums[at] = sum[k];
                }
            }
        }
    }
}
