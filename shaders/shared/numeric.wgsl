// Elementary functions in single precision: those built in may be wrong by many units in the last place, and not by chance.
//
// x = k ln 2 + r with |r| <= ln 2 / 2, e^r - 1 = r + r^2 Q(r). `pin` keeps a rounding where it is written: it cannot be
// moved through an operation on bits with a number that no compiler knows.

const LOG2_E: f32 = 1.4426950408889634;
// ln 2 in two parts; k times the first is exact
const LN_2_HIGH: f32 = 0.693145751953125;
const LN_2_LOW: f32 = 1.42860682030941723e-6;
const LOWEST: f32 = -87.0;
const HIGHEST: f32 = 88.37;

fn pin(v: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(v) ^ params.zero);
}

// 2^k and e^r - 1
fn reduced(x: f32) -> vec2<f32> {
    let bounded = clamp(x, LOWEST, HIGHEST);
    let k = floor(bounded * LOG2_E + 0.5);
    let r = pin(bounded - pin(k * LN_2_HIGH)) - k * LN_2_LOW;
    let q = 0.4999999343 + r * (0.1666652039 + r * (0.04166839089 + r * (0.00836874558 + r * 0.001381453517)));
    let scale = bitcast<f32>(u32(i32(k) + 127) << 23u);
    return vec2<f32>(scale, r + r * r * q);
}

fn exp_of(x: f32) -> f32 {
    // only to learn what the compiler's own is worth
    if (BUILT_IN_EXP == 1u) {
        return exp(clamp(x, LOWEST, HIGHEST));
    }
    let parts = reduced(x);
    // not 2^k (e^r - 1) + 2^k: the product may be so small that a device takes it for 0
    return (1.0 + pin(parts.y)) * parts.x;
}

fn expm1_of(x: f32) -> f32 {
    let parts = reduced(x);
    return pin(parts.x * parts.y) + (parts.x - 1.0);
}

// ln(2^k (1 + f)) for 1 + f between sqrt(1/2) and sqrt(2)
fn logarithm(k: f32, f: f32) -> f32 {
    let half_square = 0.5 * f * f;
    let z = f / (2.0 + f);
    let z2 = z * z;
    let tail = z2 * (0.6666666655 + z2 * (0.4000012221 + z2 * (0.2855077863 + z2 * 0.2333161447)));
    let low = z * (half_square + tail) + k * LN_2_LOW;
    return pin(k * LN_2_HIGH) + (f - (half_square - low));
}

// for x > -1
fn log1p_of(x: f32) -> f32 {
    // 1 + x = 2^k (1 + f)
    let biased = (bitcast<u32>(pin(1.0 + min(x, 8.5e37))) + (0x3f800000u - 0x3f3504f3u)) >> 23u;
    let scale = bitcast<f32>((254u - biased) << 23u);
    return logarithm(f32(i32(biased) - 127), pin(min(x, 8.5e37) * scale) + (scale - 1.0));
}

// for x > 0
fn ln_of(x: f32) -> f32 {
    let bounded = clamp(x, 1.2e-38, 8.5e37);
    let biased = (bitcast<u32>(bounded) + (0x3f800000u - 0x3f3504f3u)) >> 23u;
    let scale = bitcast<f32>((254u - biased) << 23u);
    return logarithm(f32(i32(biased) - 127), pin(bounded * scale) - 1.0);
}

// ln(1 + e^x)
fn softplus_of(x: f32) -> f32 {
    return max(x, 0.0) + log1p_of(exp_of(-abs(x)));
}
