//! What a neurodata type is, through its parents.
//!
//! Laboratories extend the standard with types of their own; a file that carries the schema of its extensions
//! says what they inherit from, and an object is read as the nearest parent that is known.

use std::collections::HashMap;

use serde_json::Value;

use super::element::member_names;
use super::storage::Storage;

/// What a type is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Series,
    Annotations,
    Intervals,
    Units,
    /// A table that is neither of intervals nor of units.
    Table,
    /// A known type that holds other objects, or nothing of interest.
    Container,
    /// No parent is known.
    Unknown,
}

/// Types of the standard that are tables or series, with their parents.
const STANDARD: [(&str, &str); 32] = [
    ("AbstractFeatureSeries", "TimeSeries"),
    ("AnnotationSeries", "TimeSeries"),
    ("ElectricalSeries", "TimeSeries"),
    ("SpikeEventSeries", "ElectricalSeries"),
    ("SpatialSeries", "TimeSeries"),
    ("IntervalSeries", "TimeSeries"),
    ("DecompositionSeries", "TimeSeries"),
    ("RoiResponseSeries", "TimeSeries"),
    ("OptogeneticSeries", "TimeSeries"),
    ("IndexSeries", "TimeSeries"),
    ("ImageSeries", "TimeSeries"),
    ("ImageMaskSeries", "ImageSeries"),
    ("OpticalSeries", "ImageSeries"),
    ("OnePhotonSeries", "ImageSeries"),
    ("TwoPhotonSeries", "ImageSeries"),
    ("PatchClampSeries", "TimeSeries"),
    ("CurrentClampSeries", "PatchClampSeries"),
    ("IZeroClampSeries", "CurrentClampSeries"),
    ("VoltageClampSeries", "PatchClampSeries"),
    ("CurrentClampStimulusSeries", "PatchClampSeries"),
    ("VoltageClampStimulusSeries", "PatchClampSeries"),
    ("TimeIntervals", "DynamicTable"),
    ("Units", "DynamicTable"),
    ("PlaneSegmentation", "DynamicTable"),
    ("AlignedDynamicTable", "DynamicTable"),
    ("ElectrodesTable", "DynamicTable"),
    ("FrequencyBandsTable", "DynamicTable"),
    ("SweepTable", "DynamicTable"),
    ("SimultaneousRecordingsTable", "DynamicTable"),
    ("SequentialRecordingsTable", "DynamicTable"),
    ("EventsTable", "DynamicTable"),
    ("IntracellularRecordingsTable", "AlignedDynamicTable"),
];

/// Namespaces of the standard, whose types are known without their schema.
const STANDARD_NAMESPACES: [&str; 3] = ["core", "hdmf-common", "hdmf-experimental"];

/// Bytes of a schema that is read: those of the standard itself take one million.
const MOST_SCHEMA_BYTES: u64 = 64 << 20;

/// Types with their parents: the standard's and those of the extensions cached in the file.
#[derive(Debug)]
pub(super) struct TypeTree {
    parents: HashMap<String, String>,
}

impl TypeTree {
    /// The standard's types and those that `/specifications` of the file defines.
    pub(super) fn load(storage: &Storage) -> Self {
        let mut parents: HashMap<String, String> =
            STANDARD.iter().map(|(child, parent)| ((*child).to_string(), (*parent).to_string())).collect();
        for text in extension_schemas(storage) {
            if let Ok(schema) = serde_json::from_str::<Value>(&text) {
                collect_parents(&schema, &mut parents);
            }
        }
        Self { parents }
    }

    /// What objects of this type are read as.
    pub(super) fn family(&self, namespace: &str, type_name: &str) -> Family {
        let mut name = type_name;
        // a chain of parents is short; the bound keeps a circular schema from hanging
        for _ in 0..64 {
            match name {
                "TimeSeries" => return Family::Series,
                "AnnotationSeries" => return Family::Annotations,
                "TimeIntervals" => return Family::Intervals,
                "Units" => return Family::Units,
                "DynamicTable" => return Family::Table,
                _ => {}
            }
            match self.parents.get(name) {
                Some(parent) => name = parent,
                None => break,
            }
        }
        let is_known = STANDARD_NAMESPACES.contains(&namespace) || name != type_name;
        if is_known { Family::Container } else { Family::Unknown }
    }
}

/// Schema texts of the namespaces that are not the standard's: `/specifications/NAMESPACE/VERSION/SOURCE`.
fn extension_schemas(storage: &Storage) -> Vec<String> {
    let mut texts = Vec::new();
    let storage = &Storage { limit_bytes: storage.limit_bytes.min(MOST_SCHEMA_BYTES), ..storage.clone() };
    let Ok(root) = storage.file.group("specifications") else { return texts };
    for namespace in member_names(&root) {
        if STANDARD_NAMESPACES.contains(&namespace.as_str()) {
            continue;
        }
        let Ok(versions) = root.group(&namespace) else { continue };
        for version in member_names(&versions) {
            let Ok(sources) = versions.group(&version) else { continue };
            for source in member_names(&sources) {
                let object = format!("/specifications/{namespace}/{version}/{source}");
                let read = sources.dataset(&source).ok().and_then(|set| storage.texts(&set, &object).ok());
                texts.extend(read.unwrap_or_default());
            }
        }
    }
    texts
}

/// Every definition in a schema, at any depth: `neurodata_type_def` inherits from `neurodata_type_inc`.
fn collect_parents(schema: &Value, parents: &mut HashMap<String, String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| collect_parents(item, parents)),
        Value::Object(fields) => {
            let text = |long: &str, short: &str| {
                fields.get(long).or_else(|| fields.get(short)).and_then(Value::as_str)
            };
            let child = text("neurodata_type_def", "data_type_def");
            let parent = text("neurodata_type_inc", "data_type_inc");
            if let (Some(child), Some(parent)) = (child, parent)
                && child != parent
            {
                parents.entry(child.to_string()).or_insert_with(|| parent.to_string());
            }
            fields.values().for_each(|item| collect_parents(item, parents));
        }
        _ => {}
    }
}
