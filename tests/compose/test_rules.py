"""Checkpoints, custom rules and solvers in every nesting with the other transforms.

Each layer takes a function of two vectors to another one. Where a layer only changes how the
derivative is computed, its reference is the function without it; the transforms themselves are
compared with finite differences.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pullback import (
    checkpoint,
    checkpointed_loop,
    custom_fixed_point,
    custom_jvp,
    custom_root,
    custom_vjp,
    grad,
    jvp,
    vjp,
    vmap,
)
from pullback.testing import check_grads

X = np.array([0.3, 0.5, 1.2])
Y = np.array([1.1, -0.4, 0.8])


def base(x, y):
    return np.sin(x * y) + np.cos(np.sum(x)) * y * x[::-1]


def with_custom_vjp(f):
    custom = custom_vjp(lambda x, y: f(x, y))
    return custom.def_vjp(
        lambda x, y: (custom(x, y), {"at": (x, y), "note": "kept"}),
        lambda residuals, cotangent: vjp(f, *residuals["at"])[1](cotangent),
    )


def with_custom_jvp(f):
    custom = custom_jvp(lambda x, y: f(x, y))
    return custom.def_jvp(lambda primals, tangents: jvp(f, primals, tangents))


def as_a_root(f):
    """`f` as the root of r - f(x, y), found by a solver that sees plain arrays alone."""

    def solve(x, y):
        assert type(x) is type(y) is np.ndarray
        return f(x, y)

    return custom_root(lambda r, x, y: r - f(x, y), solve)


def as_a_fixed_point(f):
    def solve(x, y):
        r = np.zeros(3)
        for _ in range(40):
            r = 0.3 * r + 0.7 * f(x, y)
        return r

    return custom_fixed_point(lambda r, x, y: 0.3 * r + 0.7 * f(x, y), solve)


def in_a_loop(f):
    return lambda x, y: checkpointed_loop(lambda r, k: r + f(x, y) / 4, 0.0 * x, 4)


def with_writes(f):
    def written(x, y):
        out = 1.0 * x
        out[1:] = f(x, y)[1:]
        out[0] = f(x, y)[0]
        return out

    return written


# Other ways to compute the derivative of the same function.
RULES = {
    "checkpoint": checkpoint,
    "custom_vjp": with_custom_vjp,
    "custom_jvp": with_custom_jvp,
    "root": as_a_root,
    "fixed_point": as_a_fixed_point,
    "loop": in_a_loop,
    "writes": with_writes,
}

# Functions made of the derivative, or of several calls, of a function.
TRANSFORMS = {
    "grad": lambda f: lambda x, y: grad(lambda x: np.sum(f(x, y)))(x),
    "vjp": lambda f: lambda x, y: sum(vjp(f, x, y)[1](x * y)),
    "jvp": lambda f: lambda x, y: jvp(f, (x, y), (y, x))[1],
    "vmap": lambda f: lambda x, y: np.sum(vmap(f, (0, None))(np.stack([x, 0.5 * y]), y), 0),
    "vmap_all": lambda f: lambda x, y: np.sum(vmap(f)(np.stack([x, y]), np.stack([y, x])), 0),
}
REFERENCES = {
    "vmap": lambda f: lambda x, y: f(x, y) + f(0.5 * y, y),
    "vmap_all": lambda f: lambda x, y: f(x, y) + f(y, x),
}
REFERENCES = TRANSFORMS | REFERENCES


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_under_each_transform_against_finite_differences(rule, transform):
    check_grads(TRANSFORMS[transform](RULES[rule](base)), X, Y, order=1)


@pytest.mark.parametrize("transforms", list(itertools.product(TRANSFORMS, repeat=2)))
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_under_each_pair_of_transforms(rule, transforms):
    got, expected = RULES[rule](base), base
    for name in transforms:
        got, expected = TRANSFORMS[name](got), REFERENCES[name](expected)
    np.testing.assert_allclose(got(X, Y), expected(X, Y), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("rule", RULES)
def test_each_rule_around_each_transform(rule, transform):
    """The rule's function itself is a transform's result; both are then differentiated."""
    if rule == "root" and transform.startswith("vmap"):
        pytest.skip("covered by the pairs")
    got, expected = RULES[rule](TRANSFORMS[transform](base)), REFERENCES[transform](base)
    for outer in ("grad", "jvp", "vmap_all"):
        np.testing.assert_allclose(
            TRANSFORMS[outer](got)(X, Y), REFERENCES[outer](expected)(X, Y), rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("rules", list(itertools.product(RULES, repeat=2)))
def test_rules_in_rules(rules):
    first, second = rules
    got = RULES[second](RULES[first](base))
    for name in ("grad", "vjp", "jvp", "vmap"):
        np.testing.assert_allclose(
            TRANSFORMS[name](got)(X, Y), REFERENCES[name](base)(X, Y), rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("rule", RULES)
def test_second_order_by_rules(rule):
    """d2/dx2 and the mixed derivatives, in all four orders of the two modes."""
    expected = TRANSFORMS["jvp"](TRANSFORMS["grad"](base))(X, Y)
    got = TRANSFORMS["jvp"](TRANSFORMS["grad"](RULES[rule](base)))(X, Y)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    check_grads(RULES[rule](base), X, Y, order=2)


@pytest.mark.parametrize("rule", RULES)
def test_a_captured_value_in_every_rule(rule):
    """Its derivative is right, or the rule refuses it; it is never zero in silence."""

    def f(x, w):
        return RULES[rule](lambda x, y: base(x, y) * w)(x, Y)

    if not rule.startswith("custom_"):
        check_grads(f, X, Y[::-1], order=1)
        return
    for run in (
        lambda: vjp(f, X, Y)[1](X),
        lambda: jvp(f, (X, Y), (Y, X)),
    ):
        with pytest.raises(TypeError, match="captured a value traced by"):
            run()
    # One that only an outer transform follows has its derivative.
    outer = lambda w: grad(lambda x: np.sum(f(x, w)))(X)
    check_grads(outer, Y, order=1)


@pytest.mark.parametrize("rule", RULES)
def test_batches_of_batches_and_shared_arguments(rule):
    function = RULES[rule](base)
    xs, ys = np.stack([X, Y, X + Y]), np.stack([Y, X])
    both = vmap(vmap(function, (0, None)), (None, 0))
    expected = np.stack([[base(x, y) for x in xs] for y in ys])
    np.testing.assert_allclose(both(xs, ys), expected, rtol=1e-9)
    loop = lambda xs, ys: np.stack([np.stack([base(x, y) for x in xs]) for y in ys])
    got, want = vjp(both, xs, ys)[1](expected), vjp(loop, xs, ys)[1](expected)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    got, want = (jvp(f, (xs, ys), (xs * 2, ys + 1))[1] for f in (both, loop))
    np.testing.assert_allclose(got, want, rtol=1e-9)
