"""What all tests share: the amount of generated input."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("suite", max_examples=30, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("suite")
