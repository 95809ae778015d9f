// Counts of spikes to their places in a response that holds zeros: those that are not 0, in any order.
//
// An entry is two words: row, and 256 times the target plus the count. No two entries have the same row and target, so that
// counts that share a word do not touch one another. BYTES is 1 for counts of several targets, four to a word; 0 for
// numbers of one target. Which bin a spike is in is decided on the host, in double precision: single precision cannot hold
// a time stamp (an hour to a tenth of a millisecond takes 26 bits).

@group(0) @binding(1) var<storage, read> entries: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let k = group.x * 256u + lane;
    if (k >= params.n) {
        return;
    }
    let entry = entries[k];
    let count = entry.y & 255u;
    if (BYTES == 1u) {
        let t = entry.y >> 8u;
        atomicAdd(&counts[entry.x * params.width + t / 4u], count << (8u * (t % 4u)));
    } else {
        atomicStore(&counts[entry.x], bitcast<u32>(f32(count)));
    }
}
