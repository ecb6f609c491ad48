"""Somebody else's functions, run as though their modules had imported `pullback.numpy`.

An adopted function is a new one, made from the source of the old (see `rewrite.py`): its module,
and NumPy, are not touched.  Whatever it calls it asks for here first.  A function, method or class
of the same package is adopted when it is called; a function of NumPy's or Python's that would lose
a derivative has a substitute; anything else is called as it is.
"""

from __future__ import annotations

import abc
import functools
import inspect
import types
import weakref
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any, TypeVar, overload

import numpy as np

from .core import box_types
from .errors import UnsupportedError
from .frontends.numpy.buffers import leaves_of
from .frontends.numpy.dispatch import any_box
from .frontends.numpy.intercept import vectorize
from .frontends.numpy.substitutes import array_method, own, substitute
from .rewrite import FREE, rewritten

F = TypeVar("F", bound=Callable[..., Any])

_LruCache: Any = type(functools.lru_cache(lambda: None))
_NO_SOURCE = (OSError, SyntaxError, TypeError)
# Packages that know of traced values themselves.
_AS_THEY_ARE = ("numpy", __name__.partition(".")[0])
# Code that was made here, with all that is in it, by its id; and functions.
_made: dict[int, CodeType] = {}
_adopted: weakref.WeakSet[Any] = weakref.WeakSet()


def _note(code: CodeType) -> None:
    _made[id(code)] = code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            _note(part)


class _Adopter:
    """What adopted code of some packages calls through."""

    own = staticmethod(own)

    def __init__(self, packages: frozenset[str]) -> None:
        self.packages = packages
        self.cell = types.CellType(self)
        # By the id of a code object: that, and what it is rewritten to.
        self.codes: dict[int, tuple[CodeType, CodeType]] = {}
        self.by_kind: dict[type, Callable[[Any], Any]] = {
            FunctionType: self.function,
            types.MethodType: self.bound,
            functools.partial: self.partial,
            _LruCache: self.cached,
            np.vectorize: self.vectorized,
            type: self.class_,
            abc.ABCMeta: self.class_,
        }
        # For good: what a module holds is adopted once.
        self.known: dict[int, tuple[Any, Any]] = {}

    # What rewritten code calls

    def call(self, called: Any) -> Any:
        """What is called instead of `called`."""
        ours = substitute(called)
        if ours is not None:
            return ours
        known = self.known.get(id(called))
        if known is not None:
            return known[1]
        adopt_it = self.by_kind.get(type(called), self.instance)
        return adopt_it(called)

    def method(self, owner: Any, name: str) -> Any:
        """What is called instead of `owner.name`."""
        if type(owner) is np.ndarray:
            return array_method(owner, name)
        return self.call(getattr(owner, name))

    def value(self, value: Any) -> Any:
        """What is passed on instead of `value`: a function may be called by whoever gets it."""
        if type(value) in _PASSED:
            return self.call(value)
        return value

    # Each kind of callable

    def covers(self, module: Any) -> bool:
        """Is the module of this name in one of the packages?"""
        return isinstance(module, str) and any(
            module == name or module.startswith(name + ".") for name in self.packages
        )

    def function(self, function: FunctionType) -> Any:
        """A Python function; one without source stays as it is."""
        if _is_adopted(function):
            return function
        if not self.covers(function.__globals__.get("__name__")):
            return self.wrapper(function)
        try:
            code = self.code(function)
        except _NO_SOURCE:
            return function
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        cells[FREE] = self.cell
        return self.remember(function, _copy(function, code, cells))

    def code(self, function: FunctionType) -> CodeType:
        """The code of `function`, rewritten."""
        code = function.__code__
        found = self.codes.get(id(code))
        if found is None:
            found = self.codes[id(code)] = (code, rewritten(function))
            _note(found[1])
        return found[1]

    def wrapper(self, function: FunctionType) -> Any:
        """A function of another package: around one of ours (`functools.wraps`), it stays so."""
        if not hasattr(function, "__wrapped__"):
            return function
        cells: dict[str, Any] = {}
        closure = function.__closure__ or ()
        for name, cell in zip(function.__code__.co_freevars, closure, strict=True):
            adopted = value = cell.cell_contents if _is_set(cell) else None
            if type(value) in _PASSED:
                adopted = self.call(value)
            cells[name] = cell if adopted is value else types.CellType(adopted)
        if all(cell is old for cell, old in zip(cells.values(), closure, strict=True)):
            return function
        return self.remember(function, _copy(function, function.__code__, cells))

    def remember(self, original: Any, adopted: Any) -> Any:
        """Keep what a module holds; a closure goes when its maker lets it go."""
        code = getattr(original, "__code__", None)
        name = original.__qualname__ if code is None else code.co_qualname
        if "<locals>" not in name:
            self.known[id(original)] = (original, adopted)
        return adopted

    def bound(self, method: types.MethodType) -> Any:
        """A method of an object or class."""
        function = self.call(method.__func__)
        if function is method.__func__:
            return method
        return types.MethodType(function, method.__self__)

    def partial(self, partial: functools.partial[Any]) -> Any:
        """`functools.partial(f, ...)`."""
        return functools.partial(self.call(partial.func), *partial.args, **partial.keywords)

    def cached(self, cached: Any) -> Any:
        """A function with a cache: it is asked for plain values only."""
        function = self.call(cached.__wrapped__)

        @functools.wraps(cached)
        def call(*args: Any, **kwargs: Any) -> Any:
            if any_box(leaves_of((args, kwargs))):
                return function(*args, **kwargs)
            return cached(*args, **kwargs)

        _adopted.add(call)
        return call

    def vectorized(self, vectorized: Any) -> Any:
        """An `np.vectorize` object."""
        return vectorize(
            self.call(vectorized.pyfunc),
            vectorized.otypes,
            vectorized.__doc__,
            vectorized.excluded,
            vectorized.cache,
            vectorized.signature,
        )

    def instance(self, called: Any) -> Any:
        """An object that is called: by its class's method."""
        method = inspect.getattr_static(type(called), "__call__", None)
        if type(method) is not FunctionType or type(called) in box_types:
            return called
        function = self.call(method)
        return called if function is method else types.MethodType(function, called)

    def class_(self, cls: type) -> Any:
        """A class whose methods are adopted: a subclass, which calls itself by the same name."""
        if not self.covers(cls.__module__) or _is_adopted(cls) or _stays(cls):
            return cls
        members = {name: self.member(value) for name, value in vars(cls).items()}
        changed = {name: value for name, value in members.items() if value is not vars(cls)[name]}
        inherited = [base for base in map(self.call, cls.__bases__) if base not in cls.__bases__]
        if not changed and not inherited:
            return self.remember(cls, cls)
        body = {
            **{name: getattr(cls, name) for name in ("__doc__", "__hash__", "__module__")},
            **changed,
            "__qualname__": cls.__qualname__,
            "__slots__": (),
            "__class__": property(lambda _: cls, _set_class),
            "__pullback_adopts__": cls,
        }
        adopted = type(cls)(cls.__name__, (cls, *inherited), body)
        return self.remember(cls, adopted)

    def member(self, member: Any) -> Any:
        """What stands in a class's body."""
        if type(member) is FunctionType:
            return self.call(member)
        if type(member) in (staticmethod, classmethod):
            function = self.call(member.__func__)
            return member if function is member.__func__ else type(member)(function)
        if type(member) is property:
            parts = [f and self.call(f) for f in (member.fget, member.fset, member.fdel)]
            return property(parts[0], parts[1], parts[2], member.__doc__)
        if type(member) is functools.cached_property:
            return functools.cached_property(self.call(member.func))
        return member


_PASSED = frozenset(
    (
        FunctionType,
        types.BuiltinFunctionType,
        types.MethodType,
        functools.partial,
        np.vectorize,
        type(np.zeros),
        type(np.dot),
        type(np.linalg.norm),
    )
)


def _is_set(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _copy(function: FunctionType, code: CodeType, cells: dict[str, Any]) -> Any:
    """`function` with another code and closure."""
    closure = tuple(cells[name] for name in code.co_freevars)
    globals_ = function.__globals__
    copy = FunctionType(code, globals_, function.__name__, function.__defaults__, closure)
    copy.__kwdefaults__ = function.__kwdefaults__
    _adopted.add(copy)
    return functools.wraps(function)(copy)


def _set_class(self: Any, cls: type) -> None:
    object.__dict__["__class__"].__set__(self, cls)


def _stays(cls: type) -> bool:
    """Would a subclass be seen, or do another thing?"""
    return issubclass(cls, BaseException) or any(
        "__init_subclass__" in vars(base) and base.__module__ != "typing"
        for base in cls.__mro__[:-1]
    )


@functools.cache
def _adopter(packages: frozenset[str]) -> _Adopter:
    return _Adopter(packages)


def _innermost(function: Any) -> Any:
    """The function, or class, that a wrapper, a method, a partial or an object is for."""
    while not isinstance(function, type) and not _is_adopted(function):
        for name in ("__wrapped__", "__func__", "func", "pyfunc"):
            inner = getattr(function, name, None)
            if callable(inner):
                function = inner
                break
        else:
            break
    if callable(function) and not hasattr(function, "__name__"):
        return type(function)
    return function


def _home(function: Any) -> str:
    """The package of the module that `function` was written in."""
    function = _innermost(function)
    module = getattr(function, "__module__", None)
    if type(function) is FunctionType:
        module = function.__globals__.get("__name__")
    return (module or "builtins").partition(".")[0]


@overload
def adopt(func: F, /, *, also: Sequence[str] = ()) -> F: ...
@overload
def adopt(func: None = None, /, *, also: Sequence[str] = ()) -> Callable[[F], F]: ...
def adopt(func: Any = None, /, *, also: Sequence[str] = ()) -> Any:
    """`func` as though its module had imported `pullback.numpy`, and a `math` that takes tracers.

    For a function that you cannot edit and that the transforms refuse as it stands: one whose names
    were bound before (`from numpy import zeros`), that is part of a library, that calls `float(x)`
    or `A.dot(x)`. It is made anew from its source. The functions and classes of its package that it
    calls are adopted with it; its module, and NumPy, are not touched. Values are what `func` gives.

    Args:
        func: A function, method, class, partial, `np.vectorize` object or callable object.
        also: Names of other modules or packages whose functions are to be adopted when it calls
            them.

    Returns:
        A function of the same signature; of a class, a subclass of it. What needs no adoption
        (functions of pullback's, or adopted before) comes back as it is.

    Raises:
        UnsupportedError: `func` is compiled code, or has no source.

    Example:
        >>> import numpy as np, pullback
        >>> from numpy import zeros
        >>> def theirs(x):
        ...     y = zeros(2)
        ...     y[0] = float(x) ** 2
        ...     return np.eye(2).dot(y).sum()
        >>> print(pullback.grad(pullback.adopt(theirs))(3.0))
        6.0
    """
    if func is None:
        return functools.partial(adopt, also=also)
    if not callable(func):
        raise TypeError(f"pullback.adopt: func must be callable, got {type(func).__name__}")
    home, function = _home(func), _innermost(func)
    as_it_is = home in _AS_THEY_ARE or _is_adopted(function)
    adopter = _adopter(frozenset(also if home in _AS_THEY_ARE else (home, *also)))
    if not as_it_is and type(function) is FunctionType:
        try:
            adopter.code(function)
        except _NO_SOURCE as error:
            raise UnsupportedError(
                f"pullback.adopt: {_name(function)} has no source that can be read ({error}). "
                "Define it in a file, or give what it computes a rule with pullback.opaque."
            ) from error
    adopted = adopter.call(func)
    if adopted is func and not as_it_is and not isinstance(func, type):
        raise _refusal(func, function)
    return adopted


def _refusal(func: Any, function: Any) -> UnsupportedError:
    """The error for something that cannot be looked into."""
    if type(function) is not FunctionType:
        return UnsupportedError(
            f"pullback.adopt: {_name(function)} is compiled code (got a {type(func).__name__}): "
            "there is no source to adopt. Give it a rule with pullback.opaque."
        )
    maker = getattr(func, "__globals__", {}).get("__name__", type(func).__module__)
    return UnsupportedError(
        f"pullback.adopt: {_name(function)} is inside of a {type(func).__name__} made by {maker}, "
        "where it cannot be replaced. Adopt the function itself, and wrap that again."
    )


def _is_adopted(function: Any) -> bool:
    if hasattr(function, "__pullback_adopts__"):
        return True
    if type(function) is not FunctionType:
        return False
    return id(function.__code__) in _made or function in _adopted


def _name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "builtins"
    return f"{module}.{getattr(function, '__qualname__', repr(function))}"


__all__ = ["adopt"]
