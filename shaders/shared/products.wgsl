// Sums over rows of products of two matrices: a tile of LEFT columns of one by RIGHT columns of the other.
//
// An invocation has 4 x 4 sums; 256 / (LEFT/4 * RIGHT/4) subsets of invocations take rows in turn. STEP rows at a time lie in
// the memory of the group. Sums of FLUSH rows are added up apart before they join the others, so that none is long.

var<workgroup> left: array<vec4<f32>, STEP * LEFT / 4>;
var<workgroup> right: array<vec4<f32>, STEP * RIGHT / 4>;
var<workgroup> joined: array<vec4<f32>, 256>;

struct Sums {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

const ACROSS: u32 = RIGHT / 4u;
const CELLS: u32 = (LEFT / 4u) * ACROSS;
const SUBSETS: u32 = 256u / CELLS;

fn products(begin: u32, end: u32, lane: u32) -> Sums {
    let cell = lane % CELLS;
    let subset = lane / CELLS;
    var all = Sums(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
    for (var flushed = begin; flushed < end; flushed += FLUSH) {
        var some = Sums(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
        let last = min(flushed + FLUSH, end);
        for (var first = flushed; first < last; first += STEP) {
            for (var k = lane; k < STEP * LEFT / 4u; k += 256u) {
                let i = first + k / (LEFT / 4u);
                var v = vec4<f32>(0.0);
                if (i < last) {
                    v = left_at(i, k % (LEFT / 4u));
                }
                left[k] = v;
            }
            for (var k = lane; k < STEP * RIGHT / 4u; k += 256u) {
                let i = first + k / (RIGHT / 4u);
                var v = vec4<f32>(0.0);
                if (i < last) {
                    v = right_at(i, k % (RIGHT / 4u));
                }
                right[k] = v;
            }
            workgroupBarrier();
            if (subset < SUBSETS) {
                for (var k = subset; k < STEP; k += SUBSETS) {
                    let l = left[k * (LEFT / 4u) + cell / ACROSS];
                    let r = right[k * ACROSS + cell % ACROSS];
                    some.a += l.x * r;
                    some.b += l.y * r;
                    some.c += l.z * r;
                    some.d += l.w * r;
                }
            }
            workgroupBarrier();
        }
        all.a += some.a;
        all.b += some.b;
        all.c += some.c;
        all.d += some.d;
    }
    return Sums(over_subsets(all.a, lane), over_subsets(all.b, lane), over_subsets(all.c, lane), over_subsets(all.d, lane));
}

// the sum over the subsets, in the invocations of the first
fn over_subsets(value: vec4<f32>, lane: u32) -> vec4<f32> {
    if (SUBSETS == 1u) {
        return value;
    }
    joined[lane] = value;
    workgroupBarrier();
    var sum = value;
    if (lane < CELLS) {
        for (var k = 1u; k < SUBSETS; k++) {
            sum += joined[lane + k * CELLS];
        }
    }
    workgroupBarrier();
    return sum;
}
