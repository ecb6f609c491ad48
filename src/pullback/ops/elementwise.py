"""Elementwise ops: one partial derivative an argument."""

from .declare import elementwise

add = elementwise("add", 1, 1)
subtract = elementwise("subtract", 1, -1)
multiply = elementwise("multiply", lambda y: y, lambda x: x)
divide = elementwise("divide", lambda y: 1 / y, lambda out, y: -out / y)
negative = elementwise("negative", -1)
exp = elementwise("exp", lambda out: out)
log = elementwise("log", lambda x: 1 / x)
sqrt = elementwise("sqrt", lambda out: 0.5 / out)
sin = elementwise("sin", lambda xp, x: xp.cos(x))
cos = elementwise("cos", lambda xp, x: -xp.sin(x))
