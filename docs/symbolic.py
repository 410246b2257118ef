"""The equations of a model as formulas, read from its code.

``equations`` is run with symbols in place of numbers: the modules that it uses are replaced by
stand-ins, and every assignment inside it is remembered as a definition. What comes out is what the
code computes, so a page cannot disagree with it.
"""

import ast
import inspect
import operator
import re
import textwrap
import types
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

import sympy
from sympy.core.alphabets import greeks

from brainmass.dynamics import NeuralMass
from brainmass.functions import soft_rectifier

GREEK = {name: rf"\{name}" for letter in greeks for name in (letter, letter.capitalize())}
GREEK["lamda"] = r"\lambda"
# Names that are words, not a letter with an index.
WORDS = (
    "above", "below", "conn", "cubic", "delay", "drive", "fast", "first", "force", "gain", "gate",
    "leak", "linear", "pull", "rate", "second", "slope", "slow", "width",
)  # fmt: skip


def _binary(name):
    operation = getattr(operator, name)
    return (
        lambda self, other: Term(operation(self.value, bare(other))),
        lambda self, other: Term(operation(bare(other), self.value)),
    )


class Term:
    """A formula that behaves like the numbers of the model."""

    def __init__(self, value):
        self.value = value

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("sub")
    __mul__, __rmul__ = _binary("mul")
    __truediv__, __rtruediv__ = _binary("truediv")
    __pow__, __rpow__ = _binary("pow")
    __lt__, __gt__ = (_binary(name)[0] for name in ("lt", "gt"))
    __le__, __ge__ = (_binary(name)[0] for name in ("le", "ge"))

    def __neg__(self):
        return Term(-self.value)

    def in_unit(self, unit):
        """Return the same quantity."""
        return self

    @property
    def shape(self):
        """Shape of a population: N nodes."""
        return (Term(sympy.Symbol("N", positive=True)),)


def bare(value):
    """Return the formula of a term, or the number itself; whole numbers without a point."""
    if isinstance(value, Term):
        return value.value
    return sympy.Integer(value) if value == int(value) else sympy.sympify(value)


class Names(dict):
    """Parameters, states or inputs by name, as the model reads them."""

    __getattr__ = dict.__getitem__


@dataclass
class Formulas:
    """The equations of one model as formulas.

    Attributes
    ----------
    rates : dict
        Derivative of every state.
    definitions : list of (symbol, formula)
        Quantities that the code names on its way, in order.
    functions : dict
        Formula of every function that is applied, as ``(arguments, formula)``.
    """

    rates: dict = field(default_factory=dict)
    definitions: list = field(default_factory=list)
    functions: dict = field(default_factory=dict)

    def substituted(self):
        """Return the derivatives with every definition and function filled in."""
        known = [(s, f) for s, f in reversed(self.definitions)]
        out = {}
        for name, rate in self.rates.items():
            rate = sympy.sympify(rate)
            for symbol, formula in known:
                rate = rate.subs(symbol, formula)
            while applied := list(rate.atoms(sympy.core.function.AppliedUndef)):
                call = applied[0]
                arguments, formula = self.functions[call.func.__name__]
                rate = rate.subs(call, formula.subs(dict(zip(arguments, call.args, strict=True))))
            out[name] = rate
        return out


def formulas(model) -> Formulas:
    """Run the equations of a model with symbols."""
    found, kinds = Formulas(), model.declaration
    trace = _Trace(found)
    symbols = {kind: Names(trace.symbols(getattr(kinds, kind))) for kind in ("params", "states")}
    symbols["params"].update({n: s.default for n, s in kinds.options.items()})
    inputs = Names(trace.symbols(kinds.inlets))
    rates = trace.run(model.equations, symbols["states"], symbols["params"], inputs, None)
    found.rates = {name: bare(rates[name]) for name in kinds.states}
    return found


class _Trace:
    def __init__(self, found: Formulas):
        self.found = found
        self.declared = set()

    def symbols(self, specs):
        """Return a symbol for every declaration."""
        terms = {name: Term(sympy.Symbol(name, real=True)) for name in specs}
        self.declared |= {term.value for term in terms.values()}
        return terms

    def run(self, function, *arguments):
        """Call a function of the model on symbols, remembering what it assigns."""
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        definition = next(n for n in tree.body if isinstance(n, ast.FunctionDef))
        definition.decorator_list = []
        module = ast.fix_missing_locations(ast.Module([_Remember().visit(definition)], []))
        scope = {n: self._stand_in(v) for n, v in function.__globals__.items()}
        scope["__builtins__"] = __builtins__
        scope["__define__"] = self.define
        exec(compile(module, function.__name__, "exec"), scope)
        return scope[function.__name__](*arguments)

    def define(self, name: str, value):
        """Remember what is assigned to a name, if it is a formula."""
        if isinstance(value, tuple):
            names = name.split(",")
            return tuple(self.define(n, v) for n, v in zip(names, value, strict=True))
        if not isinstance(value, Term) or value.value.is_Atom:
            return value
        symbol = sympy.Symbol(name, real=True)
        if symbol in self.declared:
            raise ValueError(f"{name} is declared: give the assigned value another name")
        if (symbol, value.value) not in self.found.definitions:
            self.found.definitions.append((symbol, value.value))
        return Term(symbol)

    def _stand_in(self, value):
        if isinstance(value, types.ModuleType):
            return _Module(self)
        if value is soft_rectifier:
            return self._declared("rectifier", ("x", "w"), lambda x, w: x / (1 - sympy.exp(-x / w)))
        if isinstance(value, types.FunctionType) and value.__module__.startswith("brainmass"):
            return lambda *arguments: self._call(value, arguments)
        if isinstance(value, type) and issubclass(value, NeuralMass):
            return _Class(self, value)
        return value

    def _call(self, function, arguments):
        """Apply a function of the model: written out where it reads everything, else by name."""
        if any(isinstance(a, Names) for a in arguments):
            return self.run(function, *arguments)
        names = tuple(inspect.signature(function).parameters)
        return self._declared(
            function.__name__, names, lambda *given: bare(self.run(function, *map(Term, given)))
        )(*arguments)

    def _declared(self, name: str, names: tuple, formula):
        if name not in self.found.functions:
            symbols = sympy.symbols(names, real=True)
            self.found.functions[name] = None
            self.found.functions[name] = (symbols, formula(*symbols))
        applied = sympy.Function(name, real=True)
        return lambda *arguments: Term(applied(*map(bare, arguments)))


class _Remember(ast.NodeTransformer):
    """Pass every assigned value through ``__define__`` with the name it is given."""

    def visit_Assign(self, node):
        target = node.targets[0]
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        name = ast.Constant(",".join(n.id for n in names))
        call = ast.Call(ast.Name("__define__", ast.Load()), [name, node.value], [])
        return ast.Assign(node.targets, call)


class _Class:
    """Stands for a model class: its static functions are functions of the model."""

    def __init__(self, trace, cls):
        self._trace, self._cls = trace, cls

    def __getattr__(self, name):
        function = getattr(self._cls, name)
        return lambda *arguments: self._trace._call(function, arguments)


class _Module:
    """Stands for numpy, jax, brainunit and math; every unit is 1."""

    functions: ClassVar = {
        "tanh": sympy.tanh, "exp": sympy.exp, "sin": sympy.sin, "cos": sympy.cos,
        "sqrt": sympy.sqrt, "abs": sympy.Abs, "maximum": sympy.Max, "minimum": sympy.Min,
        "where": lambda condition, a, b: sympy.Piecewise((a, condition), (b, True)),
    }  # fmt: skip

    def __init__(self, trace):
        self._trace = trace

    def __getattr__(self, name):
        if name in ("nn", "math"):
            return self
        if name == "pi":
            return Term(sympy.pi)
        if name == "sigmoid":
            return self._trace._declared("sigma", ("x",), lambda x: 1 / (1 + sympy.exp(-x)))
        if name in self.functions:
            return lambda *given: Term(self.functions[name](*map(bare, given)))
        return 1


def latex_lines(model) -> list[str]:
    """Return the equations of a model in LaTeX: derivatives, definitions, functions."""
    found = formulas(model)
    names = _names(model, found)
    write = partial(sympy.latex, symbol_names=names, mul_symbol=r"\,")
    lines = [rf"\dot{{{tex(name)}}} &= {write(rate)}" for name, rate in found.rates.items()]
    lines += [rf"{names[s]} &= {write(formula)}" for s, formula in found.definitions]
    for name, (symbols, formula) in found.functions.items():
        given = ", ".join(names.get(s, tex(s.name)) for s in symbols)
        local = {s: tex(s.name) for s in symbols}
        body = sympy.latex(formula, symbol_names={**names, **local}, mul_symbol=r"\,")
        lines.append(rf"{_function(name)}\left({given}\right) &= {_functions_in(body)}")
    lines = [_functions_in(line) for line in lines]
    for name, spec in model.declaration.inlets.items():
        if spec.formula and any(tex(name) in line for line in lines):
            lines.append(rf"{tex(name)} &= {spec.formula}")
    return lines


def _names(model, found) -> dict:
    kinds = model.declaration
    names = {}
    for name in (*kinds.params, *kinds.states, *(s.name for s, _ in found.definitions)):
        names[sympy.Symbol(name, real=True)] = tex(name)
    for name, spec in kinds.inlets.items():
        written = tex(name)
        if spec.source:
            written = rf"{tex(spec.source)}\left(t - {tex(spec.delay)}\right)"
        elif not spec.port and spec.noise:
            written = rf"\xi_{{{tex(spec.noise.removeprefix('noise_'))}}}"
        names[sympy.Symbol(name, real=True)] = written
    return names


def _function(name: str) -> str:
    return GREEK.get(name, rf"\operatorname{{{name.strip('_')}}}")


def _functions_in(text: str) -> str:
    """Write the names of functions upright, as sympy does for the known ones."""
    return re.sub(r"\\operatorname\{(sigma)\}", r"\\sigma", text)


def tex(name: str) -> str:
    """Write the name of a parameter, state or input of the code as a symbol."""
    if name.endswith("_inp"):
        base = tex(name.removesuffix("_inp"))
        inside = re.fullmatch(r"(.+?)_\{(.+)\}", base)
        base, before = (inside[1], inside[2] + r",\,") if inside else (base, "")
        return rf"{base}_{{{before}\mathrm{{inp}}}}"
    head, _, index = name.strip("_").partition("_")
    short = re.fullmatch(r"([A-Za-z])([A-Za-z]{0,4}?)(\d*)", head)
    if short and head not in (*GREEK, *WORDS) and len(head) > 1 and head[0] != head[1:]:
        head, index = short[1], ",".join(filter(None, [short[2] + short[3], index]))
    head = GREEK.get(head, head if len(head) == 1 else rf"\mathrm{{{head}}}")
    index = ",".join(_index(part) for part in index.split("_")) if index else ""
    return rf"{head}_{{{index}}}" if index else head


def _index(text: str) -> str:
    word = re.fullmatch(r"[a-z]{2,}", text)
    return GREEK.get(text, rf"\mathrm{{{text}}}" if word else text)
