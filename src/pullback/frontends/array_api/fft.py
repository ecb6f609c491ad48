"""The standard's Fourier transforms: every one is a primitive on cut or padded axes."""

from __future__ import annotations

from typing import Any

from ...ops import fft as ops
from ...ops.fft import OTHER_NORM
from ...ops.shape import along
from .dispatch import axes_of, axis_of, backend_among, functions, implements
from .index import read


def _sized(x: Any, axis: int, n: int | None) -> Any:
    """`x` cut, or padded with zeros, to length `n` along `axis`."""
    size = x.shape[axis]
    if n is None or n == size:
        return x
    if n < size:
        return read(x, along(axis, slice(0, n)))
    backend = backend_among(x)
    shape = [*x.shape]
    shape[axis] = n - size
    return backend.xp.concatenate([x, backend.zeros(shape, x.dtype)], axis)


def _axes(x: Any, s: Any, axes: Any) -> tuple[int, ...]:
    if axes is None:
        axes = range(-x.ndim if s is None else -len(s), 0)
    return axes_of(tuple(axes), x.ndim)


def _complex(name: str) -> None:
    primitive = getattr(ops, f"{name}n")

    @implements(f"fft.{name}")
    def one(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
        axis = axis_of(axis, x.ndim)
        return primitive(_sized(x, axis, n), axes=(axis,), norm=norm)

    @implements(f"fft.{name}n")
    def several(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
        axes = _axes(x, s, axes)
        for axis, n in zip(axes, s or (), strict=bool(s)):
            x = _sized(x, axis, n)
        return primitive(x, axes=axes, norm=norm)


for _name in ("fft", "ifft"):
    _complex(_name)


@implements("fft.rfft")
def rfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    axis = axis_of(axis, x.ndim)
    return ops.rfft(_sized(x, axis, n), axis=axis, norm=norm)


@implements("fft.irfft")
def irfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    axis = axis_of(axis, x.ndim)
    size: int = 2 * (x.shape[axis] - 1) if n is None else n
    return ops.irfft(_sized(x, axis, size // 2 + 1), n=size, axis=axis, norm=norm)


@implements("fft.rfftn")
def rfftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    axes = _axes(x, s, axes)
    for axis, n in zip(axes, s or (), strict=bool(s)):
        x = _sized(x, axis, n)
    x = ops.rfft(x, axis=axes[-1], norm=norm)
    return ops.fftn(x, axes=axes[:-1], norm=norm) if axes[:-1] else x


@implements("fft.irfftn")
def irfftn(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
    axes = _axes(x, s, axes)
    sizes = [x.shape[a] for a in axes] if s is None else [*s]
    if s is None:
        sizes[-1] = 2 * (sizes[-1] - 1)
    for axis, n in zip(axes[:-1], sizes, strict=False):
        x = _sized(x, axis, n)
    if axes[:-1]:
        x = ops.ifftn(x, axes=axes[:-1], norm=norm)
    return irfft(x, n=sizes[-1], axis=axes[-1], norm=norm)


@implements("fft.hfft")
def hfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    return irfft(functions["conj"](x), n=n, axis=axis, norm=OTHER_NORM[norm])


@implements("fft.ihfft")
def ihfft(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
    return functions["conj"](rfft(x, n=n, axis=axis, norm=OTHER_NORM[norm]))


def _shifted(name: str, sign: int) -> None:
    @implements(f"fft.{name}")
    def shift(x: Any, /, *, axes: Any = None) -> Any:
        axes = tuple(range(-x.ndim, 0)) if axes is None else axes_of(_tuple(axes), x.ndim)
        by = tuple(sign * (x.shape[a] // 2) for a in axes)
        return functions["roll"](x, by, axis=axes)


def _tuple(axes: Any) -> tuple[int, ...]:
    return (axes,) if isinstance(axes, int) else tuple(axes)


_shifted("fftshift", 1)
_shifted("ifftshift", -1)
