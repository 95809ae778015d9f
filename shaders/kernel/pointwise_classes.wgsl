// Residuals and loss of rows whose response is one of several classes, from stored predictors. Work group k: rows k.
//
// The predictor of class k is the sum of factors[k, a] times the stored number a. Residuals with respect to these numbers replace
// them. MAGNITUDES is 1 where the sizes of their terms are wanted, PROBABILITIES where the probabilities are. If WEIGHTED is 1
// everything of a row but its probabilities is multiplied by its weight.
// Sums of a group: the loss, 0 for the other numbers, then sums of residuals.

@group(0) @binding(1) var<storage, read_write> eta: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<u32>;
@group(0) @binding(3) var<storage, read> columns: array<u32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>;
@group(0) @binding(5) var<storage, read_write> beside: array<f32>;
@group(0) @binding(6) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;
@group(0) @binding(8) var<storage, read> weights: array<f32>;

var<workgroup> joined: array<f32, 256>;
var<private> classes: array<f32, N_CLASSES>;
// the loss, then residuals
var<private> totals: array<f32, N_SUMS>;

fn take_row(i: u32) {
    let own = u32(response(row_of(i), 0u));
    var weight = 1.0;
    if (WEIGHTED == 1u) {
        weight = weights[row_of(i)];
    }
    var largest = -3.0e38;
    for (var k = 0u; k < N_CLASSES; k++) {
        var predictor = 0.0;
        for (var a = 0u; a < N_FREE; a++) {
            predictor += factors[k * N_FREE + a] * eta[i * N_FREE + a];
        }
        classes[k] = predictor;
        largest = max(largest, predictor);
    }
    let of_own = classes[own];
    var sum = 0.0;
    var others = 0.0;
    for (var k = 0u; k < N_CLASSES; k++) {
        let part = exp_of(classes[k] - largest);
        sum += part;
        others += select(part, 0.0, k == own);
        classes[k] = part;
    }
    // what is near 1 is never subtracted
    let rest = select(sum - 1.0, others, of_own == largest);
    totals[0] += weight * ((largest - of_own) + log1p_of(rest));
    for (var k = 0u; k < N_CLASSES; k++) {
        let probability = classes[k] / sum;
        if (PROBABILITIES == 1u) {
            probabilities[i * N_CLASSES + k] = probability;
        }
        classes[k] = select(probability, -others / sum, k == own);
    }
    for (var a = 0u; a < N_FREE; a++) {
        var residual = 0.0;
        var size = 0.0;
        for (var k = 0u; k < N_CLASSES; k++) {
            let term = factors[k * N_FREE + a] * classes[k];
            residual += term;
            size += abs(term);
        }
        residual *= weight;
        totals[1u + a] += residual;
        eta[i * N_FREE + a] = residual;
        if (MAGNITUDES == 1u) {
            beside[i * N_FREE + a] = 2.0 * weight * size;
        }
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    for (var a = 0u; a < N_SUMS; a++) {
        totals[a] = 0.0;
    }
    for (var i = begin + lane; i < end; i += 256u) {
        take_row(i);
    }
    let place = (params.first_partial + group.x) * params.width;
    for (var a = 0u; a < N_SUMS; a++) {
        workgroupBarrier();
        joined[lane] = totals[a];
        workgroupBarrier();
        for (var half = 128u; half >= 1u; half /= 2u) {
            if (lane < half) {
                joined[lane] += joined[lane + half];
            }
            workgroupBarrier();
        }
        if (lane == 0u) {
            if (a == 0u) {
                sums[place] = joined[0];
            } else {
                sums[place + N_FREE + a - 1u] = joined[0];
            }
            if (a > 1u) {
                sums[place + a - 1u] = 0.0;
            }
        }
    }
}
