"""Fits of real data by independent packages: writes tests/data/reference_packages.json.

Packages: statsmodels 0.14.5, scikit-learn 1.7.2 (both BSD-3; the data lie in their wheels).
Call:     python tests/generators/reference_packages.py tests/data/reference_packages.json
Data:     cpunish, scotland, spector, randhie (every 20th row) of statsmodels; diabetes of scikit-learn.

statsmodels: GLM by IRLS to a deviance change of 1e-14, expected information. Log-likelihoods are at the scale that is
stored (Pearson, divided by the residual degrees of freedom). scikit-learn's mean squared error has a factor 1/2, so
its alpha is half of the strength that is stored.
"""

import json
import sys

import numpy as np
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso, PoissonRegressor


def table(name, x, y, columns):
    return {"name": name, "columns": list(columns), "x": np.asarray(x, float).tolist(), "y": np.asarray(y, float).tolist()}


def data():
    cpunish = sm.datasets.cpunish.load_pandas()
    scotland = sm.datasets.scotland.load_pandas()
    spector = sm.datasets.spector.load_pandas()
    randhie = sm.datasets.randhie.load_pandas()
    diabetes = load_diabetes(scaled=False)
    income = cpunish.exog.copy()
    income["INCOME"] /= 1000.0
    rare = randhie.exog.iloc[::20]
    return {
        "cpunish": table("cpunish", income, cpunish.endog, income.columns),
        "scotland": table("scotland", scotland.exog, scotland.endog, scotland.exog.columns),
        "spector": table("spector", spector.exog, spector.endog, spector.exog.columns),
        "randhie": table("randhie", rare, randhie.endog.iloc[::20], rare.columns),
        "diabetes": table("diabetes", diabetes.data, diabetes.target, diabetes.feature_names),
    }


def glm(tables, name, observation, link, family, dispersion=None):
    x, y = np.array(tables[name]["x"]), np.array(tables[name]["y"])
    fit = sm.GLM(y, sm.add_constant(x, has_constant="add"), family=family).fit(tol=1e-14, maxiter=500)
    scale = fit.scale if observation in ("gaussian", "gamma") else 1.0
    record = {
        "package": "statsmodels",
        "data": name,
        "observation": observation,
        "link": link,
        "coef": fit.params[1:].tolist(),
        "intercept": fit.params[0],
        "standard_errors": fit.bse[1:].tolist(),
        "intercept_standard_error": fit.bse[0],
        "log_likelihood_sum": float(family.loglike(y, fit.mu, scale=scale)),
        "deviance": fit.deviance,
    }
    if dispersion is not None:
        record["dispersion"] = dispersion
    return record


def penalised(tables, name, observation, link, regularizer, strength, model, ratio=None):
    x, y = np.array(tables[name]["x"]), np.array(tables[name]["y"])
    fit = model.fit(x, y)
    record = {
        "package": "scikit-learn",
        "data": name,
        "observation": observation,
        "link": link,
        "regularizer": regularizer,
        "strength": strength,
        "coef": fit.coef_.tolist(),
        "intercept": float(fit.intercept_),
    }
    if ratio is not None:
        record["ratio"] = ratio
    return record


def main(path):
    tables = data()
    f, links = sm.families, sm.families.links
    fits = [
        glm(tables, "cpunish", "poisson", "exp", f.Poisson()),
        glm(tables, "randhie", "poisson", "exp", f.Poisson()),
        glm(tables, "randhie", "negative-binomial", "exp", f.NegativeBinomial(alpha=1.28), 1.28),
        glm(tables, "scotland", "gamma", "one-over-x", f.Gamma()),
        glm(tables, "scotland", "gamma", "exp", f.Gamma(links.Log())),
        glm(tables, "spector", "bernoulli", "logistic", f.Binomial()),
        glm(tables, "spector", "bernoulli", "probit", f.Binomial(links.Probit())),
        glm(tables, "diabetes", "gaussian", "identity", f.Gaussian()),
    ]
    exact = {"tol": 1e-15, "max_iter": 10_000_000}
    for strength in (2.0, 40.0):
        fits.append(penalised(tables, "diabetes", "gaussian", "identity", "lasso", strength, Lasso(strength / 2, **exact)))
        fits.append(
            penalised(
                tables, "diabetes", "gaussian", "identity", "elastic-net", strength, ElasticNet(strength / 2, l1_ratio=0.3, **exact), 0.3
            )
        )
    for strength in (1e-3, 0.3):
        model = PoissonRegressor(alpha=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000)
        fits.append(penalised(tables, "randhie", "poisson", "exp", "ridge", strength, model))
    versions = {"statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__, "numpy": np.__version__}
    with open(path, "w") as out:
        json.dump({"versions": versions, "data": tables, "fits": fits}, out)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
