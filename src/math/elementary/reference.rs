//! The functions with about 30 digits, as sums of two `f64`: what the error tables compare with.

/// `high + low`, `low` below half a unit of `high`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Twofold {
    high: f64,
    low: f64,
}

/// `ln 2` in three parts.
const LN_2: [f64; 3] = [0.693_147_180_485_539_1, 7.440_617_109_802_979e-11, 2.094_174_429_270_072_5e-21];

impl Twofold {
    pub(super) fn new(value: f64) -> Self {
        Self { high: value, low: 0.0 }
    }

    fn of_sum(a: f64, b: f64) -> Self {
        let high = a + b;
        let other = high - a;
        Self { high, low: (a - (high - other)) + (b - other) }
    }

    fn add(self, other: Self) -> Self {
        let sum = Self::of_sum(self.high, other.high);
        let low = Self::of_sum(self.low, other.low);
        let first = Self::of_sum(sum.high, sum.low + low.high);
        Self::of_sum(first.high, first.low + low.low)
    }

    fn times(self, other: Self) -> Self {
        let high = self.high * other.high;
        let low = self.high.mul_add(other.high, -high) + (self.high * other.low + self.low * other.high);
        Self::of_sum(high, low)
    }

    fn by(self, power_of_two: f64) -> Self {
        Self { high: self.high * power_of_two, low: self.low * power_of_two }
    }

    /// `|value - self| / |self|`.
    pub(super) fn relative_error(self, value: f64) -> f64 {
        (((value - self.high) - self.low) / self.high).abs()
    }

    /// `(value - self) / self`.
    pub(super) fn signed_error(self, value: f64) -> f64 {
        ((value - self.high) - self.low) / self.high
    }

    /// `e^self - 1` for a small argument: `(1 + s)^2 - 1 = 2 s + s²`, from the series at a 64th of it.
    fn series(self) -> Self {
        let x = self.by(1.0 / 64.0);
        let mut sum = Self::new(0.0);
        let mut term = x;
        for n in 2..20 {
            sum = sum.add(term);
            term = term.times(x).times(Self::reciprocal(f64::from(n)));
        }
        for _ in 0..6 {
            sum = sum.by(2.0).add(sum.times(sum));
        }
        sum
    }

    fn reciprocal(n: f64) -> Self {
        let high = 1.0 / n;
        Self { high, low: high.mul_add(-n, 1.0) / n }
    }
}

/// `e^x - 1`, `x` below 700 in magnitude.
pub(super) fn exp_m1(x: f64) -> Twofold {
    exp_m1_of(Twofold::new(x))
}

fn exp_m1_of(x: Twofold) -> Twofold {
    let k = (x.high / std::f64::consts::LN_2).round();
    let parts = LN_2.map(|part| Twofold::new(part).times(Twofold::new(-k)));
    let rest = x.add(parts[0]).add(parts[1]).add(parts[2]);
    let scale = 2f64.powi(k as i32);
    rest.series().by(scale).add(Twofold::new(scale - 1.0))
}

/// `e^x`.
pub(super) fn exp(x: f64) -> Twofold {
    let k = (x / std::f64::consts::LN_2).round();
    let parts = LN_2.map(|part| Twofold::new(part).times(Twofold::new(-k)));
    let rest = Twofold::new(x).add(parts[0]).add(parts[1]).add(parts[2]);
    rest.series().add(Twofold::new(1.0)).by(2f64.powi(k as i32))
}

/// `ln(1 + x)` by one Newton step from the library's value, for `x` above 1e-6 in magnitude.
pub(super) fn ln_1p(x: f64) -> Twofold {
    ln_1p_of(Twofold::new(x))
}

fn ln_1p_of(x: Twofold) -> Twofold {
    let start = x.high.ln_1p();
    // y + (1 + x) e^-y - 1 = y + (e^-y - 1) + x e^-y
    let change = exp_m1_of(Twofold::new(-start));
    let whole = change.add(Twofold::new(1.0));
    let step = change.add(x.times(whole));
    Twofold::new(start).add(step).add(step.times(step).by(-0.5))
}

/// `ln(1 + e^x)` for `x` above -13.
pub(super) fn softplus(x: f64) -> Twofold {
    if x > 0.0 { Twofold::new(x).add(ln_1p_of(exp(-x))) } else { ln_1p_of(exp(x)) }
}
