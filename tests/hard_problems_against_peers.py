"""Hard problems by rheobase and by other programs: who is right, who says so if not.

    python -m venv V && V/bin/pip install -r tests/requirements-peers.txt
    V/bin/python tests/hard_problems_against_peers.py target/release/rheobase --write tests/data/peers_hard_problems.json

Every problem is made here, the same every time. The truth is computed here as well: Newton's method in extended precision on
centred and scaled columns, a closed form, or "infinite" where the data are separated by construction. Other programs run
without a penalty, once as they come and once with the settings that are best for exact answers; what each is told is part of
the result. An answer is right if coefficients, in standard deviations of their columns, are within 1e-6 of the largest and the
linear predictor where all columns are at their mean is within 1e-6 of its size. Where columns repeat one another coefficients
are not unique, and predictors are compared in every row. Where there is no finite answer, right is who says so: by an error, a
warning or a status; a program that gives numbers without a word is wrong. Ends with 1 if rheobase is wrong anywhere.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import warnings

import glum
import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression, PoissonRegressor

RIGHT = 1e-6
LONG = np.longdouble


def loss_terms(family, y, eta):
    """Loss, slope and curvature of each row."""
    if family == "poisson":
        mu = np.exp(eta)
        return mu - y * eta, mu - y, mu
    p = 1 / (1 + np.exp(-eta))
    return np.logaddexp(0, eta) - y * eta, p - y, p * (1 - p)


def eliminate(a, b):
    """Solves a x = b with pivots, in the precision of a."""
    a, b = a.copy(), b.copy()
    n = len(b)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, pivot]], b[[k, pivot]] = a[[pivot, k]], b[[pivot, k]]
        factors = a[k + 1 :, k] / a[k, k]
        a[k + 1 :] -= np.outer(factors, a[k])
        b[k + 1 :] -= factors * b[k]
    for k in reversed(range(n)):
        b[k] = (b[k] - a[k, k + 1 :] @ b[k + 1 :]) / a[k, k]
    return b


def truth(family, x, y):
    """The optimum: (coefficients, predictor at the mean of the columns)."""
    x, y = x.astype(LONG), y.astype(LONG)
    shifted = x - x[0]
    mean = shifted.mean(axis=0)
    sd = np.sqrt(((shifted - mean) ** 2).mean(axis=0))
    c = np.hstack([np.ones((len(y), 1), LONG), (shifted - mean) / sd])
    w = np.zeros(c.shape[1], LONG)
    m = y.mean()
    w[0] = np.log(m) if family == "poisson" else np.log(m / (1 - m))
    for _ in range(500):
        loss, slope, curvature = loss_terms(family, y, c @ w)
        step = eliminate((c * curvature[:, None]).T @ c, -(c.T @ slope))
        reach, length = np.abs(c @ step).max(), LONG(1)
        while reach * length > 1e-6 and not (loss_terms(family, y, c @ (w + length * step))[0].sum() <= loss.sum()):
            length /= 2
        w = w + length * step
        if reach < 1e-16:
            break
    return (w[1:] / sd).astype(float), float(w[0])


def problem(name, family, x, y, answer=None, unique=True, features=None):
    return {
        "name": name,
        "family": family,
        "x": np.ascontiguousarray(x, dtype=float),
        "y": np.ascontiguousarray(y, dtype=float),
        "answer": answer if answer is not None else truth(family, x, y),
        "unique": unique,
        "features": features,
    }


INFINITE = "infinite"


def problems():
    def noise(seed, n, p):
        return np.random.default_rng(seed).standard_normal((n, p))

    def counts(seed, x, w, base=-0.5):
        return np.random.default_rng(seed).poisson(np.exp(x @ np.array(w) + base)).astype(float)

    def events(seed, x, w):
        p = 1 / (1 + np.exp(-(x @ np.array(w))))
        return (np.random.default_rng(seed).random(len(x)) < p).astype(float)

    n, w = 1500, [0.4, -0.3, 0.2]
    x = noise(1, n, 3)
    condition = (np.arange(n) % 5 == 0).astype(float)
    beside = np.column_stack([x[:, :2], condition])
    silent = np.where(condition == 1, 0.0, counts(2, x, w))
    yield problem("silent condition", "poisson", beside, silent, INFINITE, features={"x2"})
    joint = x.copy()
    y = counts(3, x, w)
    joint[:, 1] = joint[:, 0] + np.where(y > 0, 0.0, np.round(8 * np.abs(noise(4, n, 1)[:, 0])) / 8)
    joint = np.round(joint * 64) / 64
    joint[:, 1] = joint[:, 0] + np.where(y > 0, 0.0, np.round(8 * np.abs(noise(4, n, 1)[:, 0])) / 8)
    yield problem("two features together", "poisson", joint, y, INFINITE, features={"x0", "x1"})
    apart = (x[:, 0] + 2 * x[:, 1] > 0.3).astype(float)
    yield problem("events beyond a threshold", "logit", x, apart, INFINITE, features={"x0", "x1"})
    quasi = np.where(condition == 1, 1.0, events(5, x, w))
    yield problem("all events in a condition", "logit", beside, quasi, INFINITE, features={"x2"})
    saved = silent.copy()
    saved[0] = 1
    yield problem("silent but for one event", "poisson", beside, saved)
    saved = joint.copy()
    first = int(np.argmax(y > 0))
    saved[first, 1] = saved[first, 0] + 2.0**-10
    yield problem("one event off by a thousandth", "poisson", saved, y)
    yield problem("no event at all", "poisson", x, np.zeros(n), INFINITE)
    yield problem("all counts equal", "poisson", x, np.full(n, 7.0), (np.zeros(3), math.log(7)))

    y = counts(6, x, w)
    twice = np.column_stack([x, x[:, 0]])
    own, middle = truth("poisson", x, y)
    yield problem("a copy of a column", "poisson", twice, y, ([own[0] / 2, own[1], own[2], own[0] / 2], middle), False)
    wide = noise(7, 20, 45)
    few = 1 + np.random.default_rng(8).poisson(2.0, 20).astype(float)
    centred = (wide - wide.mean(axis=0)).astype(float)
    logs = np.log(few)
    smallest = np.linalg.pinv(centred) @ (logs - logs.mean())
    yield problem("more columns than rows", "poisson", wide, few, (smallest, logs.mean()), False)
    for family, y in [("poisson", counts(9, x, w)), ("logit", events(10, x, w))]:
        yield problem(f"scales 1e-8 to 1e8, {family}", family, x * [1e-8, 1.0, 1e8], y)
        yield problem(f"offsets of 1e6, {family}", family, x + 1e6, y)
        outlier = x.copy()
        outlier[777, 1] = 1e3
        yield problem(f"a row at 1e3, {family}", family, outlier, y)
    near = np.column_stack([5 + 5e-6 * x[:, 0], np.where(np.arange(n) % 300 == 7, 3.5, 3.25), x[:, 2]])
    yield problem("nearly constant columns", "poisson", near, counts(11, x, w))
    clock = np.column_stack([x[:, 0], 1.7e9 + np.arange(n)])
    rates = np.exp(0.4 * x[:, 0] + 1e-3 * np.arange(n) - 1.5)
    yield problem("a clock since 1970", "poisson", clock, np.random.default_rng(12).poisson(rates).astype(float))
    many = np.round(np.random.default_rng(13).poisson(np.exp(13.8 + x @ np.array(w)))).astype(float)
    yield problem("counts of a million", "poisson", x, many)
    long = 1_000_000
    rare = np.column_stack([np.arange(long) % 3 == 0, (np.arange(long) % 64) / 64]).astype(float)
    y = np.zeros(long)
    y[[33, 5_117, 17_001, 250_041, 444_444, 600_001]] = 1
    yield problem("rates of a millionth", "poisson", rare, y)
    yield problem("counts that are no whole numbers", "poisson", x, 0.37 * counts(14, x, w) + 0.011)


def rheobase(binary, own, words):
    family = {"poisson": "poisson", "logit": "bernoulli"}[own["family"]]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "d.npz"
        np.savez(path, X=own["x"], y=own["y"])
        command = [binary, "fit", str(path), "--observation", family, "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 4):
        # an error is no answer to any of these
        print(done.stderr, file=sys.stderr)
        return None, []
    target = json.loads(done.stdout)["targets"][0]
    number = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
    coef = [number.get(w, w) for w in target["coef"]]
    intercept = number.get(target["intercept"], target["intercept"])
    said = [] if target["status"] == "converged" else [target["status"], *target["warnings"]]
    if own["answer"] == INFINITE:
        # it must say why, and name the features that it is about
        assert done.returncode == 4, target
        named = [text for text in said if text.startswith("separated: ")]
        if own["features"] and not (named and all(feature_of(f) in named[0] for f in own["features"])):
            return (coef, intercept), []
    return (coef, intercept), said


def feature_of(column):
    return f"X[{column[1:]}]"


def in_python(fit):
    def run(own):
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn"):
            warnings.simplefilter("always")
            try:
                found = fit(own)
            except Exception as error:  # whatever it raises is what it says
                return None, [f"{type(error).__name__}: {error}"]
        # what is said of the numbers; not of the future of an interface
        quiet = (DeprecationWarning, FutureWarning, PendingDeprecationWarning)
        return found, [f"{w.category.__name__}: {w.message}" for w in caught if not issubclass(w.category, quiet)]

    return run


def by_sklearn(best):
    def fit(own):
        more = {"solver": "newton-cholesky", "tol": 1e-12, "max_iter": 100} if best else {}
        if own["family"] == "poisson":
            model = PoissonRegressor(alpha=0, **more)
        else:
            model = LogisticRegression(C=np.inf, **more)
        model.fit(own["x"], own["y"])
        return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])

    return fit


def by_glum(best):
    def fit(own):
        family = {"poisson": "poisson", "logit": "binomial"}[own["family"]]
        more = {"gradient_tol": 1e-12, "max_iter": 100, "scale_predictors": True} if best else {}
        model = glum.GeneralizedLinearRegressor(family=family, alpha=0, **more)
        model.fit(own["x"], own["y"])
        return np.asarray(model.coef_), float(model.intercept_)

    return fit


def by_statsmodels(best):
    def fit(own):
        family = {"poisson": sm.families.Poisson(), "logit": sm.families.Binomial()}[own["family"]]
        more = {"tol": 1e-14, "tol_criterion": "params", "maxiter": 100} if best else {}
        found = sm.GLM(own["y"], sm.add_constant(own["x"], has_constant="add"), family=family).fit(**more)
        if not found.converged:
            warnings.warn("the flag `converged` is not set", stacklevel=1)
        return found.params[1:], float(found.params[0])

    return fit


def distance(own, found):
    """How far an answer is from the truth; infinite where it is no number."""
    if found is None:
        return math.inf
    coef, intercept = np.asarray(found[0], dtype=float), found[1]
    expected, middle = np.asarray(own["answer"][0], dtype=float), own["answer"][1]
    if not (np.isfinite(coef).all() and math.isfinite(intercept)):
        return math.inf
    x, size = own["x"], max(1.0, abs(middle))
    if not own["unique"]:
        centred = x - x.mean(axis=0)
        eta = intercept + x.astype(LONG) @ coef.astype(LONG)
        right = middle + centred @ expected
        return float(np.abs(eta - right).max() / max(1.0, np.abs(right).max()))
    sd = x.std(axis=0)
    of_coef = np.abs((coef - expected) * sd).max() / max(1e-3, np.abs(expected * sd).max())
    at_mean = LONG(intercept) + (coef.astype(LONG) * x.astype(LONG).mean(axis=0)).sum()
    return float(max(of_coef, abs(at_mean - middle) / size))


def verdict(own, found, said):
    if own["answer"] == INFINITE:
        return ("right" if said else "wrong"), None
    off = distance(own, found)
    if off <= RIGHT:
        return "right", off
    return ("wrong, says so" if said else "wrong"), off


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", help="the program `rheobase`")
    parser.add_argument("--write", help="where the result goes as JSON")
    arguments = parser.parse_args()
    binary = str(pathlib.Path(arguments.binary).resolve())
    programs = {
        "rheobase": ("as it comes", lambda own: rheobase(binary, own, [])),
        "rheobase lbfgs": ("--solver lbfgs", lambda own: rheobase(binary, own, ["--solver", "lbfgs"])),
        "scikit-learn": ("alpha=0 or C=inf", in_python(by_sklearn(False))),
        "scikit-learn best": (
            "alpha=0 or C=inf, solver='newton-cholesky', tol=1e-12, max_iter=100",
            in_python(by_sklearn(True)),
        ),
        "glum": ("alpha=0", in_python(by_glum(False))),
        "glum best": ("alpha=0, gradient_tol=1e-12, max_iter=100, scale_predictors=True", in_python(by_glum(True))),
        "statsmodels": ("GLM(..).fit()", in_python(by_statsmodels(False))),
        "statsmodels best": (
            "GLM(..).fit(tol=1e-14, tol_criterion='params', maxiter=100)",
            in_python(by_statsmodels(True)),
        ),
    }
    rows, counts = [], {name: {"right": 0, "wrong, says so": 0, "wrong": 0} for name in programs}
    width = max(len(own) for own in programs) + 1
    print(f"{'':36}" + "".join(f"{name:>{width}}" for name in programs))
    for own in problems():
        results = {}
        for name, (_, run) in programs.items():
            found, said = run(own)
            judged, off = verdict(own, found, said)
            counts[name][judged] += 1
            results[name] = {"verdict": judged}
            if off is not None:
                results[name]["error"] = float(f"{off:.1e}") if math.isfinite(off) else "Infinity"
            if said:
                results[name]["said"] = said[0].split("\n")[0][:160].replace(tempfile.gettempdir(), "")
        infinite = own["answer"] == INFINITE
        rows.append({"problem": own["name"], "answer": INFINITE if infinite else "finite", "results": results})
        short = {"right": "right", "wrong, says so": "says so", "wrong": "WRONG"}
        cells = (
            short[own["verdict"]] + (f" {own['error']:.0e}" if isinstance(own.get("error"), float) else "")
            for own in results.values()
        )
        print(f"{own['name']:36}" + "".join(f"{cell:>{width}}" for cell in cells), flush=True)
    print(f"{'right of ' + str(len(rows)):36}" + "".join(f"{own['right']:>{width}}" for own in counts.values()))
    print(f"{'wrong without a word':36}" + "".join(f"{own['wrong']:>{width}}" for own in counts.values()))
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    document = {
        "versions": {
            "rheobase": version,
            "scikit-learn": sklearn.__version__,
            "glum": glum.__version__,
            "statsmodels": statsmodels.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "python": ".".join(map(str, sys.version_info[:3])),
        },
        "right_within": RIGHT,
        "settings": {name: settings for name, (settings, _) in programs.items()},
        "counts": counts,
        "problems": rows,
    }
    if arguments.write:
        pathlib.Path(arguments.write).write_text(json.dumps(document, indent=1) + "\n")
    ours = [name for name in programs if name.startswith("rheobase")]
    sys.exit(0 if all(counts[name]["right"] == len(rows) for name in ours) else 1)


if __name__ == "__main__":
    main()
