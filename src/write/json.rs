//! JSON files: results and models.
//!
//! Fields of `f64` in a type that comes here carry `#[serde(with = "rheobase::number")]` (see [`crate::number`]);
//! without it `serde_json` would write a NaN as `null`.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::shortened;
use crate::read::regular;
use crate::{Error, Result};

/// Bytes of the largest file that is read: a model of a thousand targets with a hundred thousand coefficients each.
pub const MOST_BYTES: u64 = 4 << 30;

const EXPECTED: &str = "JSON as this program writes it";

/// Indented JSON with a newline at the end.
///
/// # Errors
/// [`Error::Argument`] if a map has keys that are not texts.
pub fn json_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|e| {
        Error::argument("JSON", "a value that JSON can hold", e.to_string(), "this is a fault of the program")
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a JSON file into a type.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] with line and column if it is not such JSON, [`Error::Memory`] above
/// [`MOST_BYTES`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = regular::bytes(path, EXPECTED, "give the path of one JSON file", MOST_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|e| Error::Format {
        path: path.to_path_buf(),
        expected: EXPECTED.into(),
        found: shortened(e.to_string()),
        help: "check that this is the right file and that it is complete".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bytes_end_with_a_newline_and_keep_the_order_of_fields() {
        let bytes = json_bytes(&json!({"schema": 1, "backend": "cpu", "a": []})).unwrap();
        let expected = "{\n  \"schema\": 1,\n  \"backend\": \"cpu\",\n  \"a\": []\n}\n";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn reading_says_file_line_and_column() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        std::fs::write(&path, "{\n\"a\": 1,\n").unwrap();
        let error = read_json::<serde_json::Value>(&path).unwrap_err();
        assert!(matches!(error, Error::Format { .. }));
        assert!(error.to_string().contains("model.json") && error.to_string().contains("line"), "{error}");
        let absent = read_json::<serde_json::Value>(&folder.path().join("absent.json"));
        assert!(matches!(absent, Err(Error::Io { .. })));
    }
}
