//! Colours and dash patterns by what a line stands for.
//!
//! Two lines that can meet in one panel differ in colour and in dash pattern, so that a figure survives grayscale.
//!
//! # Source
//! The qualitative colours are those of Okabe and Ito, "Color Universal Design" (2008); the ramp is a dark to
//! middle part of viridis (Smith and van der Walt, matplotlib 1.5).

/// Red, green and blue.
pub(super) type Rgb = [u8; 3];

pub(super) const INK: Rgb = [0x22, 0x22, 0x22];
pub(super) const WHITE: Rgb = [0xff, 0xff, 0xff];

/// Vermilion, blue, green, purple, orange, sky blue.
const MODELS: [Rgb; 6] = [
    [0xd5, 0x5e, 0x00],
    [0x00, 0x72, 0xb2],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
];
const MODEL_DASHES: [Dash; 6] =
    [Dash::Solid, Dash::Long, Dash::DashDot, Dash::Dotted, Dash::Short, Dash::Solid];

/// Anchors of the ramp, dark to light, each as far from the next as the others.
const RAMP: [Rgb; 5] =
    [[0x44, 0x01, 0x54], [0x3b, 0x52, 0x8b], [0x21, 0x91, 0x8c], [0x5e, 0xc9, 0x62], [0xc8, 0xc0, 0x20]];

/// What a mark stands for, which decides its colour and its dash pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// What was measured: near black.
    Data,
    /// The k-th model, the fit itself being 0.
    Model(usize),
    /// The k-th column of a stimulus.
    Stimulus(usize),
    /// One of many lines in an order, such as basis functions: 0 for the first, 1 for the last.
    Ramp(f64),
    /// What is looked at against something: limits, zero lines, chance.
    Reference,
    /// The background of a part that is spoken about.
    Shade,
}

/// The pattern of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dash {
    /// Without gaps.
    Solid,
    /// Long strokes.
    Long,
    /// Short strokes.
    Short,
    /// Dots.
    Dotted,
    /// Strokes and dots.
    DashDot,
}

impl Role {
    pub(super) fn rgb(self) -> Rgb {
        match self {
            Role::Data => INK,
            Role::Model(k) => MODELS[k % MODELS.len()],
            // not the colours of the first two models
            Role::Stimulus(k) => MODELS[[2, 4, 3, 5, 1, 0][k % MODELS.len()]],
            Role::Ramp(position) => ramp(position),
            Role::Reference => [0x77, 0x77, 0x77],
            Role::Shade => [0xbb, 0xbb, 0xbb],
        }
    }

    pub(super) fn dash(self) -> Dash {
        match self {
            Role::Model(k) => MODEL_DASHES[k % MODEL_DASHES.len()],
            Role::Reference => Dash::Short,
            _ => Dash::Solid,
        }
    }
}

impl Dash {
    /// Lengths of strokes and gaps in turn, pixels; none for a line without gaps.
    pub(super) fn lengths(self) -> &'static [f64] {
        match self {
            Dash::Solid => &[],
            Dash::Long => &[8.0, 4.0],
            Dash::Short => &[4.0, 4.0],
            Dash::Dotted => &[1.5, 3.5],
            Dash::DashDot => &[8.0, 3.0, 2.0, 3.0],
        }
    }
}

/// Dark to light: 0 to 1.
pub(super) fn ramp(position: f64) -> Rgb {
    let scaled = position.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (scaled as usize).min(RAMP.len() - 2);
    mix(RAMP[below], RAMP[below + 1], scaled - below as f64)
}

/// Blue at -1, white at 0, vermilion at 1, dark towards both ends.
pub(super) fn diverging(position: f64) -> Rgb {
    let position = position.clamp(-1.0, 1.0);
    let hue = MODELS[usize::from(position < 0.0)];
    let size = position.abs();
    // the hue itself three quarters of the way
    if size <= 0.75 { mix(WHITE, hue, size / 0.75) } else { mix(hue, INK, (size - 0.75) * 2.0) }
}

/// The colour on the way from `a` (0) to `b` (1).
pub(super) fn mix(a: Rgb, b: Rgb, share: f64) -> Rgb {
    std::array::from_fn(|i| (f64::from(a[i]) + share * (f64::from(b[i]) - f64::from(a[i]))).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::{MODELS, Rgb, Role};

    /// How bright a colour looks, 0 to 255.
    fn luma([r, g, b]: Rgb) -> f64 {
        0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
    }

    #[test]
    fn models_differ_in_colour_or_dash_and_from_the_data() {
        for k in 0..MODELS.len() {
            for other in 0..k {
                assert_ne!(Role::Model(k).rgb(), Role::Model(other).rgb());
            }
            assert!(luma(Role::Model(k).rgb()) - luma(Role::Data.rgb()) > 50.0, "model {k}");
        }
        assert_ne!(Role::Model(0).dash(), Role::Model(1).dash());
    }

    #[test]
    fn both_arms_of_the_diverging_colours_get_darker_from_white() {
        assert_eq!(super::diverging(0.0), super::WHITE);
        for sign in [-1.0, 1.0] {
            let lumas: Vec<f64> =
                (0..=20).map(|k| luma(super::diverging(sign * f64::from(k) / 20.0))).collect();
            assert!(lumas.windows(2).all(|pair| pair[0] > pair[1]), "{lumas:?}");
        }
    }

    #[test]
    fn the_ramp_gets_lighter() {
        let lumas: Vec<f64> = (0..=20).map(|k| luma(Role::Ramp(f64::from(k) / 20.0).rgb())).collect();
        assert!(lumas.windows(2).all(|pair| pair[0] < pair[1]), "{lumas:?}");
    }
}
