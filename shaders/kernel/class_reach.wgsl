// How far a direction moves differences of the predictors of classes. Work group k: rows k.
//
// Numbers of a group: the largest |d_k - d_y| over rows and classes, and the largest d_k - d_y, y the class of the row.

@group(0) @binding(1) var<storage, read> direction: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<u32>;
@group(0) @binding(3) var<storage, read> columns: array<u32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>;
@group(0) @binding(5) var<storage, read_write> found: array<vec2<f32>>;

var<workgroup> joined: array<vec2<f32>, 256>;

fn move_of(i: u32, k: u32) -> f32 {
    var moved = 0.0;
    for (var a = 0u; a < N_FREE; a++) {
        moved += factors[k * N_FREE + a] * direction[i * N_FREE + a];
    }
    return moved;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    var reach = vec2<f32>(0.0, 0.0);
    for (var i = begin + lane; i < end; i += 256u) {
        let of_own = move_of(i, u32(response(row_of(i), 0u)));
        for (var k = 0u; k < N_CLASSES; k++) {
            let moved = move_of(i, k) - of_own;
            reach = max(reach, vec2<f32>(abs(moved), moved));
        }
    }
    joined[lane] = reach;
    workgroupBarrier();
    for (var half = 128u; half >= 1u; half /= 2u) {
        if (lane < half) {
            joined[lane] = max(joined[lane], joined[lane + half]);
        }
        workgroupBarrier();
    }
    if (lane == 0u) {
        found[params.first_partial + group.x] = joined[0];
    }
}
