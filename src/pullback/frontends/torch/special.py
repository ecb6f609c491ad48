"""Special functions and small pointwise ones: primitives, or a line over them."""

from __future__ import annotations

import math
from typing import Any

import torch

from ...core import raw
from ...ops import elementwise, scalars
from ...recorders import recorder
from . import opaque
from .dispatch import functions, implements
from .pointwise import BACKEND
from .selection import both, defined

_special = torch.special

for _primitive, _functions in (
    (elementwise.i0, (*both("i0"), _special.i0)),
    (scalars.bessel_i1, (_special.i1,)),
    (scalars.bessel_i0e, (_special.i0e,)),
    (scalars.bessel_i1e, (_special.i1e,)),
    (scalars.erfcx, (_special.erfcx,)),
    (scalars.ndtri, (_special.ndtri,)),
    (scalars.log_ndtr, (_special.log_ndtr,)),
    (scalars.entropy, (_special.entr,)),
):
    _apply = recorder(_primitive, BACKEND)
    for _function in _functions:
        functions[_function] = _apply

for _name in ("softmax", "log_softmax", "logit", "expit", "polygamma", "logsumexp"):
    _ours = functions.get(getattr(torch, _name, None))
    if _ours is not None:
        functions.setdefault(getattr(_special, _name), _ours)


@implements(_special.ndtr)
def ndtr(input: Any) -> Any:
    return 0.5 * torch.erfc(-math.sqrt(0.5) * input)


@implements(_special.xlog1py)
def xlog1py(input: Any, other: Any) -> Any:
    if not (isinstance(input, torch.Tensor) and isinstance(other, torch.Tensor)):
        return opaque.apply(_special.xlog1py, (input, other), {})
    return scalars.xlog1py(input, other)


@implements(*both("mvlgamma"), _special.multigammaln)
def mvlgamma(input: Any, p: int) -> Any:
    if p < 1 or not bool((raw(input) > (p - 1) / 2).all()):
        return opaque.apply(torch.mvlgamma, (input, p), {})
    terms = [(input - 0.5 * place).lgamma() for place in range(p)]
    return sum(terms, 0.25 * p * (p - 1) * math.log(math.pi))


# Parts of numbers


@defined("complex")
def complex(real: Any, imag: Any) -> Any:
    return scalars.complex_of(real, imag)


@defined("polar")
def polar(abs: Any, angle: Any) -> Any:
    return complex(abs * angle.cos(), abs * angle.sin())


@defined("angle")
def angle(input: Any) -> Any:
    if input.dtype.is_complex:
        return torch.atan2(input.imag, input.real)
    return torch.where(input.isnan(), input, torch.where(input < 0, math.pi, 0.0).to(input.dtype))


@defined("ldexp")
def ldexp(input: Any, other: Any) -> Any:
    return input * torch.pow(2.0, other)


@defined("frexp")
def frexp(input: Any) -> Any:
    _, exponent = opaque.of_values(torch.frexp, input)
    half = exponent // 2  # 2 ** -exponent may be no number
    return torch.return_types.frexp((ldexp(ldexp(input, -half), half - exponent), exponent))


@defined("nan_to_num")
def nan_to_num(input: Any, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Any:
    options = {"nan": nan, "posinf": posinf, "neginf": neginf}
    return elementwise.nan_to_num(input, **options)


@defined("rsub")
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return other - (input if alpha == 1 else input * alpha)
