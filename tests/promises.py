"""Runs the tests that hold the promises of docs/promises.md, and makes their table from what they counted.

    python3 tests/promises.py                             runs them and prints the table
    python3 tests/promises.py --write docs/promises.md    and puts it into the page, between its marks
    python3 tests/promises.py --no-run                    prints what the last run counted
    python3 tests/promises.py --no-run --write PAGE       and puts it into the page, if nothing was built or left out since

Python's standard library alone. Tests write what they counted to target/promises/*.json (tests/common/tally.rs); seconds and
executions of the fuzz targets are in tests/fuzz/RESULTS.json, what other packages make of the hard problems in
tests/data/peers_hard_problems.json. What is not there is left out of the table, and named.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- table of tests/promises.py -->"
END = "<!-- end of the table -->"

# What is promised; the test targets that hold it, with a filter; and words in the names of what they count, each of which is
# counted at least once.
PROMISES = [
    ("Right: hard problems", [("hard_problems", None)], ["hard problems"]),
    ("Right: invariances", [("invariances", None)], ["invariances"]),
    ("Right: proofs recomputed", [("cli", "check"), ("cli", "check_changed")],
     ["second computation agrees", "second computation rejects"]),
    ("Nothing silent: bad input", [("cli", "bad_input"), ("cli", "wrong_model")],
     ["bad inputs", "penalties in models that do not fit"]),
    ("Nothing silent: two readers", [("two_readers", None)], ["two readers"]),
    ("Nothing lost", [("long_runs", None)],
     ["signals", "fits that were stopped or killed", "kills", "files larger than a limit", "full disks", "places that take no files",
      "files that a checkpoint could have replaced", "commands that are no fits"]),
    ("Bounded memory", [("long_runs", "memory")], ["memory limits"]),
    ("GPU faults", [("gpu_faults", None)], ["gpu faults"]),
    ("Hostile files", [("hostile", None)], ["mutants of", "seeds of fuzzing"]),
    ("Supply chain", [("supply_chain", None)], ["supply chain"]),
]


def target_folder():
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def exists(target, word):
    """Whether there is a test target with such a module."""
    folder = ROOT / "tests" / target
    is_there = (ROOT / "tests" / f"{target}.rs").exists() or (folder / "main.rs").exists()
    return is_there and (word is None or (folder / f"{word}.rs").exists())


def run_tests():
    """Runs every target that is there, once, and forgets what was counted before; the names of those that fail."""
    for path in (target_folder() / "promises").glob("*.json"):
        path.unlink()
    wanted, failed = {}, []
    for target, word in (own for _, targets, _ in PROMISES for own in targets):
        if not exists(target, word):
            failed.append(f"there is no test target {target}" + (f" with {word}" if word else ""))
        wanted.setdefault(target, []).append(word)
    for target, words in wanted.items():
        command = ["cargo", "test", "--release", "--test", target]
        if None not in words:
            command += ["--", *(f"{word}::" for word in words)]
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
    """What was counted, by name, with the time at which."""
    found = {}
    for path in sorted((target_folder() / "promises").glob("*.json")):
        own = load(path)
        if not (isinstance(own, dict) and isinstance(own.get("name"), str) and isinstance(own.get("counts"), dict)):
            sys.exit(f"error: {path}: expected a name and counts\nhelp: run the tests again, they write it")
        found[own["name"]] = (own["counts"], path.stat().st_mtime)
    return found


def built_at(target):
    """When the newest binary of a test target was built; never, if there is none."""
    of_target = re.compile(re.escape(target) + r"-[0-9a-f]+(\.exe)?")
    built = [path for path in (target_folder() / "release" / "deps").glob(f"{target}-*") if of_target.fullmatch(path.name)]
    return max((path.stat().st_mtime for path in built), default=float("-inf"))


def outdated(found):
    """What was not counted, or before the tests were built as they are now."""
    complaints = []
    for title, targets, words in PROMISES:
        newest = max(built_at(target) for target, _ in targets)
        for word in words:
            own = {name: time for name, (_, time) in found.items() if word in name.lower()}
            if not own:
                complaints.append(f"{title}: nothing is counted as {word!r}")
            complaints += [f"{title}: {name!r} was counted before its tests were built" for name, time in own.items() if time < newest]
    return complaints


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
        rows += [[title if k == 0 else "", name, counted(found[name][0])] for k, name in enumerate(own)]
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
    """Fuzz targets, how long they ran, and what they found."""
    targets = document["targets"]
    rows = [[own["target"], count(own["seconds"]), count(own["executions"]), count(own["findings"]), count(len(own["mended"]))] for own in targets]
    rows.append(["**in all**", *(f"**{count(sum(of(own) for own in targets))}**" for of in (
        lambda own: own["seconds"], lambda own: own["executions"], lambda own: own["findings"], lambda own: len(own["mended"])))])
    text = table(["fuzz target", "seconds", "executions", "findings", "mended"], rows)
    text += f"\n\nWith {document['fuzzer']}, on {document['processor_cores']} cores: {document['note']}."
    mended = [f"- `{own['target']}`: {what}" for own in targets for what in own["mended"]]
    return text + ("\n\nFound and mended:\n\n" + "\n".join(mended) if mended else "")


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
    settings = first(document, "settings")
    if isinstance(settings, dict):
        text += " Settings: " + ", ".join(f"{name} `{how}`" for name, how in settings.items()) + "."
    return text


def everything(found):
    parts = [of_tests(found)]
    fuzzing, peers = ROOT / "tests/fuzz/RESULTS.json", ROOT / "tests/data/peers_hard_problems.json"
    for path, of in [(fuzzing, of_fuzzing), (peers, of_peers)]:
        document = load(path)
        try:
            parts += [of(document)] if document else []
        except (KeyError, TypeError) as error:
            sys.exit(f"error: {path}: a field is missing: {error}\nhelp: make the file again")
    return "\n\n".join(parts)


def write(path, text):
    """Puts the table between its marks; every other byte of the page stays."""
    page = path.read_bytes()
    begin, end = BEGIN.encode(), END.encode()
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        sys.exit(f"error: {path}: expected the lines {BEGIN!r} and {END!r}, once each\nhelp: put them where the table belongs")
    before, after = page[: page.index(begin)], page[page.index(end) + len(end) :]
    new = path.with_name(path.name + ".part")
    new.write_bytes(before + begin + f"\n\n{text}\n\n".encode() + end + after)
    shutil.copymode(path, new)
    new.replace(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-run", action="store_true", help="read what the last run counted")
    parser.add_argument("--write", type=pathlib.Path, metavar="PAGE", help="put the table into a page, between its marks")
    arguments = parser.parse_args()
    failed = [] if arguments.no_run else run_tests()
    found = tallies()
    text = everything(found)
    print(text)
    if failed:
        sys.exit("error: " + ", ".join(failed) + "\nhelp: see above; the page was left as it was")
    if arguments.write and arguments.no_run:
        complaints = outdated(found)
        if complaints:
            sys.exit("error: " + "\n".join(complaints) + "\nhelp: leave out --no-run; the page was left as it was")
    if arguments.write:
        write(arguments.write, text)


if __name__ == "__main__":
    main()
