#!/usr/bin/env python3
"""Check that models go to NeMoS 0.2.8 and come back: predictions equal to a relative 1e-6, in double precision.

    cargo build --release
    python3 -m venv /tmp/venv-nemos
    /tmp/venv-nemos/bin/pip install -r tests/requirements-nemos.txt
    /tmp/venv-nemos/bin/python tests/check_nemos_interchange.py target/release/rheobase

(Python 3.11, on the CPU.) Of every model: `rheobase fit`, `rheobase export`, `nemos.load_model`, its predictions, its
score and another fit by it; then a fit by NeMoS, `save_params`, `rheobase predict` and `rheobase score`. Classifiers by their
probabilities. Then what NeMoS stores otherwise: trees of features, masks of neurons, single precision, a model that is not
fitted, objects. Prints one line per check and a line PASS at the end; exit code 1 if a check fails.

What it printed:

    ok   poisson exp: NeMoS predicts as rheobase: 2.7e-16
    ok   poisson exp: NeMoS scores as rheobase: 1.6e-16
    ok   poisson exp: the scale is that of NeMoS: 0.0e+00
    ok   poisson exp: degrees of freedom are those of NeMoS: 0.0e+00
    ok   poisson exp: regularizer_strength is that of NeMoS
    ok   poisson exp: another fit by NeMoS arrives there, too: 1.8e-14
    ok   poisson exp: rheobase predicts as NeMoS: 2.7e-16
    ok   poisson exp: rheobase scores as NeMoS: 1.6e-16
    ok   poisson exp: pseudo-r2-McFadden as NeMoS: 9.4e-15
    ok   poisson exp: pseudo-r2-Cohen as NeMoS: 2.0e-15
    .. (the same of poisson softplus, bernoulli logistic, gaussian, bernoulli probit, gamma exp, negative binomial,
    ridge, lasso, elastic net, group lasso, population, ridge population)
    ok   group lasso population: NeMoS predicts as rheobase: 8.3e-16
    ok   group lasso population: NeMoS scores as rheobase: 1.6e-16
    ok   group lasso population: the scale is that of NeMoS: 0.0e+00
    ok   group lasso population: degrees of freedom are those of NeMoS: 0.0e+00
    ok   group lasso population: feature_mask is that of NeMoS
    ok   group lasso population: regularizer_strength is that of NeMoS
    ok   group lasso population: another fit by NeMoS arrives there, too: 1.6e-08
    ok   group lasso population: objects are refused
    ok   group lasso population: rheobase predicts as NeMoS: 1.4e-16
    ok   group lasso population: rheobase scores as NeMoS: 3.1e-16
    ok   group lasso population: pseudo-r2-McFadden as NeMoS: 1.3e-15
    ok   group lasso population: pseudo-r2-Cohen as NeMoS: 4.6e-16
    ok   classifier: NeMoS predicts as rheobase: 2.2e-16
    ok   classifier: its labels are those of rheobase
    ok   classifier: NeMoS scores as rheobase: 0.0e+00
    ok   classifier: the scale is that of NeMoS: 0.0e+00
    ok   classifier: degrees of freedom are those of NeMoS: 0.0e+00
    ok   classifier: n_classes is that of NeMoS
    ok   classifier: regularizer_strength is that of NeMoS
    ok   classifier: another fit by NeMoS arrives there, too: 1.8e-13
    ok   classifier: NeMoS predicts as rheobase by its own fit: 2.8e-11
    ok   classifier: rheobase predicts as NeMoS: 2.2e-16
    ok   classifier: rheobase scores as NeMoS: 0.0e+00
    ok   classifier: pseudo-r2-McFadden as NeMoS: 3.2e-16
    ok   classifier: pseudo-r2-Cohen as NeMoS: 4.8e-16
    ok   classifier: accuracy as NeMoS: 0.0e+00
    .. (the same of classifiers of other numbers, fractions and texts, with a group lasso, and of populations)
    ok   a mask of neurons: rheobase predicts as NeMoS: 1.6e-16
    ok   a tree of features: rheobase predicts as NeMoS: 3.7e-16
    ok   a model that is not fitted is refused
    ok   a file that NeMoS loaded and saved again is read: 0.0e+00
    ok   a silent neuron is told
    ok   a silent neuron: NeMoS predicts as rheobase: 2.5e-16
    ok   a silent neuron has rate 0
    ok   NeMoS stored single precision
    ok   a file in single precision: rheobase predicts as NeMoS: 5.0e-16
    PASS: models of rheobase and NeMoS 0.2.8 predict the same; the largest of 219 differences is 1.6e-08
"""
import json
import os
import subprocess
import sys
import tempfile
import warnings

import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)
import nemos  # noqa: E402
import numpy as np  # noqa: E402
from nemos.pytrees import FeaturePytree  # noqa: E402

warnings.filterwarnings("ignore")

TOLERANCE = 1e-6
N_ROWS, N_COLUMNS = 400, 4
DISPERSION = 0.5
GROUPS = np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
# name: observation model, inverse link, regularizer, its strength, neurons, options of rheobase
MODELS = {
    "poisson exp": ("Poisson", None, "UnRegularized", None, 1, []),
    "poisson softplus": ("Poisson", "softplus", "UnRegularized", None, 1, ["--link", "softplus"]),
    "bernoulli logistic": ("Bernoulli", None, "UnRegularized", None, 1, ["--observation", "bernoulli"]),
    "gaussian": ("Gaussian", None, "UnRegularized", None, 1, ["--observation", "gaussian"]),
    "bernoulli probit": ("Bernoulli", "norm.cdf", "UnRegularized", None, 1,
                         ["--observation", "bernoulli", "--link", "probit"]),
    "gamma exp": ("Gamma", "exp", "UnRegularized", None, 1, ["--observation", "gamma", "--link", "exp"]),
    "negative binomial": ("NegativeBinomial", None, "UnRegularized", None, 1,
                          ["--observation", "negative-binomial", "--dispersion", "0.5"]),
    "ridge": ("Poisson", None, "Ridge", 0.1, 1, ["--regularizer", "ridge", "--strength", "0.1"]),
    "lasso": ("Poisson", None, "Lasso", 0.05, 1, ["--regularizer", "lasso", "--strength", "0.05"]),
    "elastic net": ("Poisson", None, "ElasticNet", (0.05, 0.4), 1,
                    ["--regularizer", "elastic-net", "--strength", "0.05", "--ratio", "0.4"]),
    "group lasso": ("Poisson", None, "GroupLasso", 0.05, 1,
                    ["--regularizer", "group-lasso", "--strength", "0.05", "--groups", "groups.csv"]),
    "population": ("Poisson", None, "UnRegularized", None, 3, []),
    "ridge population": ("Gaussian", None, "Ridge", 0.1, 3,
                         ["--observation", "gaussian", "--regularizer", "ridge", "--strength", "0.1"]),
    "group lasso population": ("Poisson", None, "GroupLasso", 0.05, 3,
                               ["--regularizer", "group-lasso", "--strength", "0.05", "--groups", "groups.csv"]),
}

# name: labels, regularizer, its strength, neurons, options of rheobase
CLASSIFIERS = {
    "classifier": ([0, 1, 2], "UnRegularized", None, 1, []),
    "classifier of other numbers": ([-2, 5, 7, 40], "Ridge", 0.1, 1, ["--regularizer", "ridge", "--strength", "0.1"]),
    "classifier of fractions": ([0.5, 1.0, 2.5], "Ridge", 0.1, 1, ["--regularizer", "ridge", "--strength", "0.1"]),
    "classifier of texts": (["left", "right", "stop"], "Ridge", 0.1, 1,
                            ["--regularizer", "ridge", "--strength", "0.1"]),
    "classifier group lasso": ([0, 1, 2], "GroupLasso", 0.05, 1,
                               ["--regularizer", "group-lasso", "--strength", "0.05", "--groups", "groups.csv"]),
    "classifier population": ([0, 1, 2], "UnRegularized", None, 2, []),
    "classifier ridge population": ([3, 4], "Ridge", 0.1, 3, ["--regularizer", "ridge", "--strength", "0.1"]),
    "classifier group lasso population": (
        [0, 1, 2], "GroupLasso", 0.05, 2,
        ["--regularizer", "group-lasso", "--strength", "0.05", "--groups", "groups.csv"]),
}

failures, differences = [], []
program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/release/rheobase")


def check(what, holds, found=""):
    """Print one check and remember whether it failed."""
    print(f"{'ok  ' if holds else 'FAIL'} {what}{f': {found}' if found != '' else ''}")
    if not holds:
        failures.append(what)


def same(what, found, expected):
    """Check that numbers agree, relative to the largest."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    far = np.abs(found - expected).max() / np.abs(expected).max() if found.shape == expected.shape else np.inf
    differences.append(far)
    check(what, far < TOLERANCE, f"{far:.1e}")


def run(*words, code=0):
    """Run rheobase; its output, and what it said beside."""
    done = subprocess.run([program, *words], capture_output=True, text=True)
    if done.returncode != code:
        sys.exit(f"rheobase {' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout, done.stderr


def predicted(model, data="data.npz"):
    """Predictions of rheobase, one column per neuron."""
    run("predict", model, data, "--x", "X", "--out", "predicted.npz", "--quiet")
    arrays = np.load("predicted.npz")
    values = arrays["expected" if "expected" in arrays else "expected_count"]
    return values[:, 0] if values.shape[1] == 1 else values


def scored(model, field="log_likelihood"):
    """Scores of rheobase, one per neuron."""
    text, _ = run("score", model, "data.npz", "--json", "--quiet")
    return [target[field] for target in json.loads(text)["targets"]]


def data(observation, n_neurons, seed=1):
    """A design and responses that depend on it."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(N_ROWS, N_COLUMNS))
    w = random.normal(size=(N_COLUMNS, n_neurons)) * 0.3
    eta = x @ w + 0.2
    y = {
        "Poisson": lambda: random.poisson(np.exp(eta)),
        "Bernoulli": lambda: random.random(eta.shape) < 1.0 / (1.0 + np.exp(-eta)),
        "Gaussian": lambda: eta + random.normal(size=eta.shape),
        "Gamma": lambda: random.gamma(2.0, np.exp(eta) / 2.0),
        "NegativeBinomial": lambda: random.poisson(random.gamma(1.0 / DISPERSION, np.exp(eta) * DISPERSION)),
    }[observation]().astype(float)
    return x, y[:, 0] if n_neurons == 1 else y


def model_of(observation, link, regularizer, strength, n_neurons):
    """The model in NeMoS."""
    if regularizer == "GroupLasso":
        mask = GROUPS
        if n_neurons > 1:
            mask = np.zeros((len(GROUPS) * n_neurons, N_COLUMNS, n_neurons))
            for group in range(len(GROUPS)):
                for neuron in range(n_neurons):
                    mask[group * n_neurons + neuron, :, neuron] = GROUPS[group]
        regularizer = nemos.regularizer.GroupLasso(mask=mask)
    if observation == "NegativeBinomial":
        observation = nemos.observation_models.NegativeBinomialObservations(scale=DISPERSION)
    kind = nemos.glm.GLM if n_neurons == 1 else nemos.glm.PopulationGLM
    return kind(observation_model=observation, inverse_link_function=link, regularizer=regularizer,
                regularizer_strength=strength, solver_kwargs={"tol": 1e-12, "maxiter": 20_000})


def per_neuron(model, x, y, score_type="log-likelihood"):
    """Scores of NeMoS, one per neuron."""
    return np.atleast_1d(model.score(x, y, score_type=score_type, aggregate_sample_scores=lambda v: v.mean(axis=0)))


def there(name, x, y, own, options):
    """From rheobase to NeMoS."""
    run("fit", "data.npz", "--out", "out", "--quiet", *options)
    run("export", "out/model.json", "--to", "nemos", "exported.npz", "--quiet")
    model = nemos.load_model("exported.npz")
    same(f"{name}: NeMoS predicts as rheobase", model.predict(x), predicted("out/model.json"))
    same(f"{name}: NeMoS scores as rheobase", per_neuron(model, x, y), scored("out/model.json"))
    same(f"{name}: the scale is that of NeMoS", model.scale_, own.scale_)
    same(f"{name}: degrees of freedom are those of NeMoS", model.dof_resid_, own.dof_resid_)
    for option, value in own.get_params().items():
        if option in ["regularizer_strength", "feature_mask"]:
            is_same = value is None and model.get_params()[option] is None or np.allclose(
                np.asarray(value, float), np.asarray(model.get_params()[option], float))
            check(f"{name}: {option} is that of NeMoS", is_same)
    # its settings are ones that NeMoS fits with
    ours = model.predict(x)
    model.set_params(solver_kwargs={"tol": 1e-12, "maxiter": 20_000})
    same(f"{name}: another fit by NeMoS arrives there, too", model.fit(x, y).predict(x), ours)


def back(name, x, y, own):
    """From NeMoS to rheobase."""
    own.save_params("saved.npz")
    if "group lasso" in name:
        _, said = run("predict", "saved.npz", "data.npz", code=3)
        check(f"{name}: objects are refused", "found Python objects" in said and ".item().coef" in said)
        # the remedy of the message
        arrays = dict(np.load("saved.npz", allow_pickle=True))
        key = "dict::strkey:regularizer::dict::strkey:params::item::strkey:mask"
        arrays[key] = np.asarray(arrays[key].item().coef, float)
        np.savez("saved.npz", **arrays)
    same(f"{name}: rheobase predicts as NeMoS", predicted("saved.npz"), own.predict(x))
    same(f"{name}: rheobase scores as NeMoS", scored("saved.npz"), per_neuron(own, x, y))
    for field, kind in [("pseudo_r2_mcfadden", "pseudo-r2-McFadden"), ("pseudo_r2_cohen", "pseudo-r2-Cohen")]:
        same(f"{name}: {kind} as NeMoS", scored("saved.npz", field), per_neuron(own, x, y, kind))


def labels_of(x, labels, n_neurons, seed=2):
    """Labels that depend on a design."""
    random = np.random.default_rng(seed)
    w = random.normal(size=(N_COLUMNS, n_neurons, len(labels))) * 0.7
    eta = np.einsum("tp,pnk->tnk", x, w)
    # the largest of predictors with Gumbel noise has the probabilities of their softmax
    y = np.asarray(labels)[(eta + random.gumbel(size=eta.shape)).argmax(axis=-1)]
    return y[:, 0] if n_neurons == 1 else y


def probabilities(model, data, columns):
    """Probabilities of rheobase, (bins, classes), of several neurons (bins, neurons, classes)."""
    run("predict", model, data, "--x", columns, "--out", "predicted.npz", "--quiet")
    arrays = np.load("predicted.npz")
    values = np.stack([arrays[f"probability_{name}"] for name in arrays["targets"]], axis=1)
    return values[:, 0] if values.shape[1] == 1 else values


def classifier_of(labels, regularizer, strength, n_neurons):
    """The classifier in NeMoS."""
    if regularizer == "GroupLasso":
        shape = (N_COLUMNS, len(labels)) if n_neurons == 1 else (N_COLUMNS, n_neurons, len(labels))
        mask = np.zeros((len(GROUPS) * n_neurons, *shape))
        for group in range(len(GROUPS)):
            for neuron in range(n_neurons):
                own = mask[group * n_neurons + neuron]
                (own if n_neurons == 1 else own[:, neuron])[GROUPS[group] > 0] = 1.0
        regularizer = nemos.regularizer.GroupLasso(mask=mask)
    kind = nemos.glm.ClassifierGLM if n_neurons == 1 else nemos.glm.ClassifierPopulationGLM
    return kind(n_classes=len(labels), regularizer=regularizer, regularizer_strength=strength,
                solver_kwargs={"tol": 1e-12, "maxiter": 20_000})


def check_classifier(name, labels, regularizer, strength, n_neurons, options):
    """One classifier both ways."""
    x = np.random.default_rng(1).normal(size=(N_ROWS, N_COLUMNS))
    y = labels_of(x, labels, n_neurons)
    are_texts = isinstance(labels[0], str)
    if are_texts:
        rows = [",".join(map(repr, map(float, row))) + f",{label}" for row, label in zip(x, y)]
        header = ",".join(f"X[{k}]" for k in range(N_COLUMNS))
        with open("data.csv", "w") as file:
            file.write("\n".join([f"{header},y", *rows, ""]))
        data, columns, response = "data.csv", header, ["--y", "y"]
    else:
        np.savez("data.npz", X=x, y=y)
        data, columns, response = "data.npz", "X", []
    proba = lambda model: model.predict_proba(x, return_type="proba")  # noqa: E731
    scores = lambda model, field: [  # noqa: E731
        target[field] for target in
        json.loads(run("score", model, data, "--x", columns, *response, "--json", "--quiet")[0])["targets"]]
    own = classifier_of(labels, regularizer, strength, n_neurons).fit(x, y)
    # there
    run("fit", data, *response, "--observation", "categorical", "--out", "out", "--quiet", *options)
    run("export", "out/model.json", "--to", "nemos", "exported.npz", "--quiet")
    model = nemos.load_model("exported.npz")
    ours = probabilities("out/model.json", data, columns)
    same(f"{name}: NeMoS predicts as rheobase", proba(model), ours)
    check(f"{name}: its labels are those of rheobase", list(model.classes_) == list(labels)
          and (np.asarray(model.predict(x)) == np.asarray(labels)[ours.argmax(axis=-1)]).all())
    same(f"{name}: NeMoS scores as rheobase", per_neuron(model, x, y), scores("out/model.json", "log_likelihood"))
    same(f"{name}: the scale is that of NeMoS", model.scale_, own.scale_)
    same(f"{name}: degrees of freedom are those of NeMoS", model.dof_resid_, own.dof_resid_)
    for option, value in own.get_params().items():
        if option in ["regularizer_strength", "feature_mask", "n_classes"]:
            other = model.get_params()[option]
            is_same = value is None and other is None or np.allclose(np.asarray(value, float), np.asarray(other, float))
            check(f"{name}: {option} is that of NeMoS", is_same)
    model.set_params(solver_kwargs={"tol": 1e-12, "maxiter": 20_000})
    same(f"{name}: another fit by NeMoS arrives there, too", proba(model.fit(x, y)), ours)
    same(f"{name}: NeMoS predicts as rheobase by its own fit", proba(own), ours)
    # back
    own.save_params("saved.npz")
    if regularizer == "GroupLasso":
        arrays = dict(np.load("saved.npz", allow_pickle=True))
        key = "dict::strkey:regularizer::dict::strkey:params::item::strkey:mask"
        arrays[key] = np.asarray(arrays[key].item().coef, float)
        np.savez("saved.npz", **arrays)
    same(f"{name}: rheobase predicts as NeMoS", probabilities("saved.npz", data, columns), proba(own))
    same(f"{name}: rheobase scores as NeMoS", scores("saved.npz", "log_likelihood"), per_neuron(own, x, y))
    for field, kind in [("pseudo_r2_mcfadden", "pseudo-r2-McFadden"), ("pseudo_r2_cohen", "pseudo-r2-Cohen")]:
        same(f"{name}: {kind} as NeMoS", scores("saved.npz", field), per_neuron(own, x, y, kind))
    hits = np.atleast_1d((np.asarray(own.predict(x)) == y).mean(axis=0))
    same(f"{name}: accuracy as NeMoS", scores("saved.npz", "accuracy"), hits)


def check_other_files():
    x, y = data("Poisson", 3)
    np.savez("data.npz", X=x, y=y)
    mask = np.array([[1, 0, 1], [1, 1, 1], [0, 1, 1], [1, 1, 0]])
    masked = nemos.glm.PopulationGLM(feature_mask=mask.astype(float), regularizer="Ridge", regularizer_strength=0.1)
    masked.fit(x, y).save_params("masked.npz")
    same("a mask of neurons: rheobase predicts as NeMoS", predicted("masked.npz"), masked.predict(x))
    tree = FeaturePytree(speed=x[:, :1], **{"head direction": x[:, 1:]})
    trees = nemos.glm.PopulationGLM().fit(tree, y)
    trees.save_params("tree.npz")
    np.savez("by_key.npz", X=np.hstack([x[:, 1:], x[:, :1]]), y=y)
    same("a tree of features: rheobase predicts as NeMoS", predicted("tree.npz", "by_key.npz"), trees.predict(tree))
    nemos.glm.GLM().save_params("unfitted.npz")
    _, said = run("predict", "unfitted.npz", "data.npz", code=3)
    check("a model that is not fitted is refused", "the model is not fitted" in said)
    run("fit", "data.npz", "--out", "out", "--quiet")
    run("export", "out/model.json", "--to", "nemos", "exported.npz", "--quiet")
    stdout, sys.stdout = sys.stdout, open(os.devnull, "w")
    nemos.inspect_npz("exported.npz")
    sys.stdout = stdout
    nemos.load_model("exported.npz").save_params("again.npz")
    same("a file that NeMoS loaded and saved again is read", predicted("again.npz"), predicted("out/model.json"))
    silent = np.column_stack([y[:, 0], np.zeros(N_ROWS)])
    np.savez("silent.npz", X=x, y=silent)
    run("fit", "silent.npz", "--out", "silent", "--quiet", code=4)
    _, said = run("export", "silent/model.json", "--to", "nemos", "exported.npz")
    check("a silent neuron is told", "y[1] is not at an optimum (no_events)" in said)
    expected = predicted("silent/model.json")
    same("a silent neuron: NeMoS predicts as rheobase", nemos.load_model("exported.npz").predict(x), expected)
    check("a silent neuron has rate 0", not expected[:, 1].any())
    jax.config.update("jax_enable_x64", False)
    single = nemos.glm.PopulationGLM().fit(x, y)
    single.save_params("single.npz")
    jax.config.update("jax_enable_x64", True)
    check("NeMoS stored single precision", np.load("single.npz")["item::strkey:coef_"].dtype == np.float32)
    expected = np.exp(x @ np.asarray(single.coef_, float) + np.asarray(single.intercept_, float))
    same("a file in single precision: rheobase predicts as NeMoS", predicted("single.npz"), expected)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, (observation, link, regularizer, strength, n_neurons, options) in MODELS.items():
            x, y = data(observation, n_neurons)
            np.savez("data.npz", X=x, y=y)
            with open("groups.csv", "w") as file:
                file.write("column,group\nX[0],a\nX[1],a\nX[2],b\nX[3],b\n")
            own = model_of(observation, link, regularizer, strength, n_neurons).fit(x, y)
            there(name, x, y, own, options)
            back(name, x, y, own)
        for name, own in CLASSIFIERS.items():
            check_classifier(name, *own)
        check_other_files()
    if failures:
        sys.exit(f"{len(failures)} checks failed")
    print(f"PASS: models of rheobase and NeMoS {nemos.__version__} predict the same; the largest of {len(differences)} "
          f"differences is {max(differences):.1e}")


if __name__ == "__main__":
    main()
