"""Fit predator and prey equations to the Hudson's Bay records, with error bars from the Hessian.

    python examples/hare_and_lynx.py [--quick] [--out FOLDER]

Furs of hares and lynxes traded from 1900 to 1920, in thousands, are modelled by the Lotka-Volterra
equations with log-normal noise.  The likelihood runs a plain Runge-Kutta loop.  Its gradient drives
the fit; the gradient of the gradient gives the Hessian, and with it the uncertainty.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import minimize

import pullback

YEARS = np.arange(1900, 1921)
HARES = [30, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22, 25.4, 27.1,
         40.3, 57, 76.6, 52.3, 19.5, 11.2, 7.6, 14.6, 16.2, 24.7]  # fmt: skip
LYNXES = [4, 6.1, 9.8, 35.2, 59.4, 41.7, 19, 13, 8.3, 9.1, 7.4,
          8, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8, 9.7, 10.1, 8.6]  # fmt: skip
DATA = np.stack([HARES, LYNXES], axis=1)
NAMES = ["birth", "predation", "death", "growth", "hares in 1900", "lynxes in 1900", "noise"]
START = np.log([0.5, 0.03, 0.8, 0.03, 30.0, 4.0, 0.5])


def rate(population, p):
    hares, lynxes = population[0], population[1]
    return np.stack([(p[0] - p[1] * lynxes) * hares, (p[3] * hares - p[2]) * lynxes])


def populations(p, substeps):
    """Hares and lynxes at the start of each year, by Runge and Kutta's method: (years, 2)."""
    dt = 1 / substeps
    now = p[4:6]
    record = [now]
    for _ in YEARS[1:]:
        for _ in range(substeps):
            k1 = rate(now, p)
            k2 = rate(now + dt / 2 * k1, p)
            k3 = rate(now + dt / 2 * k2, p)
            k4 = rate(now + dt * k3, p)
            now = now + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        record.append(now)
    return np.stack(record)


def negative_log_likelihood(log_parameters, substeps):
    p = np.exp(log_parameters)
    standardized = (np.log(DATA) - np.log(populations(p, substeps))) / p[6]
    return np.sum(standardized**2) / 2 + DATA.size * log_parameters[6]


def hessian(f, x):
    """Row by row: one run of the gradient, and a pullback of it for each row."""
    _, pull = pullback.vjp(pullback.grad(f), x)
    return np.stack([pull(row)[0] for row in np.eye(len(x))])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="coarse time steps")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the figure")
    options = parser.parse_args()
    substeps = 3 if options.quick else 10

    def objective(log_parameters):
        return negative_log_likelihood(log_parameters, substeps)

    fit = minimize(pullback.value_and_grad(objective), START, jac=True, method="BFGS")
    deviations = np.sqrt(np.diag(np.linalg.inv(hessian(objective, fit.x))))
    print(f"{fit.nit} iterations, {fit.nfev} gradients; estimates and relative standard errors:")
    for name, value, deviation in zip(NAMES, np.exp(fit.x), deviations, strict=True):
        print(f"  {name:15} {value:8.4f}  +- {100 * deviation:4.1f} %")
    print("figure:", plot(options.out, populations(np.exp(fit.x), substeps), np.exp(fit.x[6])))


def plot(folder, fitted, noise):
    figure = Figure(figsize=(8, 4), layout="constrained")
    axis = figure.subplots()
    for species, color in enumerate(["tab:blue", "tab:red"]):
        axis.plot(YEARS, DATA[:, species], "o", color=color, label=["hares", "lynxes"][species])
        axis.plot(YEARS, fitted[:, species], color=color)
        low, high = (fitted[:, species] * np.exp(sign * noise) for sign in (-1, 1))
        axis.fill_between(YEARS, low, high, color=color, alpha=0.15)
    axis.set(
        ylabel="furs, thousands", xticks=YEARS[::4], title="Hudson's Bay Company, 1900 to 1920"
    )
    axis.legend()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "hare_and_lynx.png"
    figure.savefig(path, dpi=120)
    return path


if __name__ == "__main__":
    main()
