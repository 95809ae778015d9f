"""Workload g in Python: writes all features into memory and begins a fit to them.

    python begun_fit.py g.npz NeMoS

A line of JSON after each step, so that the steps before the last one are known if memory does not suffice.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

import alternate
import peak_memory

ITERATIONS = 2


def main():
    warnings.filterwarnings("ignore")
    give_way()
    path, library = sys.argv[1:]
    from nemos.basis import RaisedCosineLogConv

    data = np.load(path)
    counts, y = data["counts"], data["y"][:, 0]
    window, n_functions = data["kernel"].shape
    say(peak_before_bytes=peak_memory.n_bytes())
    basis = RaisedCosineLogConv(n_functions, window_size=window)
    X, seconds = alternate.timed(lambda: basis.compute_features(counts).block_until_ready())
    if X.dtype != np.float32:
        raise SystemExit(f"the features are {X.dtype}, and float32 is asked for")
    say(features_seconds=seconds, features_bytes=X.nbytes, features_peak_bytes=peak_memory.n_bytes())
    _, seconds = alternate.timed(lambda: {"NeMoS": nemos, "scikit-learn": sklearn}[library](X, y, window))
    say(fit_seconds=seconds, iterations=ITERATIONS)


def give_way():
    """Where memory runs out, Linux ends this process and not another one."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("1000")


def say(**what):
    print(json.dumps(what), flush=True)


def nemos(X, y, window):
    from nemos.glm import GLM

    GLM(solver_name="LBFGS", solver_kwargs={"maxiter": ITERATIONS}).fit(X, y)


def sklearn(X, y, window):
    from sklearn.linear_model import PoissonRegressor

    # without the first rows, whose past is not complete; as views, which take no memory
    X, y = np.asarray(X)[window:], y[window:]
    PoissonRegressor(alpha=0, solver="lbfgs", max_iter=ITERATIONS).fit(X, y)


if __name__ == "__main__":
    main()
