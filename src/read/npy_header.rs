//! The header of a numpy array: its type, its order and its shape.
//!
//! It is the text of a Python dictionary. Only the dictionary that numpy writes is understood, not Python: a general parser
//! of nested brackets may take for ever on a line of them.

use std::io::Read;

/// Bytes of the longest header. That of an array of plain numbers takes 128.
const MOST_BYTES: usize = 1 << 16;

/// What comes before the numbers of an array.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NpyHeader {
    /// numpy's name of the type, as in `<f8`; of a type with fields the text that describes it.
    pub(super) descriptor: String,
    /// Whether the first index runs fastest.
    pub(super) is_by_columns: bool,
    /// Lengths of the dimensions.
    pub(super) shape: Vec<usize>,
}

impl NpyHeader {
    /// Reads the magic bytes, the version and the header, and not a byte more.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, String> {
        let mut start = [0; 8];
        fill(reader, &mut start)?;
        let [b'\x93', b'N', b'U', b'M', b'P', b'Y', version, _] = start else {
            return Err("it does not begin as numpy files do".into());
        };
        let n_bytes = match version {
            1 => {
                let mut length = [0; 2];
                fill(reader, &mut length)?;
                usize::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                fill(reader, &mut length)?;
                u32::from_le_bytes(length) as usize
            }
            _ => return Err(format!("version {version} is not known")),
        };
        if n_bytes > MOST_BYTES {
            return Err(format!("it claims {n_bytes} bytes, more than {MOST_BYTES}"));
        }
        let mut text = vec![0; n_bytes];
        fill(reader, &mut text)?;
        let text = String::from_utf8(text).map_err(|_| "it is no text".to_string())?;
        Words { text: &text }.header()
    }
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), String> {
    reader.read_exact(bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "it is cut short".into(),
        _ => error.to_string(),
    })
}

/// What is left of the text.
struct Words<'t> {
    text: &'t str,
}

impl<'t> Words<'t> {
    fn header(&mut self) -> Result<NpyHeader, String> {
        let (mut descriptor, mut is_by_columns, mut shape) = (None, None, None);
        self.need('{')?;
        while !self.take('}') {
            let key = self.quoted().ok_or_else(|| self.wrong("the name of an entry"))?;
            self.need(':')?;
            let is_new = match key {
                "descr" => descriptor.replace(self.descriptor()?).is_none(),
                "fortran_order" => is_by_columns.replace(self.truth()?).is_none(),
                "shape" => shape.replace(self.shape()?).is_none(),
                _ => return Err(format!("{key:?} is no entry of it")),
            };
            if !is_new {
                return Err(format!("{key} is there twice"));
            }
            if !self.take(',') {
                self.need('}')?;
                break;
            }
        }
        self.skip_spaces();
        if !self.text.is_empty() {
            return Err(self.wrong("its end"));
        }
        match (descriptor, is_by_columns, shape) {
            (Some(descriptor), Some(is_by_columns), Some(shape)) => {
                Ok(NpyHeader { descriptor, is_by_columns, shape })
            }
            (None, ..) => Err("descr is missing".into()),
            (_, None, _) => Err("fortran_order is missing".into()),
            _ => Err("shape is missing".into()),
        }
    }

    /// A name in quotes, or all of a list.
    fn descriptor(&mut self) -> Result<String, String> {
        if let Some(name) = self.quoted() {
            return Ok(name.into());
        }
        if !self.text.starts_with('[') {
            return Err(self.wrong("a type"));
        }
        let (mut depth, mut quote) = (0_usize, None);
        for (at, c) in self.text.char_indices() {
            match (quote, c) {
                (Some(open), _) if open == c => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '[' | '(') => depth += 1,
                (None, ']' | ')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                let (list, rest) = self.text.split_at(at + c.len_utf8());
                self.text = rest;
                return Ok(list.into());
            }
        }
        Err("its type does not end".into())
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.skip_spaces();
        for (word, truth) in [("True", true), ("False", false)] {
            if let Some(rest) = self.text.strip_prefix(word) {
                self.text = rest;
                return Ok(truth);
            }
        }
        Err(self.wrong("True or False"))
    }

    /// `(3, 2)`, `(3,)` or `()`; the numbers of old Pythons end with an L.
    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.need('(')?;
        let mut shape = Vec::new();
        while !self.take(')') {
            self.skip_spaces();
            let n_digits = self.text.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, rest) = self.text.split_at(n_digits);
            let length = digits.parse().map_err(|_| self.wrong("a length"))?;
            shape.push(length);
            self.text = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(',') {
                self.need(')')?;
                break;
            }
        }
        Ok(shape)
    }

    /// What stands in the quotes that come next; none if no quote does, or none closes.
    fn quoted(&mut self) -> Option<&'t str> {
        self.skip_spaces();
        let quote = self.text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (inside, rest) = self.text[1..].split_once(quote)?;
        self.text = rest;
        Some(inside)
    }

    fn skip_spaces(&mut self) {
        self.text = self.text.trim_start();
    }

    fn take(&mut self, c: char) -> bool {
        self.skip_spaces();
        self.text.strip_prefix(c).map(|rest| self.text = rest).is_some()
    }

    fn need(&mut self, c: char) -> Result<(), String> {
        if self.take(c) { Ok(()) } else { Err(self.wrong(&format!("`{c}`"))) }
    }

    fn wrong(&self, expected: &str) -> String {
        let found: String = self.text.chars().take(20).collect();
        if found.is_empty() {
            format!("expected {expected}, found its end")
        } else {
            format!("expected {expected}, found {found:?}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<NpyHeader, String> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(b"numbers");
        let mut reader = bytes.as_slice();
        let header = NpyHeader::read(&mut reader)?;
        assert_eq!(reader, b"numbers");
        Ok(header)
    }

    #[test]
    fn what_numpy_writes() {
        for (text, descriptor, is_by_columns, shape) in [
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }   \n", "<f8", false, vec![3, 2]),
            ("{'descr': '|b1', 'fortran_order': True, 'shape': (3,), }\n", "|b1", true, vec![3]),
            ("{\"shape\":(),\"fortran_order\":False,\"descr\":\">i4\"}", ">i4", false, vec![]),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 2L)}\n", "<f8", false, vec![3, 2]),
            (
                "{'descr': [('a}', '<f8'), (']', '<i4', (2,))], 'fortran_order': False, 'shape': (1,), }\n",
                "[('a}', '<f8'), (']', '<i4', (2,))]",
                false,
                vec![1],
            ),
        ] {
            assert_eq!(
                read(text).unwrap(),
                NpyHeader { descriptor: descriptor.into(), is_by_columns, shape }
            );
        }
    }

    #[test]
    fn what_is_none_says_why() {
        let brackets = format!("{{'descr': {}", "[{(".repeat(10_000));
        for (text, said) in [
            ("", "expected `{`, found its end"),
            ("{}", "descr is missing"),
            ("{'descr': '<f8', 'fortran_order': False}", "shape is missing"),
            ("{'descr': '<f8', 'shape': ()}", "fortran_order is missing"),
            ("{'descr': '<f8', 'descr': '<f8'}", "descr is there twice"),
            ("{'descr': '<f8' 'shape'", "expected `}`"),
            ("{'descr': '<f8", "expected a type"),
            ("{'kind': 1}", "\"kind\" is no entry"),
            ("{'shape': (-1,)}", "expected a length"),
            ("{'shape': (18446744073709551616,)}", "expected a length"),
            ("{'fortran_order': 1}", "expected True or False"),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': ()} x", "expected its end, found \"x\""),
            (&brackets, "its type does not end"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
        for (bytes, said) in [
            (&b"\x93NUMPY"[..], "cut short"),
            (b"\x93NUMPX\x01\x00", "does not begin"),
            (b"\x93NUMPY\x04\x00", "version 4"),
            (b"\x93NUMPY\x01\x00\xff", "cut short"),
            (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "claims 4294967295 bytes"),
            (b"\x93NUMPY\x01\x00\x01\x00\xff", "no text"),
        ] {
            let error = NpyHeader::read(&mut &bytes[..]).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
