#!/usr/bin/env python3
"""Make `tests/data/nemos_classifiers`: classifiers that NeMoS 0.2.8 saved, and what they say about a few rows.

    /tmp/venv-nemos/bin/python tests/generators/nemos_classifiers.py tests/data/nemos_classifiers

The packages are those of `tests/requirements-nemos.txt`. `predictions.json` has, for each file, the rows, the labels, the
probabilities of each row (of several neurons of each neuron), the most probable labels and the log-likelihood per row of labels.
"""
import json
import os
import sys

import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)
import nemos  # noqa: E402
import numpy as np  # noqa: E402

MASK = np.ones((2, 2, 3))
MASK[1, 0] = 0.0
# name: labels, neurons, options
FILES = {
    "one": ([0, 1, 2], 1, {"regularizer": "Ridge", "regularizer_strength": 0.1}),
    "numbers": ([-2, 5, 7], 1, {"regularizer": "UnRegularized"}),
    "fractions": ([0.5, 2.0], 1, {"regularizer": "Lasso", "regularizer_strength": 0.02}),
    "texts": (["left", "right", "stop"], 1, {"regularizer": "Ridge", "regularizer_strength": 0.1}),
    "several": ([0, 1, 2], 2, {"regularizer": "Ridge", "regularizer_strength": 0.1, "feature_mask": MASK}),
}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    found = {}
    for name, (labels, n_neurons, options) in FILES.items():
        random = np.random.default_rng(3)
        x = random.normal(size=(60, 2)).round(3)
        eta = np.einsum("tp,pnk->tnk", x, random.normal(size=(2, n_neurons, len(labels))))
        y = np.asarray(labels)[(eta + random.gumbel(size=eta.shape)).argmax(axis=-1)]
        y = y[:, 0] if n_neurons == 1 else y
        kind = nemos.glm.ClassifierGLM if n_neurons == 1 else nemos.glm.ClassifierPopulationGLM
        model = kind(n_classes=len(labels), solver_kwargs={"tol": 1e-10, "maxiter": 2000}, **options).fit(x, y)
        model.save_params(os.path.join(folder, f"{name}.npz"))
        score = model.score(x, y, aggregate_sample_scores=lambda v: v.mean(axis=0))
        found[name] = {
            "x": x.tolist(),
            "y": y.tolist(),
            "classes": labels,
            "probabilities": np.asarray(model.predict_proba(x, return_type="proba")).tolist(),
            "labels": np.asarray(model.predict(x)).tolist(),
            "log_likelihood": np.atleast_1d(score).tolist(),
        }
    with open(os.path.join(folder, "predictions.json"), "w") as file:
        json.dump(found, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
