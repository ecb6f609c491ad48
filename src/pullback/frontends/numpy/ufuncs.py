"""NumPy's ufuncs: the table from ufunc to primitive, and the methods and options of ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends.numpy import backend
from ...core import raw
from ...ops import elementwise as _declared  # noqa: F401  (fills the registry)
from ...ops.declare import registry
from ...recorders import recorder
from .box import install_operators
from .dispatch import ufunc_methods, ufuncs

for _name, _primitive in registry.items():
    if isinstance(_ufunc := getattr(np, _name, None), np.ufunc):
        ufuncs[_ufunc] = recorder(_primitive, backend)


def _reduce_add(ufunc: Any, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return registry["sum"](x, axis=axis, keepdims=keepdims)


ufunc_methods[np.add, "reduce"] = _reduce_add


def _compare(ufunc: Any) -> Any:
    return lambda *args: ufunc(*map(raw, args))


for _ufunc in (np.less, np.greater, np.equal):
    ufuncs[_ufunc] = _compare(_ufunc)

install_operators()
