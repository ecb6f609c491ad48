"""Special functions: the error function's family and the gamma function's."""

from __future__ import annotations

import math
from typing import Any

from .declare import elementwise

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

erf = elementwise("erf", lambda xp, x: _TWO_OVER_ROOT_PI * xp.exp(-x * x))
erfc = elementwise("erfc", lambda xp, x: -_TWO_OVER_ROOT_PI * xp.exp(-x * x))


def _gamma(xp: Any, x: Any, out: Any) -> Any:
    return out * xp.polygamma(x, order=0)


gammaln = elementwise("gammaln", lambda xp, x: xp.polygamma(x, order=0))
gamma = elementwise("gamma", _gamma)
# The derivative of order `order + 1` of gammaln.
polygamma = elementwise("polygamma", lambda xp, x, order: xp.polygamma(x, order=order + 1))
