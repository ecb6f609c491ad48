"""Contractions: multilinear ops, one transpose an argument."""

from __future__ import annotations

from .declare import multilinear
