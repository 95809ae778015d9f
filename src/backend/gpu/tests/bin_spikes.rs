//! Counts that are sent as a list lie on the device as those that are sent whole.

use super::{gpu, numbers, open};
use crate::backend::cpu::bin_spikes;
use crate::backend::gpu::Array;
use crate::backend::gpu::batch::Wanted;
use crate::backend::gpu::bin_spikes::is_less;
use crate::backend::gpu::device::{Device, Limits};
use crate::backend::{Backend, Gpu};

/// The words of an array.
fn words(device: &Device, array: &Array, n_rows: usize) -> Vec<u32> {
    let firsts = (0..n_rows).step_by(array.rows_of_buffer());
    let of_buffer = |first: usize| {
        let window = array.window(&(first..n_rows.min(first + array.rows_of_buffer()))).unwrap();
        assert_eq!(window.at, 0);
        let wanted = Wanted { buffer: window.buffer, n: window.size as usize / size_of::<u32>() };
        device.run(&[], &[wanted]).unwrap().remove(0)
    };
    firsts.flat_map(of_buffer).map(f32::to_bits).collect()
}

/// Tiles of so many rows of which about one in `rarity` has a count, up to 255.
fn tiles(n_rows: usize, n_targets: usize, rarity: f64) -> Vec<u8> {
    let x = numbers(n_rows * n_targets, 11);
    let count = |row: usize, target: usize| {
        let u = (x[row * n_targets + target] + 1.0) * (0.5 * rarity);
        // edges of tiles and buffers, and the largest count
        let at_edge = row % 256 == 255 || row.is_multiple_of(1024);
        Some(if u < 1.0 { 1 + (u * 255.0) as u8 } else { u8::from(at_edge) * 255 })
    };
    bin_spikes(n_rows, n_targets, |rows| rows, count).unwrap()
}

fn both_ways(gpu: &Gpu, n_rows: usize, n_targets: usize, tiles: &[u8]) -> Vec<u32> {
    let device = gpu.device();
    let n_kept = tiles.len() / n_targets;
    let [listed, whole] = [(); 2].map(|()| device.room_for_counts(n_kept, n_targets).unwrap());
    let n_entries = tiles.iter().filter(|count| **count != 0).count();
    device.poison(f32::NAN);
    device.bin_spikes(&listed, n_targets, tiles, n_entries).unwrap();
    device.write_counts(&whole, n_targets, tiles).unwrap();
    let expected = words(device, &whole, n_kept);
    let what = format!("{n_rows} x {n_targets}, {n_entries} counts");
    assert!(words(device, &listed, n_kept) == expected, "{what}");
    let chosen = gpu.bytes(n_targets, tiles.to_vec().into()).unwrap();
    assert!(words(device, &chosen, n_kept) == expected, "{what}, the shorter way");
    for row in [0, 255, 256, n_rows / 2, n_rows - 1].into_iter().filter(|&row| row < n_rows) {
        for target in 0..n_targets {
            let count = tiles[(row / 256 * n_targets + target) * 256 + row % 256];
            let word = expected[row * listed.stride() + target / 4];
            let found =
                if n_targets == 1 { f32::from_bits(word) as u8 } else { word.to_le_bytes()[target % 4] };
            assert_eq!(found, count, "{what}, row {row}, target {target}");
        }
    }
    expected
}

#[test]
fn lists_of_counts_and_whole_counts_lie_alike() {
    let Some((gpu, turn)) = gpu() else { return };
    for (n_rows, n_targets) in [(1, 1), (255, 2), (257, 3), (1024, 4), (5000, 1), (3000, 5), (70_000, 33)] {
        // all counts, many, few
        for rarity in [1.0, 4.0, 200.0] {
            both_ways(gpu, n_rows, n_targets, &tiles(n_rows, n_targets, rarity));
        }
        let silent = vec![0; n_rows.div_ceil(256) * 256 * n_targets];
        assert!(both_ways(gpu, n_rows, n_targets, &silent).iter().all(|&word| word == 0));
    }
    drop(turn);
}

#[test]
fn lists_of_counts_are_cut_to_the_limits_of_the_device() {
    let turn = gpu();
    let Some(small) = open(Limits { binding_bytes: Some(1 << 13), ..Limits::default() }) else { return };
    for (n_rows, n_targets) in [(5000, 1), (2047, 2), (4096, 5), (3000, 17)] {
        let tiles = tiles(n_rows, n_targets, 2.0);
        let array = small.device().room_for_counts(n_rows, n_targets).unwrap();
        assert!(array.rows_of_buffer() <= 2048, "{}", array.rows_of_buffer());
        let found = both_ways(&small, n_rows, n_targets, &tiles);
        if let Some((large, _)) = &turn {
            assert!(found == both_ways(large, n_rows, n_targets, &tiles), "{n_rows} x {n_targets}");
        }
    }
}

#[test]
fn lists_of_counts_give_the_same_bits_every_time() {
    let Some((gpu, _turn)) = gpu() else { return };
    for n_targets in [1, 7] {
        let tiles = tiles(20_000, n_targets, 30.0);
        let first = both_ways(gpu, 20_000, n_targets, &tiles);
        for number in 0..20_u8 {
            gpu.device().poison(f32::from(number));
            let array = gpu.bytes(n_targets, tiles.clone().into()).unwrap();
            assert!(words(gpu.device(), &array, tiles.len() / n_targets) == first);
        }
    }
}

#[test]
fn the_shorter_way_is_taken() {
    // one target: a word a row, two words an entry
    assert!(is_less(499, 1000, 1) && !is_less(500, 1000, 1));
    // 40 targets: ten words a row
    assert!(is_less(4999, 1000, 10) && !is_less(5000, 1000, 10) && is_less(0, 1, 1) && !is_less(0, 0, 1));
}
