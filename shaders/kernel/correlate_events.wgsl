// The adjoint of `convolve_events`: one sum per channel and lag, sum_e count_e residual(p_e + k).
//
// Work group (k, c, s): rows k, channel c, 256 lags s. An invocation has the sum of one lag; subsets of invocations take the
// events of a channel in turn, tile by tile of 1024 positions. An event is two words: position and count. `before` counts,
// channel by channel, events before every 256th position. ADD is 1 to add to what is there.

@group(0) @binding(1) var<storage, read> events: array<u32>;
@group(0) @binding(2) var<storage, read> before: array<u32>;
@group(0) @binding(3) var<storage, read> place: array<u32>;
@group(0) @binding(4) var<storage, read> row_at: array<u32>;
@group(0) @binding(5) var<storage, read> residual: array<f32>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

var<workgroup> weights: array<f32, 1024>;
var<workgroup> joined: array<f32, 256>;

// the number of the first event of a channel at or after a position
fn first_from(channel: u32, position: u32) -> u32 {
    let n_blocks = (params.n_samples + 255u) / 256u;
    let entry = channel * (n_blocks + 1u) + min(position / 256u, n_blocks);
    var low = before[entry];
    var high = low;
    if (position / 256u < n_blocks) {
        high = before[entry + 1u];
    }
    while (low < high) {
        let middle = (low + high) / 2u;
        if (events[2u * middle] < position) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let begin = group.x * params.group_rows;
    let end = min(begin + params.group_rows, params.n);
    let first_lag = group.z * 256u;
    let n_lags = min(W - first_lag, 256u);
    let n_subsets = 256u / n_lags;
    let lag = first_lag + lane % n_lags;
    let subset = lane / n_lags;
    let first = place[params.run_row + row_of(begin)];
    let last = place[params.run_row + row_of(end - 1u)];
    var sum = 0.0;
    for (var turn = 0u; turn < params.turns; turn++) {
        let base = first + turn * 1024u;
        // a group may have fewer positions than another
        let is_left = base <= last;
        if (is_left) {
            for (var k = lane; k < 1024u; k += 256u) {
                let i = taken_at(base + k);
                var weight = 0.0;
                if (i >= begin && i < end) {
                    weight = residual[i];
                }
                weights[k] = weight;
            }
        }
        workgroupBarrier();
        if (is_left && subset < n_subsets) {
            let most = first_lag + n_lags - 1u;
            let first_event = first_from(group.y, max(base, most) - most);
            let end_event = first_from(group.y, max(base + 1024u, first_lag) - first_lag);
            var some = 0.0;
            for (var e = first_event + subset; e < end_event; e += n_subsets) {
                // large if it is before the tile
                let k = events[2u * e] + lag - base;
                if (k < 1024u) {
                    some += bitcast<f32>(events[2u * e + 1u]) * weights[k];
                }
            }
            sum += some;
        }
        workgroupBarrier();
    }
    joined[lane] = sum;
    workgroupBarrier();
    if (lane < n_lags) {
        var total = joined[lane];
        for (var k = 1u; k < n_subsets; k++) {
            total += joined[lane + k * n_lags];
        }
        let at = (params.first_partial + group.x) * params.width + group.y * W + lag;
        if (ADD == 1u) {
            sums[at] += total;
        } else {
            sums[at] = total;
        }
    }
}
