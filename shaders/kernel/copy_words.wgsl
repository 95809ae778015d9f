// Copies vectors: how fast memory is, at most.

@group(0) @binding(1) var<storage, read> from_here: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> to_there: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    for (var k = begin + lane; k < end; k += 256u) {
        to_there[k] = from_here[k];
    }
}
