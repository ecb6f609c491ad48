"""Where an error says it happened: in the caller's own code, not in pullback's or NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import pullback
from pullback import errors


def test_the_users_frame_is_outside_of_pullback_and_numpy() -> None:
    frame = errors.user_frame()
    assert frame is not None
    assert frame.f_code.co_name == "test_the_users_frame_is_outside_of_pullback_and_numpy"
    assert errors.where() == f"at {__file__}, line {frame.f_lineno + 3}, in {frame.f_code.co_name}"


def test_an_error_from_within_numpys_dispatch_names_the_users_line() -> None:
    def branch(x: np.ndarray) -> np.ndarray:
        return np.apply_along_axis(lambda row: row if row[0] > 0 else -row, 0, x)

    with pytest.raises(pullback.BatchingError, match=r"test_errors\.py, line \d+, in <lambda>"):
        pullback.vmap(branch)(np.ones((2, 3, 4)))
