"""Looks at reports in a browser: no page is wider than its window, nothing is fetched, nothing is complained about.

    cargo test --release --test report                     # leaves sample pages in target/tmp/reports
    python3 tests/check_report_in_browser.py target/tmp/reports/*.html

Needs Chromium or Chrome (`BROWSER=path` chooses one) and nothing else. Each page is put into frames of several
widths. With `--pictures FOLDER` it also takes a picture of each page at 1280 and 390 pixels and prints it to PDF.
"""

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WIDTHS = [1280, 768, 390, 360]

# every frame is measured when it is loaded; the answer becomes the text of the page
MEASURE = """
const frames = [...document.querySelectorAll('iframe')];
const measure = frame => {
  const inside = frame.contentDocument, root = inside.documentElement;
  const wide = [...inside.body.querySelectorAll('*')].filter(element =>
    element.getBoundingClientRect().right > root.clientWidth + 1
    && !element.closest('.scroll, .drawing, details:not([open])')).map(element => element.outerHTML.slice(0, 80));
  return {
    width: frame.contentWindow.innerWidth, page: root.scrollWidth, wide,
    empty: [...inside.querySelectorAll('figure svg')].filter(svg => svg.getBoundingClientRect().height < 20).length,
    fetched: frame.contentWindow.performance.getEntriesByType('resource').map(entry => entry.name),
  };
};
window.onload = () => {
  const found = JSON.stringify(frames.map(measure));
  document.body.textContent = 'MEASURED' + found + 'END';
};
"""


def browser():
    named = [os.environ.get("BROWSER"), "chromium", "chromium-browser", "google-chrome", "chrome"]
    found = next((path for path in map(shutil.which, filter(None, named)) if path), None)
    return found or sys.exit("no Chromium or Chrome: install one, or name it with BROWSER=path")


def run(*options):
    common = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr"]
    return subprocess.run([browser(), *common, *options], capture_output=True, text=True, timeout=120)


def problems(path, folder):
    page = html.escape(path.read_text(encoding="utf-8"))
    frames = [f'<iframe width="{width}" height="900" style="border:0" srcdoc="{page}"></iframe>' for width in WIDTHS]
    wrapper = folder / "frames.html"
    text = f"<!DOCTYPE html><meta charset=utf-8><title>frames</title>{''.join(frames)}<script>{MEASURE}</script>"
    wrapper.write_text(text, encoding="utf-8")
    done = run("--virtual-time-budget=10000", "--window-size=1400,1000", "--dump-dom", wrapper.as_uri())
    found = re.search("MEASURED(.*)END", done.stdout, re.DOTALL)
    if not found:
        return [f"the browser did not answer: {done.stderr[-500:]}"]
    wrong = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    for frame, width in zip(json.loads(html.unescape(found[1])), WIDTHS, strict=True):
        if frame["width"] != width:
            wrong.append(f"a frame of {frame['width']} px instead of {width}")
        if frame["page"] > frame["width"] or frame["wide"]:
            wrong.append(f"{width} px: the page is {frame['page']} px wide: {frame['wide'][:3]}")
        if frame["fetched"]:
            wrong.append(f"fetches {frame['fetched']}")
        if frame["empty"]:
            wrong.append(f"{width} px: {frame['empty']} figures without height")
    return wrong


def take_pictures(path, folder):
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{path.parent.name}-{path.stem}"
    for width, height in [(1280, 6000), (390, 9000)]:
        picture = folder / f"{name}-{width}.png"
        run(f"--screenshot={picture}", f"--window-size={width},{height}", path.resolve().as_uri())
    run("--no-pdf-header-footer", f"--print-to-pdf={folder / name}.pdf", path.resolve().as_uri())


def main():
    arguments = sys.argv[1:]
    pictures = None
    if "--pictures" in arguments:
        place = arguments.index("--pictures")
        pictures = pathlib.Path(arguments[place + 1]).resolve()
        del arguments[place : place + 2]
    if not arguments:
        sys.exit(__doc__)
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for path in map(pathlib.Path, arguments):
            wrong = problems(path, pathlib.Path(folder))
            failed |= bool(wrong)
            print(f"{path}: {'ok' if not wrong else ''}", *wrong, sep="\n  " if wrong else "")
            if pictures:
                take_pictures(path, pictures)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
