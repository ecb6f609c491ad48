"""Ops of the user's own: a function of arrays with its derivative, declared by kind.

These are the declarators of `ops/declare.py` for functions that pullback has never heard of: a
SciPy ufunc, a compiled kernel.  Such an op is in no table under its name, but a NumPy ufunc object
is: calling it on traced arrays uses the rule, wherever it is called.
"""

from .declare import constant, elementwise, linear, multilinear, opaque

__all__ = ["constant", "elementwise", "linear", "multilinear", "opaque"]
