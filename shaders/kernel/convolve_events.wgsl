// As `convolve`, of events: sum_e count_e filter_c(e)[p - p_e] over the events that reach position p, in their order.
//
// A work group takes 256 positions, an invocation one of them; events come to the memory of the group 256 at a time. An event is
// three words: position, place of its channel's first tap, count. `before` counts events before every 256th position.
// Sums of 256 events are added up apart before they join the others. START as in `convolve`.

@group(0) @binding(1) var<storage, read> events: array<u32>;
@group(0) @binding(2) var<storage, read> before: array<u32>;
@group(0) @binding(3) var<storage, read> filters: array<f32>;
@group(0) @binding(4) var<storage, read> row_at: array<u32>;
@group(0) @binding(5) var<storage, read_write> eta: array<f32>;

var<workgroup> positions: array<u32, 256>;
var<workgroup> first_taps: array<u32, 256>;
var<workgroup> counts: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let base = params.first_position + (group.x + group.y * GROUPS_OF_X) * 256u;
    let position = base + lane;
    let n_blocks = (params.n_samples + 255u) / 256u;
    let first = before[min((max(base, W - 1u) - (W - 1u)) / 256u, n_blocks)];
    let last = before[min((base + 255u) / 256u + 1u, n_blocks)];
    var sum = 0.0;
    var some = 0.0;
    var n = 0u;
    for (var turn = 0u; turn < params.turns; turn++) {
        let start = first + turn * 256u;
        if (start + lane < last) {
            let e = 3u * (start + lane);
            positions[lane] = events[e];
            first_taps[lane] = events[e + 1u];
            counts[lane] = bitcast<f32>(events[e + 2u]);
        }
        workgroupBarrier();
        // none where a group has fewer than another
        let n_here = min(max(last, start) - start, 256u);
        for (var e = 0u; e < n_here; e++) {
            // large if the event is later
            let lag = position - positions[e];
            if (lag < W) {
                some += counts[e] * filters[first_taps[e] + lag];
                n++;
                if (n == 256u) {
                    sum += some;
                    some = 0.0;
                    n = 0u;
                }
            }
        }
        workgroupBarrier();
    }
    let i = taken_at(position);
    if (i != NO_ROW) {
        var at = params.intercept;
        if (START == 1u) {
            at = eta[i];
        }
        eta[i] = at + (sum + some);
    }
}
