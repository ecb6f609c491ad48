"""Ops of the user's own: a function of arrays with its derivative, declared by kind.

These are the declarators of `ops/declare.py` for functions that pullback has never heard of: a
SciPy ufunc, a compiled kernel.  Such an op is in no table under its name, but a NumPy ufunc object
is: calling it on traced arrays uses the rule, wherever it is called.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .backends import backend_of
from .core import Primitive, bind, box_types, raw
from .errors import UnsupportedError
from .frontends.numpy.buffers import read_only
from .frontends.numpy.dispatch import ufuncs
from .ops import lift as lifts
from .ops.declare import Partial, elementwise_rule
from .recorders import recorder
from .rules import JOINT, TRANSPOSE, Rule, shape_of

_ANY = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
_BUILT_IN = {"xp", "out", "shape", "dtype", "args", "others", "position"}


class Op:
    """A user's function as an op: what `elementwise` and the other declarators return."""

    def __init__(self, function: Any, primitive: Primitive, arguments: Sequence[str]) -> None:
        functools.update_wrapper(self, function)
        self.__name__ = primitive.name
        self.primitive = primitive
        self.wrapped = function
        self.arguments = tuple(arguments)
        self._signature = None if isinstance(function, np.ufunc) else _signature(function)
        self.apply = recorder(primitive, backend_of([])) if self._is_recorded() else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function on plain arrays; on traced ones, with its rules."""
        arrays, params = self._split(args, kwargs)
        traced = any(type(array) in box_types for array in arrays)
        if not traced:
            backend = backend_of(arrays)
            if not all(map(backend.has_values, arrays)):
                raise UnsupportedError(
                    f"{self.__name__}: an op by kind runs on NumPy's arrays, and a transform of "
                    "JAX's would lose its rule here: declare it with pullback.custom_vjp"
                )
            return self.primitive.impl(*arrays, **params)
        if self.apply is not None:
            return self.apply(*arrays)
        return bind(self.primitive, arrays, params)

    def _is_recorded(self) -> bool:
        """Are its arguments, and what its rules name, all that a generated recorder knows of?"""
        named = {name for rule in self.primitive.rules if rule is not None for name in rule.names}
        return _is_bare(self.wrapped, self.arguments) and named <= {"x", "y", "out", "xp"}

    def _split(self, args: Any, kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The array arguments, and the parameters by keyword, defaults included."""
        if self._signature is None:
            if len(args) != len(self.arguments) or kwargs:
                raise TypeError(
                    f"{self.__name__}() takes {len(self.arguments)} array argument(s) and no "
                    f"options as an op of pullback, got {len(args)} and {sorted(kwargs)}"
                )
            named, params = list(args), {}
        else:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            params = dict(bound.arguments)
            named = [params.pop(name) for name in self.arguments]
        for name, value in params.items():
            if type(value) in box_types:
                raise UnsupportedError(
                    f"{self.__name__}: the argument {name!r} was declared to be no array (it has "
                    "no derivative rule), but the value it got is traced. Declare a rule for it, "
                    "or pass pullback.stop_gradient(value)."
                )
        arrays = [a if type(a) in box_types or hasattr(a, "dtype") else _array(a) for a in named]
        return arrays, params

    def __repr__(self) -> str:
        return f"<pullback op {self.__name__}, {self.primitive.kind}>"


def _array(value: Any) -> Any:
    return value if isinstance(value, (float, int, complex)) else np.asarray(value)


def elementwise(
    function: Callable[..., Any], *partials: Partial, masks: bool = False
) -> Callable[..., Any]:
    """An op on each element alone, by its partial derivative with respect to each argument.

    Args:
        function: A NumPy ufunc (of NumPy, SciPy or anybody), or a function of arrays that
            broadcasts as one. Its first arguments, as many as there are partials, are the arrays.
        *partials: For each array argument, its partial derivative: a function whose parameters
            name what it needs (array arguments by their names, which are x, y and z for a ufunc;
            other arguments of `function`; `out`, the result), or 1, -1 or 0. Written with NumPy's
            functions and ops, for it is differentiated in turn.
        masks: A partial that is infinite or undefined where the result does not depend on the
            argument counts as zero there.

    Returns:
        The op. A ufunc itself follows the rule too, when it is called on a traced array.

    Raises:
        TypeError: If a partial names something unknown, or `function` has too few arguments.
        ValueError: If `function` is a ufunc that has a rule already.

        A derivative raises TypeError or ValueError if a partial gives no number for each element.

    Example:
        >>> import numpy as np, pullback
        >>> def softplus(x, sharpness=1.0):
        ...     return np.logaddexp(0.0, sharpness * x) / sharpness
        >>> softplus = pullback.elementwise(
        ...     softplus, lambda x, sharpness: 1 / (1 + np.exp(-sharpness * x)))
        >>> float(pullback.grad(softplus)(0.0))
        0.5
    """
    names = _argument_names(function, len(partials))
    called = _canonical(function, names)
    rules: list[Rule | None] = []
    for partial, name in zip(partials, names, strict=True):
        if callable(partial):
            _check_names(function, partial, names, 0)
            partial = _partial(function, partial, name, dict(zip(names, called, strict=True)))  # noqa: PLW2901
        rules.append(elementwise_rule(partial, called, masks))
    return _op(function, "elementwise", rules, names, batch=lifts.aligned())


def linear(
    function: Callable[..., Any],
    transpose: Callable[..., Any],
    *,
    arguments: int = 1,
    stacks: bool = False,
) -> Callable[..., Any]:
    """An op that is linear in all of its array arguments together, by its transpose.

    Args:
        function: A function whose first `arguments` arguments are arrays; the others are
            parameters, which are never traced.
        transpose: Takes the cotangent first, then what it names (see `elementwise`; also `shape`
            and `dtype` of the argument). For complex arrays it is the conjugate transpose. With
            several arguments it is asked for one at a time, and may name its `position`.
        arguments: How many array arguments there are.
        stacks: `function` and its rules treat leading axes of their arrays as stacks of examples,
            so that `vmap` can hand them all at once; else it calls them for one at a time (in a
            batch of none once, on ones, for the result's shape).

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> blur = pullback.linear(
        ...     lambda x, w: np.convolve(x, w), lambda ct, w: np.correlate(ct, w, "valid"))
        >>> w = np.array([1.0, 2.0])
        >>> pullback.vjp(lambda x: blur(x, w), np.ones(3))[1](np.ones(4))[0].tolist()
        [3.0, 3.0, 3.0]
    """
    names = _argument_names(function, arguments)
    _check_names(function, transpose, names, 1)
    return _op(
        function,
        "linear",
        [_rule(function, transpose, names, place) for place in range(arguments)],
        names,
        batch=_batch(stacks),
    )


def multilinear(
    function: Callable[..., Any], *transposes: Callable[..., Any], stacks: bool = False
) -> Callable[..., Any]:
    """An op that is linear in each of its array arguments, by one transpose an argument.

    Args:
        function: A function whose first arguments, as many as there are transposes, are arrays.
        *transposes: For each array argument, from the cotangent and what it names to the
            argument's cotangent. For complex arrays it is the conjugate transpose.
        stacks: As in `linear`.

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> dot = pullback.multilinear(
        ...     lambda x, y: np.dot(x, y), lambda ct, y: ct * y, lambda ct, x: ct * x)
        >>> pullback.grad(dot)(np.ones(2), np.array([3.0, 4.0])).tolist()
        [3.0, 4.0]
    """
    names = _argument_names(function, len(transposes))
    for transpose in transposes:
        _check_names(function, transpose, names, 1)
    rules = [_rule(function, back, names, place) for place, back in enumerate(transposes)]
    return _op(function, "multilinear", rules, names, batch=_batch(stacks))


def opaque(
    function: Callable[..., Any],
    vjp: Callable[..., Any],
    *,
    arguments: int = 1,
    outputs: int | None = None,
    stacks: bool = False,
) -> Callable[..., Any]:
    """Any other op, by a vjp.

    Args:
        function: A function whose first `arguments` arguments are arrays.
        vjp: From the cotangent of the result, and what it names, to a tuple with one cotangent for
            each array argument (None for zero). It must be linear in the cotangent.
        arguments: How many array arguments there are.
        outputs: How many arrays `function` returns, if it returns a tuple. The vjp then gets a list
            of cotangents, None for zero.
        stacks: As in `linear`.

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> norm = pullback.opaque(
        ...     lambda x: np.sqrt(x @ x), lambda ct, x, out: (ct * x / out,))
        >>> pullback.grad(norm)(np.array([3.0, 4.0])).tolist()
        [0.6, 0.8]
    """
    names = _argument_names(function, arguments)
    _check_names(function, vjp, names, 1)
    rule = _rule(function, vjp, names, None)
    return _op(function, "opaque", [rule], names, batch=_batch(stacks), outputs=outputs)


def constant(
    function: Callable[..., Any], *, arguments: int = 1, stacks: bool = False
) -> Callable[..., Any]:
    """An op whose derivative is zero wherever it has one: it sees values and returns plain arrays.

    Args:
        function: A function, or a ufunc, whose first `arguments` arguments are arrays.
        arguments: How many array arguments there are.
        stacks: As in `linear`.

    Returns:
        The op.

    Raises:
        TypeError: As `elementwise`.

    Example:
        >>> import numpy as np, pullback
        >>> cell = pullback.constant(lambda x: np.floor(x))
        >>> float(pullback.grad(lambda x: x * cell(x))(2.5))
        2.0
    """
    names = _argument_names(function, arguments)
    return _op(
        function,
        "constant",
        [None] * arguments,
        names,
        batch=_batch(stacks or isinstance(function, np.ufunc)),
    )


def _op(
    function: Any,
    kind: str,
    rules: list[Any],
    names: list[str],
    *,
    batch: lifts.Rule,
    outputs: int | None = None,
) -> Op:
    """The op, entered in the table of ufuncs if it is one."""
    is_ufunc = isinstance(function, np.ufunc)
    impl = function if is_ufunc else _checked(function, kind, outputs)
    primitive = Primitive(
        function.__name__, kind, impl, rules, joint=kind == "opaque", outputs=outputs, batch=batch
    )
    op = Op(function, primitive, names)
    if is_ufunc:
        if function in ufuncs or getattr(np, function.__name__, None) is function:
            raise ValueError(f"the ufunc {function.__name__!r} has a rule already")
        ufuncs[function] = op.apply or primitive
    return op


def _is_bare(function: Any, names: Sequence[str]) -> bool:
    """Are these all of its arguments, so that it has no parameters?"""
    return isinstance(function, np.ufunc) or len(_signature(function).parameters) == len(names)


def _canonical(function: Any, names: list[str]) -> list[str]:
    """The arguments' names as generated recorders have them, where there are no parameters."""
    if not _is_bare(function, names):
        return names
    return ["x", "y", "z"][: len(names)] if len(names) <= 3 else names


def _partial(
    function: Any, partial: Callable[..., Any], name: str, called: dict[str, str]
) -> Callable[..., Any]:
    """A partial whose result is checked, and whose arguments are `called` otherwise."""
    title = f"{getattr(function, '__name__', repr(function))}: the partial of {name!r}"
    signature = inspect.signature(partial)
    wanted = list(signature.parameters)

    @functools.wraps(partial)
    def run(*saved: Any) -> Any:
        return _of_shape(title, partial(*saved), _shapes_in(wanted, saved))

    run.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
        parameters=[
            p.replace(name=called.get(p.name, p.name)) for p in signature.parameters.values()
        ]
    )
    return run


def _shapes_in(names: list[str], saved: Sequence[Any]) -> list[Any]:
    """The shapes of what a partial was given by these names."""
    shapes: list[Any] = []
    for name, value in zip(names, saved, strict=True):
        if name == "shape":
            shapes.append(value)
        elif name in ("args", "others"):
            shapes += [shape_of(part) for part in value]
        elif name not in ("xp", "dtype", "position"):
            shapes.append(shape_of(value))
    return shapes


def _of_shape(title: str, value: Any, shapes: list[Any]) -> Any:
    """What a partial returned, if it is a number for each element of arrays of these shapes."""
    backend = backend_of([value])
    if (why := backend.refusal(raw(value))) is not None:
        raise TypeError(f"{title}: {why}")
    got, _ = backend.aval(value)
    if got == () or got in shapes:
        return value
    expected = np.broadcast_shapes(*shapes)
    try:
        fits = np.broadcast_shapes(got, expected) == expected
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{title}: got shape {got}, expected {expected}, an element for each of what it is "
            "computed from"
        )
    return value


def _batch(stacks: bool) -> lifts.Rule:
    return lifts.expanded() if stacks else lifts.looped()


def _checked(function: Callable[..., Any], kind: str, outputs: int | None) -> Callable[..., Any]:
    """`function`, with results that are arrays as their kind has them, or an error."""
    name = getattr(function, "__name__", repr(function))

    def run(*args: Any, **params: Any) -> Any:
        with backend_of(args).outside():
            out = function(*map(_read_only, args), **params)
        if outputs is None:
            return one(out, args)
        if not isinstance(out, (tuple, list)) or len(out) != outputs:
            raise TypeError(f"{name} was declared with outputs={outputs}, but returned {out!r}")
        return tuple(one(part, args) for part in out)

    def one(out: Any, args: Any) -> Any:
        backend = backend_of([])
        why = backend.refusal(out)
        if why is not None:
            raise TypeError(f"{name}, which is declared as an op, returned no array: {why}")
        if kind == "elementwise" and np.shape(out) != np.broadcast_shapes(*map(np.shape, args)):
            raise ValueError(
                f"{name} is declared as elementwise, but its result has shape {np.shape(out)} for "
                f"arguments of shapes {[*map(np.shape, args)]}; declare it with opaque"
            )
        if not hasattr(out, "dtype"):
            return backend.enter(out)
        shared = type(out) is np.ndarray and not out.flags.writeable
        return out.copy() if shared else out

    return functools.wraps(function)(run)


def _rule(function: Any, back: Callable[..., Any], names: list[str], place: int | None) -> Rule:
    """A transpose for the argument at `place`, or a vjp (None) for all, whose results are checked.

    It gets copies of the cotangents, for what it writes there is nobody else's.
    """
    title = f"a rule of {getattr(function, '__name__', function)!r}"

    @functools.wraps(back)
    def run(cotangent: Any, *saved: Any) -> Any:
        *values, shapes = saved
        if type(cotangent) is list:
            result = back([ct if ct is None else _copy(ct) for ct in cotangent], *values)
        else:
            result = back(_copy(cotangent), *values)
        if place is not None:
            return _cotangent(title, result, names[place], shapes[place])
        if not isinstance(result, (tuple, list)) or len(result) != len(names):
            count = f" of {len(result)}" if isinstance(result, (tuple, list)) else ""
            raise TypeError(
                f"{title} must return a tuple with one cotangent for each array argument "
                f"({', '.join(names)}), got {type(result).__name__}{count}"
            )
        return [
            None if part is None else _cotangent(title, part, name, shape)
            for part, name, shape in zip(result, names, shapes, strict=False)
        ]

    signature = inspect.signature(back)
    shapes = inspect.Parameter("every_shape", inspect.Parameter.KEYWORD_ONLY)
    run.__signature__ = signature.replace(  # pyright: ignore[reportAttributeAccessIssue]
        parameters=[*signature.parameters.values(), shapes]
    )
    return Rule(TRANSPOSE if place is not None else JOINT, run, names)


def _copy(cotangent: Any) -> Any:
    return backend_of([cotangent]).copy(cotangent)


def _cotangent(title: str, value: Any, name: str, shape: tuple[int, ...]) -> Any:
    """What a rule returned for an argument of this shape, as an array, or an error."""
    backend = backend_of([value])
    if type(value) not in box_types and (why := backend.refusal(value)) is not None:
        raise TypeError(f"{title} returned no cotangent for {name}: {why}")
    got, _ = backend.aval(value)
    # An axis of length 1 stands for all: the argument's is summed to, the cotangent's repeated.
    pairs = zip(reversed(got), reversed(shape), strict=False)
    if any(n != m and 1 not in (n, m) for n, m in pairs):
        raise ValueError(f"{title} returned shape {got} for {name}, which has shape {shape}")
    return value if hasattr(value, "dtype") else backend.enter(value)


def _read_only(value: Any) -> Any:
    """An array that the function cannot write into: it may be the caller's, or on a tape."""
    return read_only(value) if type(value) is np.ndarray else value


def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)


def _argument_names(function: Any, count: int) -> list[str]:
    """What rules call the first `count` arguments."""
    name = getattr(function, "__name__", repr(function))
    if isinstance(function, np.ufunc):
        if function.nin != count:
            raise TypeError(
                f"the ufunc {name} has {function.nin} argument(s); declare as many, got {count}"
            )
        if function.nout != 1:
            raise TypeError(
                f"the ufunc {name} has {function.nout} results: wrap it in a function, and declare "
                f"that with opaque(..., outputs={function.nout})"
            )
        return ["x", "y", "z", "w"][:count] if count <= 4 else [f"x{k}" for k in range(count)]
    parameters = list(_signature(function).parameters.values())
    if count > len(parameters) or any(p.kind in _ANY for p in parameters):
        raise TypeError(
            f"{name} must have {count} named array argument(s) or more, none of them * or **, got "
            f"{_signature(function)}; wrap it in a function that has"
        )
    return [parameter.name for parameter in parameters[:count]]


def _check_names(function: Any, rule: Any, names: list[str], skip: int) -> None:
    """Raise unless what `rule` asks for exists."""
    known = {*names, *_BUILT_IN}
    if not isinstance(function, np.ufunc):
        known |= set(_signature(function).parameters)
    wanted = list(inspect.signature(rule).parameters)[skip:]
    for name in wanted:
        if name not in known:
            raise TypeError(
                f"a rule of {getattr(function, '__name__', function)!r} names {name!r}; what it "
                f"may name is {', '.join(sorted(known))}"
            )
