// Change of each target's loss for its step along a direction. Work group (k, m): rows k, ACROSS targets m. If WEIGHTED is 1
// the change of a row is multiplied by its weight.
//
// Sums of a group: one change per target.

@group(0) @binding(1) var<storage, read> eta: array<f32>;
@group(0) @binding(2) var<storage, read> direction: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<u32>;
@group(0) @binding(4) var<storage, read> columns: array<u32>;
@group(0) @binding(5) var<storage, read> steps: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;

var<workgroup> joined: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let t = group.y * ACROSS + lane % ACROSS;
    var sum = 0.0;
    if (t < params.n_targets) {
        let step = steps[t];
        for (var i = begin + lane / ACROSS; i < end; i += 256u / ACROSS) {
            let place = i * params.n_targets + t;
            let at = eta[place];
            let mean = mean_at(at);
            var weight = 1.0;
            if (WEIGHTED == 1u) {
                weight = weights[row_of(i) * W_STRIDE + columns[params.n_targets + t]];
            }
            let change = mean_change(at, mean, step * direction[place]);
            sum += weight * loss_change(response(row_of(i), t), mean, change);
        }
    }
    joined[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half >= ACROSS; half /= 2u) {
        if (lane < half) {
            joined[lane] += joined[lane + half];
        }
        workgroupBarrier();
    }
    if (lane < ACROSS && t < params.n_targets) {
        sums[(params.first_partial + group.x) * params.width + t] = joined[lane];
    }
}
