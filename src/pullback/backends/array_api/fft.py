"""The standard's spellings of the canonical functions: Fourier transforms."""

from __future__ import annotations

from typing import Any


def fftn(lib: Any, x: Any, axes: tuple[int, ...], norm: str) -> Any:
    return lib.fft.fftn(lib.as_complex(x), axes=axes, norm=norm)


def ifftn(lib: Any, x: Any, axes: tuple[int, ...], norm: str) -> Any:
    return lib.fft.ifftn(lib.as_complex(x), axes=axes, norm=norm)


def rfft(lib: Any, x: Any, axis: int, norm: str) -> Any:
    return lib.fft.rfft(x, axis=axis, norm=norm)


def irfft(lib: Any, x: Any, n: int, axis: int, norm: str) -> Any:
    return lib.fft.irfft(lib.as_complex(x), n=n, axis=axis, norm=norm)
