// X^T R of several targets. Work group (k, p, m): rows k, columns p, targets m.
//
// Sums of a group of rows: for each target of the dispatch the columns, padded to whole tiles.

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> residual: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4<f32>>;

var<private> left_target: u32;
var<private> right_column: u32;

fn residual_of(i: u32, target_number: u32) -> f32 {
    if (target_number >= params.n_targets) {
        return 0.0;
    }
    return residual[i * params.n_targets + target_number];
}

fn left_at(i: u32, q: u32) -> vec4<f32> {
    let t = left_target + 4u * q;
    return vec4<f32>(residual_of(i, t), residual_of(i, t + 1u), residual_of(i, t + 2u), residual_of(i, t + 3u));
}

fn right_at(i: u32, q: u32) -> vec4<f32> {
    let column = right_column + q;
    if (column >= P4) {
        return vec4<f32>(0.0);
    }
    return x[row_of(i) * P4 + column];
}

// the sums of a run of rows, or those of several
fn put(place: u32, value: vec4<f32>) {
    if (ADD == 1u) {
        sums[place] += value;
    } else {
        sums[place] = value;
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    left_target = group.z * LEFT;
    right_column = group.y * ACROSS;
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let found = products(begin, end, lane);
    if (lane < CELLS) {
        let t = group.z * LEFT + (lane / ACROSS) * 4u;
        let place = ((params.first_partial + group.x) * params.width + t) * (N_TILES * ACROSS)
            + group.y * ACROSS + lane % ACROSS;
        let row = N_TILES * ACROSS;
        put(place, found.a);
        put(place + row, found.b);
        put(place + 2u * row, found.c);
        put(place + 3u * row, found.d);
    }
}
