"""Functions that torch writes in Python over its own: they are followed into their bodies.

Such a function first asks whether an argument overrides it, and if so hands itself to
`__torch_function__`. Its own code, with that question answered by no, reads the options and
complains of bad ones as torch does, and calls the functions below it, which have rules of
pullback's own, or are opaque.
"""

from __future__ import annotations

import types
from typing import Any

import torch

from .dispatch import functions

_QUESTIONS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


def _never(*_: Any) -> bool:
    return False


def body(function: types.FunctionType) -> Any:
    """The function without the question."""
    scope = function.__globals__ | dict.fromkeys(_QUESTIONS, _never)
    made = types.FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _register(module: types.ModuleType) -> None:
    for name, function in vars(module).items():
        if isinstance(function, types.FunctionType) and {*function.__code__.co_names} & {
            *_QUESTIONS
        }:
            made = body(function)
            functions.setdefault(function, made)
            # Of two functions that an option chooses from, this one is not called by its name.
            chosen = getattr(module, name.removeprefix("_"), None)
            if name.startswith("_") and callable(chosen):
                functions.setdefault(chosen, made)


for _module in (torch.nn.functional, torch.functional):
    _register(_module)
functions[torch.Tensor.stft] = body(torch.Tensor.stft)  # the others of its kind are entered
