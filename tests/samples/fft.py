"""Samples: Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(6)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


REAL_ONLY = (np.fft.rfft, np.fft.ihfft, np.fft.rfft2, np.fft.rfftn)


def _sample(function: Any, x: Any, **options: Any) -> Sample:
    label = " ".join([str(x.shape), *(f"{k}={v}" for k, v in options.items())])
    return Sample(
        function, lambda x: function(x, **options), (x,), label, complex=function not in REAL_ONLY
    )


def _one_axis(function: Any) -> Iterator[Sample]:
    for n in (2, 4, 5):
        yield _sample(function, _normal(n))
    for n in (1, 3, 4, 7, 8, 9, 12):
        yield _sample(function, _normal(5), n=n)
    yield _sample(function, _normal(4, 3), axis=0, norm="ortho")
    yield _sample(function, _normal(2, 4, 3), n=5, axis=1, norm="forward")
    yield _sample(function, _normal(5), norm="backward")
    yield _sample(function, _normal(0, 3))


def _two_axes(function: Any) -> Iterator[Sample]:
    yield _sample(function, _normal(4, 3))
    yield _sample(function, _normal(2, 4, 3), s=(3, 5), norm="ortho")
    yield _sample(function, _normal(4, 2, 3), axes=(2, 0), norm="forward")


def _several_axes(function: Any) -> Iterator[Sample]:
    yield _sample(function, _normal(4))
    yield _sample(function, _normal(2, 3, 4))
    yield _sample(function, _normal(2, 4, 3), s=(3, 5), axes=(1, -1), norm="ortho")
    yield _sample(function, _normal(4, 2, 3), s=(-1, 5), axes=(2, 0), norm="forward")
    yield _sample(function, _normal(4, 3), axes=(0, 0))
    yield _sample(function, _normal(4, 3), s=(3, 5), axes=(0, 0))


def _shifts(function: Any) -> Iterator[Sample]:
    yield _sample(function, _normal(5))
    yield _sample(function, _normal(4, 3))
    yield _sample(function, _normal(4, 3), axes=1)
    yield _sample(function, _normal(2, 4, 3), axes=(0, -1))


ONE_AXIS = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TWO_AXES = ("fft2", "ifft2", "rfft2", "irfft2")
SEVERAL_AXES = ("fftn", "ifftn", "rfftn", "irfftn")
SAMPLES = [
    *(sample for name in ONE_AXIS for sample in _one_axis(getattr(np.fft, name))),
    *(sample for name in TWO_AXES for sample in _two_axes(getattr(np.fft, name))),
    *(sample for name in SEVERAL_AXES for sample in _several_axes(getattr(np.fft, name))),
    *(sample for name in ("fftshift", "ifftshift") for sample in _shifts(getattr(np.fft, name))),
]
