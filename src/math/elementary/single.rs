//! The functions in `f32`.
//!
//! Exponential: `x = k ln 2 + r` with `|r| <= ln 2 / 2`, then `e^r - 1 = r + r² Q(r)` and
//! `e^x = 2^k (e^r - 1) + 2^k`. Adding `1.5·2^23` rounds to an integer in one addition, and leaves `k` in the low
//! bits, from where a shift makes it the exponent of `2^k`. The coefficients of `Q` minimise the largest relative
//! error of `e^r` (3e-9), those of the logarithm that of `ln(1 + f)` (2e-11).

use super::{Functions, polynomial};
use crate::math::real::Real;

/// Where `e^x` is about to leave the normal numbers.
const LOW: f32 = -87.0;
/// Where `k` would become 128.
const HIGH: f32 = 88.37;
/// `1.5·2^23`, plus the bias of the exponent.
const MAGIC: f32 = 12_582_912.0 + 127.0;
/// `ln 2` in two parts, the first with zeros at its end so that `k·LN_2_HIGH` is exact.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;
#[allow(clippy::excessive_precision)]
const EXPONENTIAL: [f32; 5] =
    [0.499_999_934_3, 0.166_665_203_9, 0.041_668_390_89, 0.008_368_745_58, 0.001_381_453_517];
#[allow(clippy::excessive_precision)]
const LOGARITHM: [f32; 4] = [0.666_666_665_5, 0.400_001_222_1, 0.285_507_786_3, 0.233_316_144_7];

/// Of the Mills ratio, see [`super::normal`].
#[allow(clippy::excessive_precision)]
const MILLS: [f32; 14] = [
    1.827_541_828_2,
    -1.728_872_656_8,
    1.669_601_798_1,
    -1.259_963_989_3,
    0.699_059_784_4,
    -0.231_978_386_6,
    -0.012_228_847_48,
    0.064_345_009_62,
    -0.033_074_233_68,
    0.002_516_214_037,
    0.004_700_187_128,
    -0.001_449_998_352,
    -0.000_392_704_299_9,
    0.000_196_093_067_6,
];

/// `2^k` and `e^r - 1` for `x` between [`LOW`] and [`HIGH`].
#[inline(always)]
fn reduce<const FUSED: bool>(x: f32) -> (f32, f32) {
    // written so that NaN passes
    let x = if x < LOW { LOW } else { x };
    let x = if x > HIGH { HIGH } else { x };
    let shifted = x.fma::<FUSED>(std::f32::consts::LOG2_E, MAGIC);
    let k = shifted - MAGIC;
    let r = k.fma::<FUSED>(-LN_2_LOW, k.fma::<FUSED>(-LN_2_HIGH, x));
    let scale = f32::from_bits(shifted.to_bits() << 23);
    let square = r * r;
    (scale, square.fma::<FUSED>(polynomial::<f32, FUSED, 5>(r, square, &EXPONENTIAL), r))
}

/// Bits of `sqrt(1/2)`.
const HALF_ROOT: u32 = 0x3f35_04f3;
/// `2^126`.
const LARGEST: f32 = 8.507_059e37;

/// `ln(2^k (1 + f))` for `1 + f` between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
fn logarithm<const FUSED: bool>(k: f32, f: f32) -> f32 {
    let half_square = 0.5 * f * f;
    let z = f / (2.0 + f);
    let z2 = z * z;
    let tail = z2 * polynomial::<f32, FUSED, 4>(z2, z2 * z2, &LOGARITHM);
    let low = z.fma::<FUSED>(half_square + tail, k * LN_2_LOW);
    k.fma::<FUSED>(LN_2_HIGH, f - (half_square - low))
}

impl Functions for f32 {
    const MILLS: &'static [f32] = &MILLS;

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> f32 {
        let (scale, change) = reduce::<FUSED>(self);
        let value = scale.fma::<FUSED>(change, scale);
        if self > HIGH { f32::INFINITY } else { value }
    }

    #[inline(always)]
    fn exp_m1<const FUSED: bool>(self) -> f32 {
        let (scale, change) = reduce::<FUSED>(self);
        let value = scale.fma::<FUSED>(change, scale - 1.0);
        if self > HIGH { f32::INFINITY } else { value }
    }

    #[inline(always)]
    fn ln_1p<const FUSED: bool>(self) -> f32 {
        // 1 + x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2)
        let x = if self > LARGEST { LARGEST } else { self };
        let biased = (1.0 + x).to_bits().wrapping_add(0x3f80_0000 - HALF_ROOT) >> 23;
        let k = biased as i32 - 127;
        let scale = f32::from_bits(254_u32.wrapping_sub(biased) << 23);
        // one rounding: 2^-k x + (2^-k - 1)
        let value = logarithm::<FUSED>(k as f32, x.fma::<FUSED>(scale, scale - 1.0));
        let edge = if self == -1.0 { f32::NEG_INFINITY } else { f32::NAN };
        if self > -1.0 { value } else { edge }
    }

    #[inline(always)]
    fn ln<const FUSED: bool>(self) -> f32 {
        let x = if self > LARGEST { LARGEST } else { self };
        let x = if x < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { x };
        let biased = x.to_bits().wrapping_add(0x3f80_0000 - HALF_ROOT) >> 23;
        let k = biased as i32 - 127;
        let scale = f32::from_bits(254_u32.wrapping_sub(biased) << 23);
        // exact
        let value = logarithm::<FUSED>(k as f32, x * scale - 1.0);
        let edge = if self == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
        if self > 0.0 { value } else { edge }
    }
}
