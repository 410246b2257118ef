"""Numbers with units as people type and read them: ``30 mm / (5 m/s)``."""

from __future__ import annotations

import ast
import operator
import re

import brainunit as u
import numpy as np

__all__ = ["even", "parse", "show", "write"]

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_ALIASES = {
    **{"s": "second", "sec": "second", "min": "minute", "h": "hour", "m": "meter", "g": "gram"},
    **{"V": "volt", "A": "amp", "S": "siemens", "C": "coulomb", "F": "farad", "W": "watt"},
    **{"J": "joule", "N": "newton", "T": "tesla", "M": "molar", "rad": "radian"},
}
_PREFIXES = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9}
_TOKEN = re.compile(r"\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z]+\w*|\*\*|[-+*/()])")


def parse(text: str, unit: u.Unit) -> float:
    """Read a number that a person typed and return it in ``unit``.

    Parameters
    ----------
    text : str
        A number, a number with a unit, or an arithmetic expression of them. A plain number is
        taken to be in ``unit``.
    unit : brainunit.Unit
        Unit of the result.

    Returns
    -------
    float
        The value in ``unit``.

    Raises
    ------
    ValueError
        If the text is no such number, or its dimension is not that of ``unit``.

    Examples
    --------
    >>> import brainunit as u
    >>> parse("30 mm / (5 m/s)", u.ms)
    6.0
    >>> parse("0.5", u.ms)
    0.5
    """
    value = _evaluate(text)
    given = u.get_unit(value)
    if given.is_unitless:
        return _finite(float(u.Quantity(value).to_decimal(u.UNITLESS)), text)
    if not given.has_same_dim(unit):
        wanted = "a plain number" if unit.is_unitless else f"a value in [{unit}]"
        raise ValueError(f"'{text.strip()}' must be {wanted}; got one in [{given}].")
    return _finite(float(u.Quantity(value).to_decimal(unit)), text)


def show(value: float) -> str:
    """Write a number with at most six digits, as in a slider's entry field.

    Examples
    --------
    >>> show(0.30000000000000004)
    '0.3'
    """
    return f"{value:.6g}"


def write(value, unit: u.Unit) -> str:
    """Write a number or an array with its unit as Python code, without loss.

    Examples
    --------
    >>> import brainunit as u
    >>> write(10.0, u.mm / u.ms)
    '10.0 * u.mm / u.ms'
    >>> write(np.full(84, 0.2), u.mV)
    'np.full(84, 0.2) * u.mV'
    """
    array = np.asarray(value)
    if array.ndim == 0:
        text = _literal(array.item())
    elif even(array):
        shape = array.shape if array.ndim > 1 else array.size
        text = f"np.full({shape!r}, {_literal(array.flat[0].item())})"
    else:
        text = f"np.array({_nested(array.tolist())})"
    code = code_of(unit)
    if not code:
        return text
    return f"{text} / {code[4:]}" if code.startswith("1 / ") else f"{text} * {code}"


def even(array: np.ndarray) -> bool:
    """Return whether an array holds the same number several times."""
    return array.size > 1 and bool((array == array.flat[0]).all())


def code_of(unit: u.Unit) -> str:
    """Return the Python code of a unit, such as ``u.mm / u.ms``; '' for a plain number."""
    if unit.is_unitless:
        return ""
    text = str(unit)
    written = [str(name) for name in re.findall(r"[A-Za-z]\w*", text)]
    if all(hasattr(u, _ALIASES.get(n, n)) for n in written) and "10.0^" not in text:
        code = re.sub(r"[A-Za-z]\w*", lambda m: f"u.{_ALIASES.get(m[0], m[0])}", text)
        return code.replace("^", "**")
    # A unit without a printable name: spell it out in base units with its scale.
    base = unit.dim
    names = ("meter", "kilogram", "second", "amp", "kelvin", "mole", "candela")
    powers = [(n, p) for n, p in zip(names, base._dims, strict=False) if p]
    factors = [f"u.{n}**{p:g}" for n, p in powers]
    return f"({unit.magnitude!r} * {' * '.join(factors)})"


def _literal(value) -> str:
    return repr(float(value)) if isinstance(value, float) else repr(value)


def _nested(values) -> str:
    if isinstance(values, list):
        return "[" + ", ".join(_nested(v) for v in values) + "]"
    return _literal(values)


def _finite(value: float, text: str) -> float:
    if not np.isfinite(value):
        raise ValueError(f"'{text.strip()}' must be a finite number.")
    return value


def _evaluate(text: str):
    source = _explicit(text.replace("^", "**").replace("µ", "u").replace("−", "-"))
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError(f"'{text.strip()}' is not a number with a unit; type 3 or 3 mV.") from None
    try:
        return _value(tree.body)
    except (ZeroDivisionError, OverflowError):
        raise ValueError(f"'{text.strip()}' must be a finite number.") from None
    except (u.UnitMismatchError, u.DimensionMismatchError, TypeError):
        raise ValueError(f"'{text.strip()}' mixes units that cannot be added.") from None


def _explicit(text: str) -> str:
    """Insert the multiplication that people leave out: ``3 mV`` is ``3 * mV``."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"'{text.strip()}' is not a number with a unit; type 3 or 3 mV.")
        token = match[1]
        if tokens and _ends_value(tokens[-1]) and (token == "(" or token[0].isalnum()):
            tokens.append("*")
        tokens.append(token)
        at = match.end()
    return " ".join(tokens)


def _ends_value(token: str) -> bool:
    return token == ")" or token[0].isalnum() or token[0] == "."


def _value(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name):
        return _named_unit(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _value(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left), _value(node.right)
        if isinstance(node.op, ast.Pow):
            right = float(u.Quantity(right).to_decimal(u.UNITLESS))
            if abs(right) > 12:
                raise OverflowError
        return _OPERATORS[type(node.op)](left, right)
    raise ValueError("Only numbers, units and + - * / ** ( ) can be typed here.")


def _named_unit(name: str):
    for size, rest in ((1.0, name), (_PREFIXES.get(name[0]), name[1:])):
        found = getattr(u, _ALIASES.get(rest, rest), None) if rest else None
        if size and isinstance(found, u.Unit):
            return u.Quantity(size, unit=found)
    raise ValueError(f"'{name}' is not a unit; write for example ms, mV, Hz or mm.")
