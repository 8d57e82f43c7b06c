"""Systems from text: equations of motion as one writes them on paper."""

from __future__ import annotations

import keyword
import re

import sympy as sp
from sympy.parsing import sympy_parser

from ..inputs import as_a
from .system import System


def _larger(*values):
    """The largest of some expressions, as pieces: these have ordinary derivatives, sympy's Max has not."""
    first, *rest = values
    for each in rest:
        first = sp.Piecewise((first, first > each), (each, True))
    return first


#: what may be called, by the name that one types
FUNCTIONS = {name: getattr(sp, name) for name in "exp log sqrt sin cos tan sinh cosh tanh atan".split()}
FUNCTIONS |= {
    "ln": sp.log,
    "arctan": sp.atan,
    "sigmoid": lambda x: 1 / (1 + sp.exp(-x)),
    "relu": lambda x: _larger(x, sp.S.Zero),
    "max": _larger,
    "min": lambda *values: -_larger(*(-each for each in values)),
    "abs": lambda x: _larger(x, -x),
}
FUNCTIONS["Abs"] = FUNCTIONS["abs"]
KNOWN = {**FUNCTIONS, "pi": sp.pi}
JUMPS = {"Heaviside", "heaviside", "step", "sign", "sgn", "floor", "ceil", "round", "mod"}
NUMBERS = {name: getattr(sp, name) for name in ("Integer", "Rational")}
#: numbers become fractions before anything is computed, so that 0.7 is 7/10 to the end
RULES = (
    sympy_parser.auto_symbol,
    sympy_parser.auto_number,
    sympy_parser.rationalize,
    sympy_parser.convert_xor,
    sympy_parser.implicit_multiplication,
)
NUMBER = r"(?<![\w.])(?:\d+\.?\d*|\.\d+)"


def read_system(text, diffusion):
    """A noisy system from lines such as ``x' = a*x - x^3`` and ``a = 2``, with exact derivatives.

    Parameters
    ----------
    text : str
        One equation of motion for each state variable, ``x' = ...`` or ``dx/dt = ...``, and one value
        for each parameter, ``a = ...``, each from those above it; on lines of their own or after a
        semicolon. ``#`` begins a comment. ``^`` and ``**`` are powers, ``2x`` is a product. Functions:
        exp, log, ln, sqrt, sin, cos, tan, sinh, cosh, tanh, atan, arctan, abs, sigmoid, relu, max, min.
    diffusion : as for `System.from_sympy`
        D.

    Returns
    -------
    System
        Its state in the order of the equations; its expressions are ``system.flow.expressions``. Typed
        decimals are kept as the fractions that they are.

    Raises
    ------
    ValueError
        For a line that is none of these, or a name that is not known: the message quotes it, and says
        what is permitted. Functions that jump are refused, for the actions need the drift's derivatives.
    """
    drift, parameters = {}, {}
    for line in _lines(as_a(str, text, "text")):
        name, moves, right = _sides(line)
        if name in (*KNOWN, *keyword.kwlist) or name in (*drift, *parameters):
            raise ValueError(f"'{line}': the name {name} is taken")
        (drift if moves else parameters)[name] = right
    if not drift:
        raise ValueError("no equation of motion yet: write at least one line such as  x' = -x")
    state = {name: sp.Symbol(name, real=True) for name in drift}
    values = {}
    for name, right in parameters.items():
        values[name] = _expression(right, values)
    f = [_expression(right, {**state, **values}) for right in drift.values()]
    return System.from_sympy(f, list(state.values()), diffusion)


def _lines(text):
    """The statements of a text, without comments, blanks and the dashes and dots of print."""
    text = text.translate({ord("−"): "-", ord("–"): "-", ord("·"): "*", ord("×"): "*", ord("′"): "'"})
    bare = re.sub(r"#.*", "", text)
    return [part.strip() for part in re.split(r"[;\n]", bare) if part.strip()]


def _sides(line):
    """Name, whether it is a state, and right side of one statement."""
    left, _, right = (part.strip() for part in line.partition("="))
    found = re.fullmatch(r"([^\W\d]\w*)(\s*')?|d\s*([^\W\d]\w*)\s*/\s*dt", left)
    if not found or not right:
        raise ValueError(f"'{line}' must read  name' = formula,  dname/dt = formula  or  name = number")
    return found[1] or found[3], bool(found[2] or found[3]), right


def _expression(text, names):
    """One side of an equation, made of numbers, these names and the known functions."""
    for name in {"E", "e"} & {*names}:  # 4E - 3 with a variable E is no power of ten
        text = re.sub(rf"({NUMBER}){name}(?!\w*[^\W\d])", rf"\1*{name}", text)
    bare = re.sub(rf"{NUMBER}(?:[eE][+-]?\d+)?", " ", text)
    unknown = sorted(set(re.findall(r"[^\W\d]\w*", bare)) - {*names, *KNOWN})
    if unknown:
        if JUMPS & {*unknown}:
            raise ValueError(
                f"in '{text}': {', '.join(sorted(JUMPS & {*unknown}))} jumps, and a drift needs derivatives: "
                "write a steep sigmoid, such as sigmoid(50*x)"
            )
        raise ValueError(
            f"in '{text}': what is {', '.join(unknown)}? The names are: {', '.join(names) or 'none yet'}; "
            f"the functions: {', '.join(FUNCTIONS)}"
        )
    try:
        value = sympy_parser.parse_expr(text, {**KNOWN, **names}, RULES, global_dict={**NUMBERS})
    except Exception:  # sympy raises many kinds here
        raise ValueError(f"'{text}' is not a formula: look for a missing bracket or operator") from None
    if not isinstance(value, sp.Expr) or value.has(sp.I, sp.nan, sp.oo, sp.zoo):
        raise ValueError(f"'{text}' is not a finite real number or formula")
    return value
