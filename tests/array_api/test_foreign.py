"""SciPy's and scikit-learn's functions of the standard, called on traced arrays: they are
differentiated, or say why not; none gives a constant.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.array_api.libraries import namespace

SCIPY = """
import numpy as np, pullback, importlib, sys, warnings
from scipy import fft, integrate, optimize, signal, special, stats
xp = importlib.import_module({"jax": "jax.numpy"}.get(sys.argv[1], sys.argv[1]))
if sys.argv[1] == "jax":
    importlib.import_module("jax").config.update("jax_enable_x64", True)
rng = np.random.default_rng(0)
X = rng.uniform(0.2, 0.9, (5, 3))
V = X[:, 0].copy()

FOLLOWED = {
    "special.logsumexp": (special.logsumexp, X),
    "special.softmax": (lambda x: special.softmax(x) ** 2, X),
    "special.xlogy": (lambda x: special.xlogy(x, x), X),
    "stats.gmean": (stats.gmean, X),
    "stats.skew": (stats.skew, X),
    "stats.kurtosis": (stats.kurtosis, X),
    "stats.zscore": (lambda x: stats.zscore(x) ** 3, X),
    "stats.sem": (stats.sem, X),
    "signal.fftconvolve": (lambda x: signal.fftconvolve(x, x * x), V),
    "signal.hilbert": (lambda x: abs(signal.hilbert(x)), V),
    "integrate.trapezoid": (integrate.trapezoid, X),
    "integrate.cumulative_simpson": (lambda x: integrate.cumulative_simpson(x, dx=1.0), X),
    "optimize.rosen": (optimize.rosen, V),
    "fft.rfft": (lambda x: abs(fft.rfft(x)), X),
}
REFUSED = {
    "special.erf": (special.erf, X),
    "special.expit": (special.expit, X),
    "stats.entropy": (stats.entropy, X),
    "signal.detrend": (signal.detrend, X),
    "integrate.simpson": (integrate.simpson, X),
    "fft.dct": (fft.dct, X),
}

# JAX's arrays are immutable; torch and JAX have compiled functions of their own.
FOLLOWED_TOO = "special.erf special.expit stats.entropy".split()
if sys.argv[1] in ("torch", "jax"):
    FOLLOWED |= {name: REFUSED.pop(name) for name in FOLLOWED_TOO}
    FOLLOWED["special.rel_entr"] = (lambda x: special.rel_entr(x, x * x), X)
if sys.argv[1] == "jax":
    FOLLOWED["signal.detrend"] = REFUSED.pop("signal.detrend")
    del FOLLOWED["signal.hilbert"], FOLLOWED["integrate.cumulative_simpson"]

def array(values):
    return xp.asarray(values.tolist(), dtype=xp.float64)

def total(function):
    return lambda x: x.__array_namespace__().sum(function(x))

for name, (function, at) in FOLLOWED.items():
    d = rng.normal(size=at.shape)
    ahead, behind = (
        np.sum(np.asarray(function(array(at + s * d)))) for s in (1e-6, -1e-6)
    )
    gradient = np.asarray(pullback.grad(total(function))(array(at)))
    slope = (ahead - behind) / 2e-6
    np.testing.assert_allclose(np.sum(gradient * d), slope, rtol=1e-5, atol=1e-8, err_msg=name)
for name, (function, at) in REFUSED.items():
    try:
        pullback.grad(total(function))(array(at))
    except TypeError as error:
        assert "derivative" in str(error), (name, error)
    else:
        raise AssertionError(name + " was not refused")
try:
    pullback.grad(total(lambda x: special.xlogy(x, array(X))))(array(X))
except TypeError as error:
    assert sys.argv[1] in ("numpy", "array_api_strict"), error
    assert "got a traced array beside a plain one" in str(error), error
"""


@pytest.mark.parametrize("library", ["numpy", "array_api_strict", "torch", "jax"])
def test_scipys_functions_are_followed_or_say_why_not(library):
    pytest.importorskip("jax") if library == "jax" else namespace(library)
    scipy = pytest.importorskip("scipy")
    if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 17):
        pytest.skip("SciPy's support of the standard grows with every version")
    # SciPy reads the switch when it is imported.
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCIPY, library],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


@pytest.fixture(params=["numpy", "array_api_strict"])
def dispatching(request, monkeypatch):
    """The library, with scikit-learn's dispatch switched on."""
    xp = namespace(request.param)
    sklearn = pytest.importorskip("sklearn")
    monkeypatch.setattr(
        importlib.import_module("sklearn.utils._array_api"),
        "_check_array_api_dispatch",
        lambda _: None,  # it asks for SciPy's switch, which these functions do not need
    )
    with sklearn.config_context(array_api_dispatch=True):
        yield xp


X = np.random.default_rng(0).uniform(0.2, 0.9, (5, 3))


@pytest.mark.parametrize(
    "name",
    "cosine_similarity linear_kernel polynomial_kernel rbf_kernel additive_chi2_kernel "
    "manhattan_distances".split(),
)
def test_pairwise_functions_are_followed(name, dispatching):
    pairwise = importlib.import_module("sklearn.metrics.pairwise")
    function = getattr(pairwise, name)
    xp = dispatching
    d = np.random.default_rng(1).normal(size=X.shape)

    def f(x):
        return x.__array_namespace__().sum(function(x, x[:2, ...] + 0.5))

    ahead, behind = (float(f(xp.asarray((X + s * d).tolist()))) for s in (1e-6, -1e-6))
    gradient = np.asarray(pullback_grad(f)(xp.asarray(X.tolist())))
    np.testing.assert_allclose(np.sum(gradient * d), (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "name", "mean_squared_error mean_absolute_error r2_score mean_tweedie_deviance".split()
)
def test_metrics_that_return_a_float_say_that_it_would_be_a_constant(name, dispatching):
    metrics = importlib.import_module("sklearn.metrics")
    x = dispatching.asarray(X[:, 0].tolist())
    with pytest.raises(TypeError, match="lose its derivative"):
        pullback_grad(lambda x: getattr(metrics, name)(x * x, x))(x)


def pullback_grad(f):
    import pullback

    return pullback.grad(f)
