//! Lines and areas cut to the box of a panel.

/// A point, pixels.
pub(super) type Point = (f64, f64);

/// A box, pixels: y grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Whether a point lies inside, to a hundredth of a pixel.
    pub(super) fn holds(&self, (x, y): Point) -> bool {
        let margin = 0.01;
        x >= self.left - margin
            && x <= self.right + margin
            && y >= self.top - margin
            && y <= self.bottom + margin
    }

    /// The nearest point of the box.
    pub(super) fn nearest(&self, (x, y): Point) -> Point {
        (x.clamp(self.left, self.right), y.clamp(self.top, self.bottom))
    }

    /// The part of a straight line that lies inside.
    ///
    /// # Source
    /// Liang and Barsky, "A new concept and method for line clipping" (1984).
    fn inside(&self, from: Point, to: Point) -> Option<(Point, Point)> {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (speed, room) in [
            (-dx, from.0 - self.left),
            (dx, self.right - from.0),
            (-dy, from.1 - self.top),
            (dy, self.bottom - from.1),
        ] {
            if speed == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if speed < 0.0 {
                enter = enter.max(room / speed);
            } else {
                leave = leave.min(room / speed);
            }
        }
        let at = |share: f64| (from.0 + share * dx, from.1 + share * dy);
        (enter <= leave).then(|| (at(enter), at(leave)))
    }

    /// The pieces of a line inside the box; points that are not finite part it.
    pub(super) fn pieces(&self, points: &[Point]) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        let mut open = false;
        for pair in points.windows(2) {
            let finite = pair.iter().all(|point| point.0.is_finite() && point.1.is_finite());
            let Some((from, to)) = finite.then(|| self.inside(pair[0], pair[1])).flatten() else {
                open = false;
                continue;
            };
            match pieces.last_mut() {
                Some(piece) if open => piece.push(to),
                _ => pieces.push(vec![from, to]),
            }
            open = to == pair[1];
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::Area;

    const BOX: Area = Area { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };

    #[test]
    fn a_line_is_cut_where_it_leaves_and_comes_back() {
        let pieces = BOX.pieces(&[(-5.0, 5.0), (5.0, 5.0), (5.0, 15.0), (8.0, 15.0), (8.0, 5.0)]);
        assert_eq!(pieces, [vec![(0.0, 5.0), (5.0, 5.0), (5.0, 10.0)], vec![(8.0, 10.0), (8.0, 5.0)]]);
    }

    #[test]
    fn a_gap_is_not_bridged() {
        let pieces = BOX.pieces(&[(1.0, 1.0), (2.0, 1.0), (3.0, f64::NAN), (4.0, 1.0), (5.0, 1.0)]);
        assert_eq!(pieces, [vec![(1.0, 1.0), (2.0, 1.0)], vec![(4.0, 1.0), (5.0, 1.0)]]);
        assert!(BOX.pieces(&[(1.0, 11.0), (20.0, 11.0)]).is_empty());
    }
}
