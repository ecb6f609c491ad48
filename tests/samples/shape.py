"""Samples: shape functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback.testing import Sample

_rng = np.random.default_rng(2)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


V = _normal(5)
M = _normal(3, 4)
S = _normal(4, 4)
C = _normal(2, 3, 4)
SCALAR = 0.7
EMPTY = np.zeros((0, 3))


def _linear(covers: Any, function: Any, *args: Any, label: str = "") -> Sample:
    return Sample(covers, function, args, label, complex=True)


def _padded(mode: str, x: Any, width: Any, label: str = "", **options: Any) -> Sample:
    return Sample(
        np.pad, lambda x: np.pad(x, width, mode, **options), (x,), f"{mode} {label}", complex=False
    )


SAMPLES = [
    # reshape and its kin
    _linear(np.reshape, lambda x: np.reshape(x, (4, 3)), M),
    _linear(np.reshape, lambda x: np.reshape(x, -1), C, label="-1"),
    _linear(np.reshape, lambda x: np.reshape(x, (2, -1), order="F"), M, label="order F"),
    _linear(np.reshape, lambda x: np.reshape(x.T, (2, -1), order="A"), M, label="order A"),
    _linear(np.reshape, lambda x: np.reshape(x, ()), _normal(1, 1), label="to 0-d"),
    _linear(np.reshape, lambda x: np.reshape(x, (1, 1)), SCALAR, label="from 0-d"),
    _linear(np.reshape, lambda x: x.reshape(3, 0), EMPTY, label="empty"),
    _linear(np.reshape, lambda x: x.reshape(2, 6, order="F"), M, label="method"),
    _linear(np.ravel, np.ravel, C),
    _linear(np.ravel, lambda x: np.ravel(x, "F"), C, label="order F"),
    _linear(np.ravel, lambda x: np.ravel(x.transpose(2, 0, 1), "K"), C, label="order K"),
    _linear(np.ravel, lambda x: x.flatten("F"), M, label="flatten"),
    _linear(np.copy, np.copy, M),
    _linear(np.copy, lambda x: x.copy(), M, label="method"),
    _linear(np.squeeze, np.squeeze, _normal(1, 3, 1)),
    _linear(np.squeeze, lambda x: np.squeeze(x, 0), _normal(1, 3, 1), label="axis"),
    _linear(np.squeeze, lambda x: x.squeeze((0, -1)), _normal(1, 3, 1), label="axes"),
    _linear(np.expand_dims, lambda x: np.expand_dims(x, 1), M),
    _linear(np.expand_dims, lambda x: np.expand_dims(x, (0, -1)), M, label="axes"),
    _linear(np.expand_dims, lambda x: np.expand_dims(x, 0), SCALAR, label="0-d"),
    _linear(np.atleast_1d, np.atleast_1d, SCALAR),
    _linear(np.atleast_1d, np.atleast_1d, SCALAR, V, label="two"),
    _linear(np.atleast_2d, np.atleast_2d, V),
    _linear(np.atleast_2d, np.atleast_2d, SCALAR, label="0-d"),
    _linear(np.atleast_3d, np.atleast_3d, V),
    _linear(np.atleast_3d, np.atleast_3d, M, label="2-d"),
    _linear(np.atleast_3d, np.atleast_3d, SCALAR, label="0-d"),
    # transposes
    _linear(np.transpose, np.transpose, C),
    _linear(np.transpose, lambda x: np.transpose(x, (1, -1, 0)), C, label="axes"),
    _linear(np.transpose, lambda x: x.transpose(2, 0, 1), C, label="method"),
    _linear(np.transpose, lambda x: x.T, M, label="T"),
    _linear(np.matrix_transpose, np.matrix_transpose, C),
    _linear(np.matrix_transpose, lambda x: x.mT, C, label="mT"),
    _linear(np.swapaxes, lambda x: np.swapaxes(x, 0, -1), C),
    _linear(np.moveaxis, lambda x: np.moveaxis(x, 0, -1), C),
    _linear(np.moveaxis, lambda x: np.moveaxis(x, (0, 1), (-1, 0)), C, label="axes"),
    _linear(np.rollaxis, lambda x: np.rollaxis(x, 2), C),
    _linear(np.rollaxis, lambda x: np.rollaxis(x, 0, 3), C, label="start"),
    _linear(np.flip, np.flip, C),
    _linear(np.flip, lambda x: np.flip(x, (0, -1)), C, label="axes"),
    _linear(np.fliplr, np.fliplr, M),
    _linear(np.flipud, np.flipud, V),
    *(
        _linear(np.rot90, lambda x, k=k: np.rot90(x, k), M, label=f"k={k}")
        for k in (0, 1, 2, 3, -1)
    ),
    _linear(np.rot90, lambda x: np.rot90(x, 1, (2, 0)), C, label="axes"),
    _linear(np.roll, lambda x: np.roll(x, 2), M),
    _linear(np.roll, lambda x: np.roll(x, -1, 1), M, label="axis"),
    _linear(np.roll, lambda x: np.roll(x, (1, 2, 1), (0, 1, 0)), C, label="repeated axes"),
    # repetition
    _linear(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3, 4)), M),
    _linear(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3)), SCALAR, label="0-d"),
    _linear(np.broadcast_to, lambda x: np.broadcast_to(x, (2, 3, 4)), _normal(1, 4), label="ones"),
    _linear(np.broadcast_to, lambda x: np.broadcast_to(x, (0, 3)), _normal(1, 3), label="to empty"),
    _linear(np.broadcast_arrays, lambda x, y: np.broadcast_arrays(x, y, 1.0), M, _normal(1, 4)),
    _linear(np.tile, lambda x: np.tile(x, 3), M),
    _linear(np.tile, lambda x: np.tile(x, (2, 1, 3)), M, label="more axes"),
    _linear(np.tile, lambda x: np.tile(x, (2,)), SCALAR, label="0-d"),
    _linear(np.tile, lambda x: np.tile(x, (2, 0)), M, label="zero times"),
    _linear(np.repeat, lambda x: np.repeat(x, 2), M),
    _linear(np.repeat, lambda x: np.repeat(x, 3, 0), C, label="axis"),
    _linear(np.repeat, lambda x: np.repeat(x, [2, 0, 1], axis=-2), C, label="counts"),
    _linear(np.repeat, lambda x: x.repeat([2], axis=1), M, label="one count"),
    _linear(np.resize, lambda x: np.resize(x, (3, 5)), M),
    _linear(np.resize, lambda x: np.resize(x, 7), M, label="shorter"),
    _linear(np.meshgrid, lambda x, y: tuple(np.meshgrid(x, y)), V, _normal(3)),
    _linear(
        np.meshgrid,
        lambda x, y: tuple(np.meshgrid(x, y, SCALAR, indexing="ij", sparse=True)),
        V,
        _normal(3),
        label="ij, sparse",
    ),
    # several as one
    _linear(np.concatenate, lambda x, y: np.concatenate([x, y]), M, _normal(2, 4)),
    _linear(np.concatenate, lambda x, y: np.concatenate((x, y), 1), M, _normal(3, 1), label="axis"),
    _linear(np.concatenate, lambda x, y: np.concatenate((x, y), None), M, V, label="axis None"),
    _linear(np.concatenate, lambda x: np.concatenate((x, M, x), -2), M, label="twice"),
    _linear(np.concatenate, np.concatenate, C, label="of an array's parts"),
    _linear(
        np.concatenate, lambda x, y: np.concatenate((x, y)), EMPTY, _normal(2, 3), label="empty"
    ),
    _linear(np.stack, lambda x, y: np.stack([x, y]), M, _normal(3, 4)),
    _linear(np.stack, lambda x, y: np.stack((x, y, x), -1), M, _normal(3, 4), label="axis"),
    _linear(np.stack, lambda x, y: np.stack((x, 2.0, y)), SCALAR, 1.5, label="0-d"),
    _linear(np.vstack, lambda x, y: np.vstack((x, y)), M, _normal(4)),
    _linear(np.hstack, lambda x, y: np.hstack((x, y)), M, _normal(3, 2)),
    _linear(np.hstack, lambda x, y: np.hstack((x, y, 1.0)), V, SCALAR, label="1-d"),
    _linear(np.dstack, lambda x, y: np.dstack((x, y)), M, _normal(3, 4)),
    _linear(np.column_stack, lambda x, y: np.column_stack((x, y)), _normal(3), M),
    _linear(np.block, lambda x, y: np.block([[x, y], [y.T, 1.0]]), S, _normal(4, 1)),
    _linear(np.block, lambda x, y: np.block([x, y]), SCALAR, V, label="1-d"),
    _linear(np.append, np.append, M, V),
    _linear(np.append, lambda x, y: np.append(x, y, 0), M, _normal(1, 4), label="axis"),
    # one as several
    _linear(np.split, lambda x: tuple(np.split(x, 2, axis=1)), M),
    _linear(np.split, lambda x: tuple(np.split(x, [1, 2, 7])), M, label="indices"),
    _linear(np.array_split, lambda x: tuple(np.array_split(x, 3)), V),
    _linear(np.hsplit, lambda x: tuple(np.hsplit(x, 2)), M),
    _linear(np.hsplit, lambda x: tuple(np.hsplit(x, [2])), V, label="1-d"),
    _linear(np.vsplit, lambda x: tuple(np.vsplit(x, 3)), M),
    _linear(np.dsplit, lambda x: tuple(np.dsplit(x, 2)), C),
    # elements put in and taken out
    _linear(np.delete, lambda x: np.delete(x, 1), M),
    _linear(np.delete, lambda x: np.delete(x, [0, -1], axis=1), M, label="axis"),
    _linear(np.delete, lambda x: np.delete(x, slice(None, None, 2), 1), M, label="slice"),
    _linear(np.delete, lambda x: np.delete(x, [True, False, True], 0), M, label="mask"),
    _linear(np.insert, lambda x, y: np.insert(x, 1, y), V, _normal(2)),
    _linear(np.insert, lambda x, y: np.insert(x, 1, y, axis=1), M, _normal(3), label="axis"),
    _linear(
        np.insert,
        lambda x, y: np.insert(x, [0, 2, 2], y, axis=1),
        M,
        _normal(3, 3),
        label="several",
    ),
    _linear(
        np.insert, lambda x, y: np.insert(x, [1], y, axis=1), M, _normal(3, 2), label="one place"
    ),
    _linear(np.insert, lambda x, y: np.insert(x, slice(0, 2), y), V, SCALAR, label="slice"),
    Sample(np.insert, lambda y: np.insert(np.arange(3.0), -1, y), (SCALAR,), "into plain"),
    *(
        Sample(
            np.trim_zeros,
            lambda x, ends=ends: np.trim_zeros(x * [0, 0, 1, 1, 0], ends),
            (V,),
            ends,
            complex=True,
            batched=False,
        )
        for ends in ("fb", "b")
    ),
    # diagonals and triangles
    _linear(np.diag, np.diag, V),
    _linear(np.diag, lambda x: np.diag(x, -2), V, label="below"),
    _linear(np.diag, lambda x: np.diag(x, 1), M, label="of a matrix"),
    _linear(np.diagflat, lambda x: np.diagflat(x, 1), M),
    _linear(np.diagonal, np.diagonal, M),
    _linear(np.diagonal, lambda x: np.diagonal(x, -1, 2, 0), C, label="axes"),
    _linear(np.diagonal, lambda x: x.diagonal(9), M, label="outside"),
    _linear(np.trace, np.trace, S),
    _linear(np.trace, lambda x: np.trace(x, 1, 1, -1), C, label="axes"),
    _linear(np.trace, lambda x: x.trace(-1), M, label="method"),
    _linear(np.tril, lambda x: np.tril(x, 1), M),
    _linear(np.tril, np.tril, V, label="1-d"),
    _linear(np.triu, np.triu, C),
    # padding
    _padded("constant", M, 2),
    _padded("constant", M, ((1, 0), (2, 1)), "values", constant_values=((1.0, 2.0), (3.0, 4.0))),
    _linear(
        np.pad,
        lambda x: np.pad(x, ((1, 2), (0, 1)), constant_values=x[0, 0]),
        M,
        label="traced constant",
    ),
    _padded("edge", M, (1, 2)),
    _padded("reflect", C, ((0, 0), (2, 5), (1, 1))),
    _padded("reflect", M, 2, "odd", reflect_type="odd"),
    _padded("reflect", _normal(1), 2, "odd, one element", reflect_type="odd"),
    _padded("symmetric", M, ((1, 2), (3, 5))),
    _padded("symmetric", M, 2, "odd", reflect_type="odd"),
    _padded("wrap", V, (7, 2)),
    _padded("linear_ramp", M, ((2, 1), (0, 3)), end_values=((1.0, -1.0), (2.0, 0.0))),
    _padded("mean", M, 1),
    _padded("mean", M, 1, "stat_length", stat_length=2),
    _padded("maximum", M, ((0, 2), (1, 1)), stat_length=((2, 2), (3, 1))),
    _padded("minimum", M, 1),
    _padded("median", M, 1),
    # ranges between traced ends
    _linear(np.linspace, lambda x, y: np.linspace(x, y, 5), SCALAR, 2.5),
    _linear(np.linspace, lambda x: np.linspace(x, 3.0, 4, endpoint=False), V, label="no end"),
    _linear(
        np.linspace,
        lambda x, y: np.linspace(x, y, 3, retstep=True, axis=-1),
        V,
        _normal(2, 5),
        label="step",
    ),
    _linear(np.linspace, lambda x, y: np.linspace(x, y, 1), SCALAR, 2.5, label="one"),
    Sample(np.logspace, lambda x, y: np.logspace(x, y, 4), (SCALAR, 1.5)),
    Sample(
        np.logspace,
        lambda x, b: np.logspace(x, 1.0, 3, base=b),
        (_normal(2), np.array(2.5)),
        "base",
    ),
    Sample(np.geomspace, lambda x, y: np.geomspace(x, y, 4), (SCALAR, 3.0)),
    Sample(np.geomspace, lambda x: np.geomspace(x, -3.0, 3, endpoint=False), (-SCALAR,), "signs"),
    # the others
    _linear(np.full_like, lambda x: np.full_like(x, x.sum()), M),
    _linear(np.full_like, lambda x: np.full_like(x, x, shape=(2, 4)), _normal(4), label="shape"),
    Sample(
        np.apply_along_axis,
        lambda x: np.apply_along_axis(lambda v: v[::2] * v[0], 1, x),
        (C,),
    ),
    Sample(np.apply_along_axis, lambda x: np.apply_along_axis(np.sum, 0, x**2), (C,), "reducing"),
    Sample(np.apply_over_axes, lambda x: np.apply_over_axes(np.sum, x**2, (0, 2)), (C,)),
    _linear(
        np.lib.stride_tricks.sliding_window_view,
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=1),
        M,
    ),
]

if hasattr(np, "unstack"):  # NumPy 2.1
    SAMPLES.append(_linear(np.unstack, lambda x: np.unstack(x, axis=1), M))
