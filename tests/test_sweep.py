"""Every op on the samples of its family, and no op without samples."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import pullback
from pullback import tree
from pullback.batch import BatchTrace
from pullback.frontends.numpy import dispatch
from pullback.ops.declare import registry
from pullback.testing import Sample, check_grads, check_op

FAMILIES = sorted((Path(__file__).parent / "samples").glob("*.py"))


def samples_of(path: Path) -> list[Sample]:
    spec = importlib.util.spec_from_file_location(f"samples_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SAMPLES


def covered_by(sample: Sample) -> tuple[Any, ...]:
    return sample.covers if isinstance(sample.covers, tuple) else (sample.covers,)


def name_of(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    method = f"{owner.__name__}." if isinstance(owner, np.ufunc) else ""
    return method + getattr(function, "__name__", str(function))


def cases() -> list[Any]:
    return [
        pytest.param(
            sample,
            id="-".join(filter(None, [path.stem, *map(name_of, covered_by(sample)), sample.label])),
        )
        for path in FAMILIES
        for sample in samples_of(path)
    ]


CASES = cases()
SAMPLES: list[Sample] = [case.values[0] for case in CASES]


@pytest.mark.parametrize("sample", CASES)
def test_op(sample: Sample) -> None:
    check_op(sample)


def test_every_function_has_a_sample() -> None:
    """Or is declared constant, or refuses every call, as those that write into an argument do."""
    covered = {function for sample in SAMPLES for function in covered_by(sample)}
    bodies = {dispatch.functions.get(function) for function in covered}
    missing = [
        function
        for function, body in dispatch.functions.items()
        if body not in bodies and function not in dispatch.constants and not refuses(body)
    ]
    missing += [
        ufunc
        for ufunc in dispatch.ufuncs
        if getattr(np, ufunc.__name__, None) is ufunc  # and not one that some test has declared
        and getattr(registry.get(ufunc.__name__), "kind", "constant") != "constant"
        and ufunc not in covered
    ]
    assert not missing, f"no sample covers {sorted(map(dispatch.name_of, missing))}"


def refuses(body: Any) -> bool:
    """Does a function raise on a traced value, whatever else it is given?"""
    try:
        pullback.vjp(body, np.ones(1))
    except pullback.UnsupportedError:
        return True
    except Exception:  # noqa: BLE001 (any other error is that of a call with too few arguments)
        return False
    return False


def test_every_rule_is_on_the_tape_of_some_sample() -> None:
    """A rule that no sample reaches, at any order that it asks for, is one that nothing checks."""
    untested = {
        id(rule.step): f"{primitive.name}, argument {position}"
        for primitive in registry.values()
        for position, rule in enumerate(primitive.rules)
        if rule is not None
    }
    for sample in SAMPLES:
        for step in steps_of(sample):
            untested.pop(id(step), None)
        if not untested:
            return
    assert not untested, f"no sample has on its tape: {sorted(untested.values())}"


def steps_of(sample: Sample) -> Iterator[Any]:
    """The steps of all rules on the tapes of a sample's derivatives of every order."""
    for start in starts_of(sample):
        function, args = sample.function, start
        for _ in range(sample.order):
            with np.errstate(all="ignore"):
                out, pull = pullback.vjp(function, *args)
            yield from (edge[1] for entry in pull._tape.values() for edge in entry[0])
            ones = tree.map_leaves(lambda x: np.ones_like(x) if is_inexact(x) else None, out)
            function, args = derivative_of(function, len(args)), (*args, ones)


def starts_of(sample: Sample) -> list[Any]:
    """The sample's arguments, and complex ones where it takes them."""
    every = [sample.args]
    if sample.complex:
        every.append(tree.map_leaves(lambda x: x + 0.3j if is_inexact(x) else x, sample.args))
    return every


CONSTANTS = [name for name, primitive in registry.items() if primitive.kind == "constant"]


@pytest.mark.parametrize(
    "name", [name for name in CONSTANTS if isinstance(getattr(np, name, None), np.ufunc)]
)
def test_constant_ufuncs_are_batched(name: str) -> None:
    """Comparisons and their kin have no derivative, but a value for each example."""
    ufunc = getattr(np, name)
    rng = np.random.default_rng(8)
    kinds = "".join(ufunc.types)
    x, y = rng.integers(-3, 4, (2, 5, 3)) if kinds[0] in "?bB" else rng.normal(size=(2, 5, 3)) * 2
    if name == "isnat":
        pytest.skip("of dates, which no transform takes")
    if name.endswith("shift"):
        y = abs(y)
    for args in [(x,)] if ufunc.nin == 1 else [(x, y), (x, y[0]), (x[0], y), (x[:, None], y)]:
        dims = tuple(0 if len(arg) == 5 else None for arg in args)
        rows = [
            [a if d is None else a[i] for a, d in zip(args, dims, strict=True)] for i in range(5)
        ]
        got = pullback.vmap(ufunc, dims)(*args)
        np.testing.assert_array_equal(got, np.stack([ufunc(*row) for row in rows]))


def test_every_op_is_batched_by_some_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `check_op` compares with a loop reaches every op: one without batching fails there."""
    missing = set(registry) - {
        name for name in CONSTANTS if isinstance(getattr(np, name, None), np.ufunc)
    }
    process = BatchTrace.process

    def noted(self: Any, primitive: Any, args: Any, params: Any) -> Any:
        missing.discard(primitive.name)
        return process(self, primitive, args, params)

    monkeypatch.setattr(BatchTrace, "process", noted)
    for name in ("argmax", "argmin", "nanargmax", "nanargmin"):  # of which no sample can be made
        pullback.vmap(getattr(np, name))(np.eye(3))
    for sample in SAMPLES:
        if not missing:
            break
        if sample.batched:
            for args in starts_of(sample):
                batch_derivatives(sample, args)
    assert not missing, f"no sample batches {sorted(missing)}"


def batch_derivatives(sample: Sample, args: Any) -> None:
    """Both modes of a sample under `vmap`, reverse mode at every order that it asks for."""
    function = sample.function
    stacks = tree.map_leaves(lambda x: np.stack([x, x]) if is_inexact(x) else x, args)
    dims = tree.map_leaves(lambda x: 0 if is_inexact(x) else None, args)

    def derivatives(*args: Any) -> Any:
        _, moved = pullback.jvp(function, args, args)
        target, values, pulled = function, args, ()
        for _ in range(sample.order):
            out, pull = pullback.vjp(target, *values)
            ones = tree.map_leaves(lambda x: np.ones_like(x) if x.dtype.kind in "fc" else None, out)
            pulled = pull(ones)
            target, values = derivative_of(target, len(values)), (*values, ones)
        return moved, pulled

    with np.errstate(all="ignore"):
        pullback.vmap(derivatives, dims)(*stacks)


def is_inexact(x: Any) -> bool:
    return np.asarray(x).dtype.kind in "fc"


def derivative_of(function: Any, count: int) -> Any:
    return lambda *args: pullback.vjp(function, *args[:count])[1](args[count])


ELEMENTWISE = [np.add, np.subtract, np.multiply, np.divide, np.power, np.arctan2, np.maximum]


def values(shape: tuple[int, ...]) -> st.SearchStrategy[np.ndarray]:
    elements = st.floats(0.5, 2.0, width=32)
    return arrays_of.arrays(np.float64, shape, elements=elements, fill=st.nothing())


@pytest.mark.property
@given(st.data())
def test_elementwise_ops_broadcast_as_in_numpy(data: st.DataObject) -> None:
    """Whatever two shapes broadcast together, each gradient comes back in its own shape."""
    shapes = arrays_of.mutually_broadcastable_shapes(
        num_shapes=2, max_dims=4, min_side=0, max_side=3
    )
    x_shape, y_shape = data.draw(shapes).input_shapes
    x, y = data.draw(values(x_shape)), data.draw(values(y_shape)) + 2.0
    ufunc = data.draw(st.sampled_from([u for u in ELEMENTWISE if u in dispatch.ufuncs]))
    check_grads(ufunc, x, y, directions=1)


@pytest.mark.property
@given(st.data())
def test_gradients_do_not_depend_on_the_memory_layout(data: st.DataObject) -> None:
    """Strides are the caller's business: a transposed, reversed or strided array is its values."""
    shape = data.draw(arrays_of.array_shapes(max_dims=4, max_side=4))
    x = data.draw(values(shape))
    axes = data.draw(st.permutations(range(len(shape))))
    steps = data.draw(st.tuples(*[st.sampled_from([1, -1, 2, -2])] * len(shape)))
    view = x.transpose(axes)[tuple(slice(None, None, step) for step in steps)]
    gradient = pullback.grad(lambda x: np.sum(np.exp(x) * x))
    np.testing.assert_array_equal(gradient(view), gradient(view.copy()))
