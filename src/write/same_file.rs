//! Whether a file that is to be written is one that is read.

use std::fs;
use std::path::Path;

/// Whether two paths lead to one file, also through links.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let resolved = |path: &Path| fs::canonicalize(path).ok();
    if resolved(a).is_some_and(|a| resolved(b) == Some(a)) {
        return true;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let number = |path: &Path| fs::metadata(path).ok().map(|facts| (facts.dev(), facts.ino()));
        number(a).is_some_and(|a| number(b) == Some(a))
    }
    #[cfg(not(unix))]
    false
}
