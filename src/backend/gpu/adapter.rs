//! The adapters of the machine: what they are, whether they can be used, and which one is taken.
//!
//! Vulkan, Metal and DX12 are looked for (`WGPU_BACKEND` may narrow them); no display is needed. An adapter that computes
//! in software counts only where it is named, or where the variable [`SOFTWARE`] asks for it: it is for tests.

use std::cmp::Reverse;

use crate::error::DeviceError;
use crate::{Error, Result};

/// The variable that lets software adapters count.
pub const SOFTWARE: &str = "RHEOBASE_SOFTWARE_GPU";
/// Bytes of one binding that the kernels need at least.
const LEAST_BINDING: u64 = 128 << 20;
/// Bytes of memory of a work group, and its invocations.
pub(super) const WORKGROUP_BYTES: u32 = 16 << 10;
pub(super) const INVOCATIONS: u32 = 256;

/// What an adapter is.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Facts {
    /// Its place in the list.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// `discrete`, `integrated`, `virtual`, `software` or `other`.
    pub kind: &'static str,
    /// `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// Bytes of the largest buffer.
    pub max_buffer_bytes: u64,
    /// Bytes of a buffer that one kernel can see.
    pub max_binding_bytes: u64,
    /// Bytes of memory of a work group.
    pub max_workgroup_bytes: u32,
    /// Invocations of a work group.
    pub max_invocations: u32,
    /// Fewest and most invocations that run in step.
    pub subgroup_sizes: [u32; 2],
    /// Whether kernels can be timed on it.
    pub has_timestamps: bool,
    /// All limits of the adapter.
    #[serde(skip)]
    pub(super) limits: wgpu::Limits,
    /// Why it cannot be used, if so.
    pub unusable: Option<String>,
}

impl Facts {
    fn of(number: usize, adapter: &wgpu::Adapter) -> Self {
        let (info, limits) = (adapter.get_info(), adapter.limits());
        let driver = format!("{} {}", info.driver, info.driver_info).trim().to_string();
        let mut facts = Self {
            number,
            name: info.name,
            kind: kind(info.device_type),
            backend: info.backend.to_string(),
            driver,
            max_buffer_bytes: limits.max_buffer_size,
            max_binding_bytes: limits.max_storage_buffer_binding_size,
            max_workgroup_bytes: limits.max_compute_workgroup_storage_size,
            max_invocations: limits.max_compute_invocations_per_workgroup,
            subgroup_sizes: [info.subgroup_min_size, info.subgroup_max_size],
            has_timestamps: adapter.features().contains(wgpu::Features::TIMESTAMP_QUERY),
            limits,
            unusable: None,
        };
        facts.unusable = facts.too_small().map(|error| error.to_string());
        facts
    }

    /// Whether it computes in software.
    pub fn is_software(&self) -> bool {
        self.kind == "software"
    }

    /// Name and backend, for people.
    pub fn title(&self) -> String {
        format!("{} ({}, {})", self.name, self.backend, self.kind)
    }

    fn too_small(&self) -> Option<DeviceError> {
        let limits = [
            ("bytes of a storage binding", LEAST_BINDING, self.max_binding_bytes),
            ("invocations of a work group", INVOCATIONS.into(), self.max_invocations.into()),
            ("bytes of work-group memory", WORKGROUP_BYTES.into(), self.max_workgroup_bytes.into()),
        ];
        let (limit, needed, has) = limits.into_iter().find(|(_, needed, has)| has < needed)?;
        Some(DeviceError::AdapterTooSmall { adapter: self.title(), limit: limit.into(), needed, has })
    }

    /// Refuses where work groups have not so much memory.
    pub(super) fn check_workgroup_bytes(&self, needed: u32) -> Result<()> {
        if needed <= self.max_workgroup_bytes {
            return Ok(());
        }
        let (adapter, limit) = (self.title(), "bytes of work-group memory".into());
        let (needed, has) = (needed.into(), self.max_workgroup_bytes.into());
        Err(Error::Gpu(DeviceError::AdapterTooSmall { adapter, limit, needed, has }))
    }
}

fn kind(device_type: wgpu::DeviceType) -> &'static str {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    }
}

/// All adapters with what they are.
fn adapters() -> Vec<(Facts, wgpu::Adapter)> {
    let known = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends &= known;
    descriptor.memory_budget_thresholds.for_resource_creation = Some(80);
    let backends = descriptor.backends;
    let instance = wgpu::Instance::new(descriptor);
    let found = pollster::block_on(instance.enumerate_adapters(backends));
    found.into_iter().enumerate().map(|(k, adapter)| (Facts::of(k, &adapter), adapter)).collect()
}

/// The adapters of this machine.
pub fn list() -> Vec<Facts> {
    adapters().into_iter().map(|(facts, _)| facts).collect()
}

/// The variable that names an adapter where nothing else does, as for all programs that use wgpu.
const NAMED: &str = "WGPU_ADAPTER_NAME";

/// Whether software adapters count.
pub fn software_counts() -> bool {
    std::env::var(SOFTWARE).is_ok_and(|value| !value.is_empty() && value != "0")
}

/// Which adapter is wanted: one by a part of its name or its number, or the best there is.
///
/// # Errors
/// [`DeviceError::NoAdapter`] and [`DeviceError::Ambiguous`].
fn pick<'f>(
    all: &'f [Facts],
    name: Option<&str>,
    software: bool,
) -> std::result::Result<&'f Facts, DeviceError> {
    let titles = |facts: &[&Facts]| facts.iter().map(|facts| facts.title()).collect::<Vec<_>>();
    if let Some(name) = name {
        let by_number = name.parse::<usize>().ok().and_then(|number| all.get(number));
        let wanted = name.to_lowercase();
        let mut found: Vec<&Facts> = match by_number {
            Some(facts) => vec![facts],
            None => all.iter().filter(|facts| facts.name.to_lowercase().contains(&wanted)).collect(),
        };
        // the whole name of one may be a part of another's
        if found.iter().any(|facts| facts.name.to_lowercase() == wanted) {
            found.retain(|facts| facts.name.to_lowercase() == wanted);
        }
        return match found.as_slice() {
            [one] => Ok(one),
            [] => Err(DeviceError::NoAdapter {
                looked_for: match name.parse::<usize>() {
                    Ok(number) => format!("a device with the number {number}, or with it in its name"),
                    Err(_) => format!("a device whose name contains {name:?}"),
                },
                found: titles(&all.iter().collect::<Vec<_>>()),
            }),
            several => Err(DeviceError::Ambiguous { name: name.into(), found: titles(several) }),
        };
    }
    let rank = |facts: &&Facts| {
        let by_kind = ["software", "other", "virtual", "integrated", "discrete"];
        let kind = by_kind.iter().position(|kind| *kind == facts.kind);
        // of one device through several backends the first
        (facts.unusable.is_none(), kind, Reverse(facts.number))
    };
    let counts = |facts: &&Facts| software || !facts.is_software();
    all.iter().filter(counts).max_by_key(rank).ok_or_else(|| {
        let why =
            |facts: &Facts| format!("{} (computes in software: not counted unless named)", facts.title());
        DeviceError::NoAdapter {
            looked_for: "a GPU with Vulkan, Metal or DX12".into(),
            found: all.iter().map(why).collect(),
        }
    })
}

/// The adapter that is wanted, by its name or by the variable `WGPU_ADAPTER_NAME`; see [`super::Gpu::open`].
pub(super) fn find(name: Option<&str>) -> Result<(Facts, wgpu::Adapter)> {
    let mut all = adapters();
    let facts: Vec<Facts> = all.iter().map(|(facts, _)| facts.clone()).collect();
    let variable = std::env::var(NAMED).ok().filter(|name| !name.is_empty());
    let name = name.or(variable.as_deref());
    let number = pick(&facts, name, software_counts()).map_err(Error::Gpu)?.number;
    let (facts, adapter) = all.swap_remove(number);
    match facts.too_small() {
        Some(error) => Err(Error::Gpu(error)),
        None => Ok((facts, adapter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(number: usize, name: &str, kind: &'static str) -> Facts {
        Facts {
            number,
            name: name.into(),
            kind,
            backend: "vulkan".into(),
            driver: String::new(),
            max_buffer_bytes: 1 << 31,
            max_binding_bytes: 1 << 31,
            max_workgroup_bytes: 32 << 10,
            max_invocations: 1024,
            subgroup_sizes: [32, 32],
            has_timestamps: true,
            limits: wgpu::Limits::default(),
            unusable: None,
        }
    }

    #[test]
    fn the_best_adapter_is_taken_and_software_only_when_asked_for() {
        let all = [
            facts(0, "llvmpipe", "software"),
            facts(1, "Iris Xe", "integrated"),
            facts(2, "RTX 4000", "discrete"),
        ];
        assert_eq!(pick(&all, None, false).unwrap().number, 2);
        assert_eq!(pick(&all[..2], None, true).unwrap().number, 1);
        assert_eq!(pick(&all[..1], None, true).unwrap().number, 0);
        let error = pick(&all[..1], None, false).unwrap_err().to_string();
        assert!(error.contains("llvmpipe") && error.contains("software"), "{error}");
        assert!(pick(&[], None, true).unwrap_err().to_string().contains("no adapter at all"));
    }

    #[test]
    fn a_name_must_be_that_of_one_adapter() {
        let all = [
            facts(0, "RTX 4000 Ada", "discrete"),
            facts(1, "RTX 4000", "discrete"),
            facts(2, "llvmpipe", "software"),
        ];
        assert_eq!(pick(&all, Some("ada"), false).unwrap().number, 0);
        assert_eq!(pick(&all, Some("rtx 4000"), false).unwrap().number, 1, "the whole name");
        assert_eq!(pick(&all, Some("LLVM"), false).unwrap().number, 2, "naming is asking");
        assert_eq!(pick(&all, Some("1"), false).unwrap().number, 1);
        let several = pick(&all, Some("rtx"), false).unwrap_err();
        assert!(matches!(&several, DeviceError::Ambiguous { found, .. } if found.len() == 2));
        let none = pick(&all, Some("radeon"), false).unwrap_err().to_string();
        assert!(none.contains("radeon") && none.contains("RTX 4000 Ada"), "{none}");
    }

    #[test]
    fn an_adapter_below_the_limits_says_which() {
        let small = Facts { max_binding_bytes: 1 << 20, ..facts(0, "tiny", "integrated") };
        let error = small.too_small().unwrap();
        assert!(error.to_string().contains("storage binding") && error.to_string().contains("1048576"));
        assert_eq!(facts(0, "fine", "integrated").too_small(), None);
    }
}
