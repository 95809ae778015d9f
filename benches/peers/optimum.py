"""The optimum of a Poisson regression in float64, and how far other coefficients are from it.

Newton's method on columns that are centred and scaled, in plain numpy, so that nobody who is compared is the judge.
"""

import numpy as np

ROWS = 16384


class Optimum:
    """The optimum of one target; X of shape (rows, columns) is read in blocks, y of shape (rows,)."""

    def __init__(self, X, y, start=None):
        self.X, self.y = X, np.asarray(y, dtype=np.float64)
        self.mean, self.sd = moments(X)
        n_columns = X.shape[1]
        point = np.zeros(1 + n_columns)
        point[0] = np.log(self.y.mean())
        if start is not None:
            point = self.standardised(*start)
        self.point = self.newton(point)
        self.loss = self.evaluate(self.point)[0]

    def standardised(self, coef, intercept):
        coef = np.asarray(coef, dtype=np.float64)
        return np.concatenate([[float(intercept) + coef @ self.mean], coef * self.sd])

    def blocks(self):
        for first in range(0, len(self.y), ROWS):
            rows = slice(first, first + ROWS)
            block = np.ones((len(self.y[rows]), 1 + self.X.shape[1]))
            block[:, 1:] = (self.X[rows].astype(np.float64) - self.mean) / self.sd
            yield block, self.y[rows]

    def evaluate(self, point, hessian=False):
        """Mean loss, gradient and, if asked for, Hessian."""
        loss, gradient, matrix = 0.0, np.zeros_like(point), np.zeros((len(point),) * 2) if hessian else None
        for x, y in self.blocks():
            eta = x @ point
            mu = np.exp(np.minimum(eta, 700.0))
            loss += np.sum(mu - y * eta)
            gradient += x.T @ (mu - y)
            if hessian:
                matrix += x.T @ (x * mu[:, None])
        n = len(self.y)
        return loss / n, gradient / n, matrix / n if hessian else None

    def newton(self, point):
        for _ in range(50):
            loss, gradient, matrix = self.evaluate(point, hessian=True)
            step = -np.linalg.solve(matrix + 1e-14 * np.eye(len(point)), gradient)
            decrement = -gradient @ step / 2
            if decrement < 1e-22 * abs(loss):
                return point
            size = 1.0
            # near the optimum differences of losses are rounding, and full steps are right
            while decrement > 1e-10 * abs(loss) and not self.evaluate(point + size * step)[0] < loss:
                size /= 2
                if size < 1e-6:
                    raise SystemExit("the reference optimum was not found")
            point = point + size * step
        raise SystemExit("the reference optimum was not found")

    def gap(self, coef, intercept):
        """Loss above the optimum, relative to the larger of |loss| and the mean count.

        From the differences of the predictors, so that rounding of the losses does not hide small gaps.
        """
        other = self.standardised(coef, intercept)
        if not np.isfinite(other).all():
            return float("inf")
        total = 0.0
        for x, y in self.blocks():
            eta, difference = x @ self.point, x @ (other - self.point)
            with np.errstate(over="ignore"):
                total += np.sum(np.exp(eta) * (np.expm1(difference) - difference))
                # the gradient at the optimum is not quite zero
                total += np.sum((np.exp(eta) - y) * difference)
        return float(max(total / len(self.y), 0.0) / max(abs(self.loss), self.y.mean()))


def moments(X):
    """Means and standard deviations of the columns in float64."""
    n, columns = X.shape
    total = np.zeros(columns)
    for first in range(0, n, ROWS):
        total += X[first : first + ROWS].sum(axis=0, dtype=np.float64)
    mean, squares = total / n, np.zeros(columns)
    for first in range(0, n, ROWS):
        squares += ((X[first : first + ROWS].astype(np.float64) - mean) ** 2).sum(axis=0)
    sd = np.sqrt(squares / n)
    return mean, np.where(sd > 0, sd, 1.0)
