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
