//! Values by libhdf5.

use hdf5::types::{
    FixedAscii, FloatSize, IntSize, Reference, TypeDescriptor as Type, VarLenAscii, VarLenUnicode,
};
use hdf5::{Container, File, H5Type, ObjectReference, ObjectReference1, ReferencedObject};

use crate::Values;

#[derive(Clone, Copy, H5Type)]
#[repr(C)]
struct Position<T: H5Type> {
    x: T,
    y: T,
    z: T,
}

/// The values of a dataset or attribute. A type that no file of the tests has yet is a failure: it has to be added here.
pub(crate) fn values(container: &Container, file: &File, address: &dyn Fn(&str) -> u64) -> Values {
    macro_rules! bits {
        ($kind:ty, $bits:expr) => {
            Values::Bits(container.read_raw::<$kind>().unwrap().into_iter().map($bits).collect())
        };
    }
    macro_rules! texts {
        ($kind:ty) => {
            Values::Texts(container.read_raw::<$kind>().unwrap().iter().map(ToString::to_string).collect())
        };
    }
    match container.dtype().unwrap().to_descriptor().unwrap() {
        Type::Integer(IntSize::U1) => bits!(i8, |x| x.cast_unsigned().into()),
        Type::Integer(IntSize::U2) => bits!(i16, |x| x.cast_unsigned().into()),
        Type::Integer(IntSize::U4) => bits!(i32, |x| x.cast_unsigned().into()),
        Type::Integer(IntSize::U8) => bits!(i64, i64::cast_unsigned),
        Type::Unsigned(IntSize::U1) => bits!(u8, u64::from),
        Type::Unsigned(IntSize::U2) => bits!(u16, u64::from),
        Type::Unsigned(IntSize::U4) => bits!(u32, u64::from),
        Type::Unsigned(IntSize::U8) => bits!(u64, |x| x),
        Type::Float(FloatSize::U4) => bits!(f32, |x| x.to_bits().into()),
        Type::Float(FloatSize::U8) => bits!(f64, f64::to_bits),
        Type::Boolean => bits!(bool, u64::from),
        Type::VarLenUnicode => texts!(VarLenUnicode),
        Type::VarLenAscii => texts!(VarLenAscii),
        Type::FixedAscii(n) if n <= 256 => texts!(FixedAscii<256>),
        Type::Reference(Reference::Object) => {
            let found = container.read_raw::<ObjectReference1>().unwrap();
            Values::Addresses(found.iter().map(|to| address(&name(*to, file))).collect())
        }
        Type::Compound(record) => {
            let size = record.fields[0].ty.size();
            let names: Vec<&str> = record.fields.iter().map(|field| field.name.as_str()).collect();
            assert_eq!(names, ["x", "y", "z"], "a record that is no position");
            if size == 4 { positions::<f32>(container) } else { positions::<f64>(container) }
        }
        other => panic!("{other} is not compared yet"),
    }
}

fn positions<T: H5Type + Copy + Into<f64>>(container: &Container) -> Values {
    let found = container.read_raw::<Position<T>>().unwrap();
    let bits = found.iter().flat_map(|at| [at.x, at.y, at.z]).map(|x| x.into().to_bits());
    // one value that has three parts
    Values::Texts(vec![format!("{:?}", bits.collect::<Vec<u64>>())])
}

fn name(to: ObjectReference1, file: &File) -> String {
    match to.dereference(file).unwrap() {
        ReferencedObject::Group(group) => group.name(),
        ReferencedObject::Dataset(set) => set.name(),
        ReferencedObject::Datatype(_) => panic!("a reference to neither group nor dataset"),
    }
}
