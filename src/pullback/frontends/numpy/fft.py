"""NumPy's signatures: Fourier transforms.

A length other than the array's own (`n`, `s`) is a crop or a padding with zeros before.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import fft as ops
from .dispatch import implements, normalize_axis, refuse

# One axis


@implements(np.fft.fft)
def fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.fft, out=out)
    return _complex(ops.fftn, a, [n], [normalize_axis(axis, a.ndim)], norm)


@implements(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.ifft, out=out)
    return _complex(ops.ifftn, a, [n], [normalize_axis(axis, a.ndim)], norm)


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.rfft, out=out)
    axis = normalize_axis(axis, a.ndim)
    return ops.rfft(_fit(a, n, axis), axis=axis, norm=_norm(norm))


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.irfft, out=out)
    axis = normalize_axis(axis, a.ndim)
    n = _points(2 * (a.shape[axis] - 1) if n is None else n)
    return ops.irfft(_fit(a, n // 2 + 1, axis), n=n, axis=axis, norm=_norm(norm))


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.hfft, out=out)
    return irfft(np.conjugate(a), n, axis, ops.OTHER_NORM[_norm(norm)])


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.ihfft, out=out)
    return np.conjugate(rfft(a, n, axis, ops.OTHER_NORM[_norm(norm)]))


# Several axes


@implements(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.fftn, out=out)
    return _complex(ops.fftn, a, *_lengths_and_axes(a, s, axes), norm)


@implements(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.ifftn, out=out)
    return _complex(ops.ifftn, a, *_lengths_and_axes(a, s, axes), norm)


@implements(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.rfftn, out=out)
    (*lengths, last), (*others, axis) = _lengths_and_axes(a, s, axes)
    return _complex(ops.fftn, rfft(a, last, axis, norm), lengths, others, norm)


@implements(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    refuse(np.fft.irfftn, out=out)
    (*lengths, last), (*others, axis) = _lengths_and_axes(a, s, axes)
    last = None if s is None else last
    # NumPy's irfftn goes through the axes from the first to the last, its ifftn the other way.
    a = _complex(ops.ifftn, a, lengths[::-1], others[::-1], norm)
    return irfft(a, last, axis, norm)


@implements(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return fftn(a, s, axes, norm, out)


@implements(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return ifftn(a, s, axes, norm, out)


@implements(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return rfftn(a, s, axes, norm, out)


@implements(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return irfftn(a, s, axes, norm, out)


# Moving the zero frequency


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    axes = _shift_axes(x, axes)
    return np.roll(x, tuple(x.shape[axis] // 2 for axis in axes), axes)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    axes = _shift_axes(x, axes)
    return np.roll(x, tuple(-(x.shape[axis] // 2) for axis in axes), axes)


def _shift_axes(x: Any, axes: Any) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(x.ndim))
    return (axes,) if np.ndim(axes) == 0 else tuple(axes)


# Arguments


def _complex(transform: Any, a: Any, lengths: Sequence[Any], axes: Sequence[int], norm: Any) -> Any:
    norm = _norm(norm)
    axes = tuple(axes)
    if all(n is None or n == a.shape[axis] for n, axis in zip(lengths, axes, strict=True)):
        return transform(a, axes=axes, norm=norm)
    # An axis may be named twice, with two lengths: so one after the other, as NumPy does.
    for n, axis in zip(reversed(lengths), reversed(axes), strict=True):
        a = transform(_fit(a, n, axis), axes=(axis,), norm=norm)
    return a


def _lengths_and_axes(a: Any, s: Any, axes: Any) -> tuple[Sequence[Any], Sequence[int]]:
    """One length and one axis for each transform."""
    if axes is None:
        axes = range(-(a.ndim if s is None else len(s)), 0)
    axes = [normalize_axis(axis, a.ndim) for axis in axes]
    if s is None:
        s = [-1] * len(axes)
    if len(s) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [a.shape[axis] if n == -1 else n for n, axis in zip(s, axes, strict=True)], axes


def _norm(norm: Any) -> str:
    if norm is None:
        return "backward"
    if norm not in ops.OTHER_NORM:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return norm


def _points(n: Any) -> int:
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
    return n


def _fit(a: Any, n: Any, axis: int) -> Any:
    """`a` cropped, or padded with zeros at the end, to length `n` along `axis` (negative)."""
    if n is None or _points(n) == a.shape[axis]:
        return a
    behind = -axis - 1
    if n < a.shape[axis]:
        return a[(..., slice(n), *(slice(None),) * behind)]
    before = a.ndim - behind - 1
    return np.pad(a, ((0, 0),) * before + ((0, n - a.shape[axis]),) + ((0, 0),) * behind)
