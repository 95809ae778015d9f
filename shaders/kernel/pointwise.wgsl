// Residual, loss and what else is asked for from stored linear predictors. Work group (k, m): rows k, ACROSS targets m.
//
// BESIDE is 0 for nothing, 1 for curvatures, 2 for the magnitude of the residual's terms, 3 for 1. If WEIGHTED is 1 everything
// of a row is multiplied by its weight. Residuals replace the linear predictors.
// Sums of a group: losses of the targets, then sums of residuals.

@group(0) @binding(1) var<storage, read_write> eta: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<u32>;
@group(0) @binding(3) var<storage, read> columns: array<u32>;
@group(0) @binding(4) var<storage, read_write> beside: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;
@group(0) @binding(6) var<storage, read> weights: array<f32>;

var<workgroup> joined: array<vec2<f32>, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let t = group.y * ACROSS + lane % ACROSS;
    var sum = vec2<f32>(0.0);
    if (t < params.n_targets) {
        for (var i = begin + lane / ACROSS; i < end; i += 256u / ACROSS) {
            let place = i * params.n_targets + t;
            let value = response(row_of(i), t);
            let mean = mean_at(eta[place]);
            var weight = 1.0;
            if (WEIGHTED == 1u) {
                weight = weights[row_of(i) * W_STRIDE + columns[params.n_targets + t]];
            }
            let residual = weight * residual_at(value, mean);
            sum += vec2<f32>(weight * loss_at(value, mean), residual);
            eta[place] = residual;
            if (BESIDE == 1u) {
                beside[place] = weight * curvature_at(mean);
            } else if (BESIDE == 2u) {
                beside[place] = weight * magnitude_at(value, mean);
            } else if (BESIDE == 3u) {
                beside[place] = weight;
            }
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
        let place = (params.first_partial + group.x) * params.width + t;
        sums[place] = joined[lane].x;
        sums[place + params.n_targets] = joined[lane].y;
    }
}
