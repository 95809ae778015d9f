//! The walk through a file: every series, table of intervals and units table, with its type and its defect.
//!
//! Types decide; where a type and its parents are unknown, structure does. Objects are named by the path that
//! was walked. Names are listed first and opened one by one, which is several times faster than listing opened
//! objects.

use std::collections::HashSet;

use hdf5::{Group, IndexType, IterationOrder, LinkType};

use super::element::{attribute_text, clean};
use super::series::Series;
use super::storage::Storage;
use super::type_tree::{Family, TypeTree};
use super::{intervals, units};
use crate::recording::{Defect, Entry, Kind, unique_keys};

/// Parts of a file that hold no data of their own: schema texts and general metadata.
const SKIPPED: [&str; 2] = ["specifications", "general"];

/// Groups nest a few levels deep.
const DEEPEST: usize = 24;

/// The entries found so far.
struct Catalogue {
    types: TypeTree,
    entries: Vec<Entry>,
    notices: Vec<String>,
    /// Groups that were entered. Hard links may lead in circles, and by many ways to one group.
    entered: HashSet<String>,
}

/// Lists every object of the file, each checked as far as that is cheap, and what was noticed.
pub(super) fn walk(storage: &Storage) -> (Vec<Entry>, Vec<String>) {
    let types = TypeTree::load(storage);
    let mut catalogue =
        Catalogue { types, entries: Vec::new(), notices: Vec::new(), entered: HashSet::new() };
    catalogue.enter(&storage.file, "");
    catalogue.visit(&storage.file, "", 0);
    let Catalogue { mut entries, notices, .. } = catalogue;
    let paths: Vec<String> = entries.iter().map(|entry| entry.path.clone()).collect();
    for (entry, key) in entries.iter_mut().zip(unique_keys(&paths)) {
        entry.key = key;
        if entry.defect.is_none() {
            entry.defect = defect(storage, entry);
        }
    }
    (entries, notices)
}

impl Catalogue {
    /// Whether a group was not entered before by another name.
    fn enter(&mut self, group: &Group, path: &str) -> bool {
        let is_new = match group.loc_info() {
            Ok(info) => self.entered.insert(format!("{} {:?}", info.fileno, info.token)),
            Err(_) => false,
        };
        if !is_new {
            self.notices.push(format!("{path}: is another name of a group that is listed; not entered"));
        }
        is_new
    }

    fn visit(&mut self, group: &Group, base: &str, depth: usize) {
        let links = match group.links(IndexType::Name, IterationOrder::Increasing) {
            Ok(links) => links,
            Err(error) => return self.unreadable(base, &format!("cannot be listed ({})", said(&error))),
        };
        for (name, info) in links {
            let path = format!("{base}/{}", clean(&name));
            if depth == 0 && SKIPPED.contains(&name.as_str()) {
                continue;
            }
            if info.link_type == LinkType::External {
                self.unreadable(&path, "is a link to another file, which is not read");
                continue;
            }
            match group.loc_type_by_name(&name) {
                Ok(hdf5::LocationType::Group) => {}
                Ok(_) => continue,
                Err(_) if info.link_type == LinkType::Hard => {
                    self.unreadable(&path, "cannot be opened");
                    continue;
                }
                Err(_) => {
                    self.unreadable(&path, "is a link to nothing");
                    continue;
                }
            }
            match group.group(&name) {
                Ok(child) => self.classify(&child, path, depth, info.link_type),
                Err(error) => self.unreadable(&path, &format!("cannot be opened ({})", said(&error))),
            }
        }
    }

    fn classify(&mut self, group: &Group, path: String, depth: usize, link: LinkType) {
        let type_name = attribute_text(group, "neurodata_type").unwrap_or_default();
        let namespace = attribute_text(group, "namespace").unwrap_or_default();
        let by_structure = structure(group);
        let kind = if type_name.is_empty() {
            if by_structure.is_some() {
                self.notices.push(format!("{path}: has no neurodata_type; left out"));
                return;
            }
            None
        } else {
            match self.types.family(&namespace, &type_name) {
                Family::Series => Some(Kind::Series),
                Family::Annotations => Some(Kind::Annotations),
                Family::Intervals => Some(Kind::Intervals),
                Family::Units => Some(Kind::Units),
                Family::Table if units::times_column(group).is_some() => Some(Kind::Units),
                Family::Table => return,
                Family::Container => None,
                Family::Unknown => {
                    if let Some(kind) = by_structure {
                        self.notices.push(format!(
                            "{path}: type {type_name} of namespace {namespace} is unknown; read by its structure \
                             as {}",
                            kind.word()
                        ));
                    }
                    by_structure
                }
            }
        };
        match kind {
            Some(kind) => self.entries.push(Entry {
                key: String::new(),
                description: attribute_text(group, "description").unwrap_or_default(),
                path,
                type_name,
                kind,
                defect: None,
            }),
            // containers are entered by their own link only, so no circle is walked and nothing listed twice
            None if link != LinkType::Hard => {}
            None if depth >= DEEPEST => {
                self.notices.push(format!("{path}: groups nest deeper than {DEEPEST}; not entered"));
            }
            None => {
                if self.enter(group, &path) {
                    self.visit(group, &path, depth + 1);
                }
            }
        }
    }

    fn unreadable(&mut self, path: &str, problem: &str) {
        self.entries.push(Entry {
            key: String::new(),
            path: path.to_string(),
            type_name: String::new(),
            description: String::new(),
            kind: Kind::Unreadable,
            defect: Some(Defect {
                problem: problem.to_string(),
                help: "the file may be damaged; what is in other files has to be copied into it, for example by pynwb's export".into(),
            }),
        });
    }
}

/// The first line of what the library says.
fn said(error: &hdf5::Error) -> String {
    clean(error.to_string().lines().next().unwrap_or_default())
}

/// What a group looks like by its members.
fn structure(group: &Group) -> Option<Kind> {
    let has = |name: &str| group.link_exists(name);
    if has("data") && (has("timestamps") || has("starting_time")) {
        Some(Kind::Series)
    } else if has("start_time") && has("stop_time") {
        Some(Kind::Intervals)
    } else if has("spike_times") && has("spike_times_index") {
        Some(Kind::Units)
    } else {
        None
    }
}

/// Why an entry cannot be used, as far as that shows without reading its samples.
fn defect(storage: &Storage, entry: &Entry) -> Option<Defect> {
    let checked = match entry.kind {
        Kind::Series => Series::open(storage, entry).map(|_| ()),
        Kind::Intervals => intervals::read(storage, entry).map(|_| ()),
        Kind::Units => units::check_layout(storage, entry).map(|_| ()),
        Kind::Annotations | Kind::Unreadable => Ok(()),
    };
    checked.err().map(|error| {
        let help = error.help();
        let problem = match error {
            // the place is said again when the entry is asked for
            crate::error::Error::Object { object, problem, .. } if object == entry.path => problem,
            crate::error::Error::Object { object, problem, .. } => {
                let member = object.strip_prefix(&format!("{}/", entry.path)).unwrap_or(&object).to_string();
                format!("{member}: {problem}")
            }
            other => other.to_string(),
        };
        Defect { problem, help }
    })
}
