"""Fourier transforms: torch's signatures over four linear maps.

A transform of several axes of a real signal is one of the last, and complex ones of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...ops import fft as ops
from . import opaque
from .dispatch import implements
from .reduce import axes_of

_OTHER = ops.OTHER_NORM

Sizes = tuple[int | None, ...]


def _resized(x: Any, axes: tuple[int, ...], sizes: Sizes) -> Any:
    """`x` cut, or with zeros behind it, to `sizes` (None: as it is) on `axes`."""
    for axis, size in zip(axes, sizes, strict=True):
        if size is None or size == x.shape[axis]:
            continue
        if size < x.shape[axis]:
            x = x.narrow(axis, 0, size)
        else:
            x = torch.constant_pad_nd(x, [0, 0] * (-axis - 1) + [0, size - x.shape[axis]])
    return x


def _complex(primitive: Any) -> Callable[..., Any]:
    def transform(x: Any, axes: Any, sizes: Sizes, norm: str) -> Any:
        return primitive(_resized(x, axes, sizes), axes=axes, norm=norm)

    return transform


def _rest(primitive: Any, x: Any, axes: Any, sizes: Sizes, norm: str) -> Any:
    """The complex transform of all axes but the last."""
    if len(axes) == 1:
        return x
    return primitive(_resized(x, axes[:-1], sizes[:-1]), axes=axes[:-1], norm=norm)


def _rfft(x: Any, axes: Any, sizes: Sizes, norm: str) -> Any:
    half = ops.rfft(_resized(x, axes[-1:], sizes[-1:]), axis=axes[-1], norm=norm)
    return _rest(ops.fftn, half, axes, sizes, norm)


def _irfft(x: Any, axes: Any, sizes: Sizes, norm: str) -> Any:
    n = sizes[-1] or 2 * (x.shape[axes[-1]] - 1)
    x = _rest(ops.ifftn, x, axes, sizes, norm)
    half = _resized(x, axes[-1:], (n // 2 + 1,))
    return ops.irfft(half, n=n, axis=axes[-1], norm=norm)


def _hfft(x: Any, axes: Any, sizes: Sizes, norm: str) -> Any:
    n = sizes[-1] or 2 * (x.shape[axes[-1]] - 1)
    x = _rest(ops.fftn, x, axes, sizes, norm)
    half = torch.conj(_resized(x, axes[-1:], (n // 2 + 1,)))
    return ops.irfft(half, n=n, axis=axes[-1], norm=_OTHER[norm])


def _ihfft(x: Any, axes: Any, sizes: Sizes, norm: str) -> Any:
    x = _resized(x, axes[-1:], sizes[-1:])
    half = torch.conj(ops.rfft(x, axis=axes[-1], norm=_OTHER[norm]))
    return _rest(ops.ifftn, half, axes, sizes, norm)


# Name -> how, and whether of real signals only.
_TRANSFORMS: dict[str, tuple[Callable[..., Any], bool]] = {
    "fft": (_complex(ops.fftn), False),
    "ifft": (_complex(ops.ifftn), False),
    "rfft": (_rfft, True),
    "irfft": (_irfft, False),
    "hfft": (_hfft, False),
    "ihfft": (_ihfft, True),
}


def _register(name: str, suffix: str, default: Any) -> None:
    """The transform of one axis, of two, or of all."""
    function = getattr(torch.fft, name + suffix)
    run, real = _TRANSFORMS[name]

    @implements(function)
    def transform(
        input: Any,
        n: Any = None,
        dim: Any = default,
        norm: Any = None,
        *,
        s: Any = None,
    ) -> Any:
        given = n if s is None else s
        args = (input, given, dim, norm)
        if (norm or "backward") not in _OTHER or not input.numel():
            return opaque.apply(function, args, {})
        axes = _axes(dim, given, input.ndim)
        sizes = (given,) * len(axes) if given is None or isinstance(given, int) else tuple(given)
        sizes = tuple(None if size == -1 else size for size in sizes)
        bad = len(sizes) != len(axes) or not axes
        bad = bad or any(size is not None and size < 1 for size in sizes)
        if bad or not input.ndim or (real and input.dtype.is_complex) or not _is_float(input):
            return opaque.apply(function, args, {})
        if name in ("irfft", "hfft") and (sizes[-1] or 2 * (input.shape[axes[-1]] - 1)) < 1:
            return opaque.apply(function, args, {})
        return run(input, axes, sizes, norm or "backward")


def _axes(dim: Any, sizes: Any, ndim: int) -> tuple[int, ...]:
    if dim is None:
        count = len(sizes) if isinstance(sizes, (list, tuple)) else ndim
        return tuple(range(-count, 0))
    return axes_of(dim, ndim) or ()


def _is_float(x: Any) -> bool:
    return x.dtype.is_floating_point or x.dtype.is_complex


for _name in _TRANSFORMS:
    for _suffix, _default in (("", -1), ("2", (-2, -1)), ("n", None)):
        _register(_name, _suffix, _default)


@implements(torch.fft.fftshift)
def fftshift(input: Any, dim: Any = None) -> Any:
    axes = axes_of(dim, input.ndim) or tuple(range(-input.ndim, 0))
    return torch.roll(input, [input.shape[axis] // 2 for axis in axes], axes)


@implements(torch.fft.ifftshift)
def ifftshift(input: Any, dim: Any = None) -> Any:
    axes = axes_of(dim, input.ndim) or tuple(range(-input.ndim, 0))
    return torch.roll(input, [(input.shape[axis] + 1) // 2 for axis in axes], axes)


@implements(torch._VF.stft)
def stft(
    input: Any,
    n_fft: int,
    hop_length: Any,
    win_length: Any,
    window: Any,
    normalized: bool,
    onesided: Any,
    return_complex: Any = None,
    align_to_window: Any = None,
) -> Any:
    """Of a signal that `torch.stft` has padded: the spectra of windows of it."""
    hop, width = hop_length or n_fft // 4, win_length or n_fft
    whole = input.dtype.is_complex or (window is not None and window.dtype.is_complex)
    fits = input.ndim in (1, 2) and 0 < width <= n_fft <= input.shape[-1] and hop > 0
    if not fits or align_to_window or (onesided and whole):
        args = (input, n_fft, hop_length, win_length, window, normalized, onesided)
        return opaque.apply(torch._VF.stft, (*args, return_complex, align_to_window), {})
    frames = input.unfold(-1, n_fft, hop)
    if window is not None or width < n_fft:
        shape = torch.ones(width, dtype=input.dtype, device=input.device)
        before = (n_fft - width) // 2
        pads = [before, n_fft - width - before]
        frames = frames * torch.constant_pad_nd(shape if window is None else window, pads)
    transform = torch.fft.fft if whole or onesided is False else torch.fft.rfft
    out = transform(frames, norm="ortho" if normalized else None).mT
    return out if return_complex else torch.stack((out.real, out.imag), -1)
