"""Discrete Fourier transforms: four linear maps, each the transpose of another.

`norm` says where the factor 1/n stands; transposing moves it to the other direction.  Cotangents
are those of the inner product Re<a, b>, as everywhere.
"""

from __future__ import annotations

from typing import Any

from .declare import linear

OTHER_NORM = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _fftn(cotangent: Any, xp: Any, axes: tuple[int, ...], norm: str) -> Any:
    return xp.ifftn(cotangent, axes=axes, norm=OTHER_NORM[norm])


def _ifftn(cotangent: Any, xp: Any, axes: tuple[int, ...], norm: str) -> Any:
    return xp.fftn(cotangent, axes=axes, norm=OTHER_NORM[norm])


fftn = linear("fftn", _fftn)
ifftn = linear("ifftn", _ifftn)


# A real signal's spectrum is its own mirror image, and only half of it is stored: `irfft` reads
# each element twice, but for those (the mean, and for even n the highest) that mirror themselves.


def _rfft(cotangent: Any, xp: Any, shape: tuple[int, ...], axis: int, norm: str) -> Any:
    n = shape[axis]
    spectrum = cotangent / xp.times_read(n, axis, cotangent.dtype)
    return xp.irfft(spectrum, n=n, axis=axis, norm=OTHER_NORM[norm])


def _irfft(cotangent: Any, xp: Any, dtype: Any, n: int, axis: int, norm: str) -> Any:
    spectrum = xp.rfft(cotangent, axis=axis, norm=OTHER_NORM[norm])
    spectrum = spectrum * xp.times_read(n, axis, cotangent.dtype)
    # `project` does this too, but not where everything else in a function is real.
    return spectrum if xp.is_complex(dtype) else xp.real(spectrum)


rfft = linear("rfft", _rfft)
irfft = linear("irfft", _irfft)
