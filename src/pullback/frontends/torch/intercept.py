"""torch's makers and transforms as a program sees them while a transform of pullback's runs.

Libraries that are written to the array API standard, as SciPy, call a package's functions of torch:
those are ours for whoever calls them, because a program's arrays go through them. See
`interception.py`.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Container
from types import ModuleType
from typing import Any

import torch

from ...backends.torch import TorchBackend
from ...callers import package_of
from ...core import holds_boxes
from ..array_api.creation import MAKERS
from ..array_api.torch import FUNCTIONS
from ..interception import Interception, ProgramsStandIn
from ..numpy.substitutes import stands_in_for
from .buffers import as_buffer
from .dispatch import functions, is_box
from .makers import methods, wrapped
from .transforms import transforms

# The package of the standard's functions of every library, and where others keep theirs.
_STANDARD = (
    "array_api_compat",
    "scipy._lib.array_api_compat",
    "sklearn.externals.array_api_compat",
)


class TorchInterception(Interception):
    """And of the standard's functions of torch, where a library has imported such a package."""

    def __init__(self, name: str, handed_over: Container[Any]) -> None:
        super().__init__(name, handed_over)
        self.packages = [*_STANDARD]  # those that are not there yet

    def start(self, function: Callable[..., Any], _: Any = None) -> Any:
        """Begin to run `function` under a transform; hand what this returns to `stop`."""
        if any(package in sys.modules for package in self.packages):
            self._watch_standard()
        return super().start(function)

    def _watch_standard(self) -> None:
        with self.lock:
            found = [package for package in self.packages if package in sys.modules]
            self.packages = [package for package in self.packages if package not in found]
        for package in found:
            module = importlib.import_module(f"{package}.torch")
            ours = {name: _maker(vars(module)[name]) for name in MAKERS} | {
                name: _for_boxes(vars(module)[name], one) for name, one in FUNCTIONS.items()
            }
            self.watch(
                module, {n: self.while_one_runs(vars(module)[n], one) for n, one in ours.items()}
            )


def _maker(original: Callable[..., Any]) -> Callable[..., Any]:
    """What stands in for a maker of torch's, or of the standard's, whose tensors are new."""
    if original in wrapped:
        return wrapped[original]

    @functools.wraps(original)
    def make(*args: Any, **kwargs: Any) -> Any:
        return as_buffer(original(*args, **kwargs), args)

    return make


def _for_boxes(original: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """`ours`, but the original where nothing is traced."""

    @functools.wraps(original)
    def function(*args: Any, **kwargs: Any) -> Any:
        traced = holds_boxes([*args, *kwargs.values()])
        return (ours if traced else original)(*args, **kwargs)

    return function


interception = TorchInterception("torch_programs", functions)
TorchBackend.interception = interception

_replaced = wrapped | transforms


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
        ours = _replaced[one.original]
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
for _original, _ours in _replaced.items():
    stands_in_for(_original)(interception.while_one_runs(_original, _ours))
