//! A number as numpy stores it.

use crate::math::real::Real;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
}

/// A stored number: numpy's `<f8`, `>i4`, `|b1` and so on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    kind: Kind,
    size: usize,
    is_big_endian: bool,
}

impl Number {
    /// The number that a descriptor means; `None` if that is no real number.
    pub(super) fn parse(descriptor: &str) -> Option<Self> {
        let mut chars = descriptor.chars();
        let is_big_endian = match chars.next()? {
            '>' => true,
            '<' | '|' | '=' => false,
            _ => return None,
        };
        let kind = match chars.next()? {
            'f' => Kind::Float,
            'i' => Kind::Signed,
            'u' => Kind::Unsigned,
            'b' => Kind::Bool,
            _ => return None,
        };
        let size: usize = chars.as_str().parse().ok()?;
        let is_known = match kind {
            Kind::Float => matches!(size, 4 | 8),
            Kind::Signed | Kind::Unsigned => matches!(size, 1 | 2 | 4 | 8),
            Kind::Bool => size == 1,
        };
        is_known.then_some(Self { kind, size, is_big_endian })
    }

    /// Bytes of a number.
    pub(super) fn n_bytes(self) -> usize {
        self.size
    }

    /// Whether it is a float of 4 bytes.
    pub(super) fn is_f32(self) -> bool {
        self.kind == Kind::Float && self.size == 4
    }

    /// Whether it is a whole number.
    pub(super) fn is_whole(self) -> bool {
        matches!(self.kind, Kind::Signed | Kind::Unsigned)
    }

    /// Whether it is true or false.
    pub(super) fn is_flag(self) -> bool {
        self.kind == Kind::Bool
    }

    /// Appends the numbers in `bytes`, which are whole ones.
    #[allow(clippy::cast_lossless, reason = "one line for all kinds, of which some are not")]
    pub(super) fn decode<T: Real>(self, bytes: &[u8], values: &mut Vec<T>) {
        macro_rules! append {
            ($kind:ty) => {{
                let (items, _) = bytes.as_chunks::<{ size_of::<$kind>() }>();
                if self.is_big_endian {
                    values.extend(items.iter().map(|item| T::from_f64(<$kind>::from_be_bytes(*item) as f64)));
                } else {
                    values.extend(items.iter().map(|item| T::from_f64(<$kind>::from_le_bytes(*item) as f64)));
                }
            }};
        }
        match (self.kind, self.size) {
            (Kind::Float, 4) => append!(f32),
            (Kind::Float, _) => append!(f64),
            (Kind::Signed, 1) => append!(i8),
            (Kind::Signed, 2) => append!(i16),
            (Kind::Signed, 4) => append!(i32),
            (Kind::Signed, _) => append!(i64),
            (Kind::Unsigned, 1) => append!(u8),
            (Kind::Unsigned, 2) => append!(u16),
            (Kind::Unsigned, 4) => append!(u32),
            (Kind::Unsigned, _) => append!(u64),
            (Kind::Bool, _) => {
                values.extend(bytes.iter().map(|&byte| if byte == 0 { T::ZERO } else { T::ONE }));
            }
        }
    }
}
