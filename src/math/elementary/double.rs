//! The functions in `f64`: the same construction as in `f32`, with more terms.
//!
//! The coefficients of the exponential minimise the largest relative error of `e^r` (4e-18), those of the logarithm
//! that of `ln(1 + f)` (5e-18).

use super::{Functions, polynomial};
use crate::math::real::Real;

/// Where `e^x` is about to leave the normal numbers.
const LOW: f64 = -708.0;
/// Where `k` would become 1024.
const HIGH: f64 = 709.4;
/// `1.5·2^52`, plus the bias of the exponent.
const MAGIC: f64 = 6_755_399_441_055_744.0 + 1023.0;
/// `ln 2` in two parts, the first with zeros at its end so that `k·LN_2_HIGH` is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
#[allow(clippy::excessive_precision)]
const EXPONENTIAL: [f64; 10] = [
    0.500_000_000_000_001_067_06,
    0.166_666_666_666_664_114_88,
    0.041_666_666_666_529_713_302,
    0.008_333_333_333_494_979_178_2,
    0.001_388_888_894_376_363_403_5,
    0.000_198_412_695_057_843_036_32,
    0.000_024_801_492_946_079_160_993,
    2.755_758_678_563_033_235_5e-6,
    2.763_030_744_013_932_601_2e-7,
    2.500_002_661_771_411_323_1e-8,
];
#[allow(clippy::excessive_precision)]
const LOGARITHM: [f64; 7] = [
    0.666_666_666_666_666_970_77,
    0.399_999_999_998_988_905_14,
    0.285_714_286_262_538_376_06,
    0.222_222_110_893_794_962_14,
    0.181_828_924_325_368_712_01,
    0.153_316_117_220_550_078_85,
    0.146_178_071_534_173_249_65,
];

/// Of the Mills ratio, see [`super::normal`].
const MILLS: [f64; 28] = [
    1.827_541_792_260_619_9,
    -1.728_872_636_627_803_5,
    1.669_602_326_749_565,
    -1.259_965_456_461_302_8,
    0.699_050_870_232_019_6,
    -0.231_962_777_403_973_47,
    -0.012_174_028_760_665_671,
    0.064_268_319_027_908_51,
    -0.033_236_371_944_546_32,
    0.002_712_871_337_363_877,
    0.004_952_649_370_586_708,
    -0.001_729_047_854_258_762_3,
    -0.000_600_581_168_301_814_2,
    0.000_414_283_058_505_222_5,
    8.523_975_243_030_459e-5,
    -8.892_134_806_129_753e-5,
    -1.818_734_808_620_479_5e-5,
    1.878_485_248_028_666_7e-5,
    5.384_723_098_504_965e-6,
    -3.788_265_863_809_365e-6,
    -1.681_395_923_486_168e-6,
    6.628_711_772_793_883e-7,
    4.517_807_406_574_165_5e-7,
    -8.430_366_012_886_13e-8,
    -8.682_096_553_862_034e-8,
    4.916_205_086_416_081e-9,
    8.567_415_262_409_791e-9,
    2.032_966_870_580_921e-10,
];

/// `2^k` and `e^r - 1` for `x` between [`LOW`] and [`HIGH`].
#[inline(always)]
fn reduce<const FUSED: bool>(x: f64) -> (f64, f64) {
    // written so that NaN passes
    let x = if x < LOW { LOW } else { x };
    let x = if x > HIGH { HIGH } else { x };
    let shifted = x.fma::<FUSED>(std::f64::consts::LOG2_E, MAGIC);
    let k = shifted - MAGIC;
    let r = k.fma::<FUSED>(-LN_2_LOW, k.fma::<FUSED>(-LN_2_HIGH, x));
    let scale = f64::from_bits(shifted.to_bits() << 52);
    let square = r * r;
    (scale, square.fma::<FUSED>(polynomial::<f64, FUSED, 10>(r, square, &EXPONENTIAL), r))
}

/// Bits of `sqrt(1/2)`.
const HALF_ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
/// `2^1022`.
const LARGEST: f64 = 4.494_232_837_155_79e307;
/// `2^52`, whose low bits hold an integer.
const HOLDER: f64 = 4_503_599_627_370_496.0;

/// `ln(2^k (1 + f))` for `1 + f` between `sqrt(1/2)` and `sqrt(2)`.
#[inline(always)]
fn logarithm<const FUSED: bool>(k: f64, f: f64) -> f64 {
    let half_square = 0.5 * f * f;
    let z = f / (2.0 + f);
    let z2 = z * z;
    let tail = z2 * polynomial::<f64, FUSED, 7>(z2, z2 * z2, &LOGARITHM);
    let low = z.fma::<FUSED>(half_square + tail, k * LN_2_LOW);
    k.fma::<FUSED>(LN_2_HIGH, f - (half_square - low))
}

impl Functions for f64 {
    const MILLS: &'static [f64] = &MILLS;

    #[inline(always)]
    fn exp<const FUSED: bool>(self) -> f64 {
        let (scale, change) = reduce::<FUSED>(self);
        let value = scale.fma::<FUSED>(change, scale);
        if self > HIGH { f64::INFINITY } else { value }
    }

    #[inline(always)]
    fn exp_m1<const FUSED: bool>(self) -> f64 {
        let (scale, change) = reduce::<FUSED>(self);
        let value = scale.fma::<FUSED>(change, scale - 1.0);
        if self > HIGH { f64::INFINITY } else { value }
    }

    #[inline(always)]
    fn ln_1p<const FUSED: bool>(self) -> f64 {
        // 1 + x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2)
        let x = if self > LARGEST { LARGEST } else { self };
        let biased = (1.0 + x).to_bits().wrapping_add(0x3ff0_0000_0000_0000 - HALF_ROOT) >> 52;
        let k = f64::from_bits(biased | HOLDER.to_bits()) - (HOLDER + 1023.0);
        let scale = f64::from_bits(2046_u64.wrapping_sub(biased) << 52);
        // one rounding: 2^-k x + (2^-k - 1)
        let value = logarithm::<FUSED>(k, x.fma::<FUSED>(scale, scale - 1.0));
        let edge = if self == -1.0 { f64::NEG_INFINITY } else { f64::NAN };
        if self > -1.0 { value } else { edge }
    }

    #[inline(always)]
    fn ln<const FUSED: bool>(self) -> f64 {
        let x = if self > LARGEST { LARGEST } else { self };
        let x = if x < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { x };
        let biased = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - HALF_ROOT) >> 52;
        let k = f64::from_bits(biased | HOLDER.to_bits()) - (HOLDER + 1023.0);
        let scale = f64::from_bits(2046_u64.wrapping_sub(biased) << 52);
        // exact
        let value = logarithm::<FUSED>(k, x * scale - 1.0);
        let edge = if self == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
        if self > 0.0 { value } else { edge }
    }
}
