"""torch spellings of the canonical functions: linear filters, each with its transpose."""

from __future__ import annotations

from typing import Any

import torch

_nn: Any = torch._C._nn
_aten = torch.ops.aten


def _form(g: Any, shape: tuple[int, ...]) -> Any:
    return torch.empty((), dtype=g.dtype, device=g.device).expand(shape)


def _of_form(name: str, *, told: bool = True) -> Any:
    """A transpose that is told the shape by an argument, and the options too."""
    backward = getattr(_aten, f"{name}_backward")
    return lambda g, shape, options: backward(g, _form(g, shape), *(options if told else ()))


def _of_shape(name: str) -> Any:
    """A transpose that is told the shape: of upsampling, which has the size it makes in front."""
    backward = getattr(_aten, f"{name}_backward")
    return lambda g, shape, options: backward(g, options[0], shape, *options[1:])


def _uncol2im(g: Any, _: tuple[int, ...], options: tuple[Any, ...]) -> Any:
    return _nn.im2col(g, *options[1:])


# Kernel -> the function, and its transpose.
_KERNELS: dict[str, tuple[Any, Any]] = (
    {name: (getattr(_nn, name), _of_form(name)) for name in ("avg_pool2d", "avg_pool3d")}
    | {
        name: (getattr(_nn, name), _of_form(f"_{name}", told=False))
        for name in ("adaptive_avg_pool2d", "adaptive_avg_pool3d")
    }
    | {
        f"{kind}_pad{n}d": (getattr(_nn, f"{kind}_pad{n}d"), _of_form(f"{kind}_pad{n}d"))
        for kind in ("reflection", "replication")
        for n in (1, 2, 3)
    }
    | {
        name: (getattr(_nn, name), _of_shape(name))
        for name in (
            "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d "
            "_upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d "
            "upsample_bilinear2d upsample_trilinear3d upsample_bicubic2d"
        ).split()
    }
    | {
        "im2col": (_nn.im2col, lambda g, shape, options: _nn.col2im(g, shape[2:], *options)),
        "col2im": (
            _nn.col2im,
            _uncol2im,
        ),
    }
)


def filtered(x: Any, kernel: str, options: tuple[Any, ...]) -> Any:
    return _KERNELS[kernel][0](x, *options)


def unfiltered(x: Any, shape: tuple[int, ...], kernel: str, options: tuple[Any, ...]) -> Any:
    return _KERNELS[kernel][1](x.contiguous(), shape, options)
