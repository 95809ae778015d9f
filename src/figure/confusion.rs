//! Which class was the most probable one in the bins of each label: heat maps.

use super::{Axis, Colours, Drawing, Figure, Mark, Panel, Role, Style, Ticks};

/// Most names along a side that are all written.
const MOST_NAMES: usize = 20;

/// The confusion of one target.
#[derive(Clone, Debug)]
pub struct ConfusionPanel {
    /// The target and its accuracy.
    pub title: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Bins, row by row: of the first label for every most probable class, then the next.
    pub counts: Vec<usize>,
}

/// One panel per entry, in rows of two; `None` without panels. `is_weighted` if bins have weights.
pub fn confusion(panels: &[ConfusionPanel], is_weighted: bool, note: &str) -> Option<Figure> {
    if panels.is_empty() {
        return None;
    }
    let n_columns = 2;
    let mut drawing = Drawing::grid(panels.iter().map(panel_of).collect(), n_columns, 280.0);
    drawing.rows.iter_mut().for_each(|row| row.n_places = n_columns);
    drawing.description = "Most probable class by label".into();
    let once = if is_weighted { " A bin counts once here, whatever its weight." } else { "" };
    let caption = format!(
        "The fitted bins of each label (rows) by their most probable class (columns), as parts of the bins of the label: on the \
         diagonal both are the same. The numbers of bins are in tables/confusion.csv.{once}{note}"
    );
    Some(Figure {
        name: "confusion".into(),
        title: "Labels and most probable classes".into(),
        caption,
        drawing,
    })
}

fn panel_of(panel: &ConfusionPanel) -> Panel {
    let n = panel.classes.len();
    let edges: Vec<f64> = (0..=n).map(|k| k as f64).collect();
    let step = n.div_ceil(MOST_NAMES).max(1);
    let names = || {
        let of_class = |(k, name): (usize, &String)| (k as f64 + 0.5, name.clone());
        Ticks::Named(panel.classes.iter().enumerate().step_by(step).map(of_class).collect())
    };
    let of_label = |row: &[usize]| {
        let total: usize = row.iter().sum();
        row.iter().map(|&count| count as f64 / total as f64).collect::<Vec<f64>>()
    };
    Panel::new(
        Axis::new("most probable class", "").ticks(names()),
        Axis::new("label", "").range(n as f64, 0.0).ticks(names()),
    )
    .title(&panel.title)
    .with(Mark::Cells {
        x: edges.clone(),
        y: edges,
        values: panel.counts.chunks(n.max(1)).flat_map(of_label).collect(),
        colours: Colours::sequential(Axis::new("part of the label's bins", "").range(0.0, 1.0)),
        style: Style::of(Role::Shade).width(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_parts_of_the_bins_of_a_label() {
        let panel = ConfusionPanel {
            title: "turn: accuracy 0.75".into(),
            classes: vec!["left".into(), "right".into()],
            counts: vec![3, 1, 0, 0],
        };
        let figure = confusion(std::slice::from_ref(&panel), false, " A note.").unwrap();
        assert!(figure.caption.ends_with("confusion.csv. A note."));
        let Mark::Cells { values, .. } = &figure.drawing.rows[0].panels[0].marks[0] else { panic!() };
        assert_eq!(values[..2], [0.75, 0.25]);
        assert!(values[2..].iter().all(|part| part.is_nan()));
        assert!(figure.drawing.svg().contains("most probable class"));
        assert!(confusion(&[panel], true, "").unwrap().caption.ends_with("whatever its weight."));
        assert!(confusion(&[], false, "").is_none());
    }
}
