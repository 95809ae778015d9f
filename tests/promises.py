"""Runs the tests that hold the promises of docs/promises.md, and makes their table from what they counted.

    python3 tests/promises.py                             runs them and prints the table
    python3 tests/promises.py --write docs/promises.md    and puts it into the page, between its marks
    python3 tests/promises.py --no-run                    prints what the last run counted

Python's standard library alone. Tests write what they counted to target/promises/*.json (tests/common/tally.rs); seconds and
executions of the fuzz targets are in tests/fuzz/RESULTS.json, what other packages make of the hard problems in
tests/data/peers_hard_problems.json. What is not there is left out of the table, and named.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- table of tests/promises.py -->"
END = "<!-- end of the table -->"

# What is promised, the test targets that hold it (with a filter), and words in the names of what they count.
PROMISES = [
    ("Right: hard problems", [("hard_problems", None)], ["hard problem", "separation"]),
    ("Right: invariances", [("invariances", None)], ["invarian"]),
    ("Right: proofs recomputed", [("check", None)], ["certificate", "recomputed"]),
    ("Nothing silent: bad input", [("cli", "bad_input"), ("bad_input", None)], ["bad input"]),
    ("Nothing silent: two readers", [("two_readers", None)], ["reader", "differential"]),
    ("Hostile files", [("hostile", None)], ["mutant", "hostile", "corpus", "corpora"]),
    ("Nothing lost: long runs", [("long_runs", None)], ["kill", "interrupt", "resume", "disk", "memory"]),
    ("GPU faults", [("gpu_faults", None)], ["gpu fault"]),
    ("Supply chain", [("supply_chain", None)], ["supply chain"]),
]


def exists(target):
    return (ROOT / "tests" / f"{target}.rs").exists() or (ROOT / "tests" / target / "main.rs").exists()


def filter_exists(target, word):
    folder = ROOT / "tests" / target
    return word is None or any(word in path.name for path in folder.rglob("*.rs"))


def run_tests():
    """Runs every target that is there; the names of those that fail."""
    failed = []
    for _, targets, _ in PROMISES:
        for target, word in targets:
            if not (exists(target) and filter_exists(target, word)):
                continue
            command = ["cargo", "test", "--release", "--test", target] + ([word] if word else [])
            print("$", " ".join(command), file=sys.stderr, flush=True)
            if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode != 0:
                failed.append(" ".join(command))
    return failed


def load(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        sys.exit(f"error: {path}: {error}\nhelp: run the tests again, they write it")


def tallies():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    found = [load(path) for path in sorted((target / "promises").glob("*.json"))]
    return {own["name"]: own["counts"] for own in found if isinstance(own, dict) and "counts" in own}


def count(number):
    """A number as people write it."""
    if isinstance(number, float) and not number.is_integer():
        return f"{number:,.1f}".replace(",", " ")
    return f"{int(number):,}".replace(",", " ") if isinstance(number, (int, float)) else str(number)


def counted(counts):
    return "; ".join(f"{name} {count(value)}" for name, value in counts.items())


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = ["| " + " | ".join(map(cell, row)) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def promise_of(name):
    """Which promise a count belongs to: the first one with a word in its name."""
    lower = name.lower()
    for title, _, words in PROMISES:
        if any(word in lower for word in words):
            return title
    return "Others"


def of_tests(found):
    rows, missing = [], []
    for title in [title for title, _, _ in PROMISES] + ["Others"]:
        own = sorted(name for name in found if promise_of(name) == title)
        rows += [[title if k == 0 else "", name, counted(found[name])] for k, name in enumerate(own)]
        if not own and title != "Others":
            missing.append(title)
    text = table(["promise", "what was tried", "counted"], rows) if rows else "No test has counted anything yet."
    if missing:
        text += "\n\nNot counted in this run: " + ", ".join(missing) + "."
    return text


def first(record, *names):
    """The first of several fields that a record has."""
    return next((record[name] for name in names if isinstance(record, dict) and name in record), None)


def of_fuzzing(document):
    """Fuzz targets: a list of records, or one record for each name."""
    records = first(document, "targets", "results") if isinstance(document, dict) else document
    if records is None:
        records = {name: own for name, own in document.items() if isinstance(own, dict)}
    if isinstance(records, dict):
        records = [{"target": name, **own} for name, own in records.items() if isinstance(own, dict)]
    rows = []
    for own in records:
        executions, seconds = first(own, "executions", "execs", "runs"), first(own, "seconds", "seconds_run")
        faults = [f"{name} {count(own[name])}" for name in ("crashes", "hangs", "out_of_memory", "found", "fixed") if name in own]
        rows.append([first(own, "target", "name") or "", count(seconds if seconds is not None else "?"),
                     count(executions if executions is not None else "?"), "; ".join(faults)])
    return table(["fuzz target", "seconds", "executions", "found"], rows)


def verdict(value):
    """What a package made of a problem: true or false, a word, or a record with one of them."""
    if isinstance(value, dict):
        value = first(value, "verdict", "outcome", "status", "right", "solved", "is_right")
    return {True: "right", False: "wrong", None: ""}.get(value, value)


def of_peers(document):
    """Packages by hard problems: who is right."""
    problems = first(document, "problems", "results", "cases") or {}
    if isinstance(problems, dict):
        problems = [{"name": name, **own} for name, own in problems.items() if isinstance(own, dict)]
    of_problem = [(first(own, "name", "problem", "title") or "", first(own, "results", "packages", "peers", "fits") or own) for own in problems]
    plain = {"name", "problem", "title", "truth", "why", "note", "family", "data", "reference", "tolerance", "what", "answer"}
    packages = []
    for _, own in of_problem:
        packages += [name for name in own if name not in plain and name not in packages]
    rows = [[name, *(verdict(own.get(package)) for package in packages)] for name, own in of_problem]
    for row in rows:
        row[1:] = [value if isinstance(value, str) else count(value) for value in row[1:]]
    right = [sum(row[1 + k] in ("right", "solved", "ok") for row in rows) for k in range(len(packages))]
    rows.append(["**right**", *(f"**{n} of {len(rows)}**" for n in right)])
    versions = first(document, "versions", "packages")
    text = table(["hard problem", *packages], rows)
    if isinstance(versions, dict):
        text += "\n\nVersions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    return text


def everything():
    parts = [of_tests(tallies())]
    fuzzing, peers = load(ROOT / "tests/fuzz/RESULTS.json"), load(ROOT / "tests/data/peers_hard_problems.json")
    if fuzzing:
        parts.append(of_fuzzing(fuzzing))
    if peers:
        parts.append(of_peers(peers))
    return "\n\n".join(parts)


def write(path, text):
    page = path.read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        sys.exit(f"error: {path}: expected the lines {BEGIN!r} and {END!r}, once each\nhelp: put them where the table belongs")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    new = path.with_name(path.name + ".part")
    new.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    new.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-run", action="store_true", help="read what the last run counted")
    parser.add_argument("--write", type=pathlib.Path, metavar="PAGE", help="put the table into a page, between its marks")
    arguments = parser.parse_args()
    failed = [] if arguments.no_run else run_tests()
    text = everything()
    print(text)
    if failed:
        sys.exit("error: " + ", ".join(failed) + "\nhelp: see above; the page was left as it was")
    if arguments.write:
        write(arguments.write, text)


if __name__ == "__main__":
    main()
