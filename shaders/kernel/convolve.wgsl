// Channels convolved with a filter of W taps each, added up and to the linear predictor of one target:
// sum_c sum_k filter_c[k] x_c[p - k] at the positions p of the rows that are taken.
//
// A work group takes 1024 positions, an invocation four of them, four taps at a time. Sums of 256 taps are added up apart before
// they join the others. START is 0 to begin with a constant, 1 with what `eta` holds.

@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> filters: array<f32>;
@group(0) @binding(3) var<storage, read> row_at: array<u32>;
@group(0) @binding(4) var<storage, read_write> eta: array<f32>;

fn tap_at(channel: u32, lag: u32) -> f32 {
    if (lag >= W) {
        return 0.0;
    }
    return filters[channel * W + lag];
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let base = params.first_position + (group.x + group.y * GROUPS_OF_X) * 1024u;
    var sum = vec4<f32>(0.0);
    for (var channel = 0u; channel < CHANNELS; channel++) {
        for (var first_lag = 0u; first_lag < W; first_lag += 256u) {
            load_tile(channel, base, first_lag, lane);
            load_taps(channel, first_lag, lane);
            workgroupBarrier();
            sum += over_taps(first_lag, lane);
            workgroupBarrier();
        }
    }
    for (var k = 0u; k < 4u; k++) {
        let i = taken_at(base + 4u * lane + k);
        if (i != NO_ROW) {
            var at = params.intercept;
            if (START == 1u) {
                at = eta[i];
            }
            eta[i] = at + sum[k];
        }
    }
}
