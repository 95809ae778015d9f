//! Files of measured speeds: `bench --calibrate` writes them, `fit --cost-constants` reads them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backend::cpu::simd::Level;
use crate::backend::cpu::speeds::Speeds;
use crate::glm::CostConstants;
use crate::write::json::{json_bytes, read_json};
use crate::write::save::save_bytes;
use crate::{Error, Result};

const HELP: &str = "measure them here with `rheobase bench --calibrate FILE`";

/// What a file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Calibration {
    /// Layout of the file.
    pub(super) schema: u32,
    /// Version of rheobase that measured.
    pub(super) version: String,
    pub(super) machine: Measured,
    /// What was measured.
    pub(super) speeds: Speeds,
    /// What the version would go by without the file.
    pub(super) compiled_in: Speeds,
}

/// Where the speeds were measured.
#[derive(Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) processor: String,
    pub(super) threads: usize,
    pub(super) vector_instructions: String,
    pub(super) system: String,
}

/// Layout that this version writes and reads.
pub(super) const SCHEMA: u32 = 1;

impl Calibration {
    /// Writes the file, whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        save_bytes(path, &json_bytes(self)?)
    }
}

/// The speeds of a file, if it is of a machine like this one.
pub(super) fn read(path: &Path) -> Result<CostConstants> {
    let file: Calibration = read_json(path).map_err(|error| match error {
        Error::Format { path, found, .. } => {
            let expected = "speeds as `rheobase bench --calibrate` writes them".into();
            Error::Format { path, expected, found, help: HELP.into() }
        }
        other => other,
    })?;
    let wrong = |field: &str, expected: String, found: String| {
        Err(Error::object(path, field, format!("expected {expected}, found {found}"), HELP))
    };
    if file.schema != SCHEMA {
        return wrong("schema", SCHEMA.to_string(), file.schema.to_string());
    }
    let (level, own) = (Level::best().name(), &file.machine.vector_instructions);
    if own != level {
        return wrong("machine.vector_instructions", format!("{level}, those of this machine"), own.clone());
    }
    let from = format!("{} (measured on {})", path.display(), file.machine.processor);
    Ok(CostConstants { speeds: file.speeds, from })
}
