"""What a traced array of the standard is to a program: its namespace, conversions, other libraries,
and every transform in each other.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import pullback
import pullback.array_api
from tests.array_api.libraries import NAMES, array, namespace, numbers

POINT = np.array([0.5, -1.0, 2.0])


@pytest.fixture(params=NAMES)
def library(request):
    return request.param


@pytest.fixture
def strict():
    return namespace("array_api_strict")


def test_array_api_compat_finds_a_namespace_for_a_box(library):
    xp = namespace(library)
    compat = importlib.import_module("array_api_compat")

    def f(x):
        return compat.array_namespace(x).sum(compat.array_namespace(x).exp(x))

    np.testing.assert_allclose(numbers(pullback.grad(f)(array(xp, POINT))), np.exp(POINT))


def test_a_plain_array_beside_a_traced_one_has_the_same_namespace(strict):
    compat = importlib.import_module("array_api_compat")
    weights = array(strict, POINT)

    def f(x):
        return compat.array_namespace(x, weights).sum(weights * x)

    np.testing.assert_allclose(numbers(pullback.grad(f)(array(strict, POINT))), POINT)


def test_the_box_has_the_attributes_of_the_standard(library):
    xp = namespace(library)
    x = array(xp, np.ones((2, 3)))
    seen = {}

    def f(x):
        seen.update(shape=tuple(x.shape), ndim=x.ndim, dtype=x.dtype, device=x.device)
        seen.update(T=tuple(x.T.shape), mT=tuple(x.mT.shape))
        seen.update(version=x.__array_namespace__().__array_api_version__)
        seen.update(info=x.__array_namespace__().__array_namespace_info__().capabilities())
        return x.__array_namespace__().sum(x)

    pullback.grad(f)(x)
    assert (seen["shape"], seen["ndim"], seen["dtype"]) == ((2, 3), 2, x.dtype)
    assert (seen["device"], seen["T"], seen["mT"]) == (x.device, (3, 2), (3, 2))
    assert seen["version"] == "2024.12"
    assert "boolean indexing" in seen["info"]


def test_a_branch_may_read_a_value_and_a_conversion_may_not(strict):
    def branch(x):
        xp = x.__array_namespace__()
        return xp.sum(x**2) if xp.any(x < 0) and x[0] > 0 else xp.sum(x)

    np.testing.assert_allclose(numbers(pullback.grad(branch)(array(strict, POINT))), 2 * POINT)
    for convert in (float, int, complex, np.asarray, lambda x: np.from_dlpack(x), lambda x: [1][x]):
        with pytest.raises(pullback.ConversionError, match="stop_gradient"):
            pullback.grad(lambda x, c=convert: c(x[0]))(array(strict, POINT))


@pytest.mark.parametrize("library", ["numpy", "array_api_strict"])
def test_a_traced_array_is_not_exported(library):
    """Not as memory either, which C code of another library would go on with."""
    x = array(namespace(library), POINT)
    with pytest.raises(pullback.ConversionError, match="stop_gradient"):
        pullback.grad(lambda x: x.__dlpack__())(x)


@pytest.mark.parametrize("library", ["numpy", "array_api_strict"])
def test_an_array_from_a_traced_one_is_followed(library):
    xp = pullback.array_api.namespace(namespace(library))
    for copy in (None, True):
        slope = pullback.grad(lambda x, c=copy: xp.sum(xp.from_dlpack(x, copy=c) ** 2))
        np.testing.assert_allclose(numbers(slope(array(namespace(library), POINT))), 2 * POINT)
    assert xp.from_dlpack(array(namespace(library), POINT)).shape == (3,)


def test_a_traced_array_is_shown_as_text(library):
    shown = []

    def f(x):
        shown.extend([str(x), f"{x}", f"{x[0]}"])
        return x[0]

    pullback.grad(f)(array(namespace(library), POINT))
    assert all("0.5" in text for text in shown)


@pytest.mark.parametrize("library", ["numpy", "array_api_strict"])
def test_a_tolerance_is_a_constant(library):
    """A traced `rtol` decides only which singular values are taken for zero."""
    xp = pullback.array_api.namespace(namespace(library))

    def f(x, rtol):
        assert int(xp.linalg.matrix_rank(x, rtol=rtol)) == 2
        return xp.sum(xp.linalg.pinv(x, rtol=rtol))

    x = array(namespace(library), np.diag([2.0, 1.0, 1e-9]))
    slope, of_rtol = pullback.grad(f, (0, 1))(x, array(namespace(library), 1e-3))
    assert np.allclose(np.diag(numbers(slope)), [-0.25, -1, 0], atol=1e-6)
    assert numbers(of_rtol) == 0


def test_the_librarys_own_function_refuses_a_traced_array(strict):
    with pytest.raises(pullback.ConversionError, match="__array_namespace__"):
        pullback.grad(lambda x: strict.sum(strict.sin(x)))(array(strict, POINT))


def test_a_plain_array_on_the_left_gives_way_to_a_traced_one(strict):
    w = array(strict, POINT)
    for f in (lambda x: w * x, lambda x: w + x, lambda x: w - x, lambda x: w / x, lambda x: w @ x):
        out, pull = pullback.vjp(f, array(strict, POINT + 5))
        assert pull(strict.ones(out.shape))[0].shape == (3,)


def test_a_write_of_a_traced_value_into_a_plain_array_is_refused(strict):
    plain = strict.zeros(3)

    def f(x):
        plain[0] = x[0]
        return x.__array_namespace__().sum(x)

    with pytest.raises(TypeError):
        pullback.grad(f)(array(strict, POINT))


# Two libraries in one call


def test_arrays_of_two_libraries_in_one_call_are_refused_by_name(strict):
    x, other = array(strict, POINT), POINT
    for f in (
        lambda x: x * other,
        lambda x: other * x,
        lambda x: x.__array_namespace__().maximum(x, other),
        lambda x: x.__array_namespace__().concat([x, x, other]) if False else x @ other,
    ):
        with pytest.raises(TypeError, match=r"array_api_strict and numpy in one call.*asarray"):
            pullback.grad(f)(x)
    with pytest.raises(TypeError, match=r"primals.*numpy.ndarray.*array_api_strict"):
        pullback.vjp(lambda x, y: x, x, other)


def test_traced_arrays_of_two_libraries_in_one_call_are_refused_by_name(strict):
    def outer(x):
        return pullback.vjp(lambda y: y.__array_namespace__().sum(y * x), array(strict, POINT))[0]

    with pytest.raises(TypeError, match=r"multiply.*array_api_strict and numpy"):
        pullback.vjp(outer, POINT)


def test_a_function_that_the_standard_lacks_is_refused_by_name(strict):
    with pytest.raises(AttributeError, match=r"array_api_strict has no erf"):
        pullback.grad(lambda x: x.__array_namespace__().erf(x))(array(strict, POINT))
    from pullback.ops import special

    with pytest.raises(TypeError, match=r"'erf'.*array_api_strict.*standard"):
        pullback.grad(lambda x: special.erf(x))(array(strict, POINT))


# Transforms in each other


def cube(x):
    xp = importlib.import_module("array_api_compat").array_namespace(x)
    return xp.sum(x**3 * xp.sin(x))


def numpy_cube(x):
    return np.sum(x**3 * np.sin(x))


@pytest.mark.parametrize(
    "transform",
    [
        pullback.hessian,
        pullback.jacrev,
        pullback.jacfwd,
        lambda f: pullback.jacfwd(pullback.jacfwd(f)),
        lambda f: pullback.jacrev(pullback.jacfwd(f)),
        lambda f: pullback.grad(lambda x: pullback.hvp(f, (x,), (x,))[0]),
        lambda f: pullback.grad(pullback.checkpoint(f)),
        lambda f: pullback.hessian(pullback.checkpoint(f)),
        lambda f: lambda x: pullback.hvp(f, (x,), (x,))[1],
        lambda f: lambda x: pullback.linearize(f, x)[1](x),
        lambda f: lambda x: pullback.vmap(pullback.grad(f))(x[None, ...] * 1.0),
        lambda f: pullback.vmap(lambda a: f(a[None] ** 2)),
        lambda f: pullback.grad(lambda x: pullback.grad(f)(x)[0] * x[1]),
    ],
)
def test_every_transform_gives_what_it_gives_on_numpy(transform, library):
    xp = namespace(library)
    got = numbers(transform(cube)(array(xp, POINT)))
    np.testing.assert_allclose(got, transform(numpy_cube)(POINT), rtol=1e-10)


def test_a_rule_of_ones_own(library):
    xp = namespace(library)

    @pullback.custom_vjp
    def f(x):
        return importlib.import_module("array_api_compat").array_namespace(x).sum(x**2)

    f.def_vjp(lambda x: (f(x), x), lambda x, cotangent: (cotangent * 10 * x,))
    np.testing.assert_allclose(numbers(pullback.grad(f)(array(xp, POINT))), 10 * POINT)
    np.testing.assert_allclose(
        numbers(pullback.jacfwd(pullback.grad(f))(array(xp, POINT))), 10 * np.eye(3)
    )


def test_no_grad_and_stop_gradient(strict):
    def f(x):
        xp = x.__array_namespace__()
        with pullback.no_grad():
            c = xp.sum(x)
        return c * xp.sum(x * pullback.stop_gradient(x))

    expected = np.sum(POINT) * POINT
    np.testing.assert_allclose(numbers(pullback.grad(f)(array(strict, POINT))), expected)


def test_float32_and_empty_arrays_keep_their_dtype_and_shape(library):
    xp = namespace(library)
    for values in (POINT.astype(np.float32), np.zeros((0, 3), np.float32), np.float32(2.0)):
        gradient = pullback.grad(cube)(array(xp, values))
        assert gradient.dtype == xp.float32
        assert tuple(gradient.shape) == np.shape(values)


def test_a_box_that_is_used_after_its_transform_has_escaped(strict):
    kept = []
    pullback.grad(lambda x: kept.append(x) or x.__array_namespace__().sum(x))(array(strict, POINT))
    with pytest.raises(pullback.EscapedTracerError):
        kept[0] + 1


def test_the_module_has_the_names_of_the_standard():
    xp = pullback.array_api
    assert float(xp.sum(xp.asarray([1.0, 2.0]))) == 3.0
    assert xp.__array_api_version__ == "2024.12"
    with pytest.raises(AttributeError):
        _ = xp.no_such_function


def test_a_name_that_the_standard_lacks_brings_the_closest_that_it_has():
    strict = pytest.importorskip("array_api_strict")
    with pytest.raises(AttributeError, match=r"concatenate.*concat"):
        pullback.grad(lambda x: x.__array_namespace__().concatenate([x, x]))(strict.ones(3))
