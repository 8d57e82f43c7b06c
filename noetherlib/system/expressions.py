"""Flows from sympy expressions: exact derivatives up to the third, each generated when first used."""

from __future__ import annotations

from functools import reduce

import numpy as np

from ..inputs import brief
from .flow import Flow


class Expressions(Flow):
    """A flow whose functions are generated from sympy expressions; it pickles by them."""

    def __init__(self, drift, state, diffusion, time=None):
        import sympy  # only here: numeric systems do without it

        self.state = tuple(sympy.flatten([state]))
        self.time = sympy.Symbol("t") if time is None else time
        for name, symbols in (("state", self.state), ("time", [self.time])):
            if not symbols or not all(isinstance(s, sympy.Symbol) for s in symbols):
                raise ValueError(f"{name} must be sympy symbols, got {brief(symbols)}")
        self.dim = dim = len(self.state)
        f, D = _expressions(sympy.flatten([drift]), "drift"), _expressions(diffusion, "diffusion")
        if f.shape != (dim,):
            raise ValueError(f"drift must be {dim} expressions, one per state variable, got {len(f)}")
        if D.shape not in ((), (dim,), (dim, dim)):
            raise ValueError(f"diffusion must be one expression, ({dim},) or ({dim}, {dim}), got {D.shape}")
        for name, array in (("drift", f), ("diffusion", D)):
            self._check_symbols(array, name)
        if D.ndim < 2:
            D = D * np.eye(dim, dtype=int)
        #: drift (dim,) and D (dim, dim), arrays of expressions
        self.expressions = f, D

        first = derive(f, self.state)
        self.drift = self._function(f)
        self.jacobian = self._function(first)
        self.hessian = self._function(lambda: derive(first, self.state))
        self.divergence_hessian = self._function(
            lambda: derive(derive(np.trace(first), self.state), self.state)
        )
        self.additive = not symbols_of(D) & set(self.state)
        self.autonomous = self.time not in symbols_of(f) | symbols_of(D)
        with np.errstate(invalid="ignore"):  # an entry that is nan is reported where D is checked
            self.diffusion = self._function(D) if symbols_of(D) else D.astype(float)
        if symbols_of(D):
            self.diffusion_gradient = self._function(lambda: derive(D, self.state))
            self.diffusion_hessian = self._function(lambda: derive(derive(D, self.state), self.state))
        # of a jump sympy's derivative says nothing: that of both sides may be the same number
        self.smooth = all(e.is_polynomial(*self.state) for e in f) or None
        self.linear = bool(self.smooth) and not symbols_of(first) and self.time not in symbols_of(f)
        if self.linear:
            self.matrix = first.astype(float)
            self.offset = np.array([e.subs({s: 0 for s in self.state}) for e in f], dtype=float)

    def _function(self, array):
        return Generated(array, self.state, self.time)

    def _check_symbols(self, array, name):
        known = {*self.state, self.time}
        unknown = symbols_of(array) - known
        if unknown:
            twins = {str(s) for s in unknown} & {str(s) for s in known}
            advice = (
                f"{', '.join(sorted(twins))} differs in an assumption (such as real=True) from the "
                "symbol of that name: use one and the same, for time by time=..."
                if twins
                else "put numbers for these first"
            )
            raise ValueError(
                f"{name} must be in {', '.join(map(str, self.state))} and {self.time} alone, "
                f"got also {', '.join(sorted(map(str, unknown)))}: {advice}"
            )

    def __reduce__(self):
        f, D = self.expressions
        return Expressions, (f.tolist(), self.state, D.tolist(), self.time)


class Generated:
    """A vectorized numpy function ``(x, t)`` made from an array of expressions when first called."""

    def __init__(self, array, state, time):
        self.array, self.state, self.time = array, state, time
        self.function = None

    def __call__(self, x, t):
        if self.function is None:
            self._generate()
        with np.errstate(all="ignore"):  # of a branch of a Piecewise that is not taken
            values = self.function(
                [x[..., i] for i in range(x.shape[-1])] if self.needs_state else self.state, t
            )
        out = np.zeros(self.array.shape + np.broadcast_shapes(x.shape[:-1], np.shape(t)))
        for index, value in zip(self.entries, values):
            out[index] = value
        lost = np.isnan(x).any(axis=-1) if self.needs_state else np.False_
        if lost.any():  # the default branch of a Piecewise would make a number of a state that is none
            out[..., np.broadcast_to(lost, out.shape[self.array.ndim :])] = np.nan
        return np.moveaxis(out, range(self.array.ndim), range(-self.array.ndim, 0))

    def _generate(self):
        import sympy

        self.array = np.asarray(self.array() if callable(self.array) else self.array, dtype=object)
        self.entries = [index for index in np.ndindex(self.array.shape) if self.array[index] != 0]
        self.needs_state = bool(symbols_of(self.array) & set(self.state))
        expressions = [self.array[index] for index in self.entries]
        unusual = sympy.Derivative, sympy.DiracDelta, sympy.core.function.AppliedUndef
        for e in expressions:
            if e.has(*unusual):
                raise ValueError(
                    f"drift and its derivatives must be ordinary functions, got {e}: {_advice(e)}"
                )
        self.function = sympy.lambdify(
            (self.state, self.time), expressions, ["scipy", "numpy"], printer=_printer(), cse=True
        )


def _advice(expression):
    """What to do about an expression that numpy cannot compute."""
    import sympy

    if expression.has(sympy.DiracDelta, sympy.Heaviside, sympy.sign) and not expression.has(sympy.re):
        return (
            "Max, Min and sign kink or jump, and their derivatives are no functions. Write them as Piecewise "
            "(Max(x, 0) as Piecewise((x, x > 0), (0, True))), or give a numeric drift to System"
        )
    if expression.has(sympy.re, sympy.im, sympy.conjugate, sympy.Abs):
        return "declare the symbols real (symbols(..., real=True)), or give a numeric drift to System"
    return "put expressions for the functions that have no definition, or give a numeric drift to System"


def _printer():
    """sympy's printer for numpy and scipy, with powers of symbols as products: thirty times faster."""
    from sympy.printing.numpy import SciPyPrinter

    class Printer(SciPyPrinter):
        def _print_Pow(self, power, **options):
            if power.base.is_Symbol and power.exp in (3, 4, 5):
                return "(" + "*".join([self._print(power.base)] * int(power.exp)) + ")"
            return super()._print_Pow(power, **options)

        def _print_Max(self, largest):  # of numbers and arrays, which sympy 1.12 cannot stack
            return reduce(lambda one, other: f"maximum({one}, {other})", map(self._print, largest.args))

        def _print_Min(self, smallest):
            return reduce(lambda one, other: f"minimum({one}, {other})", map(self._print, smallest.args))

    return Printer({"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True})


def derive(array, state):
    """Derivatives of an array of expressions (or of one) along a new last axis."""
    columns = [np.vectorize(lambda e, s=s: e.diff(s), otypes=[object])(array) for s in state]
    return np.stack(columns, axis=-1)


def _expressions(value, name):
    """``value`` as an array of real sympy expressions."""
    import sympy

    value = value.tolist() if isinstance(value, sympy.MatrixBase) else value
    try:
        array = np.array(value, dtype=object)
        for index in np.ndindex(array.shape):
            # text is parsed; of anything else sympy must know what it is
            array[index] = sympy.sympify(array[index], strict=not isinstance(array[index], str))
    except (TypeError, ValueError):
        array = np.array([None])
    if not all(isinstance(e, sympy.Expr) and not e.has(sympy.I) for e in array.flat):
        raise ValueError(f"{name} must be real sympy expressions, got {brief(value)}")
    return array


def symbols_of(array):
    """The free symbols in an array of expressions."""
    return set().union(*(e.free_symbols for e in np.ravel(array)))
