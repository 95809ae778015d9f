//! What a device may do in another way than fits do it, to learn what that is worth.

use super::adapter::WORKGROUP_BYTES;

/// Bytes of rows in the memory of a group, up to which all of it fits into what every device has.
const TILE_BYTES: usize = 12 << 10;
/// Bytes of memory of a group where rows take more.
const LARGE_WORKGROUP_BYTES: u32 = 32 << 10;

/// Choices of a device; by default those of fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variant {
    /// Rows of a work group of the kernels that go through rows, a multiple of 256; none leaves it to the number of rows.
    pub group_rows: Option<usize>,
    /// Bytes of the rows that lie in the memory of a work group.
    pub tile_bytes: usize,
    /// Whether exponentials are those of the device's compiler.
    pub built_in_exp: bool,
    /// Bytes that are written to the device in one go.
    pub piece_bytes: usize,
}

impl Default for Variant {
    fn default() -> Self {
        Self { group_rows: None, tile_bytes: TILE_BYTES, built_in_exp: false, piece_bytes: 16 << 20 }
    }
}

impl Variant {
    /// Bytes of memory of a work group that the device is asked for.
    pub(super) fn workgroup_bytes(&self) -> u32 {
        if self.tile_bytes <= TILE_BYTES { WORKGROUP_BYTES } else { LARGE_WORKGROUP_BYTES }
    }
}
