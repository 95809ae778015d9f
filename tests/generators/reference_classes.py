"""Sparse fits of labels by an independent package: writes tests/data/reference_classes.json.

Package: scikit-learn 1.7.2 (BSD-3; the data lie in its wheel), numpy 2.4.6.
Call:    python tests/generators/reference_classes.py tests/data/reference_classes.json
Data:    iris (3 classes), and every third row of wine (3 classes), columns standardised and rounded to 4 digits.

scikit-learn minimises C * sum of -ln p_y + l1_ratio * sum|w| + (1 - l1_ratio) / 2 * sum w^2 over the coefficients of every
class, intercepts free: C = 1 / (rows * strength). SAGA stops at a relative change of 1e-13 and leaves exact zeros. Of three
classes the answer is unique: each column has a median of 0, or squares hold it.
"""

import json
import sys

import numpy as np
import sklearn
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression


def table(x, classes):
    x = np.round((x - x.mean(0)) / x.std(0), 4)
    return {"x": x.tolist(), "classes": classes.tolist()}


def fit(tables, name, strength, ratio):
    x, classes = np.array(tables[name]["x"]), np.array(tables[name]["classes"])
    model = LogisticRegression(
        penalty="elasticnet",
        l1_ratio=ratio,
        C=1 / (len(x) * strength),
        solver="saga",
        tol=1e-13,
        max_iter=10_000_000,
        random_state=1,
    ).fit(x, classes)
    return {
        "package": "scikit-learn",
        "data": name,
        "strength": strength,
        "ratio": ratio,
        "coef": model.coef_.tolist(),
        "intercept": model.intercept_.tolist(),
    }


def main(path):
    iris, wine = load_iris(), load_wine()
    tables = {"iris": table(iris.data, iris.target), "wine": table(wine.data[::3], wine.target[::3])}
    fits = [
        fit(tables, name, strength, ratio)
        for name in ("iris", "wine")
        for strength, ratio in ((0.02, 1.0), (0.1, 1.0), (0.05, 0.5))
    ]
    versions = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    with open(path, "w") as out:
        json.dump({"versions": versions, "data": tables, "fits": fits}, out)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
