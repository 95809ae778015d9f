// Change of the loss for a step along a direction, where the response is one of several classes. Work group k: rows k.
//
// Each term is ln(sum_k p_k exp(step (d_k - d_y))), accurate however short the step; if WEIGHTED is 1 it is multiplied by the
// weight of the row. Sums of a group: one number.

@group(0) @binding(1) var<storage, read> eta: array<f32>;
@group(0) @binding(2) var<storage, read> direction: array<f32>;
@group(0) @binding(3) var<storage, read> y: array<u32>;
@group(0) @binding(4) var<storage, read> columns: array<u32>;
@group(0) @binding(5) var<storage, read> factors: array<f32>;
@group(0) @binding(6) var<storage, read> steps: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;
@group(0) @binding(8) var<storage, read> weights: array<f32>;

var<workgroup> joined: array<f32, 256>;
var<private> classes: array<f32, N_CLASSES>;
var<private> powers: array<f32, N_CLASSES>;
var<private> moves: array<f32, N_CLASSES>;

fn change(i: u32, step: f32) -> f32 {
    let own = u32(response(row_of(i), 0u));
    var largest = -3.0e38;
    for (var k = 0u; k < N_CLASSES; k++) {
        var predictor = 0.0;
        var moved = 0.0;
        for (var a = 0u; a < N_FREE; a++) {
            predictor += factors[k * N_FREE + a] * eta[i * N_FREE + a];
            moved += factors[k * N_FREE + a] * direction[i * N_FREE + a];
        }
        classes[k] = predictor;
        moves[k] = moved;
        largest = max(largest, predictor);
    }
    let of_own = moves[own];
    var sum = 0.0;
    var top = -3.0e38;
    for (var k = 0u; k < N_CLASSES; k++) {
        classes[k] -= largest;
        powers[k] = exp_of(classes[k]);
        sum += powers[k];
        moves[k] = step * (moves[k] - of_own);
        top = max(top, classes[k] + moves[k]);
    }
    // where moves are not small, the difference of logarithms of sums, each with its largest term taken out: a class whose
    // probability underflows may be the largest of all after the step
    let scale = exp_of(min(top, 80.0));
    var near = 0.0;
    var far = 0.0;
    for (var k = 0u; k < N_CLASSES; k++) {
        let after = exp_of(classes[k] + moves[k] - top);
        if (moves[k] > 1.0) {
            near += after * scale - powers[k];
        } else {
            near += powers[k] * expm1_of(moves[k]);
        }
        far += after;
    }
    near /= sum;
    if (abs(near) < 0.5) {
        return log1p_of(near);
    }
    return top + (ln_of(far) - ln_of(sum));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let step = steps[0];
    var sum = 0.0;
    for (var i = begin + lane; i < end; i += 256u) {
        var weight = 1.0;
        if (WEIGHTED == 1u) {
            weight = weights[row_of(i)];
        }
        sum += weight * change(i, step);
    }
    joined[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half >= 1u; half /= 2u) {
        if (lane < half) {
            joined[lane] += joined[lane + half];
        }
        workgroupBarrier();
    }
    if (lane == 0u) {
        sums[(params.first_partial + group.x) * params.width] = joined[0];
    }
}
