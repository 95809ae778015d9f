// Seals words that are about to be read back: of every so many of them (`group_rows`) the sum of each times an odd number of its
// own, plus a number that no other run has (`turns`), modulo 2^32. One bit that changes on the way always changes a seal.

@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> seals: array<u32>;

var<workgroup> sums: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    var sum = 0u;
    for (var k = begin + lane; k < end; k += 256u) {
        sum += words[k] * (2u * k + 1u);
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half >>= 1u) {
        if (lane < half) {
            sums[lane] += sums[lane + half];
        }
        workgroupBarrier();
    }
    if (lane == 0u) {
        seals[params.first_partial + group.x] = sums[0] + params.turns;
    }
}
