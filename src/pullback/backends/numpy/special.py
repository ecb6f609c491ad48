"""NumPy has no special functions: these are SciPy's, imported when one is called."""

from __future__ import annotations

import importlib
from typing import Any


def _scipy() -> Any:
    try:
        return importlib.import_module("scipy.special")
    except ImportError as error:
        raise ImportError(
            "math.erf, math.gamma and their like on a traced value need SciPy: pip install scipy"
        ) from error


def erf(x: Any) -> Any:
    return _scipy().erf(x)


def erfc(x: Any) -> Any:
    return _scipy().erfc(x)


def gamma(x: Any) -> Any:
    return _scipy().gamma(x)


def gammaln(x: Any) -> Any:
    return _scipy().gammaln(x)


def polygamma(x: Any, order: int) -> Any:
    """The digamma function for order 0, and its derivatives."""
    return _scipy().psi(x) if order == 0 else _scipy().polygamma(order, x)
