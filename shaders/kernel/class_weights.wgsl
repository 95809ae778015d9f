// What a Gram of a pair of predictors weighs rows with, from the probabilities of their classes. Work group k: rows k.
//
// Three numbers for each difference: two classes and a factor. The weight of a row is the sum of factors times the product of
// both probabilities; with HELD, of those whose one class is that of the row and whose other has a probability above 0.01.

@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<u32>;
@group(0) @binding(3) var<storage, read> columns: array<u32>;
@group(0) @binding(4) var<storage, read> differences: array<f32>;
@group(0) @binding(5) var<storage, read_write> weight: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    for (var i = begin + lane; i < end; i += 256u) {
        let own = response(row_of(i), 0u);
        var sum = 0.0;
        // as many differences as sums have numbers
        for (var d = 0u; d < params.width; d++) {
            let k = differences[3u * d];
            let l = differences[3u * d + 1u];
            let factor = differences[3u * d + 2u];
            let of_k = probabilities[i * N_CLASSES + u32(k)];
            let of_l = probabilities[i * N_CLASSES + u32(l)];
            if (HELD == 1u) {
                let other = select(of_k, of_l, own == k);
                let counts = (own == k || own == l) && other > 0.01;
                sum += select(0.0, factor, counts);
            } else {
                sum += of_k * of_l * factor;
            }
        }
        weight[i] = sum;
    }
}
