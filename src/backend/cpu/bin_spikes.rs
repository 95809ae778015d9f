//! Counts of spikes in tiles of bytes, as the kernels of a response read them.

use std::ops::Range;

use rayon::prelude::*;

use super::TILE_ROWS;

/// Tiles that one thread fills together.
const TOGETHER: usize = 64;

/// Tiles of 256 rows, one target after the other in each, from the counts of bins: `bins` says which bins some rows are, and
/// `count` what a bin holds of a target. What follows the last row is 0. `None` if some count is not a byte.
pub fn bin_spikes<B: Iterator<Item = usize>>(
    n_rows: usize,
    n_targets: usize,
    bins: impl Fn(Range<usize>) -> B + Sync,
    count: impl Fn(usize, usize) -> Option<u8> + Sync,
) -> Option<Vec<u8>> {
    let mut tiles = vec![0; n_rows.div_ceil(TILE_ROWS) * TILE_ROWS * n_targets];
    if tiles.is_empty() {
        return Some(tiles);
    }
    let pieces = tiles.par_chunks_mut(TOGETHER * TILE_ROWS * n_targets).enumerate();
    let all = pieces.map(|(piece, tiles)| {
        for (tile, out) in tiles.chunks_mut(TILE_ROWS * n_targets).enumerate() {
            let first = (piece * TOGETHER + tile) * TILE_ROWS;
            for (place, bin) in bins(first..n_rows.min(first + TILE_ROWS)).enumerate() {
                for target in 0..n_targets {
                    out[target * TILE_ROWS + place] = count(bin, target)?;
                }
            }
        }
        Some(())
    });
    all.collect::<Option<Vec<()>>>()?;
    Some(tiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_finds_its_place_and_the_rest_is_0() {
        for (n_rows, n_targets) in [(0, 2), (3, 0), (1, 1), (256, 3), (257, 1), (40_000, 5)] {
            // every second bin
            let bins = |rows: Range<usize>| rows.map(|row| 2 * row + 1);
            let count = |bin: usize, target: usize| (bin * 7 + target * 13) as u8;
            let tiles = bin_spikes(n_rows, n_targets, bins, |bin, target| Some(count(bin, target))).unwrap();
            assert_eq!(tiles.len(), n_rows.div_ceil(256) * 256 * n_targets);
            for (place, &found) in tiles.iter().enumerate() {
                let (tile, place) = (place / (256 * n_targets), place % (256 * n_targets));
                let (row, target) = (tile * 256 + place % 256, place / 256);
                let expected = if row < n_rows { count(2 * row + 1, target) } else { 0 };
                assert_eq!(found, expected, "row {row}, target {target}");
            }
        }
        let some = |bin: usize, _| (bin != 39_999).then_some(1);
        assert_eq!(bin_spikes(40_000, 1, |rows| rows, some), None);
        assert!(bin_spikes(39_999, 1, |rows| rows, some).is_some());
    }
}
