//! Barriers stand where the compiler of D3D12 lets them stand, and vectors are written whole.
//!
//! That compiler (FXC) is not here; what it refuses can be read off the kernels. It refuses a barrier in a branch or loop that
//! it cannot prove to be the same for all invocations of a group (error X3663), and a store to a part of a vector whose
//! number it does not know (X3500), for it then has to unroll the loops around it and fails at the bound that they all get
//! (X3511). Here a condition is the same for all if it comes from literals, constants, the uniform buffer, the number of the
//! group, and local variables that are only given such values in branches and loops of such conditions. What lies in a
//! buffer or in the memory of the group counts as different; that compiler takes what a read-only buffer holds at such a
//! place for the same, others may not. `switch` is not used at all: that compiler gets it wrong in loops.

use std::collections::HashSet;

use naga::{
    AddressSpace, Binding, Block, BuiltIn, Expression, Function, Handle, LocalVariable, Module, Statement,
    TypeInner,
};

use super::translations::{all, sources};
use crate::backend::gpu::adapter::WORKGROUP_BYTES;
use crate::backend::gpu::shader::Kernel;

/// What a function does when it is called.
struct Outcome {
    result_varies: bool,
    complaints: Vec<String>,
}

/// A function on its way through: what may differ between the invocations of a group.
struct Walk<'m> {
    module: &'m Module,
    name: &'m str,
    function: &'m Function,
    arguments: Vec<bool>,
    expressions: Vec<bool>,
    locals: HashSet<Handle<LocalVariable>>,
    results: HashSet<Handle<Expression>>,
    result_varies: bool,
    /// Whether some invocations may have left the function.
    some_left: bool,
    complaints: Vec<String>,
}

/// Walks until nothing more is found to differ.
fn outcome(module: &Module, name: &str, function: &Function, arguments: Vec<bool>, varies: bool) -> Outcome {
    let mut walk = Walk {
        module,
        name,
        function,
        arguments,
        expressions: Vec::new(),
        locals: HashSet::new(),
        results: HashSet::new(),
        result_varies: false,
        some_left: false,
        complaints: Vec::new(),
    };
    loop {
        let known = (walk.locals.len(), walk.results.len(), walk.result_varies);
        (walk.some_left, walk.complaints, walk.expressions) = (false, Vec::new(), Vec::new());
        for (handle, expression) in function.expressions.iter() {
            let differs = walk.differs(handle, expression);
            walk.expressions.push(differs);
        }
        walk.block(&function.body, varies);
        if known == (walk.locals.len(), walk.results.len(), walk.result_varies) {
            return Outcome { result_varies: walk.result_varies, complaints: walk.complaints };
        }
    }
}

impl Walk<'_> {
    fn of(&self, expression: Handle<Expression>) -> bool {
        self.expressions[expression.index()]
    }

    /// Whether an expression may differ; those that it is made of come before it.
    fn differs(&self, handle: Handle<Expression>, expression: &Expression) -> bool {
        let of = |expression| self.of(expression);
        match *expression {
            Expression::Literal(_)
            | Expression::Constant(_)
            | Expression::Override(_)
            | Expression::ZeroValue(_)
            | Expression::GlobalVariable(_)
            | Expression::LocalVariable(_)
            | Expression::ArrayLength(_) => false,
            Expression::FunctionArgument(number) => self.arguments[number as usize],
            Expression::Compose { ref components, .. } => components.iter().any(|&part| of(part)),
            Expression::Access { base, index } => of(base) || of(index),
            Expression::AccessIndex { base, .. } => of(base),
            Expression::Splat { value: own, .. }
            | Expression::Swizzle { vector: own, .. }
            | Expression::Unary { expr: own, .. }
            | Expression::Relational { argument: own, .. }
            | Expression::As { expr: own, .. } => of(own),
            Expression::Binary { left, right, .. } => of(left) || of(right),
            Expression::Select { condition, accept, reject } => of(condition) || of(accept) || of(reject),
            Expression::Math { arg, arg1, arg2, arg3, .. } => {
                of(arg) || [arg1, arg2, arg3].into_iter().flatten().any(of)
            }
            Expression::Load { pointer } => of(pointer) || self.memory_differs(pointer),
            Expression::CallResult(_) => self.results.contains(&handle),
            _ => true,
        }
    }

    /// What a pointer points into.
    fn root(&self, mut pointer: Handle<Expression>) -> &Expression {
        while let Expression::Access { base, .. } | Expression::AccessIndex { base, .. } =
            self.function.expressions[pointer]
        {
            pointer = base;
        }
        &self.function.expressions[pointer]
    }

    fn memory_differs(&self, pointer: Handle<Expression>) -> bool {
        match *self.root(pointer) {
            Expression::GlobalVariable(own) => {
                self.module.global_variables[own].space != AddressSpace::Uniform
            }
            Expression::LocalVariable(own) => self.locals.contains(&own),
            _ => true,
        }
    }

    /// A local variable is given what may differ.
    fn mark(&mut self, pointer: Handle<Expression>) {
        if let Expression::LocalVariable(own) = *self.root(pointer) {
            self.locals.insert(own);
        }
    }

    fn complain(&mut self, what: &str) {
        self.complaints.push(format!("{}: {what}", self.name));
    }

    fn block(&mut self, block: &Block, varies: bool) {
        for statement in block {
            let varies = varies || self.some_left;
            self.statement(statement, varies);
        }
    }

    fn statement(&mut self, statement: &Statement, varies: bool) {
        match *statement {
            Statement::Block(ref own) => self.block(own, varies),
            Statement::If { condition, ref accept, ref reject } => {
                let varies = varies || self.of(condition);
                self.block(accept, varies);
                self.block(reject, varies);
            }
            Statement::Switch { selector, ref cases } => {
                self.complain("a switch");
                let varies = varies || self.of(selector);
                cases.iter().for_each(|case| self.block(&case.body, varies));
            }
            Statement::Loop { ref body, ref continuing, break_if } => {
                let ends_alike = !break_if.is_some_and(|end| self.of(end));
                let varies = varies || !ends_alike || self.leaves(body, false, true);
                self.block(body, varies);
                self.block(continuing, varies);
            }
            Statement::Return { value } => {
                self.result_varies |= varies || value.is_some_and(|value| self.of(value));
                self.some_left |= varies;
            }
            Statement::ControlBarrier(_) if varies => self.complain("a barrier that some may not reach"),
            Statement::WorkGroupUniformLoad { result, .. } => {
                self.results.insert(result);
                if varies {
                    self.complain("a barrier that some may not reach");
                }
            }
            Statement::Store { pointer, value } => {
                self.store(pointer);
                if varies || self.of(value) || self.of(pointer) {
                    self.mark(pointer);
                }
            }
            Statement::Call { function, ref arguments, result } => {
                self.call(function, arguments, result, varies);
            }
            _ => {}
        }
    }

    fn call(
        &mut self,
        function: Handle<Function>,
        arguments: &[Handle<Expression>],
        result: Option<Handle<Expression>>,
        varies: bool,
    ) {
        let callee = &self.module.functions[function];
        let is_pointer = |ty| matches!(self.module.types[ty].inner, TypeInner::Pointer { .. });
        let given = callee.arguments.iter().zip(arguments);
        let given: Vec<bool> =
            given.map(|(own, &argument)| is_pointer(own.ty) || self.of(argument)).collect();
        // what is behind a pointer is taken to differ
        arguments.iter().for_each(|&argument| self.mark(argument));
        let name = callee.name.as_deref().unwrap_or("a function");
        let outcome = outcome(self.module, name, callee, given, varies);
        let above = self.name;
        self.complaints.extend(outcome.complaints.iter().map(|complaint| format!("{above}, {complaint}")));
        if let (Some(result), true) = (result, varies || outcome.result_varies) {
            self.results.insert(result);
        }
    }

    /// Whether some invocations may leave a loop, or a turn of it, before others. `is_own`: whether a break ends this loop.
    fn leaves(&self, block: &Block, varies: bool, is_own: bool) -> bool {
        block.iter().any(|statement| match *statement {
            Statement::Block(ref own) => self.leaves(own, varies, is_own),
            Statement::If { condition, ref accept, ref reject } => {
                let varies = varies || self.of(condition);
                self.leaves(accept, varies, is_own) || self.leaves(reject, varies, is_own)
            }
            Statement::Switch { selector, ref cases } => {
                let varies = varies || self.of(selector);
                cases.iter().any(|case| self.leaves(&case.body, varies, is_own))
            }
            Statement::Loop { ref body, .. } => {
                let varies = varies || self.leaves(body, false, true);
                self.leaves(body, varies, false)
            }
            Statement::Break | Statement::Continue => varies && is_own,
            Statement::Return { .. } => varies,
            _ => false,
        })
    }

    /// Complains of a part of a vector whose number is not known; buffers are not vectors but bytes there.
    fn store(&mut self, pointer: Handle<Expression>) {
        let Expression::Access { base, .. } = self.function.expressions[pointer] else { return };
        if self.vector_of(base) {
            self.complain("a store to a part of a vector whose number is not known");
        }
    }

    /// Whether a pointer points to a vector outside of buffers.
    fn vector_of(&self, pointer: Handle<Expression>) -> bool {
        let types = &self.module.types;
        let mut path = Vec::new();
        let mut at = pointer;
        while let Expression::Access { base, .. } | Expression::AccessIndex { base, .. } =
            self.function.expressions[at]
        {
            let member = if let Expression::AccessIndex { index, .. } = self.function.expressions[at] {
                Some(index as usize)
            } else {
                None
            };
            path.push(member);
            at = base;
        }
        let mut ty = match self.function.expressions[at] {
            Expression::LocalVariable(own) => self.function.local_variables[own].ty,
            Expression::FunctionArgument(number) => self.function.arguments[number as usize].ty,
            Expression::GlobalVariable(own) => match self.module.global_variables[own] {
                ref global if matches!(global.space, AddressSpace::Storage { .. }) => return false,
                ref global => global.ty,
            },
            _ => return false,
        };
        if let TypeInner::Pointer { base, .. } = types[ty].inner {
            ty = base;
        }
        for member in path.into_iter().rev() {
            ty = match (&types[ty].inner, member) {
                (TypeInner::Struct { members, .. }, Some(member)) => members[member].ty,
                (TypeInner::Array { base, .. }, _) => *base,
                // a column of a matrix is a vector
                (inner, _) => return matches!(inner, TypeInner::Matrix { .. }),
            };
        }
        matches!(types[ty].inner, TypeInner::Vector { .. })
    }
}

/// What is wrong with a module.
fn complaints(module: &Module) -> Vec<String> {
    let of = |entry: &naga::EntryPoint| {
        let differs = |binding: &Option<Binding>| {
            let alike = [BuiltIn::WorkGroupId, BuiltIn::NumWorkGroups];
            !matches!(binding, Some(Binding::BuiltIn(own)) if alike.contains(own))
        };
        let arguments = entry.function.arguments.iter().map(|argument| differs(&argument.binding)).collect();
        outcome(module, &entry.name, &entry.function, arguments, false).complaints
    };
    module.entry_points.iter().flat_map(of).collect()
}

#[test]
fn every_invocation_reaches_every_barrier() {
    for (kernel, sizes) in all() {
        for source in sources(&kernel, &sizes) {
            let module = kernel.checked(&source, WORKGROUP_BYTES).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(complaints(&module), Vec::<String>::new(), "{}", kernel.name);
        }
    }
}

/// The number of complaints about a body.
fn found(body: &str) -> usize {
    let source = format!(
        "struct Params {{ n: u32 }}
        @group(0) @binding(0) var<uniform> params: Params;
        @group(0) @binding(1) var<storage, read> x: array<u32>;
        @group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>;
        var<workgroup> memory: array<vec4<u32>, 64>;
        fn meet(n: u32) {{ for (var k = 0u; k < n; k++) {{ workgroupBarrier(); }} }}
        fn first(n: u32) -> u32 {{ if (n > 3u) {{ return 1u; }} return 2u; }}
        fn write(to: ptr<function, u32>) {{ *to = 2u; }}
        @compute @workgroup_size(64)
        fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {{
            {body}
        }}"
    );
    let kernel = Kernel { name: "test", text: "", shared: &[], bindings: &[] };
    complaints(&kernel.checked(&source, WORKGROUP_BYTES).unwrap_or_else(|error| panic!("{error}"))).len()
}

#[test]
fn barriers_that_some_may_not_reach_are_found() {
    for body in [
        "if (lane < 3u) { workgroupBarrier(); }",
        "for (var k = x[0]; k < params.n; k++) { workgroupBarrier(); }",
        "for (var k = 0u; k < x[group.x]; k++) { workgroupBarrier(); }",
        "let n = min(params.n, memory[0].x); for (var k = 0u; k < n; k++) { workgroupBarrier(); }",
        "if (lane == 0u) { return; } workgroupBarrier();",
        "for (var k = 0u; k < 3u; k++) { if (x[k] == 0u) { continue; } workgroupBarrier(); }",
        "for (var k = 0u; k < 3u; k++) { workgroupBarrier(); if (lane == k) { break; } }",
        "for (var k = 0u; k < 3u; k++) { workgroupBarrier(); for (;;) { if (lane == k) { return; } } }",
        "var n = 0u; if (lane > 1u) { n = 1u; } if (n == 0u) { workgroupBarrier(); }",
        "var n = 0u; for (var k = 0u; k < lane; k++) { n++; } if (n == 0u) { workgroupBarrier(); }",
        "loop { workgroupBarrier(); continuing { break if lane == 2u; } }",
        "meet(x[0]);",
        "if (lane > 1u) { meet(3u); }",
        "meet(first(lane));",
        "var n = 0u; write(&n); meet(n);",
        "if (params.n > 3u && lane < 5u) { workgroupBarrier(); }",
    ] {
        assert!(found(body) > 0, "{body}");
    }
    for body in [
        "for (var k = group.x; k < params.n; k += 3u) { workgroupBarrier(); }",
        "for (var k = 0u; k < x[0]; k++) { out[k].x = k; } workgroupBarrier();",
        "if (lane == 0u) { out[0] = vec4<u32>(1u); } workgroupBarrier();",
        "for (var k = 0u; k < 3u; k++) { if (k == params.n) { continue; } workgroupBarrier(); }",
        "for (var k = 0u; k < 3u; k++) { for (;;) { if (lane == k) { break; } } workgroupBarrier(); }",
        "meet(first(params.n));",
        "if (params.n > 3u && group.y < 5u) { workgroupBarrier(); }",
        "out[first(lane)].y = 1u; meet(params.n);",
    ] {
        assert_eq!(found(body), 0, "{body}");
    }
}

#[test]
fn what_that_compiler_does_not_take_is_found() {
    assert_eq!(found("switch (params.n) { case 1u { out[0].x = 1u; } default {} }"), 1);
    for body in [
        "var v = vec4<u32>(0u); v[params.n] += 1u; out[0] = v;",
        "memory[1][lane] = 1u;",
        "var v = array<vec2<u32>, 3>(); v[1][lane] = 1u; out[0].x = v[0].x;",
    ] {
        assert_eq!(found(body), 1, "{body}");
    }
    for body in [
        "var v = vec4<u32>(0u); v[2] += 1u; out[params.n] = v;",
        "out[1][lane] = 1u;",
        "memory[lane].x = 1u; memory[lane][1] = 2u;",
        "var v = array<u32, 3>(); v[lane] = 1u; out[0].x = v[0];",
    ] {
        assert_eq!(found(body), 0, "{body}");
    }
}
