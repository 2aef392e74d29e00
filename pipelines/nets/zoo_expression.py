"""Expressions of a bundle's configuration, read by a small evaluator of our own: what it does not know, it refuses.

MONAI hands such texts to Python's `eval`; here they are data. There are plain values (numbers, texts, tuples, lists,
dicts), references, arithmetic on plain values, comparisons, `a if b else c`, subscripts of plain values, constants and
calls from an explicit list of names. There are no attributes, methods, lambdas, comprehensions or formatted texts.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import nn

from pipelines.core.errors import BundleRefused

#: An expression longer than this, or of more parts, is no configuration.
MOST_CHARACTERS: Final = 2_000
MOST_NODES: Final = 300
#: No plain value in an expression grows past this: texts and lists by length, whole numbers by bits.
MOST_ITEMS: Final = 10_000
MOST_BITS: Final = 64

#: A text in quotes, or a reference as in @a, @a#b#0 and @a::b. Texts come first, so that an @ in one stays an @.
_TOKEN: Final = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|@(\w+(?:(?:\#|::)\w+)*)""")
_PLAIN: Final = (bool, int, float, str, tuple, list, dict, type(None))

_ARITHMETIC: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {  # Any: plain values, checked before
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, whole: item in whole,
    ast.NotIn: lambda item, whole: item not in whole,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}
_SIGNS: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What an expression may name: `constants` by dotted name, `calls` by dotted name, references by their id."""

    constants: Mapping[str, object]
    call: Callable[[str, list[object], dict[str, object]], object]  # raises BundleRefused for a name not listed
    reference: Callable[[str], object]


def evaluate(text: str, vocabulary: Vocabulary) -> object:
    """The value of an expression, without its leading `$`; raises BundleRefused naming what it does not know."""
    if len(text) > MOST_CHARACTERS:
        raise refused("an expression is too long to be one", text)
    names: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1]
        name = f"_reference_{len(names)}"
        names[name] = match[2]
        return name

    try:
        tree = ast.parse(_TOKEN.sub(named, text).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise refused("an expression cannot be read", text) from error
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise refused("an expression is too long to be one", text)
    try:
        return _Evaluation(text, names, vocabulary).value(tree.body)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise refused(f"an expression fails ({type(error).__name__})", text) from error


def refused(reason: str, text: str) -> BundleRefused:
    """The refusal of an expression, with the expression, cut where it is long."""
    shown = text if len(text) <= 120 else text[:117] + "..."
    return BundleRefused(f"{reason}: ${shown}", code="bundle_expression_refused")


def dotted(node: ast.expr) -> str | None:
    """`torch.cuda.is_available` as one name; None where the expression is not a plain dotted name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One expression being read; `references` says which id each stand-in name means."""

    text: str
    references: Mapping[str, str]
    vocabulary: Vocabulary

    def value(self, node: ast.expr) -> object:
        """The value of a part; one way for each kind of part that there is."""
        match node:
            case ast.Constant(value=constant) if isinstance(constant, bool | int | float | str | None):
                return self._bounded(constant)
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case ast.List(elts=items):
                return [self.value(item) for item in items]
            case ast.Tuple(elts=items):
                return tuple(self.value(item) for item in items)
            case ast.Dict(keys=keys, values=values):
                return {self._plain(self._key(key)): self.value(item) for key, item in zip(keys, values, strict=True)}
            case ast.BinOp() if type(node.op) in _ARITHMETIC:
                return self._arithmetic(node)
            case ast.UnaryOp() if type(node.op) in _SIGNS:
                return self._bounded(_SIGNS[type(node.op)](self._plain(node.operand)))
            case ast.BoolOp() | ast.Compare() | ast.IfExp():
                return self._choice(node)
            case ast.Subscript(value=whole, slice=place):
                return self._subscript(whole, place)
            case ast.Call():
                return self._call(node)
        raise refused(f"an expression holds a {type(node).__name__}, which is not run", self.text)

    def _name(self, node: ast.expr) -> object:
        name = dotted(node)
        if name is not None and name in self.references:
            return self.vocabulary.reference(self.references[name])
        if name is not None and name in self.vocabulary.constants:
            return self.vocabulary.constants[name]
        raise refused(f"an expression names {name or 'an attribute'}, which is not run", self.text)

    def _key(self, key: ast.expr | None) -> ast.expr:
        if key is None:
            raise refused("an expression unpacks a dict, which is not run", self.text)
        return key

    def _plain(self, node: ast.expr) -> Any:  # Any: a plain value; what fits an operator, the operator says
        value = self.value(node)
        if type(value) not in _PLAIN:
            raise refused("an expression computes with something that is no plain value", self.text)
        return value

    def _arithmetic(self, node: ast.BinOp) -> object:
        left, right = self._plain(node.left), self._plain(node.right)
        joined = isinstance(node.op, ast.Add) and type(left) is type(right) and type(left) in (str, list, tuple)
        if not joined and not all(isinstance(each, int | float) for each in (left, right)):
            raise refused("an expression computes with something that is no number", self.text)
        if isinstance(node.op, ast.Pow) and abs(left) > 1 and abs(right) * math.log2(abs(left)) > MOST_BITS:
            raise refused("an expression has too large a power", self.text)
        return self._bounded(_ARITHMETIC[type(node.op)](left, right))

    def _bounded(self, value: object) -> object:
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            raise refused("an expression has too large a number", self.text)
        if isinstance(value, complex) or (isinstance(value, str | list | tuple) and len(value) > MOST_ITEMS):
            raise refused("an expression has too large a value", self.text)
        return value

    def _choice(self, node: ast.BoolOp | ast.Compare | ast.IfExp) -> object:
        if isinstance(node, ast.IfExp):
            return self.value(node.body if self._plain(node.test) else node.orelse)
        if isinstance(node, ast.BoolOp):
            wanted = isinstance(node.op, ast.Or)
            value: object = not wanted
            for part in node.values:
                value = self._plain(part)
                if bool(value) is wanted:
                    return value
            return value
        left = self._plain(node.left)
        for comparison, part in zip(node.ops, node.comparators, strict=True):
            right = self._plain(part)
            if not _COMPARISONS[type(comparison)](left, right):
                return False
            left = right
        return True

    def _subscript(self, whole: ast.expr, place: ast.expr) -> object:
        held = self._plain(whole)
        if not isinstance(place, ast.Slice):
            return held[self._plain(place)]
        ends = [self._plain(end) if end is not None else None for end in (place.lower, place.upper, place.step)]
        return held[slice(*ends)]

    def _call(self, node: ast.Call) -> object:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "to" and dotted(node.func) is not None:
            moved = self._moved(node.func.value)
            if moved is not None:
                return moved
        name = dotted(node.func)
        if name is None or name in self.references or any(isinstance(each, ast.Starred) for each in node.args):
            raise refused("an expression calls something that is not on the list", self.text)
        arguments = [self.value(argument) for argument in node.args]
        keywords: dict[str, object] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise refused("an expression unpacks a dict, which is not run", self.text)
            keywords[keyword.arg] = self.value(keyword.value)
        return self._bounded(self.vocabulary.call(name, arguments, keywords))

    def _moved(self, node: ast.expr) -> nn.Module | None:
        # Every zoo bundle writes `$@network_def.to(@device)`. Where a network runs is decided here, not by the bundle.
        value = self._name(node) if isinstance(node, ast.Name) and node.id in self.references else None
        return value if isinstance(value, nn.Module) else None
