// What every kernel over rows is started with, and which rows it means.
//
// A pass over every so many tiles of 256 rows numbers the rows that it takes from 0 to n - 1: `row_of` is where they are in
// the matrices; vectors of the pass itself (linear predictor, residual) have one entry for each that is taken.

struct Params {
    // rows taken
    n: u32,
    // the first of them in the matrices
    first_row: u32,
    // every how many tiles are taken
    every: u32,
    // rows that one work group takes
    group_rows: u32,
    // place of the first group's sums
    first_partial: u32,
    // targets that take part
    n_targets: u32,
    // 0, which no compiler knows
    zero: u32,
    // columns before those of this dispatch, in vectors of 4
    first_column: u32,
    // start of the linear predictor where there is one target
    intercept: f32,
    // numbers of one set of sums
    width: u32,
    // sets of sums
    n_partials: u32,
    // samples of a channel
    n_samples: u32,
    // the first position of the run, and the one after its last
    first_position: u32,
    end_position: u32,
    // rows before the run in the buffer of its positions
    run_row: u32,
    // turns of a loop that every group takes: as many as the one with most to do needs, since some compilers refuse a barrier
    // in a loop whose end comes from a buffer
    turns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

fn row_of(i: u32) -> u32 {
    return params.first_row + (i >> 8u) * params.every * 256u + (i & 255u);
}
