"""torch spellings of the canonical functions: convolutions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

Options = dict[str, Any]
_ORDER = ("stride", "padding", "dilation", "transposed", "output_padding", "groups")


def _of_parts(function: Callable[..., Any]) -> Callable[..., Any]:
    """A bilinear function of real arguments, of complex ones."""

    @functools.wraps(function)
    def bilinear(x: Any, y: Any, **params: Any) -> Any:
        if not (x.dtype.is_complex or y.dtype.is_complex):
            return function(x, y, **params)
        (a, b), (c, d) = (_parts(one, _common(x, y)) for one in (x, y))
        real = function(a, c, **params) - function(b, d, **params)
        imag = function(a, d, **params) + function(b, c, **params)
        return torch.complex(real, imag)

    return bilinear


def _parts(x: Any, dtype: Any) -> tuple[Any, ...]:
    return torch.view_as_real(x.to(dtype).resolve_conj()).unbind(-1)


def _common(x: Any, y: Any) -> Any:
    return torch.promote_types(x.dtype, y.dtype)


@_of_parts
def convolution(x: Any, y: Any, options: Options) -> Any:
    return torch.convolution(x, y, None, *(options[name] for name in _ORDER))


def _backward(g: Any, x: Any, w: Any, options: Options, place: int) -> Any:
    mask = [place == 0, place == 1, False]
    values = (options[name] for name in _ORDER)
    return torch.ops.aten.convolution_backward(g, x, w, None, *values, mask)[place]


def _form(g: Any, shape: tuple[int, ...]) -> Any:
    """For the argument that a gradient is of, of which only the shape counts."""
    return torch.empty((), dtype=g.dtype, device=g.device).expand(shape)


@_of_parts
def convolution_signal(x: Any, y: Any, shape: tuple[int, ...], options: Options) -> Any:
    return _backward(x, _form(x, shape), y, options, 0)


@_of_parts
def convolution_weights(x: Any, y: Any, shape: tuple[int, ...], options: Options) -> Any:
    return _backward(y, x, _form(x, shape), options, 1)
