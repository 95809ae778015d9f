// Adds sets of sums: slot s takes the sets s, s + SLOTS, ... in their order.

@group(0) @binding(1) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> slots: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let k = group.x * 256u + lane;
    if (k >= params.width) {
        return;
    }
    var total = vec4<f32>(0.0);
    for (var k_set = group.y; k_set < params.n_partials; k_set += SLOTS) {
        total += sums[k_set * params.width + k];
    }
    slots[group.y * params.width + k] = total;
}
