//! Responses on a backend, and which of them targets have.

/// Which response and which weights a target of a sweep has.
///
/// Most often a target is a response. Fits to parts of the rows beside one another have every response once for each part, and
/// all of these once more for each penalty: target `(s P + k) M + m` is response `m` of `M` with the weights of part `k` of `P`,
/// for the `s`-th time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cast {
    /// Columns of the response; what lies beyond them are the same again.
    pub n_responses: usize,
    /// Columns of the weights.
    pub n_parts: usize,
}

impl Cast {
    /// Every target is the response of its number, and all have the same weights.
    pub const RESPONSES: Self = Self { n_responses: usize::MAX, n_parts: 1 };

    /// The column of the response.
    pub fn response(self, target: usize) -> usize {
        target % self.n_responses
    }

    /// The column of the weights.
    pub fn part(self, target: usize) -> usize {
        target / self.n_responses % self.n_parts
    }
}

/// Responses on a backend, and what they count for.
#[derive(Debug)]
pub struct Observed<'y, A> {
    /// One column per response of the fit.
    pub y: &'y A,
    /// One column, or one for each part of the rows: what loss, residual and everything beside it are multiplied with; 1 if there
    /// is none. Rows of weight 0 take no part in anything.
    pub weights: Option<&'y A>,
    /// Which of these columns a target has.
    pub cast: Cast,
}

impl<A> Clone for Observed<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Observed<'_, A> {}

impl<'y, A> From<&'y A> for Observed<'y, A> {
    fn from(y: &'y A) -> Self {
        Self { y, weights: None, cast: Cast::RESPONSES }
    }
}
