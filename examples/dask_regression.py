"""Linear and logistic regression on more data than fits into memory.

    pip install 'pullback[dask,demo]'
    python examples/dask_regression.py              # 4 GB of data under a limit of 2 GB
    python examples/dask_regression.py --size 0.1   # in GB

The data are a Dask array: blocks of 25 MB, made (or read from a disk) when they are needed.  A step
of gradient descent is `value_and_grad` of a plain loss: it adds the pullback to the graph, and one
`dask.compute` streams every block once through both.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import dask
import dask.array as da
import numpy as np
from dask.diagnostics import ProgressBar

import pullback

FEATURES = 100
ROWS = 31_250  # of a block: 25 MB
TRUE = np.sin(np.arange(FEATURES))


def data(gigabytes):
    """Features, and for each row what the two models have to find: a number, and a class."""
    rows = max(2_000, int(gigabytes * 1e9 / (8 * FEATURES)))
    random = da.random.default_rng(0)
    X = random.standard_normal((rows, FEATURES), chunks=(ROWS, FEATURES))
    signal = X @ TRUE
    numbers = signal + random.standard_normal(rows, chunks=ROWS)
    classes = da.where(random.random(rows, chunks=ROWS) < 1 / (1 + da.exp(-signal)), 1.0, -1.0)
    return X, numbers, classes


def squares(w, X, y):
    return ((X @ w - y) ** 2).mean() / 2


def logistic(w, X, y):
    return da.log1p(da.exp(-y * (X @ w))).mean()


def descend(loss, X, y, rate, steps):
    """Gradient descent; the weights are NumPy's, the data Dask's."""
    w, losses = np.zeros(FEATURES), []
    step = pullback.value_and_grad(lambda w: loss(w, X, y))
    for _ in range(steps):
        value, gradient = dask.compute(*step(w))
        w = w - rate * gradient
        losses.append(float(value))
    return w, losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--size", type=float, default=4.0, help="GB of data")
    parser.add_argument("--limit", type=float, default=2.0, help="GB of memory, a hard limit")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="little data, to try it out")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the figure")
    options = parser.parse_args()
    size = 0.05 if options.quick else options.size
    limit = int(options.limit * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))

    X, numbers, classes = data(size)
    print(f"{X.nbytes / 1e9:.2f} GB in {X.npartitions} blocks, {options.limit:g} GB of memory")
    curves = {}
    for name, loss, y, rate in (
        ("linear", squares, numbers, 1.0),
        ("logistic", logistic, classes, 4.0),
    ):
        start = time.perf_counter()
        with ProgressBar(out=sys.stderr):
            w, curves[name] = descend(loss, X, y, rate, options.steps)
        cosine = w @ TRUE / np.linalg.norm(w) / np.linalg.norm(TRUE)
        losses = f"loss {curves[name][0]:.4f} to {curves[name][-1]:.4f}"
        seconds = time.perf_counter() - start
        print(f"{name}: {losses}, cosine to the truth {cosine:.4f}, {seconds:.1f} s")
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(f"peak memory {peak / 1e9:.2f} GB")

    import matplotlib.pyplot as plt

    for name, losses in curves.items():
        plt.semilogy(losses, marker="o", label=name)
    plt.xlabel("step"), plt.ylabel("loss"), plt.legend()
    options.out.mkdir(parents=True, exist_ok=True)
    plt.savefig(options.out / "dask_regression.png")


if __name__ == "__main__":
    main()
