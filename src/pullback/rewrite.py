"""A function's code made anew from its source, with its calls handed to somebody who may see them.

`rewritten(function)` is the code object of the same source with, in place of

    f(a)            adopted.call(f)(a)
    x.method(a)     adopted.method(x, "method")(a)
    map(f, xs)      adopted.call(map)(adopted.value(f), xs)
    y = a * b       y = adopted.own(a * b)

where `adopted` is a free variable.  Nothing is evaluated more or less often than before, nor in
another order; file, lines and columns are the source's, so that tracebacks point into it.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import itertools
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

# The free variable of new code through which it calls; no program has such a name.
FREE = "__pullback_adopted__"

_Def = ast.FunctionDef | ast.AsyncFunctionDef
# What gives a value that nothing else may know. A name would not: its variable knows it too.
_FRESH = (ast.Call, ast.BinOp, ast.UnaryOp)
# Builtins that do the same for traced values, so that calls of them can stay as they are.
_UNCHANGED = frozenset(
    "abs all any bool divmod enumerate format getattr hasattr id iter len max min next print range "
    "repr reversed round slice sorted str sum super zip".split()
)
_FUTURES = 0x1FFE000  # the flags that `from __future__` sets in a code object


def rewritten(function: FunctionType) -> CodeType:
    """The code of `function`'s source, rewritten.

    Raises:
        OSError: There is no source, or `function` cannot be found in it.
    """
    code = function.__code__
    lines, _ = inspect.findsource(function)
    text = "".join(lines)
    # pytest compiles another text, in which assert statements say more.
    if "@py_builtins" not in function.__globals__ and not _compiles_to(text, code):
        raise OSError(f"{code.co_filename} was changed, or it was rewritten as it was imported")
    nodes = [node for node in _definitions(text) if _made(node, code)]
    if len(nodes) != 1:
        raise OSError(
            f"could not find {function.__qualname__} in {code.co_filename} at line "
            f"{code.co_firstlineno}" + (": several could be it" if nodes else "")
        )
    plain = _UNCHANGED - function.__globals__.keys() - set(code.co_freevars) - _bound(nodes[0])
    return _compile(_Rewriter(plain).top(copy.deepcopy(nodes[0])), function)


@functools.lru_cache(maxsize=16)
def _definitions(text: str) -> list[Any]:
    """All functions in `text`."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, (_Def, ast.Lambda))]


@functools.lru_cache(maxsize=16)
def _codes(text: str, filename: str, flags: int) -> list[CodeType]:
    """All code objects that `text` compiles to."""
    codes = [compile(text, filename, "exec", flags, dont_inherit=True)]
    for code in codes:
        codes.extend(part for part in code.co_consts if isinstance(part, CodeType))
    return codes


def _compiles_to(text: str, code: CodeType) -> bool:
    return code in _codes(text, code.co_filename, code.co_flags & _FUTURES)


def _made(node: _Def | ast.Lambda, code: CodeType) -> bool:
    """Was `code` compiled from `node`?"""
    if isinstance(node, ast.Lambda):
        body = node.body
        place = (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset)
        return code.co_name == "<lambda>" and place in [*code.co_positions()]
    if node.name != code.co_name:
        return False
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return first == code.co_firstlineno and _parameters(node) == _parameters_of(code)


def _parameters(node: _Def) -> list[str]:
    args = node.args
    names = [arg.arg for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs]]
    return names + [arg.arg for arg in (args.vararg, args.kwarg) if arg is not None]


def _parameters_of(code: CodeType) -> list[str]:
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return [*code.co_varnames[:count]]


def _bound(node: ast.AST) -> set[str]:
    """The names that anything within `node` may bind."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.arg):
            names.add(part.arg)
        elif isinstance(part, ast.alias):
            names.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, (_Def, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)):
            names.add(getattr(part, "name", None) or "")
    return names


class _Rewriter(ast.NodeTransformer):
    def __init__(self, plain: frozenset[str]) -> None:
        self.plain = plain
        self.outer: frozenset[str] = frozenset()  # names that are not the function's own

    def top(self, node: Any) -> Any:
        """The function itself: its decorators, defaults and annotations have been evaluated."""
        if isinstance(node, _Def):
            node.decorator_list, node.returns = [], None
            _without_type_parameters(node)
        args = node.args
        nothing = functools.partial(ast.copy_location, ast.Constant(None))
        args.defaults = [nothing(default) for default in args.defaults]
        args.kw_defaults = [default and nothing(default) for default in args.kw_defaults]
        for part in ast.walk(args):
            if isinstance(part, ast.arg):
                part.annotation = None
        return self.visit(node)

    def visit_FunctionDef(self, node: Any) -> Any:
        around, self.outer = self.outer, frozenset(_not_own(node))
        node.decorator_list = [self.value(self.visit(d)) for d in node.decorator_list]
        node.args = self.visit(node.args)
        node.body = [self.visit(statement) for statement in node.body]
        self.outer = around
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 (ast's name)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return node  # an annotation is no part of the program

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.owned(self.visit(node.value), [node.target])
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        node.targets = [self.visit(target) for target in node.targets]
        node.value = self.owned(self.visit(node.value), node.targets)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        node.args = [self.value(self.visit(arg)) for arg in node.args]
        for keyword in node.keywords:
            keyword.value = self.value(self.visit(keyword.value))
        if name in self.plain:
            return node
        func = node.func
        if isinstance(func, ast.Attribute) and not _is_private(func.attr):
            owner = self.visit(func.value)
            node.func = _call("method", func, owner, ast.Constant(func.attr))
        else:
            node.func = _call("call", func, self.visit(func))
        return node

    def value(self, node: Any) -> Any:
        """A name that is passed on may be that of a function."""
        if isinstance(node, (ast.Name, ast.Attribute)):
            return _call("value", node, node)
        return node

    def owned(self, node: Any, targets: list[Any]) -> Any:
        """The value of an assignment, if nobody else may know it yet."""
        if len(targets) > 1 or not self.outer.isdisjoint(_bound(targets[0])):
            return node
        if isinstance(node, ast.Tuple) and isinstance(targets[0], ast.Tuple):
            node.elts = [self.owned(part, targets) for part in node.elts]
        return _call("own", node, node) if isinstance(node, _FRESH) else node


def _not_own(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, (ast.Global, ast.Nonlocal)):
            yield from part.names


def _is_private(name: str) -> bool:
    """Does the compiler mangle `name` in a class? Then it must stay a name."""
    return name.startswith("__") and not name.endswith("__")


def _call(method: str, at: ast.expr, *args: ast.expr) -> ast.Call:
    """`adopted.method(*args)`, in the place of `at`."""
    adopted = ast.Name(FREE, ast.Load())
    call = ast.Call(ast.Attribute(adopted, method, ast.Load()), [*args], [])
    for part in (adopted, call.func, call, *args):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, at)
    return call


def _compile(node: Any, function: FunctionType) -> CodeType:
    """The code of `node`, compiled where the free variables of `function` are such too."""
    code = function.__code__
    body: Any = ast.Expr(node) if isinstance(node, ast.Lambda) else node
    owner = _class_of(function)
    if owner is not None:  # the compiler mangles private names there
        body = ast.ClassDef(owner, [], [], [body], [])
        _without_type_parameters(body)
    names = [FREE, *(name for name in code.co_freevars if name != "__class__" or owner is None)]
    args = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    factory = ast.FunctionDef("factory", args, [body], [], None)
    bound = getattr(body, "name", None)  # by its definition: a global, as before, or free
    if bound is not None and bound not in names:
        factory.body.insert(0, ast.Global([bound]))
    _without_type_parameters(factory)
    for part in (factory, body):
        if not hasattr(part, "lineno"):
            ast.copy_location(part, node)
    module = ast.fix_missing_locations(ast.Module([factory], []))
    flags = code.co_flags & _FUTURES
    made = compile(module, code.co_filename, "exec", flags, dont_inherit=True)
    for _ in range(2 if owner is None else 3):
        made = next(part for part in made.co_consts if isinstance(part, CodeType))
    return made.replace(co_qualname=code.co_qualname)


def _without_type_parameters(node: Any) -> None:
    node.type_params = []  # an attribute since Python 3.12


def _class_of(function: FunctionType) -> str | None:
    """The innermost class in whose body `function` was written, by its name."""
    names = function.__code__.co_qualname.split(".")
    owners = [name for name, inner in itertools.pairwise(names) if "<locals>" not in (name, inner)]
    return owners[-1] if owners else None
