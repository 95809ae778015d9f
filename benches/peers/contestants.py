"""The peers and their settings.

Each setting is one contestant. Stopping rules differ between libraries, so several are tried; the table shows how far
from the optimum each of them ended, and ratios count only where that is near enough.
"""

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np


@dataclass
class Contestant:
    """A library with its settings."""

    name: str
    #: the module that `fit` imports, so that importing it is no part of a first call
    library: str
    #: fits and returns [(target, coefficients, intercept), ..]
    fit: Callable
    is_jax: bool = False
    #: what the measured time is multiplied with, for libraries of which only some targets are measured
    factor: float = 1.0
    #: the targets that `fit` returns
    targets: tuple = ()


def one_by_one(estimate, targets, n_targets):
    """Fits of single targets, some of which stand for all."""
    return lambda: [(k, *estimate(k)) for k in targets], n_targets / len(targets)


def sklearn(X, y, solver, tolerance, targets):
    def estimate(k):
        from sklearn.linear_model import PoissonRegressor

        model = PoissonRegressor(alpha=0, solver=solver, tol=tolerance, max_iter=10_000).fit(X, y[:, k])
        return model.coef_, model.intercept_

    fit, factor = one_by_one(estimate, targets, y.shape[1])
    name = f"scikit-learn {solver}, tol {tolerance:g}"
    return Contestant(name, "sklearn.linear_model", fit, factor=factor, targets=tuple(targets))


def glum(X, y, tolerance, targets):
    def estimate(k):
        from glum import GeneralizedLinearRegressor

        settings = {"gradient_tol": tolerance} if tolerance else {}
        model = GeneralizedLinearRegressor(family="poisson", alpha=0, max_iter=500, **settings).fit(X, y[:, k])
        return model.coef_, model.intercept_

    fit, factor = one_by_one(estimate, targets, y.shape[1])
    name = f"glum, gradient_tol {tolerance:g}" if tolerance else "glum"
    return Contestant(name, "glum", fit, factor=factor, targets=tuple(targets))


def statsmodels(X, y):
    def fit():
        import statsmodels.api as sm

        found = sm.GLM(y[:, 0], sm.add_constant(X), family=sm.families.Poisson()).fit()
        return [(0, found.params[1:], found.params[0])]

    return Contestant("statsmodels IRLS", "statsmodels.api", fit, targets=(0,))


def nemos(X, y, targets, label="", **settings):
    """One target by `GLM`, several at once by `PopulationGLM`."""
    words = "".join(f", {name} {value:g}" for name, value in settings.get("solver_kwargs", {}).items())

    def fit():
        from nemos.glm import GLM, PopulationGLM

        if y.shape[1] == 1 or len(targets) == 1:
            model = GLM(solver_name="LBFGS", **settings).fit(X, y[:, targets[0]])
            return [(targets[0], np.asarray(model.coef_), np.asarray(model.intercept_).item())]
        model = PopulationGLM(solver_name="LBFGS", **settings).fit(X, y)
        coef, intercept = np.asarray(model.coef_), np.asarray(model.intercept_)
        return [(k, coef[:, k], intercept[k]) for k in range(y.shape[1])]

    factor = y.shape[1] if len(targets) == 1 else 1.0
    name = f"NeMoS LBFGS{words}{label}"
    return Contestant(name, "nemos.glm", fit, is_jax=True, factor=factor, targets=tuple(targets))


def scaled(contestant, X):
    """What a contestant finds on scaled columns, in the units of the columns."""
    mean, sd = X.mean(axis=0), X.std(axis=0)

    def fit():
        found = contestant.fit()
        return [(k, w / sd, b - (w / sd) @ mean) for k, w, b in found]

    return replace(contestant, fit=fit)


def of_workload(workload, X, y):
    """All contestants of a workload that is a fit; those with JAX last, so that its threads disturb nobody else."""
    if workload == "a":
        standard = (X - X.mean(axis=0)) / X.std(axis=0)
        by_hand = nemos(standard, y, [0], ", columns scaled by hand", solver_kwargs={"tol": 1e-10, "maxiter": 10_000})
        return [
            sklearn(X, y, "newton-cholesky", 1e-4, [0]),
            sklearn(X, y, "newton-cholesky", 1e-6, [0]),
            sklearn(X, y, "lbfgs", 1e-4, [0]),
            sklearn(X, y, "lbfgs", 1e-6, [0]),
            glum(X, y, None, [0]),
            glum(X, y, 1e-6, [0]),
            glum(X, y, 1e-8, [0]),
            statsmodels(X, y),
            nemos(X, y, [0]),
            nemos(X, y, [0], solver_kwargs={"tol": 1e-10, "maxiter": 10_000}),
            scaled(by_hand, X),
        ]
    if workload == "b":
        return [
            sklearn(X, y, "lbfgs", 1e-4, [0]),
            sklearn(X, y, "lbfgs", 1e-6, [0]),
            sklearn(X, y, "lbfgs", 1e-7, [0]),
            sklearn(X, y, "newton-cholesky", 1e-4, [0]),
            sklearn(X, y, "newton-cholesky", 1e-6, [0]),
            glum(X, y, None, [0]),
            glum(X, y, 1e-6, [0]),
            nemos(X, y, [0]),
        ]
    if workload == "d1":
        some = [0, 10, 19]
        return [
            sklearn(X, y, "newton-cholesky", 1e-4, some),
            sklearn(X, y, "newton-cholesky", 1e-6, some),
            sklearn(X, y, "lbfgs", 1e-4, [10]),
            glum(X, y, None, some),
            nemos(X, y, list(range(y.shape[1]))),
        ]
    return [
        sklearn(X, y, "newton-cholesky", 1e-4, [50]),
        sklearn(X, y, "newton-cholesky", 1e-6, [50]),
        glum(X, y, None, [50]),
        nemos(X, y, [50]),
    ]


def of_features(counts, n_functions, window):
    """The features of workload c."""

    def fit():
        from nemos.basis import RaisedCosineLogConv

        basis = RaisedCosineLogConv(n_functions, window_size=window)
        return np.asarray(basis.compute_features(counts))

    return Contestant("NeMoS", "nemos.basis", fit, is_jax=True)
