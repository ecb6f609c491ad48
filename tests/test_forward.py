"""`jvp` at its border: what it takes and refuses, row by row of torch.func's behaviour."""

from __future__ import annotations

import numpy as np
import pytest

from pullback import jacfwd, jvp

X = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(("primals", "tangents"), [([X], (X,)), ((X,), [X])])
def test_row_97_primals_and_tangents_must_be_tuples(primals, tangents):
    with pytest.raises(TypeError, match="must be a tuple with one entry for each argument"):
        jvp(np.sin, primals, tangents)


@pytest.mark.parametrize("empty", [(), ({},), (None,)])
def test_row_98_there_must_be_a_primal(empty):
    with pytest.raises(TypeError, match="jvp: primals must hold an array"):
        jvp(lambda *_: np.ones(2), empty, empty)
    assert jacfwd(lambda _: np.ones(2))({}) == {}


def test_row_98_tangents_are_a_tree_like_the_primals():
    with pytest.raises(ValueError, match="another structure than primals"):
        jvp(lambda d: d["a"], ({"a": X},), ({"b": X},))
    with pytest.raises(TypeError, match=r"tangents\[0\]: got builtins.str"):
        jvp(np.sin, (X,), ("a",))


@pytest.mark.parametrize("tangent", [1.0, np.ones((1, 3)), np.ones(2)])
def test_row_99_nothing_is_broadcast(tangent):
    with pytest.raises(ValueError, match=r"tangents\[0\]: got shape .* expected \(3,\)"):
        jvp(np.sin, (X,), (tangent,))


def test_row_100_a_tangent_has_the_dtype_of_its_output():
    for tangent in (X, np.array([1, 2, 3])):
        assert [a.dtype for a in jvp(np.sin, (X.astype(np.float32),), (tangent,))] == ["f4", "f4"]
    with pytest.raises(TypeError, match="complex tangent for a real primal"):
        jvp(np.sin, (X,), (X + 0j,))


def test_rows_101_and_102_integers_have_no_tangent():
    (out, index), moved = jvp(lambda n, x: (n * x, np.argmax(x)), (3, X), (None, X))
    assert out.tolist() == [3.0, 6.0, 9.0]
    assert index == 2
    assert moved[0].tolist() == [3.0, 6.0, 9.0]
    assert moved[1] is None
    with pytest.raises(TypeError, match="no leaf of primals is differentiable"):
        jvp(lambda n: n * 2.0, (3,), (None,))
    with pytest.raises(TypeError, match="its tangent must be None"):
        jvp(lambda n, x: n * x, (3, X), (1.0, X))


def test_row_103_an_independent_output_has_a_zero_tangent_or_raises_if_strict():
    f = lambda x: (x, np.ones(2))
    assert jvp(f, (X,), (X,))[1][1].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"output\[1\] does not depend on any of primals"):
        jvp(f, (X,), (X,), strict=True)
