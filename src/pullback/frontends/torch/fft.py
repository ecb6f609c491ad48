"""Fourier transforms of whole axes; those that cut or pad are left to torch's own derivative."""

from __future__ import annotations

from typing import Any

import torch

from ...ops import fft as ops
from . import opaque
from .dispatch import implements
from .reduce import axes_of

_NORMS = ("backward", "ortho", "forward")


def _complex(name: str, primitive: Any) -> None:
    """The transforms between complex signals: of one axis, of two, of all."""
    for suffix, default in (("", -1), ("2", (-2, -1)), ("n", None)):
        function = getattr(torch.fft, name + suffix)

        @implements(function)
        def transform(
            input: Any,
            n: Any = None,
            dim: Any = default,
            norm: Any = None,
            *,
            s: Any = None,
            out: Any = None,
            function: Any = function,
        ) -> Any:
            norm = norm or "backward"
            size = n if s is None else s
            if size is not None or out is not None or norm not in _NORMS or not input.ndim:
                return opaque.apply(function, (input, size, dim, norm), {"out": out})
            axes = axes_of(dim, input.ndim)
            return primitive(input, axes=axes or tuple(range(-input.ndim, 0)), norm=norm)


_complex("fft", ops.fftn)
_complex("ifft", ops.ifftn)
