"""The libraries, and how each is asked for the other transforms: jvp, hvp, linearize, jacrev, vmap.

A library's class has a method for every transform that it has.  A method takes a function, its
arguments and directions or samples, in that library's arrays, and returns a call without arguments,
as a contender's `prepare` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .contenders import Call

OURS = "pullback"


class Pullback:
    """pullback, on the arrays of `xp`."""

    name = OURS

    def __init__(self, xp: Any = np, array: Callable[[Any], Any] = np.asarray) -> None:
        import pullback

        self.library = pullback
        self.xp = xp
        self.array = array

    def jvp(self, function: Any, args: Any, tangents: Any) -> Call:
        return lambda: self.library.jvp(function, args, tangents)

    def hvp(self, function: Any, args: Any, tangents: Any) -> Call:
        return lambda: self.library.hvp(function, args, tangents)[1]

    def linearize(self, function: Any, args: Any, tangents: Any) -> Call:
        def call() -> Any:
            value, push = self.library.linearize(function, *args)
            return value, push(*tangents)

        return call

    def push(self, function: Any, args: Any, tangents: Any) -> Call:
        value, push = self.library.linearize(function, *args)
        return lambda: (value, push(*tangents))

    def jacrev(self, function: Any, args: Any) -> Call:
        jacobian = self.library.jacrev(function)
        return lambda: jacobian(*args)

    def per_sample(self, function: Any, args: Any, samples: Any) -> Call:
        gradient = self.library.grad(function, argnums=tuple(range(len(args))))
        batched = self.library.vmap(gradient, in_dims=_in_dims(args, samples))
        return lambda: batched(*args, *samples)

    def loop(self, function: Any, args: Any, samples: Any) -> Call:
        """The same without `vmap`, into arrays that are there before."""
        gradient = self.library.grad(function, argnums=tuple(range(len(args))))
        found = [np.empty((len(samples[0]), *arg.shape)) for arg in args]

        def call() -> Any:
            for k, sample in enumerate(zip(*samples, strict=True)):
                for rows, row in zip(found, gradient(*args, *sample), strict=True):
                    rows[k] = row
            return found

        return call

    def rows(self, function: Any, args: Any, cotangents: Any) -> Call:
        """A Jacobian by as many calls of one pullback as there are rows."""

        def call() -> Any:
            _, pull = self.library.vjp(function, *args)
            return np.stack([pull(cotangent)[0] for cotangent in cotangents])

        return call


class Torch:
    """torch.func."""

    name = "torch.func"
    package = "torch"

    def __init__(self) -> None:
        import torch

        self.library = torch.func
        self.xp = torch
        self.array = torch.as_tensor

    jvp = Pullback.jvp
    linearize = Pullback.linearize
    push = Pullback.push
    jacrev = Pullback.jacrev
    per_sample = Pullback.per_sample

    def hvp(self, function: Any, args: Any, tangents: Any) -> Call:
        gradient = self.library.grad(function, argnums=tuple(range(len(args))))
        return lambda: self.library.jvp(gradient, args, tangents)[1]


class Autograd:
    """HIPS autograd, which has neither `linearize` nor `vmap`."""

    name = "autograd"
    package = "autograd"

    def __init__(self) -> None:
        import autograd
        import autograd.numpy as anp
        from autograd.differential_operators import make_jvp

        self.library = autograd
        self.make_jvp = make_jvp
        self.xp = anp
        self.array = np.asarray

    def jvp(self, function: Any, args: Any, tangents: Any) -> Call:
        pushed = self.make_jvp(function, tuple(range(len(args))))
        return lambda: pushed(*args)(tangents)

    def hvp(self, function: Any, args: Any, tangents: Any) -> Call:
        product = self.library.make_hvp(function, tuple(range(len(args))))
        return lambda: product(*args)[0](tangents)

    def jacrev(self, function: Any, args: Any) -> Call:
        jacobian = self.library.jacobian(function)
        return lambda: jacobian(*args)


class Jax:
    """JAX, with every call compiled beforehand."""

    name = "jax.jit"
    package = "jax"

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", val=True)
        self.library = jax
        self.xp = jax.numpy
        self.array = jax.numpy.asarray

    def compiled(self, function: Any, *args: Any) -> Call:
        jitted = self.library.jit(function)
        return lambda: self.library.block_until_ready(jitted(*args))

    def jvp(self, function: Any, args: Any, tangents: Any) -> Call:
        return self.compiled(lambda a, t: self.library.jvp(function, a, t), args, tangents)

    def hvp(self, function: Any, args: Any, tangents: Any) -> Call:
        gradient = self.library.grad(function, argnums=tuple(range(len(args))))
        return self.compiled(lambda a, t: self.library.jvp(gradient, a, t)[1], args, tangents)

    def linearize(self, function: Any, args: Any, tangents: Any) -> Call:
        def both(args: Any, tangents: Any) -> Any:
            value, push = self.library.linearize(function, *args)
            return value, push(*tangents)

        return self.compiled(both, args, tangents)

    def push(self, function: Any, args: Any, tangents: Any) -> Call:
        value, push = self.library.linearize(function, *args)
        pushed = self.compiled(push, *tangents)
        return lambda: (value, pushed())

    def jacrev(self, function: Any, args: Any) -> Call:
        return self.compiled(self.library.jacrev(function), *args)

    def per_sample(self, function: Any, args: Any, samples: Any) -> Call:
        gradient = self.library.grad(function, argnums=tuple(range(len(args))))
        batched = self.library.vmap(gradient, in_axes=_in_dims(args, samples))
        return self.compiled(batched, *args, *samples)


def _in_dims(args: Any, samples: Any) -> tuple[int | None, ...]:
    return (*(None for _ in args), *(0 for _ in samples))


def libraries(packages: Iterable[str]) -> list[Any]:
    """pullback, and those whose package is among `packages`."""
    peers = [peer() for peer in (Torch, Autograd, Jax) if peer.package in packages]
    return [Pullback(), *peers]
