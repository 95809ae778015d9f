"""Workload e in Python: from an NWB file to the scores of two models, in one process, imports included.

`--optimum` adds the lowest loss of each model in float64, which is no part of what is timed.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

import nemos as nmo
import numpy as np
import pynapple as nap

import peak_memory
from optimum import Optimum

BIN_S = 1e-3
WINDOW_S = 0.2

data = nap.load_file(sys.argv[1])
sweeps = data["epochs"]
tags = [tag if isinstance(tag, str) else tag[0] for tag in sweeps["tags"]]
sweep = sweeps[[k for k, tag in enumerate(tags) if tag == "Noise 1"][:1]]
current = data["stimulus"].restrict(sweep) * 1e12
binned = current.bin_average(BIN_S, sweep)
counts = data["units"].count(BIN_S, sweep)[:, 0]

results, optima = [], []
basis = nmo.basis.RaisedCosineLogConv(8, window_size=round(WINDOW_S / BIN_S))
for features in (np.asarray(binned)[:, None], np.asarray(basis.compute_features(binned))):
    used = np.isfinite(features).all(axis=1)
    X, y = features[used], np.asarray(counts)[used]
    model = nmo.glm.GLM(solver_name="LBFGS").fit(X, y)
    eta = X.astype(float) @ np.asarray(model.coef_, dtype=float) + float(np.asarray(model.intercept_).item())
    results.append(
        {
            "loss": float(np.mean(np.exp(eta) - y * eta)),
            "log_likelihood": float(model.score(X, y, score_type="log-likelihood")),
            "pseudo_r2": float(model.score(X, y, score_type="pseudo-r2-McFadden")),
        }
    )
    if "--optimum" in sys.argv:
        optima.append(Optimum(X, y).loss)
losses = [result["loss"] for result in results]
peak = peak_memory.n_bytes()
print(json.dumps({"losses": losses, "models": results, "optima": optima, "peak_memory_bytes": peak}))
