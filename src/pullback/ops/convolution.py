"""Convolutions of stacks of signals, in any number of dimensions.

One trilinear form stands behind them: the sum of `g * convolution(x, w)` over all outputs.  Each of
the three primitives is its gradient with respect to one of `x`, `w` and `g`, a bilinear function
of the other two; so the transposes of one are the other two, at every order.

`x` is `(stack, channels, *sizes)`, `w` `(outputs, channels / groups, *sizes)`, or with
`transposed` `(channels, outputs / groups, *sizes)`. The options are torch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core import Primitive, bind
from . import lift
from .native import multilinear

Options = dict[str, Any]

# A batch of examples goes into the stack where only signals have it. Where the weights have it too,
# it goes into the channels, and multiplies the groups.


def _in_stack(x: Any) -> Any:
    return x.reshape((x.shape[0] * x.shape[1], *x.shape[2:]))


def _in_channels(x: Any) -> Any:
    """`(batch, stack, channels, ...)` as `(stack, batch * channels, ...)`."""
    x = x.swapaxes(0, 1)
    return x.reshape((x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:]))


def _out_of_channels(x: Any, size: int) -> Any:
    return x.reshape((x.shape[0], size, x.shape[1] // size, *x.shape[2:])).swapaxes(0, 1)


def _shape_of(shape: Sequence[int], size: int, axis: int) -> tuple[int, ...]:
    return tuple(n * size if place == axis else n for place, n in enumerate(shape))


def _grouped(options: Options, size: int) -> Options:
    return options | {"groups": options["groups"] * size}


def _signal_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    """For an op of a signal and weights, whose result is a signal."""
    x, w = args
    shape, options = params.get("shape"), params["options"]

    def apply(x: Any, w: Any, axis: int, options: Options) -> Any:
        lifted = {} if shape is None else {"shape": _shape_of(shape, size, axis)}
        return bind(primitive, (x, w), {"options": options, **lifted})

    if not batched[1]:
        out = apply(_in_stack(x), w, 0, options)
        return out.reshape((size, out.shape[0] // size, *out.shape[1:]))
    x = _in_channels(lift.spread(x, batched[0], size))
    return _out_of_channels(apply(x, _in_stack(w), 1, _grouped(options, size)), size)


def _weights_batch(
    primitive: Primitive, args: Sequence[Any], batched: Sequence[bool], params: Any, size: int
) -> Any:
    """For the op of two signals, whose result is weights."""
    x, g = (
        _in_channels(lift.spread(arg, is_, size)) for arg, is_ in zip(args, batched, strict=True)
    )
    shape, options = params["shape"], params["options"]
    lifted = {"shape": _shape_of(shape, size, 0), "options": _grouped(options, size)}
    out = bind(primitive, (x, g), lifted)
    return out.reshape((size, *shape))


convolution = multilinear(
    "convolution",
    lambda cotangent, xp, y, shape, options: xp.convolution_signal(
        cotangent, xp.conj(y), shape=tuple(shape), options=options
    ),
    lambda cotangent, xp, x, shape, options: xp.convolution_weights(
        xp.conj(x), cotangent, shape=tuple(shape), options=options
    ),
    batch=_signal_batch,
)
# Of a cotangent of the result and the weights: that of the signal, which has `shape`.
convolution_signal = multilinear(
    "convolution_signal",
    lambda cotangent, xp, y, options: xp.convolution(cotangent, xp.conj(y), options=options),
    lambda cotangent, xp, x, shape, options: xp.convolution_weights(
        cotangent, xp.conj(x), shape=tuple(shape), options=options
    ),
    batch=_signal_batch,
)
# Of the signal and a cotangent of the result: that of the weights, which have `shape`.
convolution_weights = multilinear(
    "convolution_weights",
    lambda cotangent, xp, y, shape, options: xp.convolution_signal(
        xp.conj(y), cotangent, shape=tuple(shape), options=options
    ),
    lambda cotangent, xp, x, options: xp.convolution(xp.conj(x), cotangent, options=options),
    batch=_weights_batch,
)
