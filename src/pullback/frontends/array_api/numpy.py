"""The functions of the standard that NumPy has not, or has with other arguments or results."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dispatch import is_box


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    if not descending:
        return np.argsort(x, axis=axis, kind="stable" if stable else None)
    # Stable from the other end, so that equal elements keep their order.
    back = np.flip(np.argsort(np.flip(x, axis=axis), axis=axis, kind="stable"), axis=axis)
    return x.shape[axis] - 1 - back


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    out = np.sort(x, axis=axis, kind="stable" if stable else None)
    return np.flip(out, axis=axis) if descending else out


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    return np.copy(x) if min is None and max is None else np.clip(x, min, max)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    if is_box(x):
        return np.copy(x) if copy else x
    options: dict[str, Any] = {"device": device, "copy": copy}  # which NumPy 2.0 has not
    return np.from_dlpack(x, **{k: v for k, v in options.items() if v is not None})


def fftfreq(n: int, /, *, d: Any = 1.0, dtype: Any = None, device: Any = None) -> Any:
    return _of_dtype(np.fft.fftfreq(n, d, device), dtype)


def rfftfreq(n: int, /, *, d: Any = 1.0, dtype: Any = None, device: Any = None) -> Any:
    return _of_dtype(np.fft.rfftfreq(n, d, device), dtype)


def _of_dtype(array: Any, dtype: Any) -> Any:
    return array if dtype is None else array.astype(dtype)


class FloatInfo:
    """NumPy's `finfo`, with Python's numbers where the standard asks for them."""

    def __init__(self, theirs: Any) -> None:
        self._theirs = theirs
        self.bits = int(theirs.bits)
        self.eps = float(theirs.eps)
        self.max = float(theirs.max)
        self.min = float(theirs.min)
        self.smallest_normal = float(theirs.smallest_normal)
        self.dtype = theirs.dtype

    def __getattr__(self, name: str) -> Any:
        return getattr(self._theirs, name)

    def __repr__(self) -> str:
        return repr(self._theirs)


def finfo(type: Any, /) -> Any:
    return FloatInfo(np.finfo(_dtype(type)))


def iinfo(type: Any, /) -> Any:
    return np.iinfo(_dtype(type))


def _dtype(of: Any) -> Any:
    return of.dtype if is_box(of) or isinstance(of, (np.ndarray, np.generic)) else of


FUNCTIONS: dict[str, Any] = {
    "argsort": argsort,
    "clip": clip,
    "fft.fftfreq": fftfreq,
    "fft.rfftfreq": rfftfreq,
    "finfo": finfo,
    "from_dlpack": from_dlpack,
    "iinfo": iinfo,
    "sort": sort,
}
