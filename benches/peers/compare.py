"""rheobase against other libraries on this machine; see README.md.

    python3 benches/peers/compare.py --only a,b
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path

import table

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE.parent / "RESULTS.md"
RECORD = HERE.parent / "RESULTS.peers.json"
WORKLOADS = ["a", "b", "c", "c-given", "c-fit", "d1", "d2", "e", "g"]
BEGIN, END = "<!-- peers: begin -->", "<!-- peers: end -->"


def main():
    parser = argparse.ArgumentParser(description="Times rheobase and its peers in turns.")
    parser.add_argument("--only", default=",".join(WORKLOADS), help=f"workloads, with commas between them, of {', '.join(WORKLOADS)}")
    parser.add_argument("--rounds", type=int, help="repetitions; by the workload without it")
    parser.add_argument("--threads", type=int, help="cores that everybody may use; all without it")
    parser.add_argument("--quick", action="store_true", help="smaller data, for a trial; writes no results")
    built = ROOT / "target"
    parser.add_argument("--venv", type=Path, default=built / "peers-venv", help="environment, made if missing")
    parser.add_argument("--data", type=Path, default=built / "peers-data", help="where the data are written")
    parser.add_argument("--rheobase", type=Path, help="the program; built without it")
    options = parser.parse_args()
    workloads = options.only.split(",")
    if unknown := [name for name in workloads if name not in WORKLOADS]:
        parser.error(f"--only: {', '.join(unknown)} is not among {', '.join(WORKLOADS)}")
    if busy() > 0.5:
        print("this machine is doing something else: ratios will say more about that than about rheobase", file=sys.stderr)
    python = environment(options.venv)
    program = (options.rheobase or build()).resolve()
    record = json.loads(RECORD.read_text()) if RECORD.exists() and not options.quick else {}
    for workload in workloads:
        print(f"workload {workload}", file=sys.stderr)
        result = contest(python, program, workload, options)
        record[workload] = result | {"date": date.today().isoformat(), "machine": machine(python, program)}
        record[workload]["quick"] = options.quick
        print(table.markdown({workload: record[workload]}))
        if not options.quick:
            write(record)


def busy():
    """Processes that want a core, on average over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def environment(folder):
    """The python of a virtual environment that holds the peers."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    wanted = HERE / "requirements.txt"
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
    return python


def build():
    subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    folder = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return folder / "release" / "rheobase"


def contest(python, program, workload, options):
    """Writes the data of a workload and runs it in a process of its own."""
    quick = ["--quick"] if options.quick else []
    # the three contests of c share their data
    source = workload.split("-")[0]
    words = [program, "bench", "--workload", source, "--write-data", options.data, *quick]
    subprocess.run([str(word) for word in words], check=True)
    words = [python, HERE / "contest.py", "timing", workload, *quick]
    words += ["--data", options.data, "--rheobase", program]
    for name in ("rounds", "threads"):
        if getattr(options, name):
            words += [f"--{name}", getattr(options, name)]
    # float64 data are fitted in float64 by everybody
    precision = {"JAX_ENABLE_X64": "1"} if workload == "a" else {}
    run = subprocess.run(
        [str(word) for word in words], stdout=subprocess.PIPE, text=True, check=True, env=os.environ | precision
    )
    return json.loads(run.stdout.splitlines()[-1])


def machine(python, program):
    """Processor, cores and versions."""
    names = [line.split("==")[0] for line in requirements()]
    code = "import importlib.metadata as m, sys; print(*(m.version(n) for n in sys.argv[1:]))"
    versions = subprocess.run([str(python), "-c", code, *names], capture_output=True, text=True, check=True).stdout
    own = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), cpu)
    versions = [f"{name} {version}" for name, version in zip(names, versions.split())]
    return {"processor": cpu, "cores": os.cpu_count(), "rheobase": own, "versions": versions}


def requirements():
    lines = (HERE / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def write(record):
    """The table between its markers, and the numbers behind it."""
    RECORD.write_text(json.dumps(record, indent=1) + "\n")
    text = RESULTS.read_text() if RESULTS.exists() else "# Figures\n"
    if BEGIN not in text:
        text += f"\n## Against other libraries\n\n{BEGIN}\n{END}\n"
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    RESULTS.write_text(f"{before}{BEGIN}\n{table.markdown(record)}{END}{after}")


if __name__ == "__main__":
    main()
