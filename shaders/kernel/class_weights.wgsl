// What a Gram of a pair of classes weighs rows with, from their probabilities. Work group k: rows k.
//
// The weight of a row is the product of both probabilities. If WEIGHTED is 1 it is multiplied by what the row counts for.

@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> pair: array<f32>;
@group(0) @binding(3) var<storage, read_write> weight: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    for (var i = begin + lane; i < end; i += 256u) {
        let of_k = probabilities[i * N_CLASSES + u32(pair[0])];
        let of_l = probabilities[i * N_CLASSES + u32(pair[1])];
        var of_row = 1.0;
        if (WEIGHTED == 1u) {
            of_row = weights[row_of(i)];
        }
        weight[i] = of_row * (of_k * of_l);
    }
}
