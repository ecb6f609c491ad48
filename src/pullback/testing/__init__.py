"""Checks of derivatives against what does not know about them: for users' functions and for ops.

The reference is the function itself: finite differences along random directions, extrapolated to
step zero, and the complex step where the function is analytic.
"""

from .batching import check_batching
from .compare import GradientError
from .gradients import check_grads
from .ops import Sample, check_op

__all__ = ["GradientError", "Sample", "check_batching", "check_grads", "check_op"]
