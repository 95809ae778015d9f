// Positions: a used row lies at that of the newest sample which it sees, so that lag k is k positions before. `row_at` says
// which row lies where.

const NO_ROW: u32 = 0xffffffffu;

// the number in the pass of the row at a position, if it is taken
fn taken_at(position: u32) -> u32 {
    if (position >= params.end_position) {
        return NO_ROW;
    }
    let row = row_at[position];
    let first = params.run_row + params.first_row;
    if (row == NO_ROW || row < first) {
        return NO_ROW;
    }
    let tile = (row - first) >> 8u;
    let i = (tile / params.every) * 256u + ((row - first) & 255u);
    if (tile % params.every != 0u || i >= params.n) {
        return NO_ROW;
    }
    return i;
}
