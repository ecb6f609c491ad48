"""Random NumPy programs: views, writes, reads and arithmetic over a few arrays, as source text.

A program is grown statement by statement while it runs: a recipe (some bytes) picks among what is
possible with the arrays that are there, so that every program is valid NumPy, and its values stay
of order one and away from ties and thresholds.  Recipes do not refer to each other: a shorter list
of smaller bytes is a simpler program, which is all that shrinking needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LARGEST = 4.0  # what is larger is put through a sine
GAP = 1e-3  # no sort, mask or maximum is decided by less


def score(*arrays: Any) -> Any:
    """One real number to which every element of every array matters in a way of its own."""
    total = 0.0
    for array in arrays:
        weights = np.cos(1.0 + np.arange(array.size)).reshape(array.shape)
        total = total + np.sum(np.sin(array.real) * weights)
        total = total + np.sum(array.imag**2 * weights)
    return total


@dataclass
class Choices:
    """A recipe: each byte is one choice; when they have run out, the first alternative it is."""

    recipe: bytes
    place: int = 0

    def number(self, count: int) -> int:
        """One of `range(count)`."""
        byte = self.recipe[self.place] if self.place < len(self.recipe) else 0
        self.place += 1
        return byte % count

    def of(self, options: Sequence[Any]) -> Any:
        """One of `options`."""
        return options[self.number(len(options))]


@dataclass(repr=False)
class Program:
    """The source so far, and what its names are at this point of a run."""

    start: tuple[np.ndarray, np.ndarray]
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    captured: dict[str, np.ndarray] = field(default_factory=dict)
    # Names of arrays computed from captured ones alone: these are plain ones too, only to be read.
    constants: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(5)
        self.captured = {"p": rng.normal(size=3), "q": rng.normal(size=(2, 3))}
        self.names = dict(zip("xw", map(np.copy, self.start), strict=True))

    def __repr__(self) -> str:
        return f"\n{self.source}"

    @property
    def scope(self) -> dict[str, Any]:
        """What the program's text may refer to."""
        return {"np": np, "score": score, **{k: v.copy() for k, v in self.captured.items()}}

    @property
    def source(self) -> str:
        """The program as a function of `x` and `w`."""
        result = f"score({', '.join(self.names)})"
        body = [*self.lines, f"return total + {result}" if self.sums else f"return {result}"]
        return "def program(x, w):\n" + "".join(f"    {line}\n" for line in body)

    @property
    def sums(self) -> bool:
        """Does the program add up a total as it goes?"""
        return any(line.startswith("total ") for line in self.lines)

    def function(self) -> Callable[[Any], Any]:
        """The program itself."""
        scope = self.scope
        exec(self.source, scope)
        return scope["program"]

    def value(self, expression: str) -> Any:
        """What an expression is here."""
        return eval(expression, {"np": np, **self.captured}, dict(self.names))

    def add(self, line: str) -> None:
        """Run a statement, and keep it if the values stay moderate."""
        if "total" not in line:
            exec(line, {"np": np, **self.captured}, self.names)
            for counter in ("i", "row"):
                self.names.pop(counter, None)
        self.lines.append(line)

    def add_name(self, expression: str) -> str:
        """Give what an expression is a name."""
        name = "abcdefgh"[len(self.names) - 2]
        words = set(re.findall(r"\b[a-z]+\b", expression))
        made = any(maker in expression for maker in MAKERS)
        if not made and not words & (self.names.keys() - self.constants):
            self.constants.add(name)
        self.add(f"{name} = {expression}")
        return name

    def arrays(self) -> list[str]:
        """The names of all arrays, the newest first."""
        return [*reversed(self.names)]

    def writable(self) -> list[str]:
        """The names of those that can be written into."""
        names = self.names.keys() - self.constants
        return [
            name for name in self.arrays() if name in names and self.names[name].flags.writeable
        ]


# Indices


def slices(c: Choices, n: int) -> str:
    """A slice of an axis of `n` elements."""
    options = [":", "1:", ":-1", "::2", "::-1", f"{n // 2}:", "-1:", ":0", "2:0:-1", "0:2"]
    return c.of(options)


def basic_index(c: Choices, shape: tuple[int, ...], *, scalars: bool = True) -> str:
    """Slices, integers, an ellipsis, new axes."""
    parts: list[str] = []
    for n in shape[: c.number(len(shape) + 1)]:
        integer = n > 0 and scalars and c.number(3) == 1
        parts.append(str(c.number(2 * n) - n) if integer else slices(c, n))
    if c.number(4) == 1:
        parts.append("...")
        if shape and len(parts) <= len(shape) and c.number(2):
            parts.append(slices(c, shape[-1]))
    if c.number(6) == 1:
        parts.insert(c.number(len(parts) + 1), "None")
    return ", ".join(parts) or "..."


def integers(c: Choices, n: int) -> str:
    """A list of positions, with repeats and negative ones."""
    return str([c.number(2 * n) - n for _ in range(1 + c.number(4))])


def mask(c: Choices, program: Program, name: str) -> str | None:
    """A condition on the values of an array, none of them near its edge."""
    other = c.of(
        [n for n in program.arrays() if program.names[n].shape == program.names[name].shape]
    )
    edge = c.of([0.0, 0.3, -0.4])
    values = program.names[other].real
    if np.any(np.abs(values - edge) < GAP):
        return None
    real = ".real" if program.names[other].dtype.kind == "c" else ""
    return f"{other}{real} {c.of(['>', '<'])} {edge}"


def index(c: Choices, program: Program, name: str) -> str:
    """Any index that `name` takes: basic, advanced, boolean, or a mixture."""
    shape = program.names[name].shape
    kind = c.number(6)
    if kind == 1 and (condition := mask(c, program, name)):
        return condition
    if kind == 2 and shape and 0 not in shape:
        parts = [integers(c, n) if c.number(2) else slices(c, n) for n in shape]
        lists = [part for part in parts if part[0] == "["]
        if len(lists) > 1:  # of one length, to broadcast together
            size = min(len(eval(part)) for part in lists)
            parts = [str(eval(p)[:size]) if p[0] == "[" else p for p in parts]
        return ", ".join(parts[: 1 + c.number(len(parts))])
    if kind == 3 and shape and 0 not in shape:
        return integers(c, shape[0])
    if kind == 4 and len(shape) > 1 and shape[0]:
        return f"{[bool(c.number(2)) for _ in range(shape[0])]}"
    return basic_index(c, shape)


# Values


def fitting(program: Program, shape: tuple[int, ...]) -> list[str]:
    """Expressions for arrays and parts of arrays that broadcast to `shape`."""
    options = ["0.5"]
    for name in [*program.arrays(), *program.captured]:
        array = program.names.get(name, program.captured.get(name))
        for suffix in ("", "[0]", "[-1:]", ".T", "[..., :1]", "[1:]", "[:-1]", "[::-1]"):
            try:
                fits = np.broadcast_shapes(np.shape(eval(f"a{suffix}", {"a": array})), shape)
            except (ValueError, IndexError):
                continue
            if fits == shape:
                options.append(name + suffix)
        options.append(f"{name}.sum()")
    return options


UNARY = ["{}", "np.sin({})", "{} * 0.7", "-{}", "np.exp(-{} * {})", "({} - 0.2)", "{} ** 2"]
BINARY = ["{} * {}", "{} + {}", "{} - 0.5 * {}", "np.sin({}) * {}", "{} / (2.0 + np.cos({}))"]


def value(c: Choices, program: Program, shape: tuple[int, ...], *, real: bool = False) -> str:
    """An expression that broadcasts to `shape`, of moderate size; `real` for real arrays."""
    options = fitting(program, shape)
    form = c.of([*UNARY, *BINARY])
    first = c.of(options[1:] or options)
    text = form.replace("{}", first) if form in UNARY else form.format(first, c.of(options))
    result = program.value(text)
    if real and np.iscomplexobj(result):
        text = f"np.real({text})"
    return moderate(program, text)


def moderate(program: Program, text: str) -> str:
    """The expression, or its sine where its values are large."""
    result = program.value(text)
    small = np.all(np.abs(result) <= LARGEST)
    return text if small else f"np.sin(np.real({text}))"


# Statements: each adds itself to the program, or nothing where it does not apply


def arithmetic(c: Choices, program: Program) -> None:
    shape = program.names[c.of(program.arrays())].shape
    text = value(c, program, shape)
    if isinstance(program.value(text), np.ndarray):
        program.add_name(text)


def view(c: Choices, program: Program) -> None:
    name = c.of(program.arrays())
    array = program.names[name]
    options = [f"{name}[{basic_index(c, array.shape)}]", f"{name}.T", f"{name}.reshape(-1)"]
    options += [f"{name}[...]", f"np.transpose({name})", f"np.ravel({name})", f"{name}.squeeze()"]
    options += [f"np.atleast_2d({name})", f"{name}.reshape(1, -1)", f"np.expand_dims({name}, 0)"]
    options += [f"np.flip({name})", f"{name}.real"]
    if array.dtype.kind == "c":
        options += [f"{name}.real", f"{name}.imag", f"{name}.imag"]
    if array.ndim > 1:
        options += [f"np.diagonal({name})", f"{name}.swapaxes(0, 1)", f"np.moveaxis({name}, 0, -1)"]
        options += [f"{name}.diagonal(1)", f"np.rot90({name})"]
    if array.size == 1:
        options += [f"{name}.reshape(())"]
    text = c.of(options)
    if array.size and isinstance(program.value(text), np.ndarray):
        program.add_name(text)


MAKERS = ("like(", "zeros(", "ones(", "full(", "array(", "linspace(")


def fresh(c: Choices, program: Program) -> None:
    name = c.of(program.arrays())
    array = program.names[name]
    options = [f"np.zeros_like({name})", f"{name}.copy()", f"np.ones_like({name})"]
    options += [f"np.full_like({name}, 0.25)", f"{name} * (0.6 + 0.8j)", f"np.copy({name}.T)"]
    options += [f"np.zeros({array.shape})", f"np.array({name})", f"np.array({name}.T, order='C')"]
    number = value(c, program, (), real=True)
    filling = value(c, program, array.shape, real=array.dtype.kind != "c")
    options += [f"np.full({array.shape}, {number})", f"np.linspace(0.1, {number}, 4)"]
    options += [f"np.array([{number}, 0.3, {c.of(fitting(program, ()))}])"]
    options += [f"np.array([0.7 * {name}, np.sin({name}.real)])", f"np.ascontiguousarray({name}.T)"]
    options += [f"np.asarray(np.real({name}), dtype=float)", f"np.ones(({array.size}, 2))"]
    text = c.of([*options, f"np.empty_like({name})"])
    new = program.add_name(text)
    if "empty" in text:
        program.add(f"{new}[...] = {filling}")


def target(c: Choices, program: Program, *, indexed: bool = True) -> tuple[str, Any]:
    """What is written into, as text, and as it is."""
    name = c.of(program.writable())
    text = f"{name}[{index(c, program, name)}]" if indexed and c.number(4) else name
    return text, program.value(text)


def assignment(c: Choices, program: Program) -> None:
    text, part = target(c, program)
    if "[" not in text:
        text = f"{text}[...]"
    right = value(c, program, np.shape(part), real=part.dtype.kind != "c")
    masked = any(word in text for word in ("<", ">", "True", "False"))
    # Where the two share memory, what NumPy does by a mask depends on the order of its writes.
    program.add(f"{text} = 0.9 * ({right})" if masked else f"{text} = {right}")


def augmented(c: Choices, program: Program) -> None:
    text, part = target(c, program)
    if "[" not in text and not isinstance(part, np.ndarray):
        return
    real = part.dtype.kind != "c"
    operator = c.of(["+", "*", "-", "/", "**"])
    operand = value(c, program, np.shape(part), real=real)
    if operator == "**":
        operand = "2"
    if operator == "/":
        operand = f"(6.0 + {operand})"
    result = program.value(f"{text} {operator} {operand}")
    if np.all(np.abs(result) <= LARGEST):
        program.add(f"{text} {operator}= {operand}")


def out(c: Choices, program: Program) -> None:
    name = c.of(program.writable())
    text = f"{name}[{basic_index(c, program.names[name].shape)}]" if c.number(3) else name
    part = program.value(text)
    if not isinstance(part, np.ndarray):
        return
    real = part.dtype.kind != "c"
    first = value(c, program, part.shape, real=real)
    second = value(c, program, part.shape, real=real)
    options = [f"np.multiply({first}, {second}, out={text})", f"np.sin({first}, out={text})"]
    options += [f"np.add({first}, {second}, {text})", f"np.subtract({first}, {second}, out={text})"]
    # With where=, NumPy takes the imaginary part from what a real loop leaves in a complex array.
    if real and (condition := mask(c, program, name)) and text == name:
        options.append(f"np.multiply({first}, {second}, out={text}, where={condition})")
    if part.ndim == 1:
        options.append(f"np.cumsum({text} * 0.5, out={text})")
    program.add(c.of(options))


def sorted_apart(array: np.ndarray) -> bool:
    """Is no element close to another?"""
    flat = np.sort(array.reshape(-1))
    return array.dtype.kind == "f" and bool(np.all(np.diff(flat) > GAP))


def function(c: Choices, program: Program) -> None:
    name = c.of(program.writable())
    array = program.names[name]
    if not array.size:
        return
    real = array.dtype.kind != "c"
    whole = value(c, program, array.shape, real=real)
    flat = integers(c, array.size)
    count = len(eval(flat))
    some = value(c, program, (count,), real=real)
    one = value(c, program, (), real=real)
    options = [
        f"np.copyto({name}, {whole})",
        f"np.put({name}, {flat}, {some})",
        f"{name}.fill({one})",
        f"{name}.flat[{flat}] = 0.9 * ({some})",
        f"{name}.flat[{slices(c, array.size)}] = {one}",
    ]
    if condition := mask(c, program, name):
        options += [
            f"np.copyto({name}, {whole}, where={condition})",
            f"np.putmask({name}, {condition}, {some})",
            f"np.place({name}, {condition}, 0.9 * ({some}))",
        ]
    if array.ndim:
        rows = integers(c, array.shape[0])
        part = value(c, program, (len(eval(rows)), *array.shape[1:]), real=real)
        options += [
            f"np.add.at({name}, {rows}, 0.3 * {part})",
            f"np.subtract.at({name}, {rows}, 0.3 * {part})",
            f"np.multiply.at({name}, {rows}, 0.4 * ({part}))",
        ]
    if array.ndim == 2:
        places = [[c.number(array.shape[-1])] for _ in range(array.shape[0])]
        options += [f"np.put_along_axis({name}, np.array({places}), {one}, 1)"]
        options += [f"np.fill_diagonal({name}, {one})"]
    if sorted_apart(array) and array.ndim:
        options += [f"{name}.sort()", f"{name}.partition(0)"]
    program.add(c.of(options))


def reading(c: Choices, program: Program) -> None:
    """Something that is kept as it is now, whatever is written afterwards."""
    name = c.of(program.arrays())
    text = value(c, program, program.names[name].shape, real=True)
    if not program.sums:
        program.lines.insert(0, "total = 0.0")
    program.add(f"total += np.sum({text} * np.real({name}))")


def swap(c: Choices, program: Program) -> None:
    if len(program.names) > 1:
        first, second = c.of(program.arrays()), c.of(program.arrays())
        if first != second and {first, second}.isdisjoint(program.constants):
            program.add(f"{first}, {second} = {second}, {first}")


def loop(c: Choices, program: Program) -> None:
    name = c.of(program.writable())
    array = program.names[name]
    if not array.ndim:
        return
    if np.all(np.abs(array) <= LARGEST) and array.ndim > 1 and c.number(2):
        program.add(f"for row in {name}: row *= {c.of(['0.5', 'np.sin(row)'])}")
    elif np.all(np.abs(array) <= 1):
        program.add(f"for i in range(1, len({name})): {name}[i] += 0.5 * np.sin({name}[i - 1])")


STATEMENTS = [
    arithmetic, view, assignment, augmented, fresh, reading, out, function, view, assignment,
    augmented, swap, loop,
]  # fmt: skip

NAMING = {arithmetic, view, fresh}
SHAPES = [(3,), (4,), (2, 3), (3, 3), (1,), (3, 2), (2, 1, 3), ()]


def grow(shape: tuple[int, ...], recipes: Sequence[bytes]) -> Program:
    """The program that the recipes describe, a function of an array of this shape and another."""
    rng = np.random.default_rng(0)
    program = Program((np.asarray(rng.uniform(0.2, 1.6, shape)), rng.normal(size=(2, 3))))
    for recipe in recipes:
        choices = Choices(recipe)
        statement = choices.of(STATEMENTS)
        possible = len(program.names) < 9 if statement in NAMING else program.writable()
        if possible:
            statement(choices, program)
    return program
