//! Mutants of texts: tables, JSON, studies, features.

use rand::{Rng, RngExt};
use serde_json::{Value, json};

/// What is put where it does not belong.
const INSERTED: [&str; 24] = [
    "\0", "\"", "'", ",", ";", "\t", "\n", "\r", "[", "]", "{", "}", "(", ")", ":", "=", "*", "x",
    "\u{feff}", "\u{202e}", "e", "-", ".", "#",
];

/// Numbers that nobody means.
const NUMBERS: [&str; 12] = [
    "1e400",
    "-1e308",
    "4000000000",
    "18446744073709551616",
    "-1",
    "0",
    "NaN",
    "inf",
    "1e-320",
    "00",
    "0x",
    "1e",
];

/// A mutant of any text.
pub(crate) fn of_text(whole: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..random.random_range(1..=3) {
        once(&mut bytes, random);
    }
    bytes
}

fn once(bytes: &mut Vec<u8>, random: &mut impl Rng) {
    let n = bytes.len();
    let at = random.random_range(0..=n);
    let piece = at..(at + random.random_range(1..=16)).min(n);
    match random.random_range(0..10) {
        0 => {
            bytes.drain(piece);
        }
        1 => {
            let copy = bytes[piece].to_vec();
            insert(bytes, at, &copy);
        }
        2 => bytes.truncate(at),
        3..=4 => insert(bytes, at, INSERTED[random.random_range(0..INSERTED.len())].as_bytes()),
        5..=6 => replace_number(bytes, random),
        7 if n > 0 => bytes[at.min(n - 1)] = random.random(),
        8 => insert(
            bytes,
            at,
            &b"[{(\"a"[random.random_range(0..4)..][..1].repeat(random.random_range(1..5_000)),
        ),
        _ => insert(bytes, at, &vec![b'7'; random.random_range(1..100_000)]),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Writes another number in the place of one.
fn replace_number(bytes: &mut Vec<u8>, random: &mut impl Rng) {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let starts: Vec<usize> = (0..bytes.len())
        .filter(|&at| bytes[at].is_ascii_digit() && (at == 0 || !is_digit(&bytes[at - 1])))
        .collect();
    if starts.is_empty() {
        return;
    }
    let start = starts[random.random_range(0..starts.len())];
    let end = start + bytes[start..].iter().take_while(|byte| is_digit(byte)).count();
    bytes.splice(start..end, NUMBERS[random.random_range(0..NUMBERS.len())].bytes());
}

/// A mutant of JSON that is JSON again: one value of it is another, is gone, or is there twice.
pub(crate) fn of_json(whole: &[u8], random: &mut impl Rng) -> Vec<u8> {
    if random.random_bool(0.3) {
        return of_text(whole, random);
    }
    let mut document: Value = serde_json::from_slice(whole).unwrap();
    let mut places = Vec::new();
    collect(&document, String::new(), &mut places);
    let place = &places[random.random_range(0..places.len())];
    let grid =
        json!([{ "len": 1_000_000_000_000_u64, "is_cyclic": false }, { "len": u64::MAX, "is_cyclic": true }]);
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let instead = [
        json!(null),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(4_000_000_000_u64),
        json!("NaN"),
        json!("Infinity"),
        json!(""),
        json!("x".repeat(10_000)),
        json!([]),
        json!({}),
        json!(true),
        json!([[1, 2], [3]]),
        json!({ "ridge": { "strength": [0.1] } }),
        json!({ "group-lasso": { "strength": [0.1, 0.2], "groups": { "columns": [[0], [1_000_000]] } } }),
        json!({ "smooth": { "strength": 1.0, "order": 2, "grids": [{ "first": 1, "axes": grid }] } }),
        deep,
    ];
    let value = document.pointer_mut(place).unwrap();
    match random.random_range(0..5) {
        0 => match value {
            Value::Array(items) if !items.is_empty() => drop(items.pop()),
            Value::Object(fields) if !fields.is_empty() => {
                let name = fields.keys().nth(random.random_range(0..fields.len())).unwrap().clone();
                fields.remove(&name);
            }
            other => *other = json!(null),
        },
        1 => match value {
            Value::Array(items) if !items.is_empty() => items.push(items[0].clone()),
            Value::Object(fields) => drop(fields.insert("unheard-of".into(), json!(1))),
            other => *other = json!([other.clone()]),
        },
        _ => *value = instead[random.random_range(0..instead.len())].clone(),
    }
    document.to_string().into_bytes()
}

/// Places of all values, as pointers.
fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            // lists of numbers are long and alike
            items
                .iter()
                .enumerate()
                .take(3)
                .for_each(|(k, item)| collect(item, format!("{place}/{k}"), places));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, item)| {
            collect(item, format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), places);
        }),
        _ => {}
    }
    places.push(place);
}
