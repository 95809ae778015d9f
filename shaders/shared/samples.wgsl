// Tiles of 1024 positions of one channel, and the 256 before them: `tile[64 + q]` holds the samples of positions 4 q to 4 q + 3
// of the tile, seen through the lags from `first_lag` on. What lies outside of the samples is 0.

var<workgroup> tile: array<vec4<f32>, 320>;

fn sample_at(channel: u32, position: i32) -> f32 {
    if (position < 0 || position >= i32(params.n_samples)) {
        return 0.0;
    }
    return samples[channel * params.n_samples + u32(position)];
}

fn load_tile(channel: u32, base: u32, first_lag: u32, lane: u32) {
    let first = i32(base) - i32(first_lag) - 256;
    for (var k = lane; k < 320u; k += 256u) {
        let position = first + i32(4u * k);
        tile[k] = vec4<f32>(
            sample_at(channel, position),
            sample_at(channel, position + 1),
            sample_at(channel, position + 2),
            sample_at(channel, position + 3),
        );
    }
}
