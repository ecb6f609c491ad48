"""See inside a plate: recover its conductivity from noisy temperatures, with a solver's gradient.

    python examples/heat_conductivity.py [--quick] [--out FOLDER]

A square plate, its edge at temperature 0, is heated at one spot, in each of nine experiments at
another.  Thermometers on every second cell record temperatures at five times, with noise.  Unknown
is the conductivity of every cell.  The simulation is a plain NumPy loop; `pullback.vjp` gives the
misfit's gradient with respect to the whole field at once, and SciPy descends.
"""

import argparse
from pathlib import Path
from timeit import default_timer, timeit

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from scipy.optimize import minimize
from tqdm import tqdm

import pullback

NOISE = 0.05  # of the thermometers, whose readings reach 6
SMOOTHING = 2.0  # how strongly jumps between neighbouring cells are held against a field


def plate(n):
    """True conductivities, with an insulating bar and a conducting disc; the heated spots."""
    y, x = np.mgrid[:n, :n] / (n - 1)
    conductivity = np.where((abs(x - 0.3) < 0.08) & (abs(y - 0.5) < 0.3), 0.3, 1.0)
    conductivity[np.hypot(x - 0.7, y - 0.4) < 0.17] = 3.0
    spots = [(a, b) for a in (0.2, 0.5, 0.8) for b in (0.2, 0.5, 0.8)]
    return conductivity, np.stack([np.exp(-((x - a) ** 2 + (y - b) ** 2) / 0.01) for a, b in spots])


def simulate(log_conductivity, heating, steps, dt=0.07):
    """What the thermometers read: an array (times, experiments, rows, columns)."""
    k = np.pad(np.exp(log_conductivity), 1, mode="edge")
    k_x = (k[1:-1, 1:] + k[1:-1, :-1]) / 2  # at the faces between the cells
    k_y = (k[1:, 1:-1] + k[:-1, 1:-1]) / 2
    temperature, record = np.zeros_like(heating), []
    for _ in range(steps):
        flux_x = k_x * np.diff(temperature, axis=2, prepend=0, append=0)
        flux_y = k_y * np.diff(temperature, axis=1, prepend=0, append=0)
        divergence = np.diff(flux_x, axis=2) + np.diff(flux_y, axis=1)
        temperature = temperature + dt * (divergence + heating)
        record.append(temperature)
    return np.stack(record[steps // 5 - 1 :: steps // 5])[..., 1::2, 1::2]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small plate, a few gradients")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the figure")
    options = parser.parse_args()
    n, steps, gradients = (10, 40, 8) if options.quick else (28, 300, 80)
    truth, heating = plate(n)
    data = simulate(np.log(truth), heating, steps)
    data += NOISE * np.random.default_rng(0).standard_normal(data.shape)
    misfits, times, bar = [], [], tqdm(total=gradients, desc="descent", unit="gradient")

    def misfit(log_conductivity):
        chi_square = np.sum(((simulate(log_conductivity, heating, steps) - data) / NOISE) ** 2)
        jumps = [np.diff(log_conductivity, axis=axis) for axis in (0, 1)]
        return chi_square / 2 + SMOOTHING * sum(np.sum(np.sqrt(j**2 + 1e-3)) for j in jumps)

    def misfit_and_gradient(flat):
        began = default_timer()
        value, pull = pullback.vjp(misfit, flat.reshape(n, n))
        (gradient,) = pull(1.0)
        seconds = default_timer() - began
        times.append((seconds, timeit(lambda: misfit(flat.reshape(n, n)), number=1)))
        misfits.append(value)
        bar.set_postfix(misfit=f"{value:.0f}", refresh=False)
        bar.update()
        return value, gradient.ravel()

    bounds = [(np.log(0.1), np.log(3.5))] * n**2  # beyond 3.5 the time step is unstable
    limits = {"maxfun": gradients, "maxcor": 30}
    fit = minimize(misfit_and_gradient, np.zeros(n**2), jac=True, bounds=bounds, options=limits)
    bar.close()
    ours, plain = np.median(times, axis=0)
    cost = f"a gradient ({n * n} derivatives) takes the time of {ours / plain:.1f} simulations"
    fields = {"truth": truth, "start": np.ones((n, n)), "estimate": np.exp(fit.x.reshape(n, n))}
    figure = Figure(figsize=(17, 4.4), layout="constrained")
    axes = figure.subplots(1, 4)
    for axis, title in zip(axes, fields, strict=False):
        image = axis.imshow(fields[title], norm=LogNorm(0.25, 4), cmap="RdYlBu_r")
        axis.set(title=title, xticks=[], yticks=[])
    figure.colorbar(image, ax=axes[:3], ticks=[0.3, 1, 3], format="%g").minorticks_off()
    axes[3].semilogy(misfits)
    axes[3].set(title="misfit", xlabel="gradients so far")
    figure.suptitle(f"A plate's conductivity from noisy temperatures: {cost}")
    options.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(path := options.out / "heat_conductivity.png", dpi=120)
    print(f"{cost}: {ours * 1e3:.0f} ms and {plain * 1e3:.0f} ms\nfigure: {path}")


if __name__ == "__main__":
    main()
