// Products of a tile of samples with a filter, 256 taps at a time: an invocation takes four positions, four taps a step. The kernel
// says what a tap is: `tap_at(number of the filter, lag)`, 0 from lag W on.

var<workgroup> taps: array<vec4<f32>, 64>;

fn load_taps(filter_number: u32, first_lag: u32, lane: u32) {
    if (lane < 64u) {
        let lag = first_lag + 4u * lane;
        taps[lane] = vec4<f32>(
            tap_at(filter_number, lag),
            tap_at(filter_number, lag + 1u),
            tap_at(filter_number, lag + 2u),
            tap_at(filter_number, lag + 3u),
        );
    }
}

// sums at the four positions of an invocation over the taps that were loaded
fn over_taps(first_lag: u32, lane: u32) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    var above = tile[64u + lane];
    let n_steps = (min(W - first_lag, 256u) + 3u) / 4u;
    for (var k = 0u; k < n_steps; k++) {
        let below = tile[63u + lane - k];
        let tap = taps[k];
        sum += tap.x * above;
        sum += tap.y * vec4<f32>(below.w, above.xyz);
        sum += tap.z * vec4<f32>(below.zw, above.xy);
        sum += tap.w * vec4<f32>(below.yzw, above.x);
        above = below;
    }
    return sum;
}
