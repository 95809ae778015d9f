//! Figures against reviewed snapshots.

use std::path::Path;

use rheobase::figure::Figure;

/// Set to accept what is drawn now; look at it first.
const ACCEPT: &str = "RHEOBASE_ACCEPT_SNAPSHOTS";

/// Fails unless the figure is `tests/snapshots/NAME.svg` byte for byte. What was drawn instead lies in
/// `target/snapshots/NAME.svg`.
pub(crate) fn reviewed(figure: &Figure, name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let svg = figure.drawing.svg();
    assert!(!figure.title.is_empty() && !figure.caption.is_empty() && !figure.drawing.description.is_empty());
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}: a number that is none was drawn");
    let kept = root.join("tests/snapshots").join(format!("{name}.svg"));
    if std::env::var_os(ACCEPT).is_some() {
        std::fs::create_dir_all(root.join("tests/snapshots")).unwrap();
        std::fs::write(&kept, &svg).unwrap();
        return;
    }
    let reviewed = std::fs::read_to_string(&kept).unwrap_or_default();
    if svg != reviewed {
        let drawn = root.join("target/snapshots");
        std::fs::create_dir_all(&drawn).unwrap();
        std::fs::write(drawn.join(format!("{name}.svg")), &svg).unwrap();
        panic!(
            "{name}.svg is not tests/snapshots/{name}.svg: look at target/snapshots/{name}.svg, then run with {ACCEPT}=1"
        );
    }
}
