//! Compiled kernels, made once per device, model and sizes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::device::Device;
use super::shader::{Access, Constants, Kernel};
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
}

impl Device {
    /// The kernel compiled for a model and sizes.
    pub(super) fn pipeline(
        &self,
        kernel: &Kernel,
        constants: Constants,
        model: Option<Model>,
    ) -> Result<Arc<Pipeline>> {
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
        let source = kernel.source(constants, model);
        kernel.checked(&source).map_err(Error::Gpu)?;
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
            None => Ok(Pipeline { raw, layout }),
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
