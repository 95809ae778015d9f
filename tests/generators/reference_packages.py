"""Fits of real data by independent packages: writes tests/data/reference_packages.json.

Packages: statsmodels 0.14.5, scikit-learn 1.7.2 (both BSD-3; the data lie in their wheels).
Call:     python tests/generators/reference_packages.py tests/data/reference_packages.json
Data:     cpunish, scotland, spector, randhie (every 20th row) of statsmodels; diabetes of scikit-learn.

statsmodels: GLM by IRLS to a deviance change of 1e-14, expected information. Log-likelihoods are at the scale that is
stored (Pearson, divided by the residual degrees of freedom). scikit-learn's mean squared error has a factor 1/2, so
its alpha is half of the strength that is stored. Weights are statsmodels' freq_weights and scikit-learn's sample_weight;
weights and offsets repeat the few numbers that are stored.
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


def glm(tables, name, observation, link, family, dispersion=None, intercept=True, **terms):
    x, y = np.array(tables[name]["x"]), np.array(tables[name]["y"])
    given = {term: np.resize(values, len(y)) for term, values in terms.items()}
    exog = sm.add_constant(x, has_constant="add") if intercept else x
    names = {"weights": "freq_weights", "offset": "offset"}
    model = sm.GLM(y, exog, family=family, **{names[term]: values for term, values in given.items()})
    fit = model.fit(tol=1e-14, maxiter=500)
    first = 1 if intercept else 0
    scale = fit.scale if observation in ("gaussian", "gamma") else 1.0
    record = {
        "package": "statsmodels",
        "data": name,
        "observation": observation,
        "link": link,
        "coef": fit.params[first:].tolist(),
        "intercept": fit.params[0] if intercept else 0.0,
        "standard_errors": fit.bse[first:].tolist(),
        "intercept_standard_error": fit.bse[0] if intercept else 0.0,
        "log_likelihood_sum": float(family.loglike(y, fit.mu, freq_weights=given.get("weights", 1.0), scale=scale)),
        "deviance": fit.deviance,
        "null_deviance": fit.null_deviance,
        "dof_resid": float(fit.df_resid),
        "has_intercept": intercept,
        **terms,
    }
    if dispersion is not None:
        record["dispersion"] = dispersion
    return record


def penalised(tables, name, observation, link, regularizer, strength, model, ratio=None, **terms):
    x, y = np.array(tables[name]["x"]), np.array(tables[name]["y"])
    fit = model.fit(x, y, **{"sample_weight": np.resize(values, len(y)) for values in terms.values()})
    record = {
        "package": "scikit-learn",
        "data": name,
        "observation": observation,
        "link": link,
        "regularizer": regularizer,
        "strength": strength,
        "coef": fit.coef_.tolist(),
        "intercept": float(fit.intercept_),
        **terms,
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
        glm(tables, "randhie", "poisson", "exp", f.Poisson(), weights=[1.0, 3.0, 0.5, 2.0]),
        glm(tables, "randhie", "poisson", "exp", f.Poisson(), offset=[0.0, -0.7, 1.2]),
        glm(tables, "scotland", "gamma", "exp", f.Gamma(links.Log()), weights=[1.0, 2.0], offset=[0.3, 0.0, -0.2]),
        glm(tables, "spector", "bernoulli", "logistic", f.Binomial(), weights=[2.0, 1.0, 3.0]),
        glm(tables, "randhie", "poisson", "exp", f.Poisson(), intercept=False),
        glm(tables, "diabetes", "gaussian", "identity", f.Gaussian(), intercept=False, weights=[1.0, 2.0, 2.0]),
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
    model = PoissonRegressor(alpha=0.05, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    weights = [1.0, 0.25, 4.0]
    fits.append(penalised(tables, "randhie", "poisson", "exp", "ridge", 0.05, model, weights=weights))
    versions = {"statsmodels": statsmodels.__version__, "scikit-learn": sklearn.__version__, "numpy": np.__version__}
    with open(path, "w") as out:
        json.dump({"versions": versions, "data": tables, "fits": fits}, out)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
