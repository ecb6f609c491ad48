"""Learn a Gaussian process's hyperparameters from a century of the Nile's floods.

    python examples/nile_gaussian_process.py [--quick] [--out FOLDER]

The yearly flow at Aswan, 1871 to 1970, is a smooth function plus noise.  How strong, how smooth and
how noisy is learnt by climbing the marginal likelihood, whose gradient goes through
`np.linalg.slogdet` and `np.linalg.solve`.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import minimize

import pullback

FLOW = np.array([
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180,
    799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833,
    701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845,
    864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649,
    846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815,
    1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
])  # fmt: skip
YEARS = np.arange(1871, 1971)


def kernel(a, b, amplitude, length):
    """Matern 3/2: functions that have a derivative, and no more."""
    distance = np.sqrt(3) * abs(a[:, None] - b) / length
    return amplitude**2 * (1 + distance) * np.exp(-distance)


def covariance(years, amplitude, length, noise):
    return kernel(years, years, amplitude, length) + noise**2 * np.eye(len(years))


def negative_log_likelihood(log_hyperparameters, years, flow):
    amplitude, length, noise = np.exp(log_hyperparameters)
    k = covariance(years, amplitude, length, noise)
    return (flow @ np.linalg.solve(k, flow) + np.linalg.slogdet(k).logabsdet) / 2


def predict(years, flow, at, amplitude, length, noise):
    """Mean and standard deviation of the smooth function at other years."""
    k = covariance(years, amplitude, length, noise)
    cross = kernel(at, years, amplitude, length)
    explained = np.sum(cross * np.linalg.solve(k, cross.T).T, axis=1)
    return cross @ np.linalg.solve(k, flow), np.sqrt(amplitude**2 - explained)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="every fourth year only")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the figure")
    options = parser.parse_args()
    years, flow = (YEARS[::4], FLOW[::4]) if options.quick else (YEARS, FLOW)
    mean = flow.mean()
    objective = pullback.value_and_grad(negative_log_likelihood)
    start = np.log([100.0, 10.0, 100.0])
    fit = minimize(objective, start, args=(years, flow - mean), jac=True, method="L-BFGS-B")
    amplitude, length, noise = np.exp(fit.x)
    print(f"log-likelihood {-objective(start, years, flow - mean)[0]:.2f} at the start, ", end="")
    print(f"{-fit.fun:.2f} after {fit.nit} iterations and {fit.nfev} gradients")
    print(f"amplitude {amplitude:.0f}, noise {noise:.0f} (10^8 m^3), length {length:.0f} years")
    at = np.linspace(1865, 1976, 300)
    smooth, deviation = predict(years, flow - mean, at, amplitude, length, noise)
    print("figure:", plot(options.out, years, flow, at, mean + smooth, deviation))


def plot(folder, years, flow, at, smooth, deviation):
    figure = Figure(figsize=(8, 4), layout="constrained")
    axis = figure.subplots()
    axis.plot(years, flow, ".", color="black", label="measured")
    axis.plot(at, smooth, label="Gaussian process")
    axis.fill_between(at, smooth - 2 * deviation, smooth + 2 * deviation, alpha=0.25)
    axis.set(ylabel="flow at Aswan, $10^8$ m$^3$", title="The Nile, 1871 to 1970")
    axis.legend()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nile_gaussian_process.png"
    figure.savefig(path, dpi=120)
    return path


if __name__ == "__main__":
    main()
