"""What a traced array says of itself: its form, its library, and how it lies in memory."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ...core import raw
from ...errors import ConversionError, UnsupportedError
from .box import as_constant, define, plain_array_refused
from .dispatch import constant, of_form

constant(np.array2string, np.array_repr, np.array_str, np.may_share_memory, np.shares_memory)
of_form(
    np.can_cast,
    np.common_type,
    np.min_scalar_type,
    np.ndim,
    np.result_type,
    np.shape,
    np.size,
)


def raise_(self: Any, *args: Any, **kwargs: Any) -> Any:
    raise UnsupportedError(
        "x.resize(...) changes a traced array in place, which is not followed. Write "
        "y = np.resize(x, shape) instead."
    )


define("resize", raise_)
define("__contains__", lambda self, value: bool(np.any(self == value)))


def _namespace(self: Any, /, *, api_version: str | None = None) -> Any:
    standard = importlib.import_module("pullback.frontends.array_api")
    return standard.namespace_for(self.tracer.backend, api_version)


define("__array_namespace__", _namespace)
define("device", "cpu")


def _to_device(self: Any, device: Any, /, *, stream: Any = None) -> Any:
    raw(self).to_device(device, stream=stream)  # for NumPy's own error
    return self


define("to_device", _to_device)


def _dlpack(
    self: Any,
    /,
    *,
    stream: Any = None,
    max_version: Any = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    constant = as_constant(self, "export by dlpack")
    if constant is None:
        raise plain_array_refused(self)
    options = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
    return constant.__dlpack__(stream=stream, **options)


define("__dlpack__", _dlpack)
define("__dlpack_device__", lambda self: raw(self).__dlpack_device__())


def _leak(name: str) -> None:
    def read(self: Any) -> Any:
        if not self.tracer.level:
            return getattr(self.value, name)
        raise ConversionError(
            f"x.{name} of a value traced by pullback.{self.tracer.name} would lose its derivative: "
            "it is the plain memory. Use pullback.stop_gradient(x) if that is what is wanted."
        )

    define(name, property(read))


for _name in (
    "base",
    "byteswap",
    "ctypes",
    "data",
    "dump",
    "dumps",
    "setflags",
    "tobytes",
    "tofile",
):
    _leak(_name)


define("flags", property(lambda self: raw(self).flags, doc="How the values lie in memory."))
define("strides", property(lambda self: raw(self).strides, doc="The steps in memory, in bytes."))
