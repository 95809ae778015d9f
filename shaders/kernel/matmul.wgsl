// X B of several targets, and what follows from it. Work group (m, k): TARGETS targets m, rows k: groups that follow
// each other see the same rows.
//
// ROWS rows by TARGETS targets at a time, STEP columns of X and B in the memory of the group, 4 x 4 sums an invocation. START is 0
// to begin with a constant per target, 1 with what `out` holds. TAIL is 0 to write the linear predictor to `out`; 1 to write
// the residual there, with sums of a group: losses of the targets, then sums of residuals.

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> coef: array<f32>;
@group(0) @binding(3) var<storage, read> constants: array<f32>;
@group(0) @binding(4) var<storage, read> y: array<u32>;
@group(0) @binding(5) var<storage, read> columns: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<f32>;
@group(0) @binding(7) var<storage, read_write> sums: array<f32>;

var<workgroup> rows: array<f32, ROWS * STEP>;
var<workgroup> weights: array<vec4<f32>, STEP * TARGETS / 4>;
var<workgroup> joined: array<vec4<f32>, 256>;

const ACROSS: u32 = TARGETS / 4u;

fn coef_at(k: u32, t: u32) -> f32 {
    if (k >= P || t >= params.n_targets) {
        return 0.0;
    }
    return coef[t * P + k];
}

struct Found {
    loss: vec4<f32>,
    total: vec4<f32>,
}

// writes one row of an invocation's sums
fn finish(i: u32, end: u32, t: u32, sum: vec4<f32>, found: ptr<function, Found>) {
    if (i >= end) {
        return;
    }
    for (var k = 0u; k < 4u; k++) {
        if (t + k >= params.n_targets) {
            continue;
        }
        let place = i * params.n_targets + t + k;
        var at = constants[t + k];
        if (START == 1u) {
            at = out[place];
        }
        at += sum[k];
        if (TAIL == 0u) {
            out[place] = at;
            continue;
        }
        let value = response(row_of(i), t + k);
        let mean = mean_at(at);
        let residual = residual_at(value, mean);
        // a vector is written whole: some compilers refuse one part whose number they do not know
        let is_own = vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(k);
        (*found).loss += select(vec4<f32>(0.0), vec4<f32>(loss_at(value, mean)), is_own);
        (*found).total += select(vec4<f32>(0.0), vec4<f32>(residual), is_own);
        out[place] = residual;
    }
}

// the sum over invocations with the same targets, in the first ACROSS of them
fn over_rows(value: vec4<f32>, lane: u32) -> vec4<f32> {
    joined[lane] = value;
    workgroupBarrier();
    for (var half = 128u; half >= ACROSS; half /= 2u) {
        if (lane < half) {
            joined[lane] += joined[lane + half];
        }
        workgroupBarrier();
    }
    let sum = joined[lane];
    workgroupBarrier();
    return sum;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.y * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let first_target = group.x * TARGETS;
    let t = first_target + (lane % ACROSS) * 4u;
    let own = (lane / ACROSS) * 4u;
    var found = Found(vec4<f32>(0.0), vec4<f32>(0.0));
    for (var first = begin; first < end; first += ROWS) {
        var a = vec4<f32>(0.0);
        var b = vec4<f32>(0.0);
        var c = vec4<f32>(0.0);
        var d = vec4<f32>(0.0);
        for (var column = 0u; column < P; column += STEP) {
            for (var k = lane; k < ROWS * STEP / 4u; k += 256u) {
                let row = k / (STEP / 4u);
                let q = column / 4u + k % (STEP / 4u);
                var v = vec4<f32>(0.0);
                if (first + row < end && q < P4) {
                    v = x[row_of(first + row) * P4 + q];
                }
                let place = (k % (STEP / 4u)) * 4u * ROWS + row;
                rows[place] = v.x;
                rows[place + ROWS] = v.y;
                rows[place + 2u * ROWS] = v.z;
                rows[place + 3u * ROWS] = v.w;
            }
            for (var k = lane; k < STEP * ACROSS; k += 256u) {
                let at = column + k / ACROSS;
                let target_number = first_target + (k % ACROSS) * 4u;
                weights[k] = vec4<f32>(
                    coef_at(at, target_number),
                    coef_at(at, target_number + 1u),
                    coef_at(at, target_number + 2u),
                    coef_at(at, target_number + 3u),
                );
            }
            workgroupBarrier();
            for (var k = 0u; k < STEP; k++) {
                let w = weights[k * ACROSS + lane % ACROSS];
                let place = k * ROWS + own;
                a += rows[place] * w;
                b += rows[place + 1u] * w;
                c += rows[place + 2u] * w;
                d += rows[place + 3u] * w;
            }
            workgroupBarrier();
        }
        finish(first + own, end, t, a, &found);
        finish(first + own + 1u, end, t, b, &found);
        finish(first + own + 2u, end, t, c, &found);
        finish(first + own + 3u, end, t, d, &found);
    }
    if (TAIL == 1u) {
        let losses = over_rows(found.loss, lane);
        let totals = over_rows(found.total, lane);
        if (lane < ACROSS) {
            for (var k = 0u; k < 4u; k++) {
                if (t + k < params.n_targets) {
                    let place = (params.first_partial + group.y) * params.width + t + k;
                    sums[place] = losses[k];
                    sums[place + params.n_targets] = totals[k];
                }
            }
        }
    }
}
