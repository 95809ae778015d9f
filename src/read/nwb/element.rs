//! What the elements of a dataset or attribute are, and texts out of them.
//!
//! The binding of HDF5 describes a type by walking through it, and takes the value of a named number for one of at most
//! 8 bytes: a file that claims wider ones would have it write past the end of a variable. So a type is described only
//! after the conversions that the library knows have said that it is one of those that can be read here.

use hdf5::types::{FixedAscii, FixedUnicode, TypeDescriptor as Type, VarLenAscii, VarLenUnicode};
use hdf5::{Container, Dataset, Datatype, Location, ObjectReference1, ObjectReference2};

/// What the elements of a dataset are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::read) enum Element {
    Number,
    Truth,
    Text,
    Reference,
    Other(String),
}

/// Bytes of the widest number.
const WIDEST_NUMBER: usize = 8;
/// Bytes of what stands for a text of variable length in memory: an address.
const ADDRESS: usize = 8;
/// Bytes of the largest attribute that is read. They hold names and factors: this is room for the names of a hundred
/// thousand columns.
const MOST_ATTRIBUTE_BYTES: usize = 16 << 20;
/// Texts that are read at a time, at least and at most.
const PIECE_TEXTS: [u64; 2] = [1, 1 << 16];

/// The type of the elements, if it is one of those that are read.
pub(in crate::read) fn description(container: &Container) -> hdf5::Result<Type> {
    let dtype = container.dtype()?;
    if is_number(&dtype) || is_text(&dtype) || is_reference(&dtype) {
        return dtype.to_descriptor();
    }
    Err(hdf5::Error::from(format!("values of another kind, {} bytes each", dtype.size())))
}

/// Whether it is a number, or a name of one.
fn is_number(dtype: &Datatype) -> bool {
    dtype.size() <= WIDEST_NUMBER && dtype.conv_to::<f64>().is_some()
}

fn is_text(dtype: &Datatype) -> bool {
    let is_fixed = || dtype.conv_to::<FixedAscii<1>>().or(dtype.conv_to::<FixedUnicode<1>>()).is_some();
    let is_variable = || dtype.conv_to::<VarLenAscii>().or(dtype.conv_to::<VarLenUnicode>()).is_some();
    // a list of variable length, which may convert to a text, takes a length besides the address
    is_fixed() || (dtype.size() == ADDRESS && is_variable())
}

fn is_reference(dtype: &Datatype) -> bool {
    dtype.is::<ObjectReference1>() || dtype.is::<ObjectReference2>()
}

/// Number of elements that a header claims; as many as there can be where their product overflows.
pub(in crate::read) fn n_items(set: &Container) -> usize {
    set.shape().iter().fold(1, |n: usize, &m| n.saturating_mul(m))
}

/// What the elements of a dataset are.
pub(in crate::read) fn element(set: &Container) -> Element {
    match description(set) {
        Ok(Type::Integer(_) | Type::Unsigned(_) | Type::Float(_)) => Element::Number,
        Ok(Type::Boolean) => Element::Truth,
        Ok(Type::FixedAscii(_) | Type::FixedUnicode(_) | Type::VarLenAscii | Type::VarLenUnicode) => {
            Element::Text
        }
        Ok(Type::Reference(_)) => Element::Reference,
        Ok(other) => Element::Other(other.to_string()),
        Err(error) => Element::Other(clean(&error.to_string())),
    }
}

/// Bytes that a text takes while it is read, besides its letters.
pub(super) fn text_bytes(kind: &Type) -> usize {
    match kind {
        Type::FixedAscii(n) | Type::FixedUnicode(n) if *n <= 64 => 64,
        Type::FixedAscii(n) | Type::FixedUnicode(n) if *n <= 1024 => 1024,
        Type::FixedAscii(_) | Type::FixedUnicode(_) => 16384,
        _ => 16,
    }
}

/// Reads texts of this kind by `read`, which takes the type in memory: variable or fixed length, ASCII or UTF-8 (invalid
/// bytes replaced).
macro_rules! texts_of_kind {
    ($kind:expr, $read:ident) => {
        match $kind {
            Type::VarLenUnicode => $read!(VarLenUnicode),
            Type::VarLenAscii => $read!(VarLenAscii),
            Type::FixedAscii(n) if n <= 64 => $read!(FixedAscii<64>),
            Type::FixedAscii(n) if n <= 1024 => $read!(FixedAscii<1024>),
            Type::FixedAscii(n) if n <= 16384 => $read!(FixedAscii<16384>),
            Type::FixedUnicode(n) if n <= 64 => $read!(FixedUnicode<64>),
            Type::FixedUnicode(n) if n <= 1024 => $read!(FixedUnicode<1024>),
            Type::FixedUnicode(n) if n <= 16384 => $read!(FixedUnicode<16384>),
            other => Err(hdf5::Error::from(format!("expected text, found {other}"))),
        }
    };
}

/// All texts at once.
pub(super) fn texts_at_once(container: &Container) -> hdf5::Result<Vec<String>> {
    macro_rules! read {
        ($kind:ty) => {
            container
                .read_raw::<$kind>()
                .map(|texts| texts.iter().map(|text| lossy(text.as_bytes())).collect())
        };
    }
    texts_of_kind!(description(container)?, read)
}

/// Texts of variable length of a list, piece by piece, as long as they have at most `limit_bytes`; `None` if they have
/// more. Elements of such a list may all be one long text that the file of `file_bytes` holds once.
pub(super) fn texts_in_pieces(
    set: &Dataset,
    file_bytes: u64,
    limit_bytes: u64,
) -> hdf5::Result<Option<Vec<String>>> {
    let kind = description(set)?;
    let n = n_items(set);
    let mut all: Vec<String> = Vec::new();
    let mut left = limit_bytes;
    while all.len() < n {
        let piece = (left / file_bytes.max(1)).clamp(PIECE_TEXTS[0], PIECE_TEXTS[1]) as usize;
        let rows = all.len()..(all.len() + piece).min(n);
        macro_rules! read {
            ($kind:ty) => {
                set.read_slice_1d::<$kind, _>(rows)
                    .map(|texts| texts.iter().map(|text| lossy(text.as_bytes())).collect::<Vec<String>>())
            };
        }
        let texts = texts_of_kind!(kind.clone(), read)?;
        let n_bytes = texts.iter().map(|text| (text.len() + size_of::<String>()) as u64).sum();
        let Some(rest) = left.checked_sub(n_bytes) else { return Ok(None) };
        left = rest;
        all.extend(texts);
    }
    Ok(Some(all))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A name or message out of the library, which does not check that it is UTF-8.
pub(in crate::read) fn clean(text: &str) -> String {
    lossy(text.as_bytes())
}

/// Names of the members of a group; none where they cannot be listed.
pub(in crate::read) fn member_names(group: &hdf5::Group) -> Vec<String> {
    group.member_names().unwrap_or_default().iter().map(|name| clean(name)).collect()
}

/// Attribute `name` as one text, if it is there and is text.
pub(in crate::read) fn attribute_text(at: &Location, name: &str) -> Option<String> {
    attribute_texts(at, name)?.into_iter().next()
}

/// Attribute `name` as a list of texts, if it is there, is text, and is not enormous.
pub(super) fn attribute_texts(at: &Location, name: &str) -> Option<Vec<String>> {
    let attribute = at.attr(name).ok()?;
    let kind = description(&attribute).ok()?;
    if n_items(&attribute).saturating_mul(text_bytes(&kind)) > MOST_ATTRIBUTE_BYTES {
        return None;
    }
    texts_at_once(&attribute).ok()
}

/// Attribute `name` as one number; none where nothing has that name.
///
/// # Errors
/// What it is, where it is no single number.
pub(super) fn attribute_number(at: &Location, name: &str) -> Result<Option<f64>, String> {
    let Ok(attribute) = at.attr(name) else {
        let names = at.attr_names().map_err(|error| clean(&error.to_string()))?;
        return if names.iter().any(|there| there == name) {
            Err("something unreadable".into())
        } else {
            Ok(None)
        };
    };
    match (element(&attribute), n_items(&attribute)) {
        (Element::Number, 1) => match attribute.read_raw::<f64>() {
            Ok(numbers) => Ok(numbers.first().copied()),
            Err(error) => Err(clean(&error.to_string())),
        },
        (Element::Number, n) => Err(format!("{n} numbers")),
        (Element::Text, _) => Err(format!("the text {:?}", attribute_text(at, name).unwrap_or_default())),
        (Element::Truth, _) => Err("a truth value".into()),
        (Element::Reference, _) => Err("a reference".into()),
        (Element::Other(what), _) => Err(what),
    }
}

/// The objects that the elements of a dataset or attribute refer to; `None` where they are no references, or more than
/// `most`.
pub(super) fn references(container: &Container, most: usize) -> Option<Vec<ObjectReference1>> {
    let is_readable = container.dtype().is_ok_and(|dtype| dtype.is::<ObjectReference1>());
    if !is_readable || n_items(container) > most {
        return None;
    }
    container.read_raw().ok()
}
