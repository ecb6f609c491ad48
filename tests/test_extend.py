"""Ops of the user's own: every kind, in every mode; wrong rules are found, wrong uses refused."""

from __future__ import annotations

import numpy as np
import pytest

import pullback
from pullback import (
    UnsupportedError,
    constant,
    elementwise,
    grad,
    jvp,
    linear,
    multilinear,
    opaque,
    vjp,
    vmap,
)
from pullback.frontends.numpy.dispatch import ufuncs
from pullback.ops.declare import registry
from pullback.testing import GradientError, Sample, check_grads, check_op

X = np.array([0.3, 0.5, 1.2])
A = np.arange(12.0).reshape(3, 4) / 7 + 0.2

# Kernels that pullback knows nothing about: they insist on plain arrays.


def plain(*arrays):
    assert not any(isinstance(a, np.ndarray) and type(a) is not np.ndarray for a in arrays)
    return [np.array(a) for a in arrays]


def kernel_sine(x, rate=1.0):
    (x,) = plain(x)
    return np.sin(rate * x)


def kernel_blend(a, b):
    a, b = plain(a, b)
    return a * np.exp(b)


def kernel_blur(signal, width):
    (signal,) = plain(signal)
    return np.convolve(signal, np.ones(width))


def kernel_matmul(a, b):
    a, b = plain(a, b)
    return a @ b


def kernel_norm(x):
    (x,) = plain(x)
    return float(np.sqrt(np.sum(x * x)))


def kernel_moments(x):
    (x,) = plain(x)
    return np.sum(x), np.sum(x * x)


sine = elementwise(kernel_sine, lambda x, rate: rate * np.cos(rate * x))
blend = elementwise(kernel_blend, lambda b: np.exp(b), lambda out: out)
blur = linear(kernel_blur, lambda ct, width: np.convolve(ct, np.ones(width), "valid"))
product = multilinear(
    kernel_matmul, lambda ct, b: ct @ np.conj(b).T, lambda ct, a: np.conj(a).T @ ct
)
norm = opaque(kernel_norm, lambda ct, x, out: (ct * x / out,))
moments = opaque(
    kernel_moments,
    lambda cts, x: (
        (0 if cts[0] is None else cts[0] * np.ones_like(x))
        + (0 if cts[1] is None else 2 * cts[1] * x),
    ),
    outputs=2,
)
cell = constant(lambda x: np.floor(plain(x)[0]))

SAMPLES = [
    Sample(sine, sine, (X,)),
    Sample(sine, lambda x: sine(x, rate=2.0) + sine(x, 3.0), (A,), "rate"),
    Sample(blend, blend, (X, A.T), "broadcast"),
    Sample(blend, lambda x: blend(x, 2.0) + blend([1.0, 2.0, 3.0], x), (X,), "numbers and lists"),
    Sample(blur, lambda x: blur(x, 2), (X,)),
    Sample(product, product, (A, A.T), complex=True),
    Sample(norm, norm, (X,)),
    Sample(moments, moments, (X,)),
    Sample(moments, lambda x: moments(x)[1], (X,), "one output"),
    Sample(cell, lambda x: x * cell(x), (X,)),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.covers.__name__} {s.label}")
def test_every_kind_of_op(sample):
    check_op(sample)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.covers.__name__} {s.label}")
def test_every_kind_of_op_in_batches(sample):
    batches = tuple(np.stack([a, 1.1 * a]) for a in sample.args)
    batched = vmap(sample.function)
    got = pullback.tree.flatten(batched(*batches))[0]
    for k in range(2):
        expected = pullback.tree.flatten(sample.function(*(b[k] for b in batches)))[0]
        for part, one in zip(got, expected, strict=True):
            np.testing.assert_allclose(part[k], one)
    check_grads(batched, *batches)
    shared = vmap(sample.function, (0, *(None,) * (len(batches) - 1)))
    check_grads(shared, batches[0], *sample.args[1:], order=1)


half = linear(kernel_blur, lambda ct, width: np.convolve(ct, np.ones(width), "valid") / 2)
WRONG = {
    "partial": (elementwise(kernel_sine, lambda x: np.sin(x)), (X,)),
    "constant partial": (elementwise(kernel_sine, 1), (X,)),
    "second partial": (elementwise(kernel_blend, lambda b: np.exp(b), lambda a: a), (X, X)),
    "transpose": (lambda x: half(x, 2), (X,)),
    "second transpose": (
        multilinear(kernel_matmul, lambda ct, b: ct @ b.T, lambda ct, a: 2 * a.T @ ct),
        (A, A.T),
    ),
    "vjp": (opaque(kernel_norm, lambda ct, x: (ct * x,)), (X,)),
    "a vjp that is not linear": (
        opaque(kernel_norm, lambda ct, x, out: (ct * ct * x / out,)),
        (X,),
    ),
    "a derivative that is not zero": (constant(kernel_sine), (X,)),
    "not elementwise": (elementwise(lambda x: np.cumsum(x), 1), (X,)),
    "not linear": (linear(kernel_sine, lambda ct, x: ct * np.cos(x)), (X,)),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_rule_is_found(wrong):
    function, args = WRONG[wrong]
    with pytest.raises(GradientError):
        check_grads(function, *args)


@pytest.mark.parametrize("wrong", ["vjp", "jvp"])
def test_a_wrong_custom_rule_is_found(wrong):
    if wrong == "vjp":
        f = pullback.custom_vjp(lambda x: np.sin(x) * x)
        f.def_vjp(lambda x: (np.sin(x) * x, x), lambda x, ct: (ct * np.cos(x) * x,))
    else:
        f = pullback.custom_jvp(lambda x: np.sin(x) * x)
        f.def_jvp(lambda p, t: (np.sin(p[0]) * p[0], t[0] * np.cos(p[0]) * p[0]))
    with pytest.raises(GradientError, match=r"wrong gradient at args\[0\]"):
        check_grads(f, X)


def test_rules_of_two_modes_that_disagree_are_found():
    f = pullback.custom_vjp(lambda x: x * x)
    f.def_vjp(lambda x: (x * x, x), lambda x, ct: (2 * x * ct,))
    f.def_jvp(lambda p, t: (p[0] * p[0], p[0] * t[0]))
    with pytest.raises(GradientError, match="in reverse mode and"):
        check_grads(f, X)


# SciPy's ufuncs


def test_a_ufunc_itself_follows_its_rule():
    special = pytest.importorskip("scipy.special")
    ufuncs.pop(special.gamma, None)  # the documentation declares one, in its own test
    polygamma = elementwise(
        lambda x, n: special.polygamma(n, x), lambda x, n: polygamma(x, n=n + 1)
    )
    gamma = elementwise(special.gamma, lambda x, out: out * polygamma(x, n=0))
    try:
        check_op(Sample(gamma, gamma, (X,)))
        check_grads(lambda x: special.gamma(x) * x, X, order=3)
        assert vmap(grad(special.gamma))(X).shape == (3,)
        with pytest.raises(ValueError, match="'gamma' has a rule already"):
            elementwise(special.gamma, lambda out: out)
        with pytest.raises(UnsupportedError, match="no derivative rule"):
            grad(special.loggamma)(1.0)
    finally:
        del ufuncs[special.gamma]


def test_ops_are_in_no_table_under_their_names():
    before = dict(registry)
    op = elementwise(lambda x: np.sin(x), lambda x: np.cos(x))
    op2 = elementwise(np.frompyfunc(lambda x: x, 1, 1), 1)
    assert registry == before
    assert op.__name__ == "<lambda>"
    assert "elementwise" in repr(op2)


# Use


def test_plain_arrays_go_to_the_function():
    assert sine(0.0) == 0.0
    np.testing.assert_array_equal(blur(X, 2), np.convolve(X, np.ones(2)))
    assert moments([1.0, 2.0]) == (3.0, 5.0)


def test_names_defaults_and_keywords():
    assert grad(lambda x: sine(rate=2.0, x=x))(0.0) == 2.0
    assert sine.__name__ == "kernel_sine"
    assert grad(lambda x: np.sum(blend(b=x, a=2.0)))(0.0) == 2.0


def test_a_function_cannot_write_into_its_arguments():
    def bad(x):
        x[0] = 7.0
        return x

    op = linear(bad, lambda ct: ct)
    kept = X.copy()
    with pytest.raises(ValueError, match="read-only"):
        vjp(op, X)
    same = linear(lambda x: x, lambda ct: ct)
    out = same(X)
    out[0] = 7.0
    np.testing.assert_array_equal(X, kept)

    def after(x):
        y = same(x)
        y[0] = 5.0
        return x * y

    np.testing.assert_allclose(vjp(after, X)[1](np.ones(3))[0], [5.0, 1.0, 2.4])


def test_a_traced_parameter_is_refused():
    with pytest.raises(UnsupportedError, match="kernel_sine: the argument 'rate' was declared"):
        grad(lambda r: sine(1.0, r))(2.0)


def test_bad_declarations():
    with pytest.raises(TypeError, match="a rule of 'kernel_sine' names 'y'; what it may name is"):
        elementwise(kernel_sine, lambda y: y)
    with pytest.raises(TypeError, match=r"must have 2 named array argument\(s\)"):
        elementwise(lambda x: x, 1, 1)
    with pytest.raises(TypeError, match=r"none of them \* or \*\*"):
        linear(lambda *x: x, lambda ct: ct)
    with pytest.raises(TypeError, match=r"has 2 argument\(s\); declare as many"):
        elementwise(np.frompyfunc(lambda x, y: x, 2, 1), 1)
    with pytest.raises(TypeError, match="has 2 results: wrap it in a function"):
        elementwise(np.frompyfunc(lambda x: (x, x), 1, 2), 1)
    with pytest.raises(ValueError, match="'sin' has a rule already"):
        elementwise(np.sin, 1)


def test_results_that_are_not_what_was_declared():
    with pytest.raises(TypeError, match="returned no array"):
        grad(opaque(lambda x: "text", lambda ct: (ct,)))(1.0)
    with pytest.raises(ValueError, match="declared as elementwise, but its result has shape"):
        vjp(elementwise(lambda x: np.sum(x), 1), X)
    with pytest.raises(TypeError, match="declared with outputs=2"):
        vjp(opaque(lambda x: x, lambda ct: (ct,), outputs=2), X)


def test_stacks_are_handed_over_at_once():
    shapes = []

    def rows(x):
        shapes.append(x.shape)
        return np.cumsum(x, axis=-1)

    op = linear(rows, lambda ct: np.cumsum(ct[..., ::-1], axis=-1)[..., ::-1], stacks=True)
    check_grads(vmap(op), A)
    assert set(shapes) <= {(3, 4), (2, 3, 4)}
    assert jvp(vmap(op), (A[:0],), (A[:0],))[1].shape == (0, 4)
    one_by_one = linear(rows, lambda ct: np.cumsum(ct[::-1])[::-1])
    assert vmap(one_by_one)(A[:0]).shape == (0, 4)


IN_PLACE = {
    "linear": pullback.linear(lambda x: 2 * x, lambda ct: np.multiply(ct, 2, out=ct)),
    "opaque": pullback.opaque(lambda x: 2 * x, lambda ct: (np.multiply(ct, 2, out=ct),)),
    "multilinear": pullback.multilinear(lambda x: 2 * x, lambda ct: np.multiply(ct, 2, out=ct)),
}


@pytest.mark.parametrize("op", IN_PLACE.values(), ids=IN_PLACE)
def test_a_rule_may_write_into_its_cotangent(op):
    """Neither the caller's cotangent nor those that other ops share are changed by that."""

    def f(x):
        y = x * 1.0
        return op(y) + y

    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    assert pullback.vjp(f, x)[1](v)[0].tolist() == [9.0, 12.0]
    assert pullback.vjp(op, x)[1](v)[0].tolist() == [6.0, 8.0]
    assert pullback.jvp(f, (x,), (v,))[1].tolist() == [9.0, 12.0]
    assert pullback.linearize(f, x)[1](v).tolist() == [9.0, 12.0]
    assert v.tolist() == [3.0, 4.0]


def test_what_a_rule_returns_is_checked():
    def gradient(op):
        return pullback.grad(lambda x: np.sum(op(x)))(np.ones(3))

    def double(x):
        return 2 * x

    opaque, linear = pullback.opaque, pullback.linear
    for op, error, match in (
        (opaque(double, lambda ct: (ct[:2],)), ValueError, r"'double' returned shape \(2,\) for x"),
        (linear(double, lambda ct: ct[:2]), ValueError, r"'double' returned shape \(2,\) for x"),
        (opaque(double, lambda ct: ct), TypeError, "a tuple with one .* got ndarray"),
        (opaque(double, lambda ct: (ct, ct)), TypeError, "a tuple with one .* got tuple of 2"),
        (linear(double, lambda ct: None), TypeError, "no cotangent for x: got .*NoneType"),
        (opaque(double, lambda ct: ("a",)), TypeError, "no cotangent for x: got .*str"),
    ):
        with pytest.raises(error, match=match):
            gradient(op)


@pytest.mark.parametrize(
    ("partial", "error", "message"),
    [
        (lambda x: np.cos(x)[:2], ValueError, r"'x': got shape \(2,\), expected \(3,\)"),
        (lambda x: np.cos(x)[:, None], ValueError, r"got shape \(3, 1\), expected \(3,\)"),
        (lambda out: np.ones((2, *out.shape)), ValueError, r"got shape \(2, 3\), expected \(3,\)"),
        (lambda x: None, TypeError, "wave: the partial of 'x': got builtins.NoneType"),
        (lambda x: np.cos(x).astype(object), TypeError, "array of dtype object"),
    ],
)
def test_what_a_partial_returns_is_checked(partial, error, message):
    """In both modes and in a batch, where the shape is that of an example."""

    def wave(x):
        return np.sin(x)

    op = pullback.elementwise(wave, partial)
    x = np.ones(3)
    for derive in (
        lambda: pullback.grad(lambda x: np.sum(op(x)))(x),
        lambda: pullback.jvp(op, (x,), (x,)),
        lambda: pullback.vmap(pullback.grad(lambda x: np.sum(op(x))))(np.ones((4, 3))),
    ):
        with pytest.raises(error, match=message):
            derive()


def test_a_partial_may_be_one_number_or_broadcast():
    op = pullback.elementwise(lambda x, y: x * y, lambda y: y, lambda x: x)
    x, y = np.ones((3, 1)), np.arange(4.0)
    assert pullback.grad(lambda x: np.sum(op(x, y)))(x).tolist() == [[6.0]] * 3
    scaled = pullback.elementwise(lambda x: 2.0 * x, lambda: 2.0)
    assert pullback.grad(lambda x: np.sum(scaled(x)))(y).tolist() == [2.0] * 4


def test_arguments_of_any_name_and_order():
    """Generated recorders know x and y by position, whatever the function calls them."""
    cubed = pullback.elementwise(
        lambda y, x: y**3 * x, lambda y, x: 3 * y**2 * x, lambda y, x: 0 * x + y**3
    )
    assert pullback.grad(cubed, (0, 1))(2.0, 5.0) == (60.0, 8.0)
    assert pullback.jvp(cubed, (2.0, 5.0), (1.0, 1.0))[1] == 68.0
    for op in (
        pullback.elementwise(lambda b: b**2, lambda b: 2 * b),
        pullback.elementwise(lambda theta: theta**2, lambda theta: 2 * theta),
        pullback.elementwise(lambda x: x**2, lambda x, shape: 2 * x * np.ones(shape)),
        pullback.elementwise(lambda x: x**2, lambda args: 2 * args[0]),
    ):
        assert pullback.grad(op)(3.0) == 6.0
        assert pullback.grad(pullback.grad(op))(3.0) == 2.0
