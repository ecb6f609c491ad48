"""Every differentiable function of the standard, on each library: forward and reverse mode, `vmap`
and second order agree with finite differences of the library's own function.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

import pullback
from tests.array_api.libraries import NAMES, array, namespace, numbers
from tests.array_api.samples import SAMPLES

pytestmark = pytest.mark.filterwarnings(
    "ignore:There is a performance drop:UserWarning"  # torch's, of its own vmap
)
CASES = [
    pytest.param(name, sample, id=f"{name}-{place}-{sample.name}")
    for name in NAMES
    for place, sample in enumerate(SAMPLES)
    if name in sample.libraries
]
STEP = 1e-6


def inner(x, y):
    return float(np.sum(np.conj(x) * y).real)


def program(sample):
    """The sample as code to the standard has it: the namespace is the arrays' own."""

    def function(*arrays):
        return sample.call(arrays[0].__array_namespace__(), *arrays)

    return function


def prepared(name, sample, seed=0):
    xp = namespace(name)
    pytest.importorskip("array_api_compat")
    points = sample.inputs(seed)
    rng = np.random.default_rng(seed + 1)
    vectors = [np.asarray(rng.normal(size=p.shape)).astype(p.dtype) for p in points]
    if sample.dtype == "complex128":
        vectors = [np.asarray(v + 1j * rng.normal(size=v.shape)) for v in vectors]
    raw = functools.partial(sample.call, xp)
    return xp, points, vectors, raw


def slope(raw, xp, points, vectors):
    """The derivative of a plain function in a direction, by central differences."""
    ahead, behind = (
        numbers(raw(*(array(xp, p + s * v) for p, v in zip(points, vectors, strict=True))))
        for s in (STEP, -STEP)
    )
    return (ahead - behind) / (2 * STEP)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_both_modes_agree_with_finite_differences(name, sample):
    xp, points, vectors, raw = prepared(name, sample)
    arrays = tuple(array(xp, p) for p in points)
    expected = slope(raw, xp, points, vectors)
    function = program(sample)
    value, tangent = pullback.jvp(function, arrays, tuple(array(xp, v) for v in vectors))
    assert isinstance(value, (type(arrays[0]), np.generic))
    np.testing.assert_allclose(numbers(value), numbers(raw(*arrays)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(numbers(tangent), expected, rtol=1e-6, atol=1e-7)
    out, pull = pullback.vjp(function, *arrays)
    rng = np.random.default_rng(3)
    seed = np.asarray(rng.normal(size=numbers(out).shape)).astype(numbers(out).dtype)
    if np.iscomplexobj(seed):
        seed = np.asarray(seed + 1j * rng.normal(size=seed.shape))
    cotangents = pull(array(xp, seed))
    assert [c.dtype for c in cotangents] == [a.dtype for a in arrays]
    assert [tuple(c.shape) for c in cotangents] == [tuple(a.shape) for a in arrays]
    got = sum(inner(numbers(c), v) for c, v in zip(cotangents, vectors, strict=True))
    np.testing.assert_allclose(got, inner(seed, numbers(tangent)), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_vmap_agrees_with_a_loop(name, sample):
    xp, points, _, raw = prepared(name, sample)
    batches = [
        np.stack([p, 0.9 * p, 1.05 * p]) if sample.name != "acosh" else np.stack([p] * 3)
        for p in points
    ]
    function = program(sample)
    expected = np.stack([numbers(raw(*(array(xp, b[i]) for b in batches))) for i in range(3)])
    got = pullback.vmap(function)(*(array(xp, b) for b in batches))
    np.testing.assert_allclose(numbers(got), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_the_second_order_agrees_with_finite_differences_of_the_first(name, sample):
    xp, points, vectors, raw = prepared(name, sample)
    arrays = tuple(array(xp, p) for p in points)
    seed = np.random.default_rng(5).normal(size=numbers(raw(*arrays)).shape)
    seed = array(xp, np.asarray(seed).astype(numbers(raw(*arrays)).dtype))

    def first(*arrays):
        return pullback.vjp(program(sample), *arrays)[1](seed)

    _, moved = pullback.jvp(first, arrays, tuple(array(xp, v) for v in vectors))
    for place in range(len(arrays)):
        expected = slope(lambda *a, p=place: first(*a)[p], xp, points, vectors)
        np.testing.assert_allclose(numbers(moved[place]), expected, rtol=1e-5, atol=1e-6)
