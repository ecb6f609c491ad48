"""Contractions: conventions, errors and dtypes, which a sweep over samples cannot say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy import zeros  # bound before: plain arrays

import pullback
from pullback.backends.numpy.contract import contract
from pullback.testing import check_grads

_rng = np.random.default_rng(0)

CROSS_IN_THE_PLANE_IS_GONE = np.lib.NumpyVersion(np.__version__) >= "2.5.0"


def normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def complex_normal(*shape: int) -> Any:
    return normal(*shape) + 1j * normal(*shape)


def test_complex_matmul_pulls_back_by_the_adjoints() -> None:
    x, y, cotangent = complex_normal(2, 3), complex_normal(3, 4), complex_normal(2, 4)
    _, pull = pullback.vjp(np.matmul, x, y)
    of_x, of_y = pull(cotangent)
    np.testing.assert_allclose(of_x, cotangent @ y.conj().T)
    np.testing.assert_allclose(of_y, x.conj().T @ cotangent)


@pytest.mark.parametrize("function", [np.vdot, np.vecdot, np.linalg.vecdot])
def test_the_products_that_conjugate_their_first_argument(function: Any) -> None:
    x, y = complex_normal(3), complex_normal(3)
    _, pull = pullback.vjp(function, x, y)
    of_x, of_y = pull(2.0 - 1j)
    np.testing.assert_allclose(of_x, (2.0 + 1j) * y)
    np.testing.assert_allclose(of_y, (2.0 - 1j) * x)


def test_a_real_factor_of_a_complex_product_has_a_real_gradient() -> None:
    x, y, cotangent = normal(2, 3), complex_normal(3), complex_normal(2)
    for function in (np.matmul, np.dot, np.inner, lambda x, y: np.einsum("ij,j->i", x, y)):
        _, pull = pullback.vjp(function, x, y)
        np.testing.assert_allclose(pull(cotangent)[0], np.outer(cotangent, y.conj()).real)
        assert pull(cotangent)[0].dtype == np.float64


def test_third_order() -> None:
    check_grads(lambda x: np.einsum("ij,jk,kl->il", x, x, x) @ x, 0.5 * normal(2, 2), order=3)


def test_lists_and_integers_are_constants() -> None:
    x = normal(2, 3)
    table = [[1, 2], [3, 4], [5, 6]]
    expected = np.ones((2, 2)) @ np.transpose(table)
    for function in (
        lambda x: x @ table,
        lambda x: np.matmul(x, table),
        lambda x: np.dot(x, table),
        lambda x: x.dot(table),
        lambda x: np.tensordot(x, table, 1),
        lambda x: np.einsum("ij,jk", x, table),
    ):
        _, pull = pullback.vjp(function, x)
        np.testing.assert_array_equal(pull(np.ones((2, 2)))[0], expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.dot(x, 2.0),
        lambda x: np.dot(x, np.float32(2.0)),
        lambda x: np.dot(x, [1, 2, 3]),
        lambda x: np.inner(x, 2),
        lambda x: np.outer(x, 2.0),
        lambda x: np.kron(x, 2.0),
        lambda x: np.convolve(x, 2.0),
        lambda x: np.einsum("i,->i", x, 2.0),
        lambda x: np.einsum("i->", x, dtype=np.float64),
        lambda x: np.matmul(x, x, dtype=np.float64),
        lambda x: x @ np.arange(3),
        lambda x: np.cross(x, [1, 2, 3]),
    ],
)
def test_dtypes_are_numpys(function: Any) -> None:
    """NumPy's contractions make arrays of numbers first: a Python float does promote float32."""
    x = np.array([1.0, 2.0, 3.0], np.float32)
    value, pull = pullback.vjp(function, x)
    assert value.dtype == function(x).dtype
    assert pull(np.ones_like(value))[0].dtype == np.float32


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.matmul(x, x, out=zeros((3, 3))),
        lambda x: np.dot(x, x, out=zeros((3, 3))),
        lambda x: np.outer(x, x, out=zeros((9, 9))),
        lambda x: np.einsum("ij->i", x, out=zeros(3)),
        lambda x: np.linalg.multi_dot([x, x], out=zeros((3, 3))),
    ],
)
def test_out_is_refused(function: Any) -> None:
    with pytest.raises(pullback.UnsupportedError, match="out="):
        pullback.vjp(function, normal(3, 3))


def test_a_plain_arrays_own_dot_method_raises() -> None:
    """It is C code that no protocol reaches: an error, not a lost derivative."""
    with pytest.raises(pullback.ConversionError):
        pullback.vjp(lambda x: zeros((3, 3)).dot(x), normal(3))


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (np.matmul, [(2, 3), (2, 3)]),
        (np.matmul, [(2, 3), ()]),
        (np.dot, [(2, 3), (2, 3)]),
        (np.vecdot, [(2, 3), (2, 1)]),
        (np.tensordot, [(2, 3), (2, 1)]),
        (lambda x, y: np.tensordot(x, y, ([0, -2], [0, 1])), [(2, 3), (2, 2)]),
        (lambda x, y: np.tensordot(x, y, ([0, 1], [0])), [(2, 3), (2, 2)]),
        (lambda x, y: np.einsum("ij,jk", x, y), [(2, 3), (2, 3)]),
        (lambda x, y: np.einsum("ii,jk", x, y), [(1, 3), (2, 3)]),
        (lambda x, y: np.einsum("ij,k", x, y), [(2, 3), (2, 3)]),
        (lambda x, y: np.einsum("ij,jk->il", x, y), [(2, 3), (3, 2)]),
        (np.cross, [(4,), (3,)]),
        (np.cross, [(), (3,)]),
        (np.linalg.cross, [(2,), (3,)]),
        (np.linalg.outer, [(2, 3), (3,)]),
        (np.convolve, [(0,), (3,)]),
        (np.convolve, [(2, 2), (3,)]),
        (np.correlate, [(), (3,)]),
        (lambda x, y: np.convolve(x, y, "most"), [(3,), (3,)]),
        (lambda x, y: np.linalg.multi_dot([x]), [(3, 3), (3,)]),
        (lambda x, y: np.linalg.multi_dot([x, y, x]), [(3, 3), (3,)]),
    ],
)
def test_what_numpy_refuses_is_refused(function: Any, shapes: Any) -> None:
    arrays = [np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError):
        function(*arrays)
    with pytest.raises(ValueError):
        pullback.vjp(function, *arrays)


@pytest.mark.parametrize(
    "options",
    [{"axis": 0}, {"keepdims": True}, {"axes": [(0, 1), (1,), (0, 1)]}, {"dtype": np.int64}],
)
def test_options_that_numpys_matmul_refuses(options: Any) -> None:
    x = np.ones((2, 3, 3))
    with pytest.raises(Exception) as error:
        np.matmul(x, x, **options)
    with pytest.raises(error.type):
        pullback.vjp(lambda x: np.matmul(x, x, **options), x)


@pytest.mark.parametrize(
    "options",
    [
        {"axis": 0},
        {"axis": -2, "keepdims": True},
        {"axes": [1, 1]},
        {"axes": [(1,), (1,), (0,)], "keepdims": True},
        {"order": "F", "subok": False},
    ],
)
def test_options_of_vecdot(options: Any) -> None:
    check_grads(lambda x, y: np.vecdot(x, y, **options), normal(2, 3, 4), normal(2, 3, 4), order=1)


@pytest.mark.skipif(not hasattr(np, "matvec"), reason="new in NumPy 2.2")
def test_matvec_and_vecmat_do_not_broadcast_the_axis_they_sum() -> None:
    for name, shapes in [("matvec", [(2, 1), (3,)]), ("vecmat", [(1,), (3, 2)])]:
        with pytest.raises(ValueError, match="lengths"):
            pullback.vjp(getattr(np, name), *map(np.ones, shapes))


def test_einsum_casts_as_numpy_does() -> None:
    x = normal(2, 3)
    with pytest.raises(TypeError, match="cast"):
        pullback.vjp(lambda x: np.einsum("ij->i", x, dtype=np.float32), x)
    value, pull = pullback.vjp(
        lambda x: np.einsum("ij->i", x, dtype=np.float32, casting="same_kind"), x
    )
    assert value.dtype == np.float32
    assert pull(np.ones(2))[0].dtype == np.float64


@pytest.mark.parametrize(
    "optimize",
    [None, False, True, "greedy", "optimal", ("greedy", 10), ["einsum_path", (0, 2), (0, 1)]],
)
def test_einsum_takes_every_form_of_optimize(optimize: Any) -> None:
    arrays = normal(2, 3), normal(3, 4), normal(4, 2)

    def function(*xs: Any) -> Any:
        return np.einsum("ij,jk,kl->il", *xs, optimize=optimize)

    check_grads(function, *arrays, order=1)


def test_einsum_with_one_string_and_many_shapes() -> None:
    """What is cached for a string holds for one set of shapes only."""
    for shapes in [[(3,), (3,)], [(1,), (3,)], [(3,), (1,)], [(0,), (1,)], [(1,), (1,)]]:
        check_grads(lambda x, y: np.einsum("i,i->", x, y), *[normal(*shape) for shape in shapes])


def test_a_chain_of_operands_is_multiplied_in_pairs() -> None:
    """Each operand's gradient reuses the products of the others: no cost of n contractions each."""
    arrays = [normal(4, 4) for _ in range(6)]
    _, pull = pullback.vjp(lambda *xs: np.einsum("ab,bc,cd,de,ef,fg->ag", *xs), *arrays)
    assert len(pull._tape) == 6 + 5


def test_einsum_path_is_a_constant() -> None:
    path, _ = np.einsum_path("ij,jk->ik", np.ones((2, 3)), np.ones((3, 4)))

    def function(x: Any) -> Any:
        assert np.einsum_path("ij,jk->ik", x, np.ones((3, 4)))[0] == path
        return x

    pullback.vjp(function, np.ones((2, 3)))


def test_multi_dot_takes_the_cheapest_order() -> None:
    """(a b) c would make a 200 by 200 matrix: no tape entry may be that large."""
    a, b, c = normal(200, 2), normal(2, 200), normal(200, 2)
    value, pull = pullback.vjp(lambda *xs: np.linalg.multi_dot(xs), a, b, c)
    np.testing.assert_allclose(value, np.linalg.multi_dot([a, b, c]))
    assert max(np.prod(entry[1]) for entry in pull._tape.values()) == 400


@pytest.mark.skipif(CROSS_IN_THE_PLANE_IS_GONE, reason="NumPy 2.5 refuses such vectors")
def test_cross_products_in_the_plane_warn_as_numpys_do() -> None:
    x, y = normal(2), normal(2)
    with pytest.warns(DeprecationWarning, match="2-dimensional vectors"):
        _, pull = pullback.vjp(np.cross, x, y)
    np.testing.assert_allclose(pull(1.0)[0], [y[1], -y[0]])


@pytest.mark.skipif(not CROSS_IN_THE_PLANE_IS_GONE, reason="refused since NumPy 2.5")
@pytest.mark.parametrize("sizes", [(2, 2), (2, 3), (3, 2)])
def test_cross_products_in_the_plane_are_refused_as_numpys_are(sizes: Any) -> None:
    with pytest.raises(ValueError, match="3-dimensional vectors"):
        pullback.vjp(np.cross, *map(normal, sizes))


@pytest.mark.parametrize(
    "subscripts",
    ["ab,bc->ac", "ba,cb->ca", "abc,cbd->da", "abc,dbc->bad", "abc,abc->", "abc,bad->bdc"],
)
def test_large_contractions_go_through_blas_from_any_layout(subscripts: str) -> None:
    """The matrix product that replaces einsum's loop gives the same numbers."""
    left, right, _ = subscripts.replace("->", ",").split(",")
    sizes = {"a": 20, "b": 21, "c": 22, "d": 23}
    x = normal(*(sizes[label] for label in left))
    y = normal(*(2 * sizes[label] for label in right))[(slice(None, None, 2),) * len(right)]
    got = contract(x, y, subscripts)
    np.testing.assert_allclose(got, np.einsum(subscripts, x, y), atol=1e-9)


def test_gradients_of_broadcast_batches_are_summed() -> None:
    x, y = normal(4, 1, 2, 3), normal(5, 3, 2)
    _, pull = pullback.vjp(np.matmul, x, y)
    cotangent = normal(4, 5, 2, 2)
    of_x, of_y = pull(cotangent)
    np.testing.assert_allclose(of_x, np.einsum("abij,bkj->aik", cotangent, y)[:, None])
    np.testing.assert_allclose(of_y, np.einsum("abij,aik->bkj", cotangent, x[:, 0]))
