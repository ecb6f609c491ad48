"""Functions with derivative rules of the user's own: `custom_vjp` and `custom_jvp`.

One rule is enough.  A backward pass is linear in the cotangents and a pushforward in the tangents,
so each is the other's transpose; what is recorded of one, walked back, is the other.
"""

from .function import custom_jvp, custom_vjp

__all__ = ["custom_jvp", "custom_vjp"]
