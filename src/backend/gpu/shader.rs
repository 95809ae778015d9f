//! The text of a kernel: constants, shared functions, the snippets of the model, the kernel itself.
//!
//! Sizes that a kernel is compiled for come first, as `const P4: u32 = 2u;`. A line of a kernel that contains `$j`
//! stands for [`UNROLLED`] such lines, with 0, 1, 2, ... in its place: compilers keep numbers in registers only where
//! each has a name.

use std::fmt::Write;

use crate::backend::Model;
use crate::error::DeviceError;

use super::adapter::INVOCATIONS;
use super::model;

/// The constant that says how often a line with `$j` is repeated.
pub(super) const UNROLLED: &str = "P4";

/// The constant that is 1 where exponentials are those of the compiler.
pub(super) const BUILT_IN_EXP: &str = "BUILT_IN_EXP";

/// How a kernel uses a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It reads it.
    Read,
    /// It writes it, and may read it.
    Write,
}

/// Shared functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shared {
    /// Exponentials and logarithms.
    Numeric,
    /// Loss, residual and curvature of the model, whose snippets come with it.
    Model,
    /// What a kernel is started with, and the row that a number of a pass stands for.
    Rows,
    /// Responses of several targets.
    Response,
    /// Products of two matrices summed over rows.
    Products,
    /// Which row of a pass is at a position of a channel.
    Positions,
    /// Samples of a channel, tile by tile.
    Samples,
    /// Products of tiles of samples with taps.
    Taps,
    /// Fourier transforms of blocks of samples.
    Transform,
}

/// A kernel: one file of `shaders/kernel`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) shared: &'static [Shared],
    /// Buffers behind the uniform one, in the order of their bindings.
    pub(super) bindings: &'static [Access],
}

/// Sizes and switches that a kernel is compiled for.
pub(super) type Constants = Vec<(&'static str, u32)>;

impl Kernel {
    /// The whole text.
    pub(super) fn source(&self, constants: &Constants, model: Option<Model>) -> String {
        let mut source = String::new();
        let of_model = model.map(model::constants).unwrap_or_default();
        for (name, value) in constants.iter().chain(&of_model) {
            // writing to a string cannot fail
            let _ = writeln!(source, "const {name}: u32 = {value}u;");
        }
        if self.is_numeric() && !constants.iter().any(|(name, _)| *name == BUILT_IN_EXP) {
            let _ = writeln!(source, "const {BUILT_IN_EXP}: u32 = 0u;");
        }
        for shared in self.shared {
            source.push_str(match shared {
                Shared::Numeric => include_str!("../../../shaders/shared/numeric.wgsl"),
                Shared::Model => include_str!("../../../shaders/shared/model.wgsl"),
                Shared::Response => include_str!("../../../shaders/shared/response.wgsl"),
                Shared::Rows => include_str!("../../../shaders/shared/rows.wgsl"),
                Shared::Products => include_str!("../../../shaders/shared/products.wgsl"),
                Shared::Positions => include_str!("../../../shaders/shared/positions.wgsl"),
                Shared::Transform => include_str!("../../../shaders/shared/transform.wgsl"),
                Shared::Taps => include_str!("../../../shaders/shared/taps.wgsl"),
                Shared::Samples => include_str!("../../../shaders/shared/samples.wgsl"),
            });
            if let (Shared::Model, Some(model)) = (shared, model) {
                source.push_str(model::inverse_link(model.inverse_link));
                source.push_str(model::observation(model.observation));
            }
        }
        let n = constants.iter().find(|(name, _)| *name == UNROLLED).map_or(1, |(_, value)| *value);
        for line in self.text.lines() {
            let times = if line.contains("$j") { n } else { 1 };
            for j in 0..times {
                source.push_str(&line.replace("$j", &j.to_string()));
                source.push('\n');
            }
        }
        source
    }

    /// Whether it has elementary functions.
    pub(super) fn is_numeric(&self) -> bool {
        self.shared.contains(&Shared::Numeric)
    }

    /// Parses and checks a text, memory (at most so many bytes) and size of its work groups too, which no one else checks.
    pub(super) fn checked(&self, source: &str, most_bytes: u32) -> Result<naga::Module, DeviceError> {
        let rejected = |message: String| DeviceError::ShaderRejected { kernel: self.name.into(), message };
        let module =
            naga::front::wgsl::parse_str(source).map_err(|error| rejected(error.emit_to_string(source)))?;
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).map_err(|error| rejected(error.to_string()))?;
        let own = |(_, variable): (_, &naga::GlobalVariable)| {
            let is_own = variable.space == naga::AddressSpace::WorkGroup;
            if is_own { layouter[variable.ty].size.next_multiple_of(16) } else { 0 }
        };
        let n_bytes: u32 = module.global_variables.iter().map(own).sum();
        if n_bytes > most_bytes {
            return Err(rejected(format!("{n_bytes} bytes of work-group memory, at most {most_bytes}")));
        }
        let n: u32 =
            module.entry_points.iter().map(|entry| entry.workgroup_size.iter().product()).max().unwrap_or(0);
        if n == 0 || n > INVOCATIONS {
            return Err(rejected(format!("{n} invocations of a work group, 1 to {INVOCATIONS} expected")));
        }
        Ok(module)
    }
}
