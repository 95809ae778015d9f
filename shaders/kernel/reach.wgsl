// How far a direction moves each target's linear predictor. Work group (k, m): rows k, ACROSS targets m.
//
// Numbers of a group and target: largest |direction|, the same over rows whose response is not 0, largest direction over
// rows whose response is 0, largest fall over those where it is not. If WEIGHTED is 1 rows of weight 0 are passed over.

@group(0) @binding(1) var<storage, read> direction: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<u32>;
@group(0) @binding(3) var<storage, read> columns: array<u32>;
@group(0) @binding(4) var<storage, read_write> found: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> weights: array<f32>;

// what stands for no row
const NONE: f32 = -3.0e38;

var<workgroup> joined: array<vec4<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let t = group.y * ACROSS + lane % ACROSS;
    var reach = vec4<f32>(0.0, 0.0, NONE, NONE);
    if (t < params.n_targets) {
        for (var i = begin + lane / ACROSS; i < end; i += 256u / ACROSS) {
            if (WEIGHTED == 1u) {
                if (weights[row_of(i) * W_STRIDE + columns[params.n_targets + t]] == 0.0) {
                    continue;
                }
            }
            let d = direction[i * params.n_targets + t];
            if (response(row_of(i), t) == 0.0) {
                reach = max(reach, vec4<f32>(abs(d), 0.0, d, NONE));
            } else {
                reach = max(reach, vec4<f32>(abs(d), abs(d), NONE, -d));
            }
        }
    }
    joined[lane] = reach;
    workgroupBarrier();
    for (var half = 128u; half >= ACROSS; half /= 2u) {
        if (lane < half) {
            joined[lane] = max(joined[lane], joined[lane + half]);
        }
        workgroupBarrier();
    }
    if (lane < ACROSS && t < params.n_targets) {
        found[(params.first_partial + group.x) * params.n_targets + t] = joined[lane];
    }
}
