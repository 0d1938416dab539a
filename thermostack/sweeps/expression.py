"""Expressions of a small grammar: numbers, names, arithmetic, comparisons and a few functions.

An expression is parsed by `ast` and evaluated node by node. Other nodes than those below are refused, so that
an expression cannot call a method, read an attribute or run code.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from thermostack.schema.fields import fail, quote_value
from thermostack.schema.spelling import suggest

MAX_LENGTH = 500  # characters
MAX_NODES = 200
MAX_EXPONENT = 1000.0  # larger powers overflow in any case

_OPERATORS: dict[type, tuple[str, Callable[[float, float], float]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.Pow: ("**", lambda base, power: _power(base, power)),
}
_COMPARISONS: dict[type, Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": math.sqrt,
    "log": math.log,
    "exp": math.exp,
}
_SEVERAL_ARGUMENTS = ("min", "max")  # the other functions have one
_GRAMMAR = f"write numbers, names, + - * / ** ( ), comparisons, and {' '.join(FUNCTIONS)}"


def _power(base: float, power: float) -> float:
    """Return a power; a negative base has whole exponents only."""
    if abs(power) > MAX_EXPONENT:
        raise ValueError(f"the exponent {power:g} is above {MAX_EXPONENT:g}")
    found = base**power
    if isinstance(found, complex):
        raise ValueError("a negative number has no such power")
    return float(found)


@dataclass(frozen=True)
class Expression:
    """An expression of the grammar.

    Examples
    --------
    >>> rise = Expression("(peak - 298.15) / max(power, 1)")
    >>> sorted(rise.names), rise.evaluate({"peak": 348.15, "power": 10.0})
    (['peak', 'power'], 5.0)
    """

    text: str

    def __post_init__(self) -> None:
        """Parse the text. Raises the error of `fail` (E-EXPRESSION) if it is not in the grammar."""
        self._check(self._tree)

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > MAX_LENGTH:
            raise fail(
                "E-EXPRESSION", f"an expression of {len(self.text)} characters, more than {MAX_LENGTH}"
            )
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise fail("E-EXPRESSION", f"{quote_value(self.text)} is not an expression", _GRAMMAR) from None
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            raise fail(
                "E-EXPRESSION", f"an expression of more than {MAX_NODES} terms", "divide it into several"
            )
        return tree

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the names of the values that the expression needs."""
        functions = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        names = (node for node in ast.walk(self._tree) if isinstance(node, ast.Name))
        return frozenset(node.id for node in names if id(node) not in functions)

    def evaluate(self, values: Mapping[str, float]) -> float:
        """Return the value for the values of its names; a comparison is 1 or 0.

        Raises ValueError with a message if it has no finite value, as a division by zero.
        """
        try:
            found = float(_evaluate(self._tree, values))
        except (ArithmeticError, ValueError) as error:
            raise ValueError(f"{self.text}: {error}") from None
        if not math.isfinite(found):
            raise ValueError(f"{self.text}: the value is not finite")
        return found

    def _check(self, node: ast.AST) -> None:
        """Raise the error of `fail` at a node that is not in the grammar."""
        match node:
            case ast.Constant(value=value) if type(value) in (int, float):
                children: list[ast.AST] = []
            case ast.Name(id=name) if not name.startswith("__"):
                children = []
            case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
                children = [operand]
            case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
                children = [left, right]
            case ast.Compare(left=left, ops=ops, comparators=others) if all(
                type(op) in _COMPARISONS for op in ops
            ):
                children = [left, *others]
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                self._check_call(name, arguments)
                children = [*arguments]
            case _:
                piece = ast.get_source_segment(self.text.strip(), node) or self.text
                raise fail("E-EXPRESSION", f"{quote_value(piece)} is not allowed in an expression", _GRAMMAR)
        for child in children:
            self._check(child)

    def _check_call(self, name: str, arguments: list[ast.expr]) -> None:
        if name not in FUNCTIONS:
            raise fail("E-EXPRESSION", f"no function is named {name!r}", suggest(name, FUNCTIONS) or _GRAMMAR)
        if name in _SEVERAL_ARGUMENTS and len(arguments) < 2:
            raise fail("E-EXPRESSION", f"{name} needs two or more values", f"as {name}(a, b)")
        if name not in _SEVERAL_ARGUMENTS and len(arguments) != 1:
            raise fail("E-EXPRESSION", f"{name} needs one value", f"as {name}(a)")


def _evaluate(node: ast.expr, values: Mapping[str, float]) -> float:
    """Return the value of a node that `Expression` has checked."""
    match node:
        case ast.Constant(value=value):
            return float(value)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = _evaluate(operand, values)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(op=op, left=left, right=right):
            return _OPERATORS[type(op)][1](_evaluate(left, values), _evaluate(right, values))
        case ast.Compare(left=left, ops=ops, comparators=others):
            terms = [_evaluate(term, values) for term in (left, *others)]
            pairs = zip(ops, terms[:-1], terms[1:], strict=True)
            return float(all(_COMPARISONS[type(op)](a, b) for op, a, b in pairs))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return float(FUNCTIONS[name](*(_evaluate(each, values) for each in arguments)))
        case _:
            raise AssertionError("a checked expression has no other nodes")


def identifier(name: Any) -> bool:
    """Return whether a name can stand in an expression."""
    return (
        isinstance(name, str) and name.isidentifier() and not name.startswith("__") and name not in FUNCTIONS
    )
