//! Values by `hdf5-reader`.

use hdf5_reader::{Attribute, Dataset, Datatype};

use crate::Values;

/// The values of a dataset.
pub(crate) fn of_dataset(set: &Dataset) -> Values {
    match set.dtype() {
        Datatype::String { .. } | Datatype::VarLen { .. } => Values::Texts(set.read_strings().unwrap()),
        kind => of_bytes(kind, &set.read_raw_bytes().unwrap()),
    }
}

/// The values of an attribute.
pub(crate) fn of_attribute(attribute: &Attribute) -> Values {
    match &attribute.datatype {
        Datatype::String { .. } | Datatype::VarLen { .. } => Values::Texts(attribute.read_strings().unwrap()),
        kind => of_bytes(kind, &attribute.raw_data),
    }
}

/// Numbers as they are stored.
fn of_bytes(kind: &Datatype, bytes: &[u8]) -> Values {
    match kind {
        Datatype::FixedPoint { size, byte_order, .. } | Datatype::FloatingPoint { size, byte_order } => {
            let is_little = format!("{byte_order:?}") == "LittleEndian";
            Values::Bits(bytes.chunks_exact(usize::from(*size)).map(|x| bits(x, is_little)).collect())
        }
        Datatype::Enum { base, .. } => of_bytes(base, bytes),
        Datatype::Reference { .. } => {
            Values::Addresses(bytes.chunks_exact(8).map(|x| bits(x, true)).collect())
        }
        Datatype::Compound { fields, .. } => {
            let of_field = |k: usize| {
                let field = &fields[k];
                let size =
                    if matches!(field.datatype, Datatype::FloatingPoint { size: 4, .. }) { 4 } else { 8 };
                let bits = bits(&bytes[field.byte_offset as usize..][..size], true);
                if size == 4 { f64::from(f32::from_bits(bits as u32)).to_bits() } else { bits }
            };
            Values::Texts(vec![format!("{:?}", (0..fields.len()).map(of_field).collect::<Vec<u64>>())])
        }
        other => panic!("{other:?} is not compared yet"),
    }
}

fn bits(bytes: &[u8], is_little: bool) -> u64 {
    let mut all = [0; 8];
    if is_little {
        all[..bytes.len()].copy_from_slice(bytes);
    } else {
        all[..bytes.len()].copy_from_slice(bytes);
        all[..bytes.len()].reverse();
    }
    u64::from_le_bytes(all)
}

/// A dataset of numbers as numbers.
pub(crate) fn numbers(set: &Dataset) -> Vec<f64> {
    let Values::Bits(bits) = of_dataset(set) else { panic!("{} holds no numbers", set.name()) };
    bits.into_iter().map(|bits| number(set.dtype(), bits)).collect()
}

/// An attribute of numbers as a number.
pub(crate) fn number_of(attribute: &Attribute) -> f64 {
    let Values::Bits(bits) = of_attribute(attribute) else { panic!("{} is no number", attribute.name) };
    number(&attribute.datatype, bits[0])
}

fn number(kind: &Datatype, bits: u64) -> f64 {
    match kind {
        Datatype::FloatingPoint { size: 4, .. } => f32::from_bits(bits as u32).into(),
        Datatype::FloatingPoint { .. } => f64::from_bits(bits),
        Datatype::FixedPoint { size, signed: true, .. } => {
            let shift = 64 - 8 * u32::from(*size);
            ((bits << shift).cast_signed() >> shift) as f64
        }
        _ => bits as f64,
    }
}
