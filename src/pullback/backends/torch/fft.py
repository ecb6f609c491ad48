"""torch spellings of the canonical functions: Fourier transforms."""

from __future__ import annotations

from typing import Any

import torch


def fftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    return torch.fft.fftn(x, dim=axes, norm=norm)


def ifftn(x: Any, axes: tuple[int, ...], norm: str) -> Any:
    return torch.fft.ifftn(x, dim=axes, norm=norm)


def rfft(x: Any, axis: int, norm: str) -> Any:
    return torch.fft.rfft(x, dim=axis, norm=norm)


def irfft(x: Any, n: int, axis: int, norm: str) -> Any:
    return torch.fft.irfft(x, n=n, dim=axis, norm=norm)


def times_read(n: int, axis: int, dtype: Any) -> Any:
    """How often `irfft` to length `n` reads each element along `axis`, in `dtype`'s precision."""
    times = torch.full((n // 2 + 1,) + (1,) * (-axis - 1), 2, dtype=dtype.to_real())
    times[0] = 1
    if n % 2 == 0:
        times[-1] = 1
    return times
