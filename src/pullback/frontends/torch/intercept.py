"""torch's makers as a program sees them while a transform runs (see `interception.py`)."""

from __future__ import annotations

import torch

from ...backends.torch import TorchBackend
from ..interception import Interception, ProgramsStandIn
from ..numpy.substitutes import stands_in_for
from .dispatch import functions
from .makers import wrapped

interception = Interception("torch_programs", functions)
TorchBackend.interception = interception

_stand_ins = interception.watch(
    torch,
    {
        name: interception.for_programs(function, wrapped[function])
        for name, function in vars(torch).items()
        if type(function).__hash__ is not None and function in wrapped
    },
    ProgramsStandIn,  # torch reads its own functions' code
)
# What adopted code calls in place of them, however it came to their names.
for _original, _ours in wrapped.items():
    stands_in_for(_original)(interception.while_one_runs(_original, _ours))
for _one in _stand_ins:
    stands_in_for(_one.ours)(interception.while_one_runs(_one.original, wrapped[_one.original]))
