"""What all tests share: the amount of generated input."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("suite", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("suite")

_SETTINGS = "_hypothesis_internal_use_settings"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: Any) -> Generator[None, Any, Any]:
    """Give each case of a test the settings that the test was written with.

    Hypothesis makes them anew for each case, from those of the case before, and looks the database
    up through all of them: after a thousand cases in one process, Python's recursion limit.
    """
    function = getattr(item.obj, "__func__", item.obj)
    written = getattr(function, _SETTINGS, None)
    try:
        return (yield)
    finally:
        if written is not None:
            setattr(function, _SETTINGS, written)
