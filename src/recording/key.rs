//! Short keys for long paths.
//!
//! A user types `stimulus`, not `/stimulus/presentation/stimulus`. The containers that every file has are no
//! part of the short path; where two objects share their last name, parents are put in front until the keys
//! differ, and where the short paths are equal (an acquisition and a stimulus of one name) the full path is
//! the key, so that neither of them disappears.

use std::collections::HashMap;

/// Containers that are left out of short paths, longest first.
const COMMON_ROOTS: [&[&str]; 7] = [
    &["stimulus", "presentation"],
    &["stimulus", "templates"],
    &["acquisition"],
    &["processing"],
    &["intervals"],
    &["analysis"],
    &["scratch"],
];

/// One key per path (`/acquisition/lfp` -> `lfp`), all of them different where the paths are.
///
/// Source: the naming rule of pynapple's NWB interface, except for equal short paths.
pub fn unique_keys(paths: &[String]) -> Vec<String> {
    let short: Vec<Vec<&str>> = paths.iter().map(|path| short_parts(path)).collect();
    let mut keys: Vec<Option<String>> = vec![None; paths.len()];
    let longest = short.iter().map(Vec::len).max().unwrap_or(0);
    for n_parts in 1..=longest {
        let candidates: Vec<String> = short.iter().map(|parts| tail(parts, n_parts)).collect();
        // counted over every path, those that have a key already included: no key is given twice
        let mut n_same: HashMap<&str, usize> = HashMap::new();
        for candidate in &candidates {
            *n_same.entry(candidate).or_default() += 1;
        }
        for (key, candidate) in keys.iter_mut().zip(&candidates) {
            if key.is_none() && n_same[candidate.as_str()] == 1 {
                *key = Some(candidate.clone());
            }
        }
    }
    keys.into_iter()
        .zip(paths)
        .map(|(key, path)| key.unwrap_or_else(|| path.trim_start_matches('/').to_string()))
        .collect()
}

fn short_parts(path: &str) -> Vec<&str> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for root in COMMON_ROOTS {
        if parts.len() > root.len() && parts.starts_with(root) {
            return parts[root.len()..].to_vec();
        }
    }
    parts
}

fn tail(parts: &[&str], n_parts: usize) -> String {
    parts[parts.len().saturating_sub(n_parts)..].join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(paths: &[&str]) -> Vec<String> {
        unique_keys(&paths.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_name_is_the_key() {
        assert_eq!(
            keys(&["/acquisition/response", "/units", "/intervals/epochs"]),
            ["response", "units", "epochs"]
        );
    }

    #[test]
    fn parents_are_added_on_a_clash() {
        assert_eq!(keys(&["/acquisition/a", "/processing/beh/a"]), ["a", "beh/a"]);
        assert_eq!(
            keys(&["/processing/x/p/a", "/processing/y/p/a", "/processing/q/a"]),
            ["x/p/a", "y/p/a", "q/a"]
        );
    }

    #[test]
    fn equal_short_paths_become_full_paths() {
        assert_eq!(
            keys(&["/acquisition/a", "/stimulus/presentation/a", "/processing/beh/a"]),
            ["acquisition/a", "stimulus/presentation/a", "beh/a"]
        );
    }
}
