//! Shapes in pixels become SVG text or a PNG image: the only place that knows the plotting package.

use std::fmt::Write as _;

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

use super::clip::{Area, Point};
use super::palette::{Dash, Rgb, WHITE, mix};
use crate::{Error, Result};

/// The widest and the highest image, dots.
const MOST_DOTS: f64 = 16_384.0;

/// What can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// Lines of one style.
    Lines { pieces: Vec<Vec<Point>>, ink: Ink },
    /// A filled polygon.
    Area { points: Vec<Point>, rgb: Rgb, opacity: f64 },
    /// Filled boxes side by side, each in its colour.
    Cells { cells: Vec<(Area, Rgb)>, opacity: f64 },
    /// Discs.
    Discs { centres: Vec<Point>, radius: f64, rgb: Rgb, opacity: f64 },
    /// One line of words; `upwards` turns it by a quarter.
    Text { at: Point, words: String, size: u32, anchor: Anchor, upwards: bool, bold: bool },
}

/// How lines are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ink {
    pub(super) rgb: Rgb,
    pub(super) width: f64,
    pub(super) dash: Dash,
    pub(super) opacity: f64,
}

/// Which part of the words is at their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// An `<svg>` element without identifiers.
pub(super) fn svg(shapes: &[Shape], width: f64, height: f64, description: &str) -> String {
    let mut scene = Scene::new(width, height);
    shapes.iter().for_each(|shape| add_svg(&mut scene, shape));
    let drawn = SvgBackend::new().render_scene(&scene);
    // the element of the package has a fixed size and no words: ours scales with its container
    let body = drawn.split_once("-->").map_or("", |(_, body)| body);
    let described = escaped(description);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" width=\"{}\" role=\"img\" \
         aria-label=\"{described}\" style=\"max-width:100%;height:auto\" font-family=\"Helvetica, Arial, \
         Liberation Sans, DejaVu Sans, sans-serif\" stroke-linejoin=\"round\"><title>{described}</title>{}\n",
        rounded(width),
        rounded(height),
        rounded(width),
        body.replace("><", ">\n<"),
    )
}

/// A PNG image.
pub(super) fn png(shapes: &[Shape], width: f64, height: f64, scale: f64) -> Result<Vec<u8>> {
    let largest = width.max(height) * scale;
    if !(1.0..=MOST_DOTS).contains(&largest) {
        let found = format!("{largest} dots at scale {scale}");
        let help = "choose another scale, or fewer panels";
        return Err(Error::argument("size of an image", format!("1 to {MOST_DOTS} dots"), found, help));
    }
    let mut scene = Scene::new(width, height);
    shapes.iter().for_each(|shape| add_png(&mut scene, shape));
    PngBackend { scale: scale as f32 }.render_scene(&scene).map_err(|problem| {
        Error::argument("image", "a figure that can be drawn", problem, "use the SVG of the same figure")
    })
}

fn add_svg(scene: &mut Scene, shape: &Shape) {
    match shape {
        Shape::Lines { pieces, ink } => {
            let lengths = ink.dash.lengths();
            let dash = (!lengths.is_empty())
                .then(|| lengths.iter().map(|l| rounded(*l)).collect::<Vec<_>>().join(" "));
            scene.add(path(pieces, None, Some(ink), dash));
        }
        Shape::Area { points, rgb, opacity } => {
            scene.add(path(std::slice::from_ref(points), Some((*rgb, *opacity)), None, None));
        }
        Shape::Discs { centres, radius, rgb, opacity } => {
            // strokes of no length with round ends are discs, and one path holds them all
            let round = format!("stroke-linecap=\"round\" stroke-opacity=\"{}\"", rounded(*opacity));
            scene.add(Primitive::GroupStart { transform: None, title: None, extra_attrs: Some(round) });
            let dots: Vec<Vec<Point>> = centres.iter().map(|centre| vec![*centre, *centre]).collect();
            let ink = Ink { rgb: *rgb, width: 2.0 * radius, dash: Dash::Solid, opacity: 1.0 };
            scene.add(path(&dots, None, Some(&ink), None));
            scene.add(Primitive::GroupEnd);
        }
        Shape::Cells { cells, opacity } => {
            // neighbours that meet inside of a pixel of the screen would show a seam of the background
            let sharp = format!("shape-rendering=\"crispEdges\" fill-opacity=\"{}\"", rounded(*opacity));
            scene.add(Primitive::GroupStart { transform: None, title: None, extra_attrs: Some(sharp) });
            scene.add(boxes(cells, 1.0));
            scene.add(Primitive::GroupEnd);
        }
        Shape::Text { .. } => add_text(scene, shape),
    }
}

fn add_png(scene: &mut Scene, shape: &Shape) {
    match shape {
        Shape::Lines { pieces, ink } => {
            let stroke = color(mix(WHITE, ink.rgb, ink.opacity));
            // the package restarts a pattern at every point of a line, so it gets the strokes one by one
            let strokes = pieces.iter().flat_map(|piece| strokes(piece, ink.dash.lengths()));
            for points in strokes {
                let (stroke, stroke_width) = (stroke.clone(), ink.width);
                scene.add(Primitive::PolyLine { points, stroke, stroke_width, stroke_dasharray: None });
            }
        }
        Shape::Area { points, rgb, opacity } => {
            scene.add(path(std::slice::from_ref(points), Some((*rgb, *opacity)), None, None));
        }
        Shape::Discs { centres, radius, rgb, opacity } => {
            let (cx, cy) = centres.iter().copied().unzip();
            let fill = color(*rgb);
            scene.add(Primitive::CircleBatch {
                cx,
                cy,
                r: *radius,
                fill,
                fill_opacity: Some(*opacity),
                stroke: None,
                stroke_width: None,
            });
        }
        Shape::Cells { cells, opacity } => scene.add(boxes(cells, *opacity)),
        Shape::Text { .. } => add_text(scene, shape),
    }
}

/// Filled boxes, mixed with white where the format has no opacity for them.
fn boxes(cells: &[(Area, Rgb)], opacity: f64) -> Primitive {
    let of = |number: fn(&Area) -> f64| cells.iter().map(|(area, _)| number(area)).collect();
    Primitive::RectBatch {
        x: of(|area| area.left),
        y: of(|area| area.top),
        w: of(Area::width),
        h: of(Area::height),
        fills: cells.iter().map(|(_, rgb)| color(mix(WHITE, *rgb, opacity))).collect(),
    }
}

fn add_text(scene: &mut Scene, shape: &Shape) {
    let Shape::Text { at, words, size, anchor, upwards, bold } = shape else { return };
    scene.add(Primitive::Text {
        // halves have short decimals
        x: (2.0 * at.0).round() / 2.0,
        y: (2.0 * at.1).round() / 2.0,
        // a dollar would begin a formula
        content: words.replace('$', "\\$"),
        size: *size,
        anchor: match anchor {
            Anchor::Start => TextAnchor::Start,
            Anchor::Middle => TextAnchor::Middle,
            Anchor::End => TextAnchor::End,
        },
        rotate: upwards.then_some(-90.0),
        bold: *bold,
        color: Some(color(super::palette::INK)),
    });
}

fn path(
    pieces: &[Vec<Point>],
    fill: Option<(Rgb, f64)>,
    ink: Option<&Ink>,
    dash: Option<String>,
) -> Primitive {
    let mut d = String::new();
    for piece in pieces {
        let mut last = None;
        for (i, (x, y)) in piece.iter().enumerate() {
            let point = (rounded(*x), rounded(*y));
            // a point that is where the last one was adds nothing, but a line needs two
            if last.as_ref() == Some(&point) && piece.len() > 2 {
                continue;
            }
            let _ = write!(d, "{}{} {}", if i == 0 { 'M' } else { 'L' }, point.0, point.1);
            last = Some(point);
        }
        if fill.is_some() {
            d.push('Z');
        }
    }
    let stroke = ink.map_or(Color::None, |ink| color(mix(WHITE, ink.rgb, ink.opacity)));
    Primitive::Path(Box::new(PathData {
        d,
        fill: fill.map(|(rgb, _)| color(rgb)),
        stroke,
        stroke_width: ink.map_or(0.0, |ink| ink.width),
        opacity: fill.map(|(_, opacity)| opacity),
        stroke_dasharray: dash,
    }))
}

/// The strokes of a dashed line.
fn strokes(points: &[Point], lengths: &[f64]) -> Vec<Vec<Point>> {
    if lengths.is_empty() {
        return vec![points.to_vec()];
    }
    let mut strokes = Vec::new();
    let mut stroke: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut part, mut left) = (0, lengths[0]);
    for pair in points.windows(2) {
        let (mut at, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - at.0).hypot(to.1 - at.1);
            let is_drawn = part % 2 == 0;
            if length <= left {
                left -= length;
                if is_drawn {
                    stroke.push(to);
                }
                break;
            }
            let share = left / length;
            at = (at.0 + share * (to.0 - at.0), at.1 + share * (to.1 - at.1));
            if is_drawn {
                stroke.push(at);
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![at];
            }
            part += 1;
            left = lengths[part % lengths.len()];
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}

/// Two decimals, without zeros at the end.
fn rounded(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

fn color([r, g, b]: Rgb) -> Color {
    Color::Rgb(r, g, b)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{rounded, strokes};

    #[test]
    fn strokes_run_on_over_the_points_of_a_line() {
        let found = strokes(&[(0.0, 0.0), (3.0, 0.0), (10.0, 0.0)], &[4.0, 4.0]);
        assert_eq!(found, [vec![(0.0, 0.0), (3.0, 0.0), (4.0, 0.0)], vec![(8.0, 0.0), (10.0, 0.0)]]);
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([rounded(1.0), rounded(0.574), rounded(-0.001), rounded(20.0)], ["1", "0.57", "0", "20"]);
    }
}
