"""Fits of real labels by independent packages: writes tests/data/reference_class_rows.json.

Packages: statsmodels 0.14.5, scikit-learn 1.7.2 (both BSD-3; the data lie in their wheels).
Call:     python tests/generators/reference_class_rows.py tests/data/reference_class_rows.json
Data:     anes96 of statsmodels, every second row; party identification in three classes (0-1, 2-4, 5-6).

Coefficients are those whose sum over the classes is 0. statsmodels: MNLogit by Newton's method, expected information; its weights are
repetitions of rows, its offset that of a binomial GLM of the first two classes (half the difference of both). scikit-learn:
LogisticRegression with sample_weight; its C is 1 / (strength * sum of the weights). Weights repeat the few numbers that are stored.
"""

import json
import sys

import numpy as np
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression


def data():
    anes = sm.datasets.anes96.load_pandas()
    x = anes.exog[["logpopul", "selfLR", "age", "educ", "income"]].to_numpy()[::2]
    x = x / np.array([1.0, 1.0, 10.0, 1.0, 10.0])
    y = np.digitize(anes.endog.to_numpy()[::2], [2, 5])
    return x, y


def centred(first_is_0, n_classes):
    """Of columns of parameters against class 0 those whose sum over the classes is 0, and the matrix that makes them."""
    to_all = np.vstack([np.zeros(n_classes - 1), np.eye(n_classes - 1)])
    centre = np.eye(n_classes) - 1.0 / n_classes
    matrix = centre @ to_all
    return first_is_0 @ matrix.T, matrix


def mnlogit(x, y, weights=None, intercept=True):
    repeats = np.ones(len(y), int) if weights is None else np.resize(weights, len(y)).astype(int)
    long_x, long_y = np.repeat(x, repeats, axis=0), np.repeat(y, repeats)
    exog = sm.add_constant(long_x) if intercept else long_x
    fit = sm.MNLogit(long_y, exog).fit(method="newton", maxiter=200, tol=1e-14, disp=False)
    params = np.asarray(fit.params)
    coef, matrix = centred(params, 3)
    n_columns = exog.shape[1]
    # parameters of statsmodels lie class after class
    covariance = np.asarray(fit.cov_params())
    errors = np.zeros((n_columns, 3))
    for column in range(n_columns):
        places = [k * n_columns + column for k in range(2)]
        own = covariance[np.ix_(places, places)]
        errors[column] = np.sqrt(np.diag(matrix @ own @ matrix.T))
    first = 1 if intercept else 0
    record = {
        "package": "statsmodels",
        "has_intercept": intercept,
        "coef": coef[first:].tolist(),
        "intercept": coef[0].tolist() if intercept else [0.0] * 3,
        "standard_errors": errors[first:].tolist(),
        "log_likelihood_sum": float(fit.llf),
        "dof_resid": float(len(long_y) - 2 * n_columns),
    }
    if weights is not None:
        record["weights"] = weights
    return record


def logistic(x, y, weights, strength, intercept=True):
    own = np.resize(weights, len(y))
    c = 1.0 / (strength * own.sum()) if strength else np.inf
    model = LogisticRegression(
        penalty="l2" if strength else None, C=c, solver="newton-cholesky", tol=1e-14, max_iter=1000, fit_intercept=intercept
    )
    fit = model.fit(x, y, sample_weight=own)
    centre = lambda values: (values - values.mean(axis=0)).T.tolist()
    return {
        "package": "scikit-learn",
        "has_intercept": intercept,
        "strength": strength,
        "weights": weights,
        "coef": centre(fit.coef_),
        "intercept": centre(fit.intercept_) if intercept else [0.0] * 3,
    }


def two_classes(x, y, offset):
    """Of classes 0 and 1 alone, beside an offset of the logarithm of their odds."""
    rows = y < 2
    own = np.resize(offset, len(y))[rows]
    fit = sm.GLM(y[rows], sm.add_constant(x[rows]), family=sm.families.Binomial(), offset=own).fit(tol=1e-14, maxiter=200)
    half = 0.5 * np.asarray(fit.params)
    return {
        "package": "statsmodels",
        "offset": offset,
        "coef": np.stack([-half[1:], half[1:]], axis=1).tolist(),
        "intercept": [-half[0], half[0]],
        "standard_errors": np.stack([0.5 * fit.bse[1:]] * 2, axis=1).tolist(),
        "log_likelihood_sum": float(fit.llf),
        "null_log_likelihood_sum": float(fit.llnull),
    }


def main(path):
    x, y = data()
    fractions = [0.25, 1.5, 2.0, 0.8]
    fits = [
        mnlogit(x, y),
        mnlogit(x, y, weights=[1, 3, 2]),
        mnlogit(x, y, intercept=False),
        mnlogit(x, y, weights=[2, 1], intercept=False),
        logistic(x, y, fractions, 0.0),
        logistic(x, y, fractions, 0.05),
        logistic(x, y, fractions, 0.05, intercept=False),
    ]
    versions = {"statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__, "numpy": np.__version__}
    two = two_classes(x, y, [0.0, -0.7, 1.2])
    with open(path, "w") as out:
        json.dump({"versions": versions, "x": x.tolist(), "y": y.tolist(), "fits": fits, "two_classes": two}, out)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
