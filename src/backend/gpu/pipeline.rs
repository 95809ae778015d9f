//! Compiled kernels, made once per device, model and sizes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::device::Device;
use super::shader::{Access, BUILT_IN_EXP, Constants, Kernel};
use crate::backend::Model;
use crate::error::DeviceError;
use crate::{Error, Result};

/// What a compiled kernel was made for.
type Key = (&'static str, Option<Model>, Constants);

/// Compiled kernels.
#[derive(Debug, Default)]
pub(super) struct Pipelines {
    made: Mutex<HashMap<Key, Arc<Pipeline>>>,
}

/// A compiled kernel.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) raw: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
    /// How long it took from the text on.
    pub(super) compiled_s: f64,
}

impl Pipelines {
    /// Every compiled kernel with the seconds that it took, by name.
    pub(super) fn seconds(&self) -> Vec<(&'static str, f64)> {
        let Ok(made) = self.made.lock() else { return Vec::new() };
        let mut all: Vec<_> = made.iter().map(|(key, made)| (key.0, made.compiled_s)).collect();
        all.sort_by(|a, b| a.0.cmp(b.0).then(a.1.total_cmp(&b.1)));
        all
    }
}

impl Device {
    /// The kernel compiled for a model and sizes.
    pub(super) fn pipeline(
        &self,
        kernel: &Kernel,
        mut constants: Constants,
        model: Option<Model>,
    ) -> Result<Arc<Pipeline>> {
        if self.variant.built_in_exp && kernel.is_numeric() {
            constants.push((BUILT_IN_EXP, 1));
        }
        let key = (kernel.name, model, constants);
        if let Ok(made) = self.pipelines.made.lock()
            && let Some(pipeline) = made.get(&key)
        {
            return Ok(Arc::clone(pipeline));
        }
        let pipeline = Arc::new(self.compile(kernel, &key.2, model)?);
        if let Ok(mut made) = self.pipelines.made.lock() {
            made.insert(key, Arc::clone(&pipeline));
        }
        Ok(pipeline)
    }

    fn compile(&self, kernel: &Kernel, constants: &Constants, model: Option<Model>) -> Result<Pipeline> {
        let started = Instant::now();
        let source = kernel.source(constants, model);
        kernel.checked(&source, self.variant.workgroup_bytes()).map_err(Error::Gpu)?;
        let scope = self.raw.push_error_scope(wgpu::ErrorFilter::Validation);
        let entries: Vec<_> = std::iter::once(uniform())
            .chain(kernel.bindings.iter().enumerate().map(|(k, access)| storage(1 + k, *access)))
            .collect();
        let layout = self.raw.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(kernel.name),
            entries: &entries,
        });
        let pipeline_layout = self.raw.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(kernel.name),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = self.raw.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(kernel.name),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let raw = self.raw.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(kernel.name),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                // every kernel writes its memory before it reads it
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        });
        match pollster::block_on(scope.pop()) {
            None => Ok(Pipeline { raw, layout, compiled_s: started.elapsed().as_secs_f64() }),
            Some(error) => Err(Error::Gpu(DeviceError::ShaderRejected {
                kernel: kernel.name.into(),
                message: error.to_string(),
            })),
        }
    }
}

/// The numbers that a kernel is started with.
fn uniform() -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: 0,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: true,
            min_binding_size: None,
        },
        count: None,
    }
}

fn storage(binding: usize, access: Access) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Storage { read_only: access == Access::Read },
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}
