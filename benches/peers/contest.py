"""One workload: agreement first, then times in turns, then the peak memory of each in a process of its own.

Run by compare.py inside its virtual environment.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

import alternate
import contestants
import engine
import peak_memory

#: Largest relative loss gap asked of rheobase, and the one at which a contestant counts as having arrived.
TOLERANCES = {"a": (1e-16, 1e-10), "b": (1e-10, 1e-10), "d1": (1e-8, 1e-8), "d2": (1e-8, 1e-8)}
#: Contests in which the peer makes features.
FEATURES = ["c", "c-given", "c-fit"]
#: Repetitions.
ROUNDS = {"a": 15, "b": 7, "c": 5, "c-given": 5, "c-fit": 5, "d1": 3, "d2": 2, "e": 5}
HERE = Path(__file__).resolve().parent


def arrays(options):
    """X as stored, y of shape (rows, targets) in the precision of X."""
    data = np.load(Path(options.data) / f"{options.workload}.npz")
    X = data["X"]
    return X, data["y"].astype(X.dtype)


def attempt(contestant):
    """Solution and seconds of a first call; a library that gives up is no reason to stop."""
    importlib.import_module(contestant.library)
    try:
        return *alternate.timed(contestant.fit), None
    except Exception as error:  # whatever a library raises
        return None, None, f"{type(error).__name__}: {str(error).splitlines()[0]}"


def gaps(X, y, solutions, start, optima):
    """Worst and median gap of a solution."""
    from optimum import Optimum

    found = []
    for k, coef, intercept in solutions:
        if k not in optima:
            optima[k] = Optimum(X, y[:, k], start[k])
        found.append(optima[k].gap(coef, intercept))
    return {"worst": max(found), "median": float(np.median(found)), "n_targets": len(found)}


def fits(options):
    """A workload that is a fit."""
    tolerance, arrived = TOLERANCES[options.workload]
    X, y = arrays(options)
    warm = engine.fits(options.rheobase, Path(options.data) / f"{options.workload}.npz", tolerance)
    answer = warm.run()
    start = [(np.array(t["coef"], dtype=float), float(t["intercept"])) for t in answer["targets"]]
    optima, ours = {}, lambda: warm.run()["seconds"]["fit"]
    rows = []
    for contestant in contestants.of_workload(options.workload, X, y):
        solution, seconds, failure = attempt(contestant)
        if failure:
            rows.append({"name": contestant.name, "failure": failure})
            continue
        gap = gaps(X, y, solution, start, optima)
        print(f"{contestant.name}: first call {seconds:.3g} s, gap {gap['worst']:.1e}", file=sys.stderr)
        row = alternate.row(contestant.name, alternate.in_turns(ours, contestant, options.rounds))
        row |= {"cold_seconds": seconds * contestant.factor, "gap": gap, "arrived": gap["worst"] <= arrived}
        if options.workload == "a":
            row |= closed_loops(ours, contestant)
        rows.append(row | {"factor": contestant.factor})
    own_gap = gaps(X, y, [(k, *start[k]) for k in sorted(optima)], start, optima)
    result = {"tolerance": tolerance, "arrived_at": arrived, "own_gap": own_gap, "contestants": rows}
    answer = warm.run()
    result |= {"solver": answer["solver"], "precision": answer["precision"], "converged": answer["converged"]}
    result["own_peak_memory_bytes"] = answer["peak_memory_bytes"]
    warm.close()
    result["size"] = [y.shape[1], *X.shape]
    memory(options, rows)
    return result


def closed_loops(ours, contestant):
    """Calls back to back, for fits that are shorter than the pauses: ours, the contestant's, ours again."""
    before = alternate.back_to_back(ours, 100)
    seconds = alternate.back_to_back(lambda: alternate.timed(contestant.fit)[1], 50)
    own = (before + alternate.back_to_back(ours, 100)) / 2
    return {"back_to_back_seconds": seconds, "own_back_to_back_seconds": own, "back_to_back_ratio": seconds / own}


def memory(options, rows):
    """The peak of a process that holds the data and runs one contestant once."""
    for row in rows:
        words = [sys.executable, __file__, "memory", options.workload, "--contestant", row["name"]]
        words += ["--data", options.data]
        run = subprocess.run(words, capture_output=True, text=True)
        if run.returncode == 0:
            row |= json.loads(run.stdout.splitlines()[-1])


def one_for_memory(options):
    """What `memory` starts: prints the peaks before and after the run."""
    if options.workload in FEATURES:
        contestant = features_contestant(np.load(Path(options.data) / "c.npz"))
    else:
        X, y = arrays(options)
        contestant = next(c for c in contestants.of_workload(options.workload, X, y) if c.name == options.contestant)
    before = peak_memory.n_bytes()
    attempt(contestant)
    print(json.dumps({"peak_memory_bytes": peak_memory.n_bytes(), "peak_before_bytes": before}))


def features_contestant(data):
    window, n_functions = data["kernel"].shape
    return contestants.of_features(data["counts"], n_functions, window)


def features(options):
    """Workload c: features of spike trains, against ours or against our whole fit to them."""
    data = np.load(Path(options.data) / "c.npz")
    contestant = features_contestant(data)
    warm = engine.features(options.rheobase, options.workload, options.quick)
    warm.run()
    found, seconds, failure = attempt(contestant)
    if failure:
        raise SystemExit(failure)
    head = data["features_head"]
    difference = np.abs(found[: len(head)] - head)
    complete = np.isfinite(head).all(axis=1)
    far = float(difference[complete].max() / np.abs(head[complete]).max())
    if far > 1e-4:
        raise SystemExit(f"the features of {contestant.name} differ by {far:.1e}: nothing is timed")
    row = alternate.row(
        contestant.name, alternate.in_turns(lambda: warm.run()["seconds"], contestant, options.rounds)
    )
    row |= {"cold_seconds": seconds, "difference": far, "arrived": True}
    peak = warm.run()["peak_memory_bytes"]
    warm.close()
    result = {"contestants": [row], "own_peak_memory_bytes": peak, "size": list(found.shape)}
    memory(options, result["contestants"])
    return result


def tutorial(options):
    """Workload e: cold processes from an NWB file to the scores of two models."""
    recording = str(Path(options.data) / "e.nwb")
    common = ["--epochs", "Noise 1", "--epoch", "0", "--unit", "0", "--bin", "1ms", "--json", "--quiet"]
    models = ["stimulus*1e12", "stimulus*1e12 : raised-cosine-log(8, window=200ms)"]
    printed = {}

    def ours():
        runs = [[options.rheobase, "fit", recording, *common, "--feature", model] for model in models]
        results, seconds = alternate.timed(lambda: [subprocess.run(run, capture_output=True) for run in runs])
        printed["own"] = [json.loads(result.stdout) for result in results]
        return seconds

    def stack():
        run = subprocess.run([sys.executable, str(HERE / "tutorial.py"), recording], capture_output=True, text=True)
        if run.returncode:
            raise SystemExit(run.stderr)
        printed["peer"] = json.loads(run.stdout.splitlines()[-1])

    contestant = contestants.Contestant("Python: pynapple, NeMoS", "nemos", stack)
    ours()
    stack()
    own = [model["targets"][0]["loss"] for model in printed["own"]]
    gap = max((other - loss) / abs(loss) for other, loss in zip(printed["peer"]["losses"], own))
    row = alternate.row(contestant.name, alternate.in_turns(ours, contestant, options.rounds))
    row |= {"gap": {"worst": gap, "median": gap, "n_targets": 1}, "arrived": gap <= 1e-8}
    row["peak_memory_bytes"] = printed["peer"]["peak_memory_bytes"]
    peak = max(model["peak_memory_bytes"] for model in printed["own"])
    return {"contestants": [row], "own_peak_memory_bytes": peak}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["timing", "memory"])
    parser.add_argument("workload", choices=list(ROUNDS))
    parser.add_argument("--data", required=True)
    parser.add_argument("--rheobase")
    parser.add_argument("--contestant")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.threads:
        # everybody, rheobase included, sees so many cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    if options.what == "memory":
        return one_for_memory(options)
    options.rounds = options.rounds or ROUNDS[options.workload]
    result = ({name: features for name in FEATURES} | {"e": tutorial}).get(options.workload, fits)(options)
    result["threads"] = len(os.sched_getaffinity(0))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
