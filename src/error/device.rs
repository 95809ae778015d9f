/// What can go wrong with a GPU.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No adapter is what was asked for.
    #[error("no GPU to use: looked for {looked_for}; {}", listed(found))]
    NoAdapter {
        /// What would have been taken.
        looked_for: String,
        /// What is there, and why it was not taken.
        found: Vec<String>,
    },
    /// A name that several adapters have.
    #[error("device {name:?} is a part of several names: {}", found.join("; "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The adapters that it could be.
        found: Vec<String>,
    },
    /// An adapter that cannot run the kernels.
    #[error("{adapter} is too small: {limit} must be at least {needed}, it has {has}")]
    AdapterTooSmall {
        /// The adapter.
        adapter: String,
        /// The limit.
        limit: String,
        /// What the kernels need.
        needed: u64,
        /// What there is.
        has: u64,
    },
    /// An adapter that gives no device.
    #[error("{adapter} does not open: {reason}")]
    Unavailable {
        /// The adapter.
        adapter: String,
        /// What the driver said.
        reason: String,
    },
    /// Memory of the device that is not there.
    #[error("the GPU has no room for {asked_bytes} bytes more beside the {held_bytes} that it holds")]
    OutOfMemory {
        /// Bytes asked for.
        asked_bytes: u64,
        /// Bytes of all buffers before.
        held_bytes: u64,
    },
    /// A kernel that the device or its compiler refuses: a mistake of ours.
    #[error("the GPU refuses the kernel {kernel}: {message}")]
    ShaderRejected {
        /// The kernel.
        kernel: String,
        /// What was said.
        message: String,
    },
    /// The device went away.
    #[error("the GPU was lost: {reason}")]
    Lost {
        /// What the driver said.
        reason: String,
    },
    /// The device does not answer.
    #[error("the GPU did not answer within {waited_s} s")]
    Hung {
        /// Seconds.
        waited_s: f64,
    },
    /// What was read back is not what the device had: stale, empty or changed on the way.
    #[error("the answer of the GPU is not the one that it gave: {n_broken} of {n_sealed} seals are broken")]
    Garbled {
        /// Seals that do not fit.
        n_broken: usize,
        /// All of them.
        n_sealed: usize,
    },
    /// Numbers that no data have.
    #[error("the GPU computes wrong: {what}")]
    Wrong {
        /// Which numbers, and why they cannot be.
        what: String,
    },
}

impl DeviceError {
    /// What it is, in one word: `no_adapter`, `ambiguous`, `too_small`, `unavailable`, `out_of_memory`, `rejected`, `lost`, `hung`,
    /// `garbled` or `wrong`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoAdapter { .. } => "no_adapter",
            Self::Ambiguous { .. } => "ambiguous",
            Self::AdapterTooSmall { .. } => "too_small",
            Self::Unavailable { .. } => "unavailable",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::ShaderRejected { .. } => "rejected",
            Self::Lost { .. } => "lost",
            Self::Hung { .. } => "hung",
            Self::Garbled { .. } => "garbled",
            Self::Wrong { .. } => "wrong",
        }
    }

    /// Whether a fresh device may do better. One that does not answer keeps others of the same adapter from answering, too.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Garbled { .. } | Self::Wrong { .. })
    }

    /// What to do about it, one line.
    pub(super) fn help(&self) -> String {
        match self {
            Self::NoAdapter { found, .. } if !found.is_empty() => {
                "name one of these with `--device` (a part of its name, or its number in `rheobase devices`), or set \
                 RHEOBASE_SOFTWARE_GPU=1 to let software count; for a GPU that is not among them install its Vulkan driver; or \
                 use `--backend cpu`"
                    .into()
            }
            Self::NoAdapter { .. } | Self::Unavailable { .. } => {
                "install the GPU's Vulkan driver (on Linux `libvulkan1` and the vendor's graphics libraries; a container \
                 must be run with the graphics capability); `rheobase devices` lists what is there; or use `--backend cpu`"
                    .into()
            }
            Self::Ambiguous { .. } => "give more of the name, or its number in `rheobase devices`".into(),
            Self::OutOfMemory { .. } => {
                "fit fewer features or wider bins, close other programs that use the GPU, or use `--backend cpu`".into()
            }
            Self::Hung { .. } | Self::Lost { .. } | Self::Garbled { .. } | Self::Wrong { .. } => {
                "use `--backend cpu`, or `--backend auto` to fall back by itself; update the driver if it happens again"
                    .into()
            }
            Self::AdapterTooSmall { .. } | Self::ShaderRejected { .. } => {
                "use `--backend cpu`, or `--backend auto` to fall back by itself".into()
            }
        }
    }
}

/// A list in words.
fn listed(found: &[String]) -> String {
    if found.is_empty() { "there is no adapter at all".into() } else { format!("found {}", found.join("; ")) }
}

/// Where the fit of a target stood, in the user's units.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Column of the response.
    pub target: usize,
    /// One per column of the design.
    pub coef: Vec<f64>,
    /// The intercept.
    pub intercept: f64,
    /// Steps taken to get there.
    pub iterations: usize,
    /// Passes over the rows.
    pub passes: usize,
}
