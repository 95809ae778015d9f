//! The page: its sections in order, and what they share.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Report, computed, data_quality, figures, filters, glossary, head, scores, verdict};

/// The style of the page; it says nothing about a network.
const STYLE: &str = include_str!("style.css");

impl Report<'_> {
    /// The report as an HTML document.
    pub fn html(&self) -> String {
        let sections: Vec<Section> = [
            Some(verdict::section(self)),
            Some(scores::section(self)),
            figures::section(self),
            Some(filters::section(self)),
            Some(data_quality::section(self)),
            Some(computed::section(self)),
            Some(computed::study(self)),
            computed::files(self),
            Some(glossary::section(self)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="generator" content={ "rheobase " (self.computed.version) };
                    title { (head::window_title(self)) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    main {
                        (head::header(self))
                        (contents(&sections))
                        @for section in &sections {
                            section id=(section.id) aria-labelledby={ (section.id) "-title" } {
                                h2 id={ (section.id) "-title" } { (section.title) }
                                (section.body)
                            }
                        }
                    }
                }
            }
        };
        page.into_string()
    }
}

/// A section of the page.
pub(super) struct Section {
    /// Its address in the page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

/// Links to the sections.
fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @for section in sections {
                    li { a href={ "#" (section.id) } { (section.title) } }
                }
            }
        }
    }
}

/// A table that scrolls by itself where the page is narrower; `label` says what it holds.
pub(super) fn table(label: &str, header: Markup, body: Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(label) {
            table { thead { tr { (header) } } (body) }
        }
    }
}

/// The head of a column of texts.
pub(super) fn column(name: &str) -> Markup {
    html! { th scope="col" { (name) } }
}

/// The head of a column of numbers.
pub(super) fn number_column(name: &str) -> Markup {
    html! { th.number scope="col" { (name) } }
}

/// The first names of a list, and how many more there are.
pub(super) fn names<'n>(all: impl ExactSizeIterator<Item = &'n str>, most: usize) -> String {
    let more = all.len().saturating_sub(most);
    let shown: Vec<&str> = all.take(most).collect();
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
