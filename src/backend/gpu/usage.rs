//! [`Use`]: what buffers of the device are for.

/// What a buffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Kernels read and write it.
    Storage,
    /// Numbers that a kernel is started with.
    Uniform,
    /// The host reads it.
    Staging,
    /// Time stamps are written to it.
    Stamps,
}

impl Use {
    pub(super) fn flags(self) -> wgpu::BufferUsages {
        let copied = wgpu::BufferUsages::COPY_DST;
        match self {
            Self::Storage => wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | copied,
            Self::Uniform => wgpu::BufferUsages::UNIFORM | copied,
            Self::Staging => wgpu::BufferUsages::MAP_READ | copied,
            Self::Stamps => wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
        }
    }
}
