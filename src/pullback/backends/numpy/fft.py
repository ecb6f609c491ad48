"""NumPy spellings of the canonical functions: Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np


def fftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    if len(axes) == 1:
        return np.fft.fft(x, axis=axes[0], norm=norm)  # pyright: ignore[reportArgumentType]
    return np.fft.fftn(x, axes=axes, norm=norm)  # pyright: ignore[reportArgumentType]


def ifftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    if len(axes) == 1:
        return np.fft.ifft(x, axis=axes[0], norm=norm)  # pyright: ignore[reportArgumentType]
    return np.fft.ifftn(x, axes=axes, norm=norm)  # pyright: ignore[reportArgumentType]


def rfft(x: Any, axis: int, norm: str) -> Any:
    return np.fft.rfft(x, axis=axis, norm=norm)  # pyright: ignore[reportArgumentType]


def irfft(x: Any, n: int, axis: int, norm: str) -> Any:
    """The real signal of length `n` with the half spectrum `x`, which has n // 2 + 1 elements."""
    return np.fft.irfft(x, n=n, axis=axis, norm=norm)  # pyright: ignore[reportArgumentType]


def times_read(n: int, axis: int, dtype: Any) -> Any:
    """How often `irfft` to length `n` reads each element along `axis`, in `dtype`'s precision."""
    times = np.full((n // 2 + 1,) + (1,) * (-axis - 1), 2, np.finfo(dtype).dtype)
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    return times
