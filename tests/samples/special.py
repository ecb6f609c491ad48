"""Samples: special functions, as `math` has them."""

from __future__ import annotations

import numpy as np

from pullback.ops import special
from pullback.testing import Sample

POSITIVE = np.array([[0.4, 1.3, 2.6], [3.1, 0.9, 4.2]])


SAMPLES = [
    Sample(special.erf, special.erf, (POSITIVE - 2.0,)),
    Sample(special.erfc, special.erfc, (POSITIVE - 2.0,)),
    Sample(special.gamma, special.gamma, (POSITIVE,)),
    Sample(special.gammaln, special.gammaln, (POSITIVE,), order=3),
]
