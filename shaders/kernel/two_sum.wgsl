// What a sum of two numbers leaves out, as it is written and with every rounding pinned: a compiler that takes sums apart makes 0
// of the first.

@group(0) @binding(1) var<storage, read> terms: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> rests: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x < params.n) {
        let a = terms[id.x].x;
        let b = terms[id.x].y;
        let sum = a + b;
        let part = sum - a;
        let rest = (a - (sum - part)) + (b - part);
        let pinned_sum = pin(a + b);
        let pinned_part = pin(pinned_sum - a);
        let pinned_rest = pin(a - pin(pinned_sum - pinned_part)) + pin(b - pinned_part);
        rests[id.x] = vec2<f32>(rest, pinned_rest);
    }
}
