//! A small reader of HTML pages: enough to say whether one is well formed and stands alone.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unreachable_pub, reason = "a module of several binaries, none of which exports it")]

/// Elements without an end.
const VOID: [&str; 5] = ["br", "hr", "img", "link", "meta"];

/// What a page is made of.
#[derive(Debug, Default)]
pub struct Page {
    /// Its elements in order, with their attributes as written.
    pub elements: Vec<(String, String)>,
    /// Values of all `id`.
    pub ids: Vec<String>,
    /// Values of all `href`.
    pub addresses: Vec<String>,
    /// What a reader sees, elements replaced by spaces and entities by what they stand for.
    pub text: String,
    /// The style sheets.
    pub style: String,
}

/// Reads a page; panics where its tags do not match or an ampersand is no entity.
pub fn read(html: &str) -> Page {
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a doctype");
    let mut page = Page::default();
    let mut open: Vec<String> = Vec::new();
    while let Some(start) = rest.find('<') {
        push_text(&mut page.text, &rest[..start]);
        let end = start + tag_length(&rest[start..]);
        let inside = &rest[start + 1..end - 1];
        rest = &rest[end..];
        page.text.push(' ');
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "an end without its beginning, in {open:?}");
            continue;
        }
        let name = inside.split([' ', '\n', '/']).next().unwrap().to_string();
        assert!(!name.is_empty() && name.chars().all(char::is_alphanumeric), "<{inside}>");
        let attributes = inside[name.len()..].to_string();
        page.ids.extend(value(&attributes, "id"));
        page.addresses.extend(value(&attributes, "href"));
        if name == "style" {
            let end = rest.find("</style>").expect("an end of the style");
            page.style.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        if !VOID.contains(&name.as_str()) && !attributes.ends_with('/') {
            open.push(name.clone());
        }
        page.elements.push((name, attributes));
    }
    push_text(&mut page.text, rest);
    assert!(open.is_empty(), "not ended: {open:?}");
    page
}

impl Page {
    /// Checks that nothing outside of the file is needed, that every address in the page exists and ids differ.
    pub fn assert_stands_alone(&self, html: &str) {
        for foreign in ["http:", "https:", "src=", "<link", "<script", "@import", "xmlns"] {
            assert!(!html.contains(foreign), "{foreign} in the page");
        }
        assert!(!html.replace("url(#", "").contains("url("), "an address in a style");
        let mut ids = self.ids.clone();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), self.ids.len(), "an id twice: {:?}", self.ids);
        for address in &self.addresses {
            match address.strip_prefix('#') {
                Some(id) => assert!(self.ids.iter().any(|own| own == id), "no {id}"),
                None => assert!(!address.contains(':') && !address.starts_with('/'), "{address}"),
            }
        }
        for (name, attributes) in &self.elements {
            if name == "th" {
                assert!(attributes.contains("scope="), "a head of a table without a scope");
            }
        }
    }

    /// Checks that no number is shown as a program writes it.
    pub fn assert_numbers_are_typeset(&self) {
        for raw in ["NaN", "inf", "Infinity", "0000000", "9999999"] {
            let words = self.text.split(|c: char| !c.is_alphanumeric() && c != '.');
            let found: Vec<&str> =
                words.filter(|word| *word == raw || (word.starts_with('0') && word.contains(raw))).collect();
            assert!(found.is_empty(), "{found:?}");
        }
    }

    /// Texts of all elements of this name, in order.
    pub fn texts_of(html: &str, name: &str) -> Vec<String> {
        let (begin, end) = (format!("<{name}"), format!("</{name}>"));
        html.split(&begin)
            .skip(1)
            .filter(|part| part.starts_with([' ', '>']))
            .map(|part| {
                let mut text = String::new();
                let inside = &part[part.find('>').unwrap() + 1..part.find(&end).unwrap()];
                inside.split('<').enumerate().for_each(|(k, piece)| {
                    push_text(&mut text, if k == 0 { piece } else { &piece[piece.find('>').unwrap() + 1..] });
                });
                text
            })
            .collect()
    }
}

/// Length of a tag; a `>` inside a quoted value does not end it.
fn tag_length(tag: &str) -> usize {
    let mut quoted = false;
    for (k, c) in tag.char_indices() {
        quoted ^= c == '"';
        if c == '>' && !quoted {
            return k + 1;
        }
    }
    panic!("a tag without an end: {tag:.80}");
}

/// The value of an attribute.
fn value(attributes: &str, name: &str) -> Option<String> {
    let start = attributes.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(attributes[start..start + attributes[start..].find('"')?].to_string())
}

fn push_text(text: &mut String, html: &str) {
    let mut parts = html.split('&');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap_or_else(|| panic!("a bare ampersand: &{part:.20}"));
        text.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" | "#39" => '\'',
            other => panic!("&{other};"),
        });
        text.push_str(rest);
    }
}
