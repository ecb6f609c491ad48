"""torch's makers and transforms as a program sees them while a transform of pullback's runs.

See `interception.py`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

from ...backends.torch import TorchBackend
from ...callers import package_of
from ..interception import Interception, ProgramsStandIn
from ..numpy.substitutes import stands_in_for
from .buffers import as_buffer
from .dispatch import functions, is_box
from .makers import methods, wrapped
from .transforms import transforms

interception = Interception("torch_programs", functions)
TorchBackend.interception = interception


def _stand_in(original: Any) -> Callable[..., Any] | None:
    if type(original).__hash__ is None:
        return None
    if original in transforms:
        return interception.while_one_runs(original, transforms[original])
    return interception.for_programs(original, wrapped[original]) if original in wrapped else None


def _watch(module: ModuleType) -> None:
    found = {name: _stand_in(value) for name, value in vars(module).items()}
    stand_ins = interception.watch(
        module,
        {name: ours for name, ours in found.items() if ours is not None},
        ProgramsStandIn,  # torch reads its own functions' code
    )
    for one in stand_ins:
        ours = (wrapped | transforms)[one.original]
        stands_in_for(one.ours)(interception.while_one_runs(one.original, ours))


for _module in (torch, torch.func):
    _watch(_module)


def _method(original: Any) -> Callable[..., Any]:
    """A method of plain tensors: the new tensor that it makes for a program is a buffer."""

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(self, *args, **kwargs)
        programs = interception.programs.get()
        if not programs or type(made) is not torch.Tensor or is_box(self):
            return made
        package = package_of(sys._getframe(1).f_code.co_filename)
        return as_buffer(made, self) if package in programs else made

    return method


for _name in methods:
    _made = getattr(torch.Tensor, _name)
    _seen = _method(_made)
    functions[_seen] = functions[_made]  # torch hands over what it finds by the name
    interception.attributes.append((torch.Tensor, _name, _seen, _made))
# What adopted code calls in place of them, however it came to their names.
for _original, _ours in (wrapped | transforms).items():
    stands_in_for(_original)(interception.while_one_runs(_original, _ours))
