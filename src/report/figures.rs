//! The figures with their captions, in groups.

use maud::{Markup, PreEscaped, html};

use super::page::Section;
use super::{FigureSvg, Report};

/// The groups in the order of the page, and the names that belong to them.
const GROUPS: [(&str, &[&str]); 6] = [
    ("The recording", &["session", "pulses", "intervals"]),
    ("Tuning", &["tuning"]),
    ("The model", &["basis", "onset", "filter", "surface", "coefficients"]),
    ("Predictions", &["prediction", "epochs"]),
    ("Goodness of fit", &["goodness", "calibration", "confusion"]),
    ("Convergence", &["convergence"]),
];

/// What figures of other names are called together.
const MORE: &str = "More figures";

/// `None` without figures.
pub(super) fn section(report: &Report) -> Option<Section> {
    if report.figures.is_empty() {
        return None;
    }
    let groups = GROUPS.iter().map(|(title, _)| *title).chain([MORE]);
    let body = html! {
        p.note.narrow { "What is wider than the screen scrolls sideways." }
        @for group in groups {
            @let mut own = report.figures.iter().filter(|figure| group_of(&figure.name) == group).peekable();
            @if own.peek().is_some() {
                h3 { (group) }
                @for figure in own { (shown(report, figure)) }
            }
        }
    };
    Some(Section { id: "figures", title: "Figures", body })
}

/// The group of a figure; `filter-stimulus` belongs to `filter`.
fn group_of(name: &str) -> &'static str {
    let stem = name.split(['-', '_', '.']).next().unwrap_or(name);
    GROUPS.iter().find(|(_, names)| names.contains(&stem)).map_or(MORE, |(title, _)| title)
}

fn shown(report: &Report, figure: &FigureSvg) -> Markup {
    let files: Vec<&str> = report.files.iter().map(|file| file.name.as_str()).collect();
    let own: Vec<(&str, String)> = ["svg", "png"]
        .into_iter()
        .map(|ending| (ending, format!("figures/{}.{ending}", figure.name)))
        .filter(|(_, path)| files.contains(&path.as_str()))
        .collect();
    html! {
        figure id={ "figure-" (figure.name) } {
            div.drawing tabindex="0" role="group" aria-label=(figure.title) {
                (PreEscaped(inline(&figure.svg)))
            }
            figcaption {
                b { (figure.title) } @if !figure.caption.is_empty() { ". " (figure.caption) }
                @for (ending, path) in &own {
                    " " a.file href=(path) download { (ending.to_uppercase()) }
                }
            }
        }
    }
}

/// An SVG document as part of a page: from its root element on, and without names of namespaces, which pages of
/// HTML know by themselves.
fn inline(svg: &str) -> String {
    let root = svg.find("<svg").map_or("", |start| &svg[start..]);
    let (head, rest) = root.split_at(root.find('>').unwrap_or(0));
    let mut head = head.to_string();
    for name in [" xmlns=\"", " xmlns:xlink=\""] {
        if let Some(start) = head.find(name) {
            let value = start + name.len();
            let end = head[value..].find('"').map_or(head.len(), |length| value + length + 1);
            head.replace_range(start..end, "");
        }
    }
    head + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_find_their_groups_by_name() {
        assert_eq!(group_of("filter"), "The model");
        assert_eq!(group_of("filter-stimulus_2"), "The model");
        assert_eq!(group_of("filters"), MORE);
        assert_eq!(group_of(""), MORE);
    }

    #[test]
    fn a_document_becomes_an_element() {
        let svg = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\" \
                   xmlns:xlink=\"http://www.w3.org/1999/xlink\"><title>a</title></svg>";
        assert_eq!(inline(svg), "<svg viewBox=\"0 0 1 1\"><title>a</title></svg>");
        assert_eq!(inline("no figure"), "");
    }
}
