"""Somebody else's package: plain NumPy, names bound early, and nothing written for pullback."""
