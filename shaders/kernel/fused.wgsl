// Linear predictor, loss, residual and gradient of one target, each row read once.
//
// Tiles of TILE rows go through the memory of the group. First 256 / TILE invocations form the linear predictor of a row;
// then invocation (q, g) adds residual times row to column vector q over the rows g, g + GROUPS, ... Parts can be left
// out. START is 0 to begin with a constant, 1 with what `eta` holds, 2 with 1; PREDICT adds X w; KEEP writes the linear
// predictor to `eta`; POINT makes residuals (and, if CURVATURE is 1, writes curvatures to `beside`): without it, the start is
// the residual where GRADIENT is wanted. Sums of a group: loss, sum of residuals, 0, 0, gradient.

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> coef: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> eta: array<f32>;
@group(0) @binding(5) var<storage, read_write> beside: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<vec4<f32>>;

var<workgroup> tile: array<vec4<f32>, SPACE>;
var<workgroup> parts: array<f32, 256>;
var<workgroup> residuals: array<f32, TILE>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let of_row = 256u / TILE;
    let column = lane % P4;
    let subset = lane / P4;
    var loss = 0.0;
    var total = 0.0;
    var gradient = vec4<f32>(0.0);
    for (var first = begin; first < end; first += TILE) {
        for (var k = lane; k < TILE * P4; k += 256u) {
            let i = first + k / P4;
            var row = vec4<f32>(0.0);
            if (i < end) {
                row = x[row_of(i) * STRIDE4 + params.first_column + k % P4];
            }
            tile[k] = row;
        }
        workgroupBarrier();
        let row = lane / of_row;
        if (PREDICT == 1u) {
            var part = 0.0;
            for (var q = lane % of_row; q < P4; q += of_row) {
                part += dot(tile[row * P4 + q], coef[params.first_column + q]);
            }
            parts[lane] = part;
            workgroupBarrier();
        }
        let i = first + row;
        if (lane % of_row == 0u) {
            var residual = 0.0;
            if (i < end) {
                var at = params.intercept;
                if (START == 1u) {
                    at = eta[i];
                } else if (START == 2u) {
                    at = 1.0;
                }
                if (PREDICT == 1u) {
                    var sum = 0.0;
                    for (var q = 0u; q < of_row; q++) {
                        sum += parts[lane + q];
                    }
                    at += sum;
                }
                if (KEEP == 1u) {
                    eta[i] = at;
                }
                if (POINT == 1u) {
                    let response = y[row_of(i)];
                    let mean = mean_at(at);
                    residual = residual_at(response, mean);
                    loss += loss_at(response, mean);
                    total += residual;
                    if (CURVATURE == 1u) {
                        beside[i] = curvature_at(mean);
                    }
                } else if (GRADIENT == 1u) {
                    residual = at;
                    total += residual;
                }
            }
            residuals[row] = residual;
        }
        workgroupBarrier();
        if (GRADIENT == 1u && subset < GROUPS) {
            for (var k = subset; k < TILE; k += GROUPS) {
                gradient += residuals[k] * tile[k * P4 + column];
            }
        }
        workgroupBarrier();
    }
    if (POINT == 1u || GRADIENT == 1u) {
        let place = (params.first_partial + group.x) * (P4 + 1u);
        tile[lane] = vec4<f32>(loss, total, 0.0, 0.0);
        workgroupBarrier();
        for (var half = 128u; half > 0u; half /= 2u) {
            if (lane < half) {
                tile[lane] += tile[lane + half];
            }
            workgroupBarrier();
        }
        if (lane == 0u) {
            sums[place] = tile[0];
        }
        workgroupBarrier();
        tile[lane] = gradient;
        workgroupBarrier();
        if (lane < P4) {
            var sum = tile[lane];
            for (var k = 1u; k < GROUPS; k++) {
                sum += tile[lane + k * P4];
            }
            sums[place + 1u + lane] = sum;
        }
    }
}
