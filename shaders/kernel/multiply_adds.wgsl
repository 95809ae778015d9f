// Multiplies and adds in registers: how fast arithmetic is, at most. 64 operations a turn, in eight chains.

@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = vec4<f32>(1.0 - 1e-7 * f32(id.x & 15u));
    let b = vec4<f32>(1e-7);
    var c0 = vec4<f32>(0.1);
    var c1 = vec4<f32>(0.2);
    var c2 = vec4<f32>(0.3);
    var c3 = vec4<f32>(0.4);
    var c4 = vec4<f32>(0.5);
    var c5 = vec4<f32>(0.6);
    var c6 = vec4<f32>(0.7);
    var c7 = vec4<f32>(0.8);
    for (var k = 0u; k < params.n; k++) {
        c0 = fma(c0, a, b);
        c1 = fma(c1, a, b);
        c2 = fma(c2, a, b);
        c3 = fma(c3, a, b);
        c4 = fma(c4, a, b);
        c5 = fma(c5, a, b);
        c6 = fma(c6, a, b);
        c7 = fma(c7, a, b);
    }
    out[id.x] = c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7;
}
