// X^T diag(weight) X, tile by tile of its lower triangle; WEIGHTED is 0 for weights of 1.
//
// Work group (k, t): rows k, tile t of the triangle, counted row after row. Sums of a group: LEFT x RIGHT numbers.

@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<vec4<f32>>;

var<private> left_column: u32;
var<private> right_column: u32;

fn left_at(i: u32, q: u32) -> vec4<f32> {
    let column = left_column + q;
    if (column >= P4) {
        return vec4<f32>(0.0);
    }
    return x[row_of(i) * P4 + column];
}

fn right_at(i: u32, q: u32) -> vec4<f32> {
    let column = right_column + q;
    if (column >= P4) {
        return vec4<f32>(0.0);
    }
    var v = x[row_of(i) * P4 + column];
    if (WEIGHTED == 1u) {
        v *= weight[i];
    }
    return v;
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
    var tile_row = 0u;
    var before = 0u;
    while (before + tile_row + 1u <= group.y) {
        tile_row++;
        before += tile_row;
    }
    left_column = tile_row * (LEFT / 4u);
    right_column = (group.y - before) * (RIGHT / 4u);
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let found = products(begin, end, lane);
    if (lane < CELLS) {
        let place = ((params.first_partial + group.x) * N_TILES + group.y) * (LEFT * ACROSS)
            + (lane / ACROSS) * 4u * ACROSS + lane % ACROSS;
        put(place, found.a);
        put(place + ACROSS, found.b);
        put(place + 2u * ACROSS, found.c);
        put(place + 3u * ACROSS, found.d);
    }
}
