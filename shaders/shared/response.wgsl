// Responses of several targets: `columns` says which take part. Counts up to 255 lie four to a word.

fn response(row: u32, t: u32) -> f32 {
    let column = columns[t];
    if (BYTES == 1u) {
        return f32((y[row * Y_STRIDE + column / 4u] >> (8u * (column % 4u))) & 255u);
    }
    return bitcast<f32>(y[row * Y_STRIDE + column]);
}
