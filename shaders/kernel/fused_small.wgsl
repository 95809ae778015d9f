// Loss, residual and gradient of one target for few columns: each invocation keeps a row and a gradient in registers.
//
// Sums of a group: loss, sum of residuals, 0, 0, gradient. `$j` counts vectors of 4 columns.

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read> coef: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> beside: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<vec4<f32>>;

var<workgroup> lanes: array<vec4<f32>, 256>;
var<workgroup> stage: array<vec4<f32>, 16>;

// the sum over all invocations, in invocation 0
fn total_of(value: vec4<f32>, lane: u32) -> vec4<f32> {
    lanes[lane] = value;
    workgroupBarrier();
    if (lane < 16u) {
        var sum = lanes[lane];
        for (var k = 1u; k < 16u; k++) {
            sum += lanes[lane + 16u * k];
        }
        stage[lane] = sum;
    }
    workgroupBarrier();
    var sum = vec4<f32>(0.0);
    if (lane == 0u) {
        sum = stage[0];
        for (var k = 1u; k < 16u; k++) {
            sum += stage[k];
        }
    }
    return sum;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    var loss = 0.0;
    var total = 0.0;
    let w$j = coef[$ju];
    var g$j = vec4<f32>(0.0);
    for (var i = begin + lane; i < end; i += 256u) {
        let row = row_of(i);
        var at = params.intercept;
        let x$j = x[row * P4 + $ju];
        at += dot(x$j, w$j);
        let response = y[row];
        let mean = mean_at(at);
        let residual = residual_at(response, mean);
        loss += loss_at(response, mean);
        total += residual;
        if (CURVATURE == 1u) {
            beside[i] = curvature_at(mean);
        }
        g$j += residual * x$j;
    }
    let place = (params.first_partial + group.x) * (P4 + 1u);
    let both = total_of(vec4<f32>(loss, total, 0.0, 0.0), lane);
    let t$j = total_of(g$j, lane);
    if (lane == 0u) {
        sums[place] = both;
        sums[place + 1u + $ju] = t$j;
    }
}
