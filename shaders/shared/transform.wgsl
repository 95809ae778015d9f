// Transforms of real blocks of 2048 numbers: neighbours as the parts of 1024 complex numbers, five steps of radix 4. The binding
// `twiddles` holds exp(-2 pi i m / 2048). A spectrum is packed: its first number holds the frequencies 0 and 1024, both real.

var<workgroup> block: array<vec2<f32>, 1024>;

fn times(a: vec2<f32>, b: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

fn conjugate(a: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(a.x, -a.y);
}

// the product of two numbers of packed spectra
fn packed_product(a: vec2<f32>, b: vec2<f32>, k: u32) -> vec2<f32> {
    if (k == 0u) {
        return a * b;
    }
    return times(a, b);
}

// of complex numbers, in place; the block must have been written by all
fn transform(lane: u32) {
    for (var stride = 1u; stride < 1024u; stride *= 4u) {
        let k = lane % stride;
        let turn = k * (512u / stride);
        let a = block[lane];
        let b = times(block[lane + 256u], twiddles[turn]);
        let c = times(block[lane + 512u], twiddles[2u * turn]);
        let d = times(block[lane + 768u], twiddles[3u * turn]);
        workgroupBarrier();
        let place = (lane / stride) * stride * 4u + k;
        let across = vec2<f32>(b.y - d.y, d.x - b.x);
        block[place] = (a + c) + (b + d);
        block[place + stride] = (a - c) + across;
        block[place + 2u * stride] = (a + c) - (b + d);
        block[place + 3u * stride] = (a - c) - across;
        workgroupBarrier();
    }
}

// frequency k of the real block that was transformed
fn spectrum_at(k: u32) -> vec2<f32> {
    let z = block[k];
    if (k == 0u) {
        return vec2<f32>(z.x + z.y, z.x - z.y);
    }
    let mirrored = conjugate(block[1024u - k]);
    let even = 0.5 * (z + mirrored);
    let odd = 0.5 * (z - mirrored);
    return even + times(twiddles[k], vec2<f32>(odd.y, -odd.x));
}

// what is to be transformed, number k, so that the block holds the real block of its packed spectrum, conjugated and times 1024
fn inverted_at(k: u32) -> vec2<f32> {
    let y = block[k];
    if (k == 0u) {
        return 0.5 * vec2<f32>(y.x + y.y, y.y - y.x);
    }
    let mirrored = conjugate(block[1024u - k]);
    let even = 0.5 * (y + mirrored);
    let odd = times(0.5 * (y - mirrored), conjugate(twiddles[k]));
    return conjugate(even + vec2<f32>(-odd.y, odd.x));
}

// from packed spectra, four numbers an invocation, to a real block
fn invert(spectrum: array<vec2<f32>, 4>, lane: u32) {
    block[lane] = spectrum[0];
    block[lane + 256u] = spectrum[1];
    block[lane + 512u] = spectrum[2];
    block[lane + 768u] = spectrum[3];
    workgroupBarrier();
    let a = inverted_at(lane);
    let b = inverted_at(lane + 256u);
    let c = inverted_at(lane + 512u);
    let d = inverted_at(lane + 768u);
    workgroupBarrier();
    block[lane] = a;
    block[lane + 256u] = b;
    block[lane + 512u] = c;
    block[lane + 768u] = d;
    workgroupBarrier();
    transform(lane);
}

// numbers 2 k and 2 k + 1 of the real block
fn pair_at(k: u32) -> vec2<f32> {
    return conjugate(block[k]) / 1024.0;
}

// a sample that a row between two positions may see
fn seen_at(channel: u32, position: i32, first: u32, last: u32) -> f32 {
    if (position < 0 || position <= i32(first) - i32(W) || position > i32(last)) {
        return 0.0;
    }
    return samples[channel * params.n_samples + u32(position)];
}

// the spectrum of the samples that the rows at 1024 positions from `base` on see through piece `piece` of the lags; what no row
// up to `last` sees is 0, so that the numbers depend on these rows alone
fn transform_samples(channel: u32, base: u32, piece: u32, last: u32, lane: u32) {
    for (var k = lane; k < 1024u; k += 256u) {
        let position = i32(base + 2u * k) - 1024 * i32(piece + 1u);
        block[k] = vec2<f32>(
            seen_at(channel, position, base, last),
            seen_at(channel, position + 1, base, last),
        );
    }
    workgroupBarrier();
    transform(lane);
}
