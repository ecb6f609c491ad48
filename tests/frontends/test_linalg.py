"""np.linalg on traced arrays: what a sweep over smooth samples cannot say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import linalg
from numpy.testing import assert_allclose

import pullback
from pullback import grad, vjp
from pullback.testing import check_grads

RNG = np.random.default_rng(11)


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape)


def complex_normal(*shape: int) -> Any:
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


def hermitian(x: Any) -> Any:
    return x + np.conjugate(np.swapaxes(x, -1, -2))


def matrix_with(values: list[float]) -> Any:
    """A symmetric matrix with these eigenvalues and no zeros in it."""
    q, _ = linalg.qr(normal(len(values), len(values)))
    return (q * np.array(values)) @ q.T


# Results are NumPy's own


@pytest.mark.parametrize(
    "function", [linalg.eigh, linalg.eig, linalg.qr, linalg.svd, linalg.slogdet]
)
def test_results_are_numpys_named_tuples(function: Callable[..., Any]) -> None:
    """Programs write result.eigenvalues, and unpack."""
    x = hermitian(normal(3, 3))
    seen: list[Any] = []

    def f(x: Any) -> Any:
        seen.append(function(x))
        return np.sum(seen[0][-1])

    vjp(f, x)
    assert type(seen[0]) is type(function(x))
    assert seen[0]._fields == function(x)._fields


SHAPES: list[Any] = [(0, 0), (2, 0, 0), (0, 3, 3), (0, 3), (3, 0), (0, 2, 3), (2, 0, 3), (1, 1)]
TALL_OR_WIDE = [
    linalg.svdvals,
    linalg.pinv,
    linalg.qr,
    linalg.svd,
    lambda x: linalg.qr(x, "complete"),
    lambda x: linalg.qr(x, "r"),
    lambda x: linalg.svd(x, full_matrices=False),
    linalg.norm,
    linalg.matrix_norm,
    lambda x: linalg.norm(x, 1, -1),
]
SQUARE = [
    linalg.inv,
    linalg.det,
    linalg.slogdet,
    linalg.cholesky,
    linalg.eigh,
    linalg.eigvalsh,
    linalg.eig,
    linalg.eigvals,
    lambda x: linalg.matrix_power(x, 3),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_empty_matrices_and_batches(shape: tuple[int, ...]) -> None:
    """No rows, no columns, no matrices: NumPy's value, and a gradient of the input's shape."""
    x = np.ones(shape)
    functions = TALL_OR_WIDE + (SQUARE if shape[-1] == shape[-2] else [])
    for function in functions:
        expected = function(x)
        out, pull = vjp(function, x)
        (gradient,) = pull(out)
        assert gradient.shape == shape
        as_tuple = expected if isinstance(expected, tuple) else (expected,)
        for a, b in zip(out if isinstance(out, tuple) else (out,), as_tuple, strict=True):
            assert_allclose(a, b)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("p", ["fro", "nuc", 1, 2, np.inf])
def test_norms_of_empty_matrices_are_zero(p: Any) -> None:
    """As in recent versions of NumPy; the old ones raised for some orders."""
    for shape in [(0, 3), (3, 0), (2, 0, 3), (0, 2, 3)]:
        out, pull = vjp(lambda x: linalg.matrix_norm(x, ord=p), np.zeros(shape))
        assert_allclose(out, np.zeros(shape[:-2]))
        assert pull(out)[0].shape == shape


def test_a_vector_on_the_right_is_one_only_in_one_dimension() -> None:
    """NumPy 2's rule: b of shape (2, 3) beside a stack of two is a matrix, not two vectors."""
    a, b = normal(2, 3, 3), normal(3, 3)
    out, pull = vjp(linalg.solve, a, b)
    assert out.shape == (2, 3, 3)
    assert [g.shape for g in pull(out)] == [(2, 3, 3), (3, 3)]


def test_integers_beside_traced_values() -> None:
    """An integer matrix is a constant that NumPy makes floats of."""
    a = np.array([[2, 1], [1, 3]])
    gradient = grad(lambda b: np.sum(linalg.solve(a, b)))(np.array([1.0, 2.0]))
    assert_allclose(gradient, linalg.inv(a).sum(axis=0))


def test_matrix_rank_is_a_constant() -> None:
    """A rank has derivative zero, and is a plain number to branch on."""
    assert_allclose(grad(lambda x: x[0, 0] * linalg.matrix_rank(x))(np.eye(2)), [[2, 0], [0, 0]])


def test_lstsq_keeps_numpys_outputs() -> None:
    """Rank is an int32, residuals are empty where NumPy leaves them out, rcond decides the rank."""
    a = normal(5, 2) @ normal(2, 3)
    b = normal(5)
    for rcond in (None, -1, 1e-8):
        out, _ = vjp(lambda a, b, rcond=rcond: tuple(linalg.lstsq(a, b, rcond)), a, b)
        expected = linalg.lstsq(a, b, rcond)
        assert [np.shape(x) for x in out] == [np.shape(x) for x in expected]
    out, _ = vjp(lambda a, b: tuple(linalg.lstsq(a, b)), a, b)
    assert out[2] == 2
    assert out[2].dtype == np.int32
    assert_allclose(out[0], linalg.lstsq(a, b)[0])


def test_lstsq_of_low_rank_follows_matrices_of_that_rank() -> None:
    """The minimum-norm solution's derivative exists along changes that keep the rank."""
    check_grads(
        lambda u, v, b: linalg.lstsq(u @ v, b, 1e-8)[0], normal(5, 2), normal(2, 3), normal(5, 2)
    )
    check_grads(lambda u, v: linalg.pinv(u @ v, 1e-8), normal(3, 1), normal(1, 4))


# Hermitian by contract


@pytest.mark.parametrize("make", [normal, complex_normal])
def test_the_triangle_that_numpy_reads_gets_the_gradient(make: Callable[..., Any]) -> None:
    """eigh and cholesky never read the other one, so its derivative is zero."""
    x = make(3, 3)
    x = x @ x.conj().T + np.eye(3)
    for function, unread in (
        (linalg.cholesky, np.triu_indices(3, 1)),
        (linalg.eigvalsh, np.triu_indices(3, 1)),
        (lambda x: linalg.eigvalsh(x, "U"), np.tril_indices(3, -1)),
    ):
        assert not grad(lambda x, f=function: np.sum(np.real(f(x)) ** 3))(x)[unread].any()
        check_grads(lambda x, f=function: np.real(f(x)) ** 3, x)


def test_a_program_may_fill_one_triangle_alone() -> None:
    """As many do before eigh and cholesky."""
    x = normal(3, 3) + 4 * np.eye(3)
    check_grads(lambda b: linalg.eigvalsh(np.tril(b))[0], x)
    check_grads(lambda b: linalg.cholesky(np.tril(b)), x)
    check_grads(lambda b: linalg.eigvalsh(np.triu(b), UPLO="U")[1], x)


def test_cholesky_reads_the_triangle_that_numpy_reads() -> None:
    """upper= changes which half of the input counts."""
    x = np.array([[4.0, 9.0], [1.0, 5.0]])
    for upper in (False, True):
        if not upper:
            assert_allclose(vjp(linalg.cholesky, x)[0], linalg.cholesky(x))
        else:
            y = x.T.copy()
            out, _ = vjp(lambda y: linalg.cholesky(y, upper=True), y)
            assert_allclose(out, linalg.cholesky(y, upper=True))


# Singular matrices


@pytest.mark.parametrize("make", [normal, complex_normal])
@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_det_of_singular_matrices(make: Callable[..., Any], rank: int) -> None:
    """The gradient of a polynomial exists everywhere; at rank n - 1 it is not zero."""
    check_grads(linalg.det, make(4, rank) @ make(rank, 4))


def test_det_of_a_singular_matrix_at_third_order_is_not_a_wrong_number() -> None:
    """There the rule needs an inverse, and says nan."""
    d = linalg.det
    for _ in range(3):
        d = grad(lambda x, d=d: np.sum(d(x)))
    assert_allclose(d(np.eye(3)), 0, atol=1e-12)
    assert np.all(np.isnan(d(np.ones((3, 3)))))


def test_a_singular_matrix_in_a_branch_not_taken() -> None:
    """One singular matrix of a stack does not spoil the others' log-determinant."""
    x = np.stack([np.eye(2) * 2, np.ones((2, 2))])

    def f(x: Any) -> Any:
        sign, log = linalg.slogdet(x)
        return np.sum(np.where(sign > 0, log, 0.0))

    assert_allclose(grad(f)(x), [[[0.5, 0], [0, 0.5]], [[0, 0], [0, 0]]])
    assert np.all(np.isnan(grad(lambda x: linalg.slogdet(x)[1])(x[1])))


def test_the_inverse_of_a_singular_matrix_raises_as_in_numpy() -> None:
    """LinAlgError, from NumPy itself."""
    with pytest.raises(linalg.LinAlgError):
        vjp(linalg.inv, np.ones((2, 2)))


@pytest.mark.parametrize("p", [None, 1, 2, -2, "fro", np.inf])
def test_cond_of_a_singular_matrix_is_infinite(p: Any) -> None:
    """As NumPy says, also in a stack, whose other matrices keep their derivative."""
    x = np.stack([np.diag([1.0, 0.0]), np.diag([1.0, 3.0])])
    with np.errstate(all="ignore"):
        out, pull = vjp(lambda x: linalg.cond(x, p), x)
        assert_allclose(out, linalg.cond(x, p))
        (gradient,) = pull(np.array([0.0, 1.0]))
    check_grads(lambda y: linalg.cond(y, p), x[1] if p in (None, 2, -2, "fro") else x[1] + 0.1)
    assert np.all(np.isfinite(gradient[1]))


# Repeated eigenvalues and singular values (jax#669)


@pytest.mark.parametrize("x", [np.eye(3), matrix_with([1, 1, 2, 2.0]), np.zeros((2, 2))])
def test_functions_of_repeated_eigenvalues(x: Any) -> None:
    """tr(h(x)) is smooth wherever h is, whatever its eigenvalues do."""
    cube = 3 * x @ x
    lower = 2 * np.tril(cube, -1) + np.diag(np.diag(cube))  # the triangle that eigh reads
    assert_allclose(grad(lambda x: np.sum(linalg.eigvalsh(x) ** 3))(x), lower, atol=1e-12)
    assert_allclose(grad(lambda x: np.sum(linalg.eigh(x)[0] ** 3))(x), lower, atol=1e-12)
    assert_allclose(grad(lambda x: np.real(np.sum(linalg.eigvals(x) ** 3)))(x), cube, atol=1e-12)

    def trace(x: Any) -> Any:
        w, v = linalg.eigh(x)
        return np.trace((v * w**3) @ v.T)

    assert_allclose(grad(trace)(x), lower, atol=1e-12)


def test_the_simple_eigenvector_beside_a_repeated_eigenvalue() -> None:
    """Its projector is smooth: only the repeated ones turn."""
    x = matrix_with([1, 1, 3.0])
    g = normal(3, 3)

    def f(x: Any) -> Any:
        v = linalg.eigh(x)[1][:, 2]
        return np.sum(g * np.outer(v, v))

    h = hermitian(normal(3, 3))
    step = 1e-5
    expected = (f(x + step * h) - f(x - step * h)) / (2 * step)
    assert_allclose(np.sum(grad(f)(x) * h), expected, rtol=1e-6)


MATRIX_FUNCTIONS = [np.exp, np.sin, lambda w: w, lambda w: w - 1, np.square]


@pytest.mark.parametrize("h", MATRIX_FUNCTIONS)
@pytest.mark.parametrize("x", [np.eye(3), np.zeros((3, 3)), np.diag([1.0, 1, 2])])
def test_matrix_functions_at_repeated_eigenvalues_are_right_or_nan(h: Any, x: Any) -> None:
    """Their derivative does not follow from the cotangents of w and v: never a wrong number."""
    g = np.ones((3, 3))

    def f(x: Any) -> Any:
        w, v = linalg.eigh(x)
        return np.sum(g * ((v * h(w)) @ v.T))

    def by_svd(x: Any) -> Any:
        u, s, vh = linalg.svd(x)
        return np.sum(g * ((u * h(s)) @ vh))

    gradient = grad(f)(x)
    step = 1e-5
    for direction in (hermitian(normal(3, 3)), np.eye(3)):
        expected = (f(x + step * direction) - f(x - step * direction)) / (2 * step)
        got = np.sum(gradient * direction)
        assert np.isnan(got) or abs(got - expected) < 1e-7
    if x[0, 0] == 0 and h is not np.square:
        assert np.all(np.isnan(grad(by_svd)(x)))


def test_repeated_singular_values() -> None:
    """Functions of them are smooth (but at zero), and of their vectors' traces too."""
    x = matrix_with([1, 1, 2.0])
    assert_allclose(grad(lambda x: np.sum(linalg.svdvals(x) ** 2))(x), 2 * x, atol=1e-12)

    def trace(x: Any) -> Any:
        u, s, _ = linalg.svd(x)
        return np.trace((u * s**2) @ u.T)

    assert_allclose(grad(trace)(x), 2 * x, atol=1e-12)
    assert_allclose(grad(trace)(np.eye(3)), 2 * np.eye(3), atol=1e-12)


def test_a_product_of_low_rank_is_not_silently_wrong() -> None:
    """u * s @ vh is the matrix itself, but across zero singular values no cotangent shows that."""
    x = normal(4, 2) @ normal(2, 3)

    def f(x: Any) -> Any:
        u, s, vh = linalg.svd(x, full_matrices=False)
        return np.sum((u * s) @ vh)

    gradient = grad(f)(x)
    assert np.all(np.isnan(gradient) | np.isclose(gradient, 1))


def test_forward_mode_says_nan_where_a_tangent_splits_equal_values() -> None:
    """And is right where it does not."""
    split, keep = np.array([[0.0, 1], [1, 0]]), np.diag([1.0, 2])
    _, (dw, dv) = pullback.jvp(lambda x: tuple(linalg.eigh(x)), (np.eye(2),), (keep,))
    assert_allclose(dw, [1, 2])
    assert_allclose(dv, 0)
    _, (_, dv) = pullback.jvp(lambda x: tuple(linalg.eigh(x)), (np.eye(2),), (split,))
    assert np.all(np.isnan(dv))


# A choice of phase or basis


def test_a_loss_that_sees_the_phase_has_no_derivative() -> None:
    """LAPACK's phase of a complex eigenvector is arbitrary: torch raises, here it is nan."""
    x = complex_normal(3, 3)
    for function in (
        lambda x: linalg.eigh(hermitian(x))[1],
        lambda x: linalg.eig(x)[1],
        lambda x: linalg.svd(x)[0],
    ):
        gradient = grad(lambda x, f=function: np.sum(np.imag(f(x)[0])))(x)
        assert np.all(np.isnan(gradient))


def test_a_loss_that_sees_the_basis_of_a_complement_has_no_derivative() -> None:
    """The columns beyond the rank of a tall matrix are any basis of what is left."""
    x = normal(5, 2)
    for function in (lambda x: linalg.svd(x)[0], lambda x: linalg.qr(x, "complete")[0]):
        assert np.all(np.isnan(grad(lambda x, f=function: np.sum(f(x)[0] ** 3))(x)))


# Norms: the subgradients of row 87


@pytest.mark.parametrize("make", [np.zeros, lambda shape: np.zeros(shape, complex)])
@pytest.mark.parametrize("p", [1, 2, 3, 1.5, np.inf, -np.inf, 0])
def test_norms_at_the_origin(make: Callable[..., Any], p: float) -> None:
    """Zero, at every order."""
    x = make(3)
    first = grad(lambda x: linalg.norm(x, p))
    assert_allclose(first(x), 0)
    assert_allclose(grad(lambda x: np.sum(np.real(first(x))))(x), 0)
    assert_allclose(grad(lambda x: linalg.norm(x.reshape(3, 1), "fro"))(x), 0)


def test_ties_of_the_maximum_norm_share_evenly() -> None:
    assert_allclose(grad(lambda x: linalg.norm(x, np.inf))(np.array([2.0, -2, 1])), [0.5, -0.5, 0])
    assert_allclose(grad(lambda x: linalg.norm(x, -np.inf))(np.array([1.0, -2, 1])), [0.5, 0, 0.5])
    assert_allclose(grad(lambda x: linalg.norm(x, 2))(np.eye(2)), np.eye(2) / 2)
    assert_allclose(grad(lambda x: linalg.norm(x, 1))(np.eye(2)), np.eye(2) / 2)


def test_a_zero_beside_other_elements() -> None:
    """Where |x_i|^(p-1) is infinite at 0, the subgradient there is 0 as torch's."""
    x = np.array([0.0, 1.0, 2.0])
    for p in (0.5, 1, 1.5, 2, 3):
        gradient = grad(lambda x, p=p: linalg.norm(x, p))(x)
        assert gradient[0] == 0
        assert np.all(np.isfinite(gradient))


def test_large_and_small_vectors_do_not_overflow_on_the_way_back() -> None:
    for scale in (1e-100, 1e100):
        gradient = grad(lambda x: linalg.norm(x, 3))(scale * np.array([1.0, 2.0]))
        assert_allclose(gradient, np.array([1, 4]) / 9 ** (2 / 3))


# Errors and options


@pytest.mark.parametrize(
    "call",
    [
        lambda x: linalg.norm(x, "fro", 0),
        lambda x: linalg.norm(x, 3),
        lambda x: linalg.norm(x, axis=(0, 0)),
        lambda x: linalg.norm(x, axis=(0, 1, 2)),
        lambda x: linalg.norm(x, "nonsense"),
        lambda x: linalg.matrix_power(x, 2),
        lambda x: linalg.matrix_power(x, 1.5),
        linalg.inv,
        lambda x: linalg.det(x[0]),
        lambda x: linalg.qr(x, "nonsense"),
        lambda x: linalg.qr(x[0]),
        lambda x: linalg.svd(x[0]),
        lambda x: linalg.cond(x[:0]),
        lambda x: linalg.lstsq(x[None], x),
        lambda x: linalg.lstsq(x, x[None]),
        lambda x: linalg.lstsq(x, x[:1]),
        lambda x: linalg.pinv(x, 1e-3, rtol=1e-3),
        lambda x: linalg.tensorinv(x, 0),
        lambda x: linalg.tensorsolve(x, x),
        lambda x: linalg.eigh(x[:, :2], "X"),
    ],
)
def test_what_numpy_refuses_raises_the_same(call: Callable[[Any], Any]) -> None:
    """The same type of error as on a plain array."""
    x = normal(2, 3)
    with pytest.raises(Exception) as expected:
        call(x)
    with pytest.raises(expected.type):
        vjp(call, x)


def test_qr_in_raw_mode_is_refused() -> None:
    with pytest.raises(pullback.UnsupportedError, match="raw"):
        vjp(lambda x: linalg.qr(x, "raw"), normal(2, 2))


def test_the_order_of_a_norm_is_not_differentiated() -> None:
    """Rather than a derivative of zero, an error."""
    with pytest.raises((pullback.ConversionError, TypeError)):
        grad(lambda p: linalg.norm(p * np.ones(2), p))(3.0)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_single_precision_is_kept(dtype: Any) -> None:
    """Every function: its results have NumPy's dtype, its gradient the argument's."""
    x = hermitian(normal(3, 3)).astype(dtype) + 8 * np.eye(3, dtype=dtype)
    for function in [*SQUARE, *TALL_OR_WIDE, linalg.cond, lambda x: linalg.norm(x, "nuc")]:
        out, pull = vjp(function, x)
        expected = function(x)
        outs = out if isinstance(out, tuple) else (out,)
        wanted = expected if isinstance(expected, tuple) else (expected,)
        assert [a.dtype for a in outs] == [b.dtype for b in wanted]
        assert pull(out)[0].dtype == dtype


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_the_norm_of_one_matrix_is_a_number(ord: Any) -> None:
    """As in NumPy, and not an array of no dimensions, which `+=` would change in place."""
    x = np.array([[1.0, 2.0], [3.0, 5.0]])
    out, _ = pullback.vjp(lambda x: linalg.norm(x, ord), x)
    assert type(out) is np.float64
    np.testing.assert_allclose(out, linalg.norm(x, ord))


@pytest.mark.parametrize("order", [1, -1, 2, np.inf, "nuc", "fro"])
def test_a_matrix_norm_is_a_number(order: Any) -> None:
    """Not an array of no axes, which `n += 1` would change under another name."""

    def alias(x: Any) -> Any:
        n = kept = np.linalg.norm(x, order)
        n += 1.0
        return kept

    x = np.array([[1.0, 2.0], [0.5, -3.0]])
    assert pullback.vjp(alias, x)[0] == np.linalg.norm(x, order)
