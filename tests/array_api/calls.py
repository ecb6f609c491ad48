"""Calls of the standard's functions that have no derivative, beside those of `samples.py`."""

from __future__ import annotations

import numpy as np

from tests.array_api.samples import SAMPLES, of

FLOATS = ("float32", "float64")
REALS = (*FLOATS, "int32", "int64")
NUMBERS = (*REALS, "complex64", "complex128")
WHOLE = ("int32", "int64", "bool")


def call(name, function, *shapes, dtypes=FLOATS, **options):
    sample = of(name, function, *shapes, **options)
    sample.dtypes = dtypes
    return sample


def two(name, dtypes):
    return call(name, lambda xp, x, y: getattr(xp, name)(x, y), (2, 3), (3,), dtypes=dtypes)


def one(name, dtypes, **options):
    return call(name, lambda xp, x: getattr(xp, name)(x), (2, 3), dtypes=dtypes, **options)


CONSTANT = [
    *(two(n, REALS) for n in "less less_equal greater greater_equal".split()),
    *(two(n, NUMBERS) for n in "equal not_equal".split()),
    *(two(n, ("bool",)) for n in "logical_and logical_or logical_xor".split()),
    *(two(n, WHOLE) for n in "bitwise_and bitwise_or bitwise_xor".split()),
    *(
        call(n, lambda xp, x, n=n: getattr(xp, n)(x, 2), (3,), dtypes=("int32", "int64"))
        for n in "bitwise_left_shift bitwise_right_shift".split()
    ),
    one("bitwise_invert", WHOLE),
    one("logical_not", ("bool",)),
    *(one(n, NUMBERS) for n in "isfinite isinf isnan".split()),
    one("signbit", FLOATS),
    two("nextafter", FLOATS),
    *(two(n, NUMBERS) for n in "add subtract multiply".split()),
    *(one(n, NUMBERS) for n in "abs negative positive square sum prod".split()),
    # A traced array in a dtype that its library adds up in a larger one.
    *(
        call(n, lambda xp, x, n=n: getattr(xp, n)(xp.abs(x), dtype=xp.uint8), (3,), dtypes=REALS)
        for n in "sum prod cumulative_sum cumulative_prod".split()
    ),
    call(
        "linalg.trace",
        lambda xp, x: xp.linalg.trace(xp.abs(x), dtype=xp.uint8),
        (3, 3),
        dtypes=FLOATS,
    ),
    call("clip", lambda xp, x: xp.clip(x, max=0.5), (3,)),
    call("clip", lambda xp, x: xp.clip(x), (3,)),
    *(one(n, REALS) for n in "max min ceil floor round trunc argmax argmin sort argsort".split()),
    *(
        call(n, lambda xp, x, n=n: getattr(xp, n)(x, axis=1, keepdims=True), (2, 3), dtypes=REALS)
        for n in "argmax argmin max min sum all any count_nonzero".split()
    ),
    call("argsort", lambda xp, x: xp.argsort(x, axis=0, descending=True), (4, 2)),
    *(one(n, (*REALS, "bool")) for n in "all any count_nonzero".split()),
    call("nonzero", lambda xp, x: xp.nonzero(x), (2, 3), dtypes=REALS),
    call("searchsorted", lambda xp, x, y: xp.searchsorted(xp.sort(x), y, side="right"), (5,), (3,)),
    *(one(n, REALS) for n in "unique_all unique_counts unique_inverse unique_values".split()),
    call("isin", lambda xp, x, y: xp.isin(x, y), (5,), (3,), dtypes=("int32", "int64")),
    *(
        call(n, lambda xp, x, n=n: getattr(xp, n)(x), (2, 3), dtypes=NUMBERS)
        for n in "ones_like zeros_like".split()
    ),
    call("full_like", lambda xp, x: xp.full_like(x, 3), (2, 3), dtypes=NUMBERS),
    call("astype", lambda xp, x: xp.astype(x, xp.int64), (3,), dtypes=REALS),
    call("astype", lambda xp, x: xp.astype(x, xp.bool), (3,), dtypes=REALS),
    call("linalg.matrix_rank", lambda xp, x: xp.linalg.matrix_rank(x), (2, 3, 3)),
    call("arange", lambda xp, x: x[:1] + xp.arange(1.0, 4.0), (3,), dtypes=("float64",)),
    call("linspace", lambda xp, x: xp.linspace(0.0, 1.0, 3) + x, (3,), dtypes=("float64",)),
    *(
        call(n, lambda xp, x, n=n: getattr(xp, n)((2, 3)) + x, (3,), dtypes=("float64",))
        for n in "zeros ones".split()
    ),
    call("full", lambda xp, x: xp.full((2, 3), 1.5) + x, (3,), dtypes=("float64",)),
    call("eye", lambda xp, x: xp.eye(3, k=1) + x, (3,), dtypes=("float64",)),
    call("fft.fftfreq", lambda xp, x: xp.fft.fftfreq(3, dtype=x.dtype), (1,)),
    call("fft.rfftfreq", lambda xp, x: xp.fft.rfftfreq(4, d=0.5, dtype=x.dtype), (1,)),
    call("fft.fftfreq", lambda xp, x: xp.fft.fftfreq(3) + x, (3,), dtypes=("float64",)),
    call("fft.rfftfreq", lambda xp, x: xp.fft.rfftfreq(4) + x, (3,), dtypes=("float64",)),
    call("linalg.matrix_transpose", lambda xp, x: xp.linalg.matrix_transpose(x), (2, 3)),
    call("linalg.matmul", lambda xp, x, y: xp.linalg.matmul(x, y), (2, 3), (3, 2)),
    call("linalg.tensordot", lambda xp, x, y: xp.linalg.tensordot(x, y, axes=1), (2, 3), (3, 2)),
    call("linalg.vecdot", lambda xp, x, y: xp.linalg.vecdot(x, y), (2, 3), (2, 3)),
    call("result_type", lambda xp, x, y: xp.zeros((), dtype=xp.result_type(x, y)), (2,), (3,)),
    call("can_cast", lambda xp, x: xp.asarray(xp.can_cast(x.dtype, xp.float64)), (2,)),
    call("isdtype", lambda xp, x: xp.asarray(xp.isdtype(x.dtype, "real floating")), (2,)),
    call("finfo", lambda xp, x: xp.asarray(xp.finfo(x.dtype).eps), (2,)),
    call("finfo", lambda xp, x: xp.asarray(xp.finfo(x).max), (2,)),
    call("iinfo", lambda xp, x: xp.asarray(xp.iinfo(x).max), (2,), dtypes=("int32", "int64")),
]
for _sample in SAMPLES:
    _complex = _sample.dtype == "complex128"
    _sample.dtypes = ("complex64", "complex128") if _complex else FLOATS
    if "asin" in _sample.name or "linalg" in _sample.name or "eye" in _sample.name:
        _sample.dtypes = (_sample.dtype,)
CALLS = [*SAMPLES, *CONSTANT]


def drawn(data, sample):
    """The sample's inputs, of a dtype and values that hypothesis chooses."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as arrays

    dtype = np.dtype(data.draw(st.sampled_from(sample.dtypes)))
    drawn = []
    for shape in sample.shapes:
        if dtype.kind in "fc":
            width = 32 if dtype in (np.float32, np.complex64) else 64
            low, high = (float(np.float32(b)) for b in (sample.low, sample.high))
            real = st.floats(low, high, width=width, allow_subnormal=False)
            part = np.float32 if width == 32 else np.float64
            array = data.draw(arrays.arrays(part, shape, elements=real))
            if dtype.kind == "c":
                array = array + 1j * data.draw(arrays.arrays(part, shape, elements=real))
            drawn.append(array.astype(dtype))
        elif dtype.kind == "b":
            drawn.append(data.draw(arrays.arrays(dtype, shape)))
        else:
            drawn.append(data.draw(arrays.arrays(dtype, shape, elements=st.integers(-4, 5))))
    return drawn
