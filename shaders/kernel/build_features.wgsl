// Rows of convolved columns, centred: sum_k function[k] x_c[p - k] - mean, each column with a function and a mean of its own.
//
// Work group (k, m, c): positions k + m GROUPS_OF_X, 1024 of them, and channel c. An invocation takes four positions, four taps at
// a time. A column is two words: where it goes (or NO_COLUMN), and its mean. EVENTS is 1 where the channels are events of two
// words, which are put where samples would lie; `before` is as in `correlate_events`.

@group(0) @binding(1) var<storage, read> samples: array<f32>;
@group(0) @binding(2) var<storage, read> events: array<u32>;
@group(0) @binding(3) var<storage, read> before: array<u32>;
@group(0) @binding(4) var<storage, read> functions: array<f32>;
@group(0) @binding(5) var<storage, read> columns: array<u32>;
@group(0) @binding(6) var<storage, read> row_at: array<u32>;
@group(0) @binding(7) var<storage, read_write> design: array<f32>;

const NO_COLUMN: u32 = 0xffffffffu;

var<workgroup> counts: array<f32, 1280>;

fn tap_at(function_number: u32, lag: u32) -> f32 {
    if (lag >= W) {
        return 0.0;
    }
    return functions[function_number * W + lag];
}

// counts where samples would lie
fn load_events(channel: u32, base: u32, first_lag: u32, lane: u32) {
    for (var k = lane; k < 1280u; k += 256u) {
        counts[k] = 0.0;
    }
    workgroupBarrier();
    let n_blocks = (params.n_samples + 255u) / 256u;
    let row = channel * (n_blocks + 1u);
    let oldest = first_lag + 256u;
    let first = before[row + min((max(base, oldest) - oldest) / 256u, n_blocks)];
    let last = before[row + min((base + 1024u) / 256u + 1u, n_blocks)];
    for (var e = first + lane; e < last; e += 256u) {
        // large if it is before the tile; each position has one event
        let k = events[2u * e] + oldest - base;
        if (k < 1280u) {
            counts[k] = bitcast<f32>(events[2u * e + 1u]);
        }
    }
    workgroupBarrier();
    for (var k = lane; k < 320u; k += 256u) {
        tile[k] = vec4<f32>(counts[4u * k], counts[4u * k + 1u], counts[4u * k + 2u], counts[4u * k + 3u]);
    }
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let base = params.first_position + (group.x + group.y * GROUPS_OF_X) * 1024u;
    for (var i = 0u; i < FUNCTIONS; i++) {
        let column = 2u * (group.z * FUNCTIONS + i);
        var sum = vec4<f32>(0.0);
        for (var first_lag = 0u; first_lag < W; first_lag += 256u) {
            // a short window stays
            if (W > 256u || i == 0u) {
                if (EVENTS == 1u) {
                    load_events(group.z, base, first_lag, lane);
                } else {
                    load_tile(group.z, base, first_lag, lane);
                }
            }
            load_taps(group.z * FUNCTIONS + i, first_lag, lane);
            workgroupBarrier();
            sum += over_taps(first_lag, lane);
            workgroupBarrier();
        }
        if (columns[column] != NO_COLUMN) {
            let mean = bitcast<f32>(columns[column + 1u]);
            for (var k = 0u; k < 4u; k++) {
                let row = taken_at(base + 4u * lane + k);
                if (row != NO_ROW) {
                    design[row * STRIDE + params.first_column + columns[column]] = sum[k] - mean;
                }
            }
        }
    }
}
