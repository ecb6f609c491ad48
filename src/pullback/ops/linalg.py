"""Linear algebra: a few decompositions, each with its vjp; everything else is made of them.

Where a decomposition's factor is not unique (a phase, a basis of an eigenspace or of a null
space), a loss has a derivative only if it does not depend on the choice.  What the cotangents say
of it decides: a term that would be 0 / 0 is zero where its numerator vanishes, and nan where not.
So for repeated eigenvalues, functions of the values and traces of matrix functions have the
finite derivative; where the cotangents of the vectors do not tell it, the result is nan, never a
wrong number.  A single one of several equal values, a kink, has the derivative of its own vector.

A matrix that is Hermitian by contract (`eigh`, `cholesky`) gets a Hermitian cotangent.
"""

from __future__ import annotations

import math
from typing import Any

from .declare import constant, linear, opaque
from .lift import aligned, all_axes, expanded


def _adjoint(xp: Any, x: Any) -> Any:
    x = xp.swapaxes(x, -1, -2)
    return xp.conj(x)


def _skew(xp: Any, x: Any) -> Any:
    return x - _adjoint(xp, x)


def _hermitian(xp: Any, x: Any) -> Any:
    return (x + _adjoint(xp, x)) / 2


def _lower(xp: Any, x: Any) -> Any:
    """The lower triangle with half the diagonal, the projection both triangular factors need."""
    return (xp.tril(x) + xp.tril(x, -1)) / 2


# Systems and determinants


def _inv_vjp(cotangent: Any, xp: Any, out: Any) -> Any:
    adjoint = _adjoint(xp, out)
    return (-(adjoint @ cotangent @ adjoint),)


def _solve_vjp(cotangent: Any, xp: Any, x: Any, out: Any) -> Any:
    g_y = xp.solve(_adjoint(xp, x), cotangent)
    return -(g_y @ _adjoint(xp, out)), g_y


inv = opaque("inv", _inv_vjp)
solve = opaque("solve", _solve_vjp, arguments="x y", batch=aligned())


def _det_vjp(cotangent: Any, xp: Any, x: Any) -> Any:
    return (xp.expand_dims(cotangent, (-2, -1)) * xp.conjugate(xp.cofactor(x)),)


def _cofactor_vjp(cotangent: Any, xp: Any, x: Any) -> Any:
    return (xp.conjugate(xp.cofactor_derivative(x, xp.conjugate(cotangent))),)


def _cofactor_derivative_vjp(cotangent: Any, xp: Any, x: Any, y: Any) -> Any:
    # The third derivative of det, written with the inverse. It loses digits with the square of
    # the condition number, so a matrix that is nearly singular gets nan.
    z = xp.conjugate(cotangent)
    singular = xp.nearly_singular(x)
    identity = xp.eye(x.shape[-1], dtype=x.dtype)
    inverse = xp.where(singular, math.nan, xp.inv(xp.where(singular, identity, x)))
    y_, z_ = inverse @ y, inverse @ z
    y_z_ = y_ @ z_

    def trace(a: Any) -> Any:
        return xp.expand_dims(xp.trace(a, axis1=-2, axis2=-1), (-2, -1))

    middle = (
        (trace(y_) * trace(z_) - trace(y_z_)) * identity
        - trace(z_) * y_
        - trace(y_) * z_
        + y_z_
        + z_ @ y_
    )
    third = xp.expand_dims(xp.det(x), (-2, -1)) * xp.swapaxes(middle @ inverse, -1, -2)
    return xp.conjugate(third), xp.conjugate(xp.cofactor_derivative(x, z))


nearly_singular = constant("nearly_singular")
det = opaque("det", _det_vjp)
cofactor = opaque("cofactor", _cofactor_vjp)
cofactor_derivative = opaque("cofactor_derivative", _cofactor_derivative_vjp, arguments="x y")


def _slogdet_vjp(cotangents: Any, xp: Any, x: Any, out: Any) -> Any:
    g_sign, g_log = cotangents
    g = 0 if g_log is None else g_log
    if g_sign is not None and xp.is_complex(x.dtype):
        g = g + xp.multiply(xp.imag(g_sign * xp.conjugate(out[0])), 1j)
    elif g_log is None:
        return (None,)
    g = xp.expand_dims(g, (-2, -1))
    # A singular matrix has no derivative, which is no matter where nothing asks for it.
    singular = xp.expand_dims(out[1] == -math.inf, (-2, -1))
    inverse = xp.inv(xp.where(singular, xp.eye(x.shape[-1], dtype=x.dtype), x))
    g_x = g * xp.where(singular, 1, _adjoint(xp, inverse))
    return (xp.where(singular, xp.indeterminate(g_x, singular), g_x),)


slogdet = opaque("slogdet", _slogdet_vjp, outputs=2)


def _pinv_vjp(cotangent: Any, xp: Any, x: Any, out: Any, hermitian: bool) -> Any:
    # Golub and Pereyra: the derivative along matrices of the same rank.
    p, h, g = out, _adjoint(xp, out), _adjoint(xp, cotangent)
    g_x = (g - x @ (p @ g)) @ (p @ h) + (h @ p) @ (g - (g @ p) @ x) - h @ cotangent @ h
    return (_hermitian(xp, g_x) if hermitian else g_x,)


pinv = opaque("pinv", _pinv_vjp)


condition = constant("condition")


# Decompositions

coincide = constant("coincide")
vanish = constant("vanish")
# Zero, or nan where a loss depends on what is free: a phase, or a basis of a complement.
objection = constant("objection", arguments=2)
unseen = constant("unseen", arguments=3, batch=expanded())
# The coefficient 0 / 0, in both directions: a tangent that splits equal values gets nan as well.
indeterminate = linear(
    "indeterminate",
    lambda cotangent, xp, where: xp.indeterminate(cotangent, where),
    arguments="x where",
    operands="where",
)


def _between(xp: Any, equal: Any) -> Any:
    """Of the pairs of equal values, those of two different ones."""
    return equal & ~xp.eye(equal.shape[-1], dtype=bool)


def _phase(xp: Any, inner: Any) -> Any:
    """What a loss makes of the phases of vectors, as a row."""
    return xp.imag(xp.diagonal(inner, axis1=-2, axis2=-1))[..., None, :]


def _objection_to_phase(xp: Any, inner: Any) -> Any:
    return xp.objection(_phase(xp, inner), inner) if xp.is_complex(inner.dtype) else 0


def _gaps(w: Any) -> Any:
    return w[..., None, :] - w[..., :, None]


def _cholesky_vjp(cotangent: Any, xp: Any, out: Any) -> Any:
    inverse = xp.inv(out)
    middle = _lower(xp, _adjoint(xp, out) @ cotangent)
    return (_hermitian(xp, _adjoint(xp, inverse) @ middle @ inverse),)


cholesky = opaque("cholesky", _cholesky_vjp)


def _eigh_vjp(cotangents: Any, xp: Any, out: Any) -> Any:
    (g_w, g_v), (w, v) = cotangents, out
    v_h = _adjoint(xp, v)
    left = 0 if g_w is None else v * g_w[..., None, :]
    if g_v is not None:
        inner = v_h @ g_v
        equal = xp.coincide(w)
        pairs = _between(xp, equal)
        within = xp.indeterminate(inner, pairs)
        across = _skew(xp, inner) / (2 * xp.where(equal, 1, _gaps(w)))
        left = left + v @ xp.where(equal, within, across) + _objection_to_phase(xp, inner)
        if g_w is not None:
            left = left + xp.unseen(g_w, xp.any(pairs, axis=-1), inner)
    return (left @ v_h,)


eigh = opaque("eigh", _eigh_vjp, outputs=2)


def _eig_vjp(cotangents: Any, xp: Any, out: Any) -> Any:
    (g_w, g_v), (w, v) = cotangents, out
    v_h = _adjoint(xp, v)
    right = 0 if g_w is None else g_w[..., :, None] * v_h
    if g_v is not None:
        inner = v_h @ g_v
        # Eigenvectors keep their length: no part of the cotangent along them counts.
        along = xp.real(xp.diagonal(inner, axis1=-2, axis2=-1))[..., None, :]
        numerator = inner - (v_h @ v) * along
        equal = xp.coincide(w)
        pairs = _between(xp, equal)
        within = xp.indeterminate(numerator, pairs)
        across = numerator / xp.conjugate(xp.where(equal, 1, _gaps(w)))
        right = right + xp.where(equal, within, across) @ v_h + _objection_to_phase(xp, inner)
        if g_w is not None:
            right = right + xp.unseen(g_w, xp.any(pairs, axis=-1), inner)
    return (xp.solve(v_h, right),)


eig = opaque("eig", _eig_vjp, outputs=2)


def _thin(xp: Any, q: Any, g_q: Any, k: int) -> tuple[Any, Any]:
    """The first `k` columns of a unitary `q`, and their cotangent with that of the others in it.

    The others are any basis of the complement, which turns with the first `k`; a loss may depend
    on the space they span only.
    """
    if q.shape[-1] == k:
        return q, g_q
    first, rest = q[..., :k], q[..., k:]
    if g_q is None:
        return first, None
    g_first, g_rest = g_q[..., :k], g_q[..., k:]
    inner = _adjoint(xp, rest) @ g_rest
    objection = xp.objection(_skew(xp, inner), inner)
    return first, g_first - rest @ (_adjoint(xp, g_rest) @ first) + objection


def _svd_vjp(cotangents: Any, xp: Any, out: Any) -> Any:
    (g_u, g_s, g_vh), (u, s, vh) = cotangents, out
    k = s.shape[-1]
    u, g_u = _thin(xp, u, g_u, k)
    v, g_v = _thin(xp, _adjoint(xp, vh), None if g_vh is None else _adjoint(xp, g_vh), k)
    v_h = _adjoint(xp, v)
    row, column = s[..., None, :], s[..., :, None]
    left = 0 if g_s is None else u * g_s[..., None, :]
    if g_u is None and g_v is None:
        return (left @ v_h,)
    zeros = xp.zeros((*s.shape, k), u.dtype)
    inner_u = zeros if g_u is None else _adjoint(xp, u) @ g_u
    inner_v = zeros if g_v is None else v_h @ g_v
    equal = xp.coincide(s)
    pairs = _between(xp, equal)
    within = xp.indeterminate(inner_u, pairs) + xp.indeterminate(inner_v, pairs)
    across = _skew(xp, inner_u) * row + column * _skew(xp, inner_v)
    across = across / xp.where(equal, 1, (row - column) * (row + column))
    middle = xp.where(equal, within, across)
    zero = xp.vanish(s)
    reciprocal = xp.where(zero, 0, 1 / xp.where(zero, 1, s))[..., None, :]
    if xp.is_complex(u.dtype):
        # A common phase of both vectors is free; the difference of their phases is the matrix's.
        phase = _phase(xp, inner_u)
        middle = middle + xp.eye(k) * xp.multiply(phase * reciprocal, 1j)
        middle = middle + xp.objection(phase + _phase(xp, inner_v), abs(inner_u) + abs(inner_v))
    if g_s is not None:
        ambiguous = xp.any(pairs, axis=-1)
        if xp.is_complex(u.dtype) or u.shape[-2] != v.shape[-2]:
            ambiguous = ambiguous | zero
        middle = middle + xp.unseen(g_s, ambiguous, abs(inner_u) + abs(inner_v))
    g_x = (left + u @ middle) @ v_h
    if g_u is not None and u.shape[-2] > k:
        g_x = g_x + _outside(xp, u, inner_u, g_u, zero, reciprocal) @ v_h
    if g_v is not None and v.shape[-2] > k:
        g_x = g_x + u @ _adjoint(xp, _outside(xp, v, inner_v, g_v, zero, reciprocal))
    return (g_x,)


def _outside(xp: Any, q: Any, inner: Any, g_q: Any, zero: Any, reciprocal: Any) -> Any:
    """The cotangent of the singular vectors `q` across their span, over the singular values."""
    across = g_q - q @ inner
    return across * reciprocal + xp.indeterminate(across, zero[..., None, :])


svd = opaque("svd", _svd_vjp, outputs=3)


def _qr_vjp(cotangents: Any, xp: Any, out: Any) -> Any:
    # For matrices at least as tall as wide; the diagonal of r is real.
    (g_q, g_r), (q, r) = cotangents, out
    k = r.shape[-1]
    q, g_q = _thin(xp, q, g_q, k)
    r = r[..., :k, :]
    inner_r = 0 if g_r is None else g_r[..., :k, :] @ _adjoint(xp, r)
    inner_q = 0 if g_q is None else _adjoint(xp, q) @ g_q
    middle = inner_r - inner_q + _lower(xp, _skew(xp, inner_q - inner_r))
    g_x = q @ middle + (0 if g_q is None else g_q)
    return (_adjoint(xp, xp.solve(r, _adjoint(xp, g_x))),)


qr = opaque("qr", _qr_vjp, outputs=2)


# Norms


def _direction(xp: Any, x: Any) -> Any:
    """X / |x|, and 0 at 0."""
    if not xp.is_complex(x.dtype):
        return xp.sign(x)
    zero = x == 0
    return xp.where(zero, 0, x / abs(xp.where(zero, 1, x)))


def _vector_norm_vjp(
    cotangent: Any,
    xp: Any,
    x: Any,
    out: Any,
    ord: Any,
    axis: Any,
    keepdims: bool,
) -> Any:
    if axis is not None and not keepdims:
        cotangent, out = xp.expand_dims(cotangent, axis), xp.expand_dims(out, axis)
    if ord == 0:
        return (None,)
    if ord == 1:
        return (cotangent * _direction(xp, x),)
    if math.isinf(ord):
        # Ties share evenly.
        hit = abs(x) == out
        ties = xp.sum(xp.weight(hit, cotangent), axis=axis, keepdims=True)
        return (xp.where(hit, cotangent / ties * _direction(xp, x), 0),)
    # At the origin the cotangent stops: every p-norm has the subgradient 0 there.
    origin = out == 0
    length = xp.where(origin, 1, out)
    cotangent = xp.where(origin, 0, cotangent)
    if ord == 2:
        return (x * (cotangent / length),)
    zero = x == 0
    ratio = abs(xp.where(zero, 1, x)) / length
    return (xp.where(zero, 0, cotangent * _direction(xp, x) * ratio ** (ord - 1)),)


vector_norm = opaque("vector_norm", _vector_norm_vjp, masks=True, lift=all_axes)
