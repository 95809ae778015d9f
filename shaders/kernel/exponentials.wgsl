// Exponentials of numbers, ours and the compiler's: how exact each is on this device.

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> both: array<vec2<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) {
        both[id.x] = vec2<f32>(exp_of(x[id.x]), exp(x[id.x]));
    }
}
