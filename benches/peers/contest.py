"""One workload: our own agreement first, then times in turns, then the peak memory of each in a process of its own.

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
from optimum import Optimum

#: Largest relative loss gap asked of rheobase, and the one at which a contestant counts as having arrived.
TOLERANCES = {"a": (1e-16, 1e-10), "b": (1e-10, 1e-10), "d1": (1e-8, 1e-8), "d2": (1e-8, 1e-8), "e": (1e-8, 1e-8)}
#: Contests in which the peer makes features.
FEATURES = ["c", "c-given", "c-fit"]
#: Repetitions.
ROUNDS = {"a": 15, "b": 7, "c": 5, "c-given": 5, "c-fit": 5, "d1": 3, "d2": 2, "e": 5, "g": 1}
#: Seconds for the repetitions of workload e, of which one takes the peer about 20.
TUTORIAL_BUDGET = 180.0
#: Seconds after which a peer of workload g is stopped.
LIMIT = 600.0
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


def summary(gaps):
    """Worst and median of loss gaps."""
    return {"worst": max(gaps), "median": float(np.median(gaps)), "n_targets": len(gaps)}


def gaps(optima, solutions):
    """Worst and median gap of a solution."""
    return summary([optima[k].gap(coef, intercept) for k, coef, intercept in solutions])


def require(own_gap, tolerance, workload):
    """Stops the run, before anything is timed, unless rheobase is as near to the optimum as the workload asks for."""
    if not own_gap["worst"] <= tolerance:
        raise SystemExit(
            f"workload {workload}: the loss of rheobase is {own_gap['worst']:.1e} above the optimum, and at most "
            f"{tolerance:g} is asked for: nothing is timed"
        )


def fits(options):
    """A workload that is a fit."""
    tolerance, arrived = TOLERANCES[options.workload]
    X, y = arrays(options)
    rivals = contestants.of_workload(options.workload, X, y)
    warm = engine.fits(options.rheobase, Path(options.data) / f"{options.workload}.npz", tolerance)
    answer = warm.run()
    start = [(np.array(t["coef"], dtype=float), float(t["intercept"])) for t in answer["targets"]]
    compared = sorted({k for contestant in rivals for k in contestant.targets})
    optima = {k: Optimum(X, y[:, k], start[k]) for k in compared}
    own_gap = gaps(optima, [(k, *start[k]) for k in compared])
    require(own_gap, tolerance, options.workload)
    result = {"tolerance": tolerance, "arrived_at": arrived, "own_gap": own_gap}
    rows = result["contestants"] = timings(options, rivals, lambda: warm.run()["seconds"]["fit"], optima)
    answer = warm.run()
    result |= {"solver": answer["solver"], "precision": answer["precision"], "converged": answer["converged"]}
    result["own_peak_memory_bytes"] = answer["peak_memory_bytes"]
    warm.close()
    result["size"] = [y.shape[1], *X.shape]
    memory(options, rows)
    return result


def timings(options, rivals, ours, optima):
    """Gaps and times of the contestants; those that did not arrive are timed as well."""
    arrived, rows = TOLERANCES[options.workload][1], []
    for contestant in rivals:
        solution, seconds, failure = attempt(contestant)
        if failure:
            rows.append({"name": contestant.name, "failure": failure})
            continue
        gap = gaps(optima, solution)
        print(f"{contestant.name}: first call {seconds:.3g} s, gap {gap['worst']:.1e}", file=sys.stderr)
        row = alternate.row(contestant.name, alternate.in_turns(ours, contestant, options.rounds))
        row |= {"cold_seconds": seconds * contestant.factor, "gap": gap, "arrived": gap["worst"] <= arrived}
        if options.workload == "a":
            row |= closed_loops(ours, contestant)
        rows.append(row | {"factor": contestant.factor})
    return rows


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
    agreement = {}
    if options.workload == "c-fit":
        agreement = own_agreement(options, engine.measured(options.rheobase, "c-fit", options.quick))
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
    result = agreement | {"contestants": [row], "own_peak_memory_bytes": peak, "size": list(found.shape)}
    memory(options, result["contestants"])
    return result


def own_agreement(options, run):
    """Our loss gap in a workload whose features are not written out: as `rheobase bench` measured it."""
    own_gap = summary([run["loss_gap"]])
    require(own_gap, run["tolerance"], options.workload)
    return {"own_gap": own_gap} | {name: run[name] for name in ("tolerance", "solver", "precision", "converged")}


def begun_fits(options):
    """Workload g: the peak memory of peers that write the features and begin a fit, each in a process of its own."""
    run = engine.measured(options.rheobase, "g", options.quick)
    result = own_agreement(options, run) | {"own_seconds": run["seconds"]}
    result |= {"own_peak_memory_bytes": run["peak_memory_bytes"], "size": [run["rows"], run["columns"]]}
    data = str(Path(options.data) / "g.npz")
    result["contestants"] = [begun_fit(data, library) for library in ("scikit-learn", "NeMoS")]
    return result


def begun_fit(data, library):
    """What became of the process of one peer, and its peak memory."""
    words = [sys.executable, str(HERE / "begun_fit.py"), data, library]
    lines, end, peak = peak_memory.of_child(words, LIMIT)
    row = {"name": library, "end": end, "peak_memory_bytes": peak}
    for line in lines:
        row |= json.loads(line)
    return row


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
        printed["peer"] = tutorial_stack(recording)

    tolerance, arrived = TOLERANCES["e"]
    ours()
    optima = tutorial_stack(recording, "--optimum")["optima"]
    own_gap = worse_by([model["targets"][0]["loss"] for model in printed["own"]], optima)
    require(own_gap, tolerance, "e")
    contestant = contestants.Contestant("Python: pynapple, NeMoS", "nemos", stack)
    stack()
    gap = worse_by(printed["peer"]["losses"], optima)
    row = alternate.row(contestant.name, alternate.in_turns(ours, contestant, options.rounds, TUTORIAL_BUDGET))
    row |= {"gap": gap, "arrived": gap["worst"] <= arrived}
    row["peak_memory_bytes"] = printed["peer"]["peak_memory_bytes"]
    peak = max(model["peak_memory_bytes"] for model in printed["own"])
    return {"contestants": [row], "own_gap": own_gap, "arrived_at": arrived, "own_peak_memory_bytes": peak}


def tutorial_stack(recording, *words):
    """One run of the Python stack of workload e; with `--optimum` in 64 bits, and with the optimum of both models."""
    run = [sys.executable, str(HERE / "tutorial.py"), recording, *words]
    precision = {"JAX_ENABLE_X64": "1"} if words else {}
    run = subprocess.run(run, capture_output=True, text=True, env=os.environ | precision)
    if run.returncode:
        raise SystemExit(run.stderr)
    return json.loads(run.stdout.splitlines()[-1])


def worse_by(losses, optima):
    """The gap of the worse of the models of workload e, as if of one target."""
    return summary([max(max(loss - best, 0.0) / abs(best) for loss, best in zip(losses, optima))])


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
    others = {name: features for name in FEATURES} | {"e": tutorial, "g": begun_fits}
    result = others.get(options.workload, fits)(options)
    result["threads"] = len(os.sched_getaffinity(0))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
