// Rows of a matrix into columns of another, which has one row for each that is taken.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> design: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    for (var k = lane; k < (end - begin) * P; k += 256u) {
        let i = begin + k / P;
        design[i * STRIDE + params.first_column + k % P] = x[row_of(i) * X_STRIDE + k % P];
    }
}
