//! Rows of matrices as kernels see them: where they are, or built or sent for the run of rows at hand.

use std::sync::Arc;

use super::array::{Array, Made};
use super::batch::{Bound, Params, bytes};
use super::convolution::build_features::build_features;
use super::copy_rows::copy_rows;
use super::device::{Buffer, Use};
use super::pass::Pass;
use super::program::Gram;
use super::sent::Sending;
use super::spans::Span;
use crate::Result;

/// Rows of a matrix that one dispatch sees.
#[derive(Clone)]
pub(super) struct View {
    pub(super) rows: Bound,
    pub(super) n_columns: usize,
    pub(super) stride: usize,
    /// Whether it has the rows that are taken and no others.
    is_taken: bool,
}

impl View {
    /// What a kernel is started with to see its rows.
    pub(super) fn own(&self, params: Params) -> Params {
        if self.is_taken { Params { first_row: 0, every: 1, ..params } } else { params }
    }
}

/// Room for rows of a matrix that are built or sent.
pub(super) struct Room<'p> {
    of: Array<'p>,
    /// One buffer, or two that take turns.
    buffers: Vec<Arc<Buffer>>,
    /// The view of the run at hand.
    view: Option<View>,
}

impl<'p> Pass<'p> {
    /// Room for the rows of a matrix that are not there.
    fn room(&mut self, x: &Array<'p>, made: Made) -> Result<usize> {
        if let Some(k) = self.rooms.iter().position(|room| room.of.is(x)) {
            return Ok(k);
        }
        let most = self.spans().iter().map(|span| span.n).max().unwrap_or(0);
        let n_buffers = if let Made::Sent(_) = made { 2 } else { 1 };
        // new ones, because numbers beyond the columns must be 0
        let buffer = |_| Ok(Arc::new(self.device.buffer(bytes(most * x.stride()), Use::Storage)?));
        let buffers = (0..n_buffers).map(buffer).collect::<Result<_>>()?;
        self.rooms.push(Room { of: x.clone(), buffers, view: None });
        Ok(self.rooms.len() - 1)
    }

    /// Begins with another run of rows.
    pub(super) fn begin_run(&mut self) {
        for room in &mut self.rooms {
            room.view = None;
            room.buffers.rotate_right(1);
        }
    }

    /// The rows of a run.
    pub(super) fn view(&mut self, x: &Array<'p>, span: &Span) -> Result<View> {
        let (n_columns, stride) = (x.n_columns(), x.stride());
        let Some(made) = x.made() else {
            return Ok(View { rows: x.window(&span.rows)?, n_columns, stride, is_taken: false });
        };
        let k = self.room(x, made)?;
        if let Some(view) = &self.rooms[k].view {
            return Ok(view.clone());
        }
        let rows = Bound::first(&self.rooms[k].buffers[0], span.n * stride);
        match made {
            Made::Features(built) => {
                let params = self.params(span, self.group_rows(0));
                let design = (&rows, stride);
                self.dispatches.push(build_features(
                    self.device,
                    built,
                    span,
                    design,
                    &self.idle[0],
                    params,
                )?);
            }
            Made::Sent(sent) => self.sendings.push(Sending {
                before: self.dispatches.len(),
                from: sent.clone(),
                span: span.clone(),
                every: self.sweep.every,
                stride,
                to: rows.clone(),
            }),
        }
        let view = View { rows, n_columns, stride, is_taken: true };
        self.rooms[k].view = Some(view.clone());
        Ok(view)
    }

    /// The rows that a run takes of several matrices, side by side in `design`.
    pub(super) fn side_by_side(&mut self, span: &Span, gram: &Gram, design: &Bound) -> Result<View> {
        let width = gram.width(self.program);
        let stride = width.stride;
        let design = Bound { size: bytes(span.n * stride), ..design.clone() };
        let program = self.program;
        for (x, first) in &program.columns {
            let params = Params { first_column: *first as u32, ..self.params(span, self.group_rows(0)) };
            let has_view = self.rooms.iter().any(|room| room.of.is(x) && room.view.is_some());
            let own = if let (Some(Made::Features(built)), false) = (x.made(), has_view) {
                build_features(self.device, built, span, (&design, stride), &self.idle[0], params)?
            } else {
                let view = self.view(x, span)?;
                let sizes = (view.n_columns, view.stride, stride);
                copy_rows(self.device, view.rows.clone(), sizes, &design, view.own(params))?
            };
            self.dispatches.push(own);
        }
        Ok(View { rows: design, n_columns: width.n_columns, stride, is_taken: true })
    }
}
