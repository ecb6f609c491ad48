"""The transforms that are a few lines over `vjp`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from . import tree
from .core import box_types, detached, implementations, no_grad
from .forward import run_forward
from .vjp import Recording, check_strict

Argnums = int | tuple[int, ...]


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, strict: bool = False
) -> Callable[..., Any]:
    """The gradient of a function with a scalar real output.

    Args:
        func: A function of arrays, or trees of arrays, whose output is one real number.
        argnums: Which positional argument to differentiate with respect to; with a tuple, the
            gradient is a tuple.
        has_aux: `func` returns `(output, aux)`, and the result is `(gradient, aux)`.
        strict: Raise if the output does not depend on an argument.

    Returns:
        A function of the same arguments (keyword arguments are passed on, not differentiated)
        that returns the gradient: like the argument, each leaf of that leaf's shape and dtype.

    Raises:
        TypeError: If `argnums` is no int or tuple of ints, or the output is not one real number.
        ValueError: If `argnums` is out of range, empty or repeated, or the output is no scalar.

    Example:
        >>> import numpy as np, pullback
        >>> pullback.grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0])).tolist()
        [2.0, 4.0]
    """
    both = _differentiate("grad", func, argnums, has_aux, strict)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        derivative, _, aux = both(args, kwargs)
        return (derivative, aux) if has_aux else derivative

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, strict: bool = False
) -> Callable[..., Any]:
    """The gradient and the value, in torch.func's order: gradient first.

    Arguments and errors are those of `grad`.

    Returns:
        A function that returns `(gradient, value)`, or `(gradient, (value, aux))` with `has_aux`.

    Example:
        >>> import numpy as np, pullback
        >>> g, y = pullback.grad_and_value(lambda x: x * x)(3.0)
        >>> float(g), float(y)
        (6.0, 9.0)
    """
    both = _differentiate("grad_and_value", func, argnums, has_aux, strict)

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        derivative, value, aux = both(args, kwargs)
        return derivative, ((value, aux) if has_aux else value)

    return gradient_and_value


def value_and_grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, strict: bool = False
) -> Callable[..., Any]:
    """The value and the gradient, in JAX's order: value first.

    `scipy.optimize.minimize(value_and_grad(f), x0, jac=True)` takes it as it is. Arguments and
    errors are those of `grad`.

    Returns:
        A function that returns `(value, gradient)`, or `((value, aux), gradient)` with `has_aux`.

    Example:
        >>> import numpy as np, pullback
        >>> y, g = pullback.value_and_grad(lambda x: x * x)(3.0)
        >>> float(y), float(g)
        (9.0, 6.0)
    """
    both = _differentiate("value_and_grad", func, argnums, has_aux, strict)

    @functools.wraps(func)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        derivative, value, aux = both(args, kwargs)
        return ((value, aux) if has_aux else value), derivative

    return value_and_gradient


def hvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False
) -> tuple[Any, ...]:
    """The Hessian of `func` at `primals` times `tangents`, forward over reverse.

    The Hessian is never made: this is the gradient's derivative in the direction `tangents`, which
    costs a small multiple of the function whatever the size of its arguments.

    Args:
        func: A function of arrays, or trees of arrays, whose output is one real number.
        primals: A tuple: where to evaluate it.
        tangents: A tuple like `primals`, each leaf of that leaf's shape; None for a zero tangent
            and for integer leaves.
        has_aux: `func` returns `(output, aux)`, and aux is handed through.

    Returns:
        `(value, product)`, or `(value, product, aux)`. The product is a tuple like `primals`, each
        leaf of that leaf's shape and dtype; with several primals each entry has the terms of all.

    Raises:
        TypeError, ValueError: For primals or tangents that are not as above, or if the output is
            not one real number.

    Example:
        >>> import numpy as np, pullback
        >>> x, v = np.array([1.0, 2.0]), np.array([1.0, 0.0])
        >>> value, (product,) = pullback.hvp(lambda x: x[0] ** 2 * x[1], (x,), (v,))
        >>> float(value), product.tolist()
        (2.0, [4.0, 2.0])
    """
    return _hessian_product("hvp", func, primals, tangents, has_aux)


def vhp(
    func: Callable[..., Any], primals: Any, cotangents: Any, *, has_aux: bool = False
) -> tuple[Any, ...]:
    """`cotangents` times the Hessian of `func` at `primals`.

    A Hessian is symmetric, so this is the same product as `hvp`, computed in the same way; it is
    here for code that is written with the vector on the left. Arguments, result and errors are
    those of `hvp`.

    Example:
        >>> import pullback
        >>> value, (product,) = pullback.vhp(lambda x: x ** 3, (2.0,), (1.0,))
        >>> float(value), float(product)
        (8.0, 12.0)
    """
    return _hessian_product("vhp", func, primals, cotangents, has_aux)


def _hessian_product(
    transform: str, func: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool
) -> tuple[Any, ...]:
    every = tuple(range(len(primals))) if isinstance(primals, tuple) else ()
    both = _differentiate(transform, func, every or 0, has_aux, strict=False, own=True)

    def gradient(*args: Any) -> tuple[Any, Any]:
        derivative, value, aux = both(args, {})
        return derivative, (value, aux)

    _, product, (value, aux) = run_forward(transform, gradient, primals, tangents, has_aux=True)
    return (value, product, aux) if has_aux else (value, product)


def _differentiate(
    transform: str,
    func: Callable[..., Any],
    argnums: Argnums,
    has_aux: bool,
    strict: bool,
    own: bool = False,
) -> Callable[[tuple[Any, ...], dict[str, Any]], tuple[Any, Any, Any]]:
    check_argnums(transform, argnums)

    def run(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        of_selected, selected = select(transform, func, argnums, args, kwargs)
        recording = Recording(
            transform, func, of_selected, selected, has_aux=has_aux, root="args", own=own
        )
        dtype = _scalar_dtype(transform, recording)
        if strict:
            check_strict(transform, recording, "args")
        value, recording.out = recording.out, None
        one = recording.trace.backend.cast(1, dtype)
        tape, recording.tape = recording.tape, {}
        derivative = recording.pull([one], tape, free=True)
        if isinstance(argnums, int):
            (derivative,) = derivative
        return derivative, value, recording.aux

    return run


def check_argnums(transform: str, argnums: Any) -> None:
    """Raise unless `argnums` is an int or a tuple of them."""
    many = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(place, int) for place in many):
        raise TypeError(
            f"pullback.{transform}: argnums must be an int or a tuple of ints, got {argnums!r}"
        )
    if not many:
        raise ValueError(f"pullback.{transform}: argnums must not be empty")


def select(
    transform: str,
    func: Callable[..., Any],
    argnums: Argnums,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Callable[[tuple[Any, ...]], Any], tuple[Any, ...]]:
    """`func` as a function of the selected arguments alone, as a tuple; and these."""
    places = _places(transform, argnums, len(args))

    def of_selected(selected: tuple[Any, ...]) -> Any:
        full = list(args)
        for place, value in zip(places, selected, strict=True):
            full[place] = value
        return func(*full, **kwargs)

    return of_selected, tuple(args[place] for place in places)


def _places(transform: str, argnums: Argnums, count: int) -> list[int]:
    places: list[int] = []
    for place in argnums if isinstance(argnums, tuple) else (argnums,):
        if not -count <= place < count:
            raise ValueError(
                f"pullback.{transform}: argnums={argnums!r}, but the call has {count} positional "
                "argument(s); keyword arguments are not differentiated"
            )
        places.append(place % count)
    if len(set(places)) != len(places):
        raise ValueError(f"pullback.{transform}: argnums={argnums!r} names an argument twice")
    return places


def _scalar_dtype(transform: str, recording: Recording) -> Any:
    """The dtype of the one real number that the function returned, or an error."""
    outputs = recording.outputs
    where = f"pullback.{transform}: the function must return one real number"
    if len(outputs) != 1 or not recording.out_structure.is_leaf():
        raise TypeError(
            f"{where}, got the tree {recording.out_structure}; use has_aux=True for what is not "
            "to be differentiated, or vjp"
        )
    output = outputs[0]
    if output is None:
        raise TypeError(
            f"{where}, got an integer or boolean, which has no derivative; return a float"
        )
    _, shape, dtype = output
    if shape != ():
        raise ValueError(f"{where}, got shape {shape}; sum it, or use vjp")
    if recording.trace.backend.is_complex(dtype):
        raise TypeError(f"{where}, got dtype {dtype}; take its .real or abs, or use vjp")
    return dtype


def stop_gradient(x: Any) -> Any:
    """`x` as a constant, at every level and in both modes.

    Args:
        x: An array or number, or a tree of them.

    Returns:
        The same values, with derivative zero; arrays are copies.

    Example:
        >>> import numpy as np, pullback
        >>> float(pullback.grad(lambda x: x * pullback.stop_gradient(x))(3.0))
        3.0
    """

    def stop(leaf: Any) -> Any:
        if type(leaf) in box_types:
            leaf = leaf.tracer.backend.copy(detached(leaf))
        library = implementations.get(type(leaf))
        if library is None:
            return leaf
        with no_grad():
            return library.constant(leaf, ())

    return stop(x) if type(x) in box_types else tree.map_leaves(stop, x)
