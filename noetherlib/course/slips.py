"""The likely slips, and how an answer is compared with the right one and with theirs."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

#: What each slip is, and where to read about it. What was seen in the answer at hand is added to that.
SLIPS = {
    "factor ½": (
        "A factor of two is lost or won. Written with D, the Lagrangian has one quarter, the momentum one "
        "half, and the divergence comes with one half. See 'Factors to beware of' on the notation page"
    ),
    "σ² for D": (
        "σ² stands where D belongs, or the reverse: D = σ²/2. See 'Factors to beware of' on the notation page"
    ),
    "sign": "A sign is wrong, and all else is right",
    "left-point rule": (
        "The drift is taken at the left end of each step (as Itô does) and not in the middle. On a smooth "
        "curve that is another action. See 'Where the left-point rule hides it' in The probability of a "
        "path"
    ),
    "missing ½∇·f": (
        "The term ½∇·f is missing: this belongs to the functional of Freidlin and Wentzell, and that of "
        "Onsager and Machlup was asked for. See 'The same noise, seen from the midpoint' in The "
        "probability of a path"
    ),
    "units": (
        "The unit is wrong, so a factor that has one is missing. See 'The Lagrangian, read as mechanics' "
        "in Noether's theorem for noisy systems"
    ),
    "E and L": (
        "Energy and Lagrangian are mixed up: E = p·v - L, and the charge of time translation is -E. See "
        "'The Lagrangian, read as mechanics' in Noether's theorem for noisy systems"
    ),
    "saddle": (
        "The path is stationary, but a saddle: in some direction the action falls. Start from another "
        "guess. See 'Minimum or saddle?' in Computing most likely paths"
    ),
    "unconverged": (
        "The path is not stationary: the momentum jumps at the nodes. Take more steps, or better ones. "
        "See 'From a path to a list of numbers' in Computing most likely paths"
    ),
    "transposed axes": (
        "The axes are transposed: the state is the last axis, paths and times come before it. See 'Arrays "
        "and randomness' on the notation page"
    ),
    "global seed": (
        "The random numbers do not come from the generator that was passed: a global or a fixed seed is "
        "at work. See 'Three slips, on purpose' in Noisy dynamical systems"
    ),
    "square root": (
        "Noise adds up in variance: after a time h its standard deviation is √(2Dh). See 'From coin "
        "tosses to Brownian motion' in Noisy dynamical systems"
    ),
    "standard error": (
        "The error bar of a mean is the standard deviation of the samples divided by √n. See 'A noisy "
        "dynamical system' in Noisy dynamical systems"
    ),
    "gauge term": (
        "A gauge term is forgotten, or a part of it. See 'Symmetry, gauge term, and the theorem' in "
        "Noether's theorem for paths"
    ),
    "drift": "The drift is forgotten: momentum is the push of the noise, ½D⁻¹(v - f), and not ½D⁻¹v",
    "noise": (
        "The noise is forgotten: what is a symmetry of the drift must be one of D as well. See 'What "
        "invariance asks of drift and noise' in Noether's theorem for noisy systems"
    ),
    "naive momentum": (
        "This is the momentum in the middle of a step. The one that is conserved exactly belongs to a "
        "node: D₂L_d = p + ½h ∂L/∂x. See 'Exactly conserved, on a mesh' on the notation page"
    ),
}


class Mistake(AssertionError):
    """A wrong answer. ``slip`` is a key of `SLIPS` where the mistake was recognised, else None."""

    def __init__(self, slip, detail="", task=""):
        self.slip, self.detail, self.task = slip, detail, task
        text = ". ".join(part for part in (SLIPS.get(slip, ""), detail) if part)
        super().__init__(f"{task}: {text}." if task else f"{text}.")

    def _render_traceback_(self):
        """What a notebook shows: the message alone."""
        return [f"Mistake in {self}"]


def between(low, high, **options):
    """A number of an `Instance`, drawn between these limits."""
    return field(metadata={"range": (low, high)}, **options)


@dataclass(frozen=True)
class Instance:
    """The numbers of one student. The noise has the amplitude sigma, so ``D = sigma**2 / 2``."""

    sigma: float = between(0.55, 0.95)

    @property
    def D(self):
        return self.sigma**2 / 2

    def __str__(self):
        shown = [number.name for number in fields(self) if number.repr]
        return ", ".join(f"{name} = {getattr(self, name):g}" for name in shown)


# ---- comparing -----------------------------------------------------------------------------------------


def compare(got, want, slips=(), unit=None, tol=1e-6):
    """Nothing where ``got`` is right, else a `Mistake`.

    Tried in turn: the ``slips``, each a name, the value that it gives and a remark; transposed axes; the
    ``unit``, a function that returns what is wrong with it, if anything; a sign; a constant factor.
    """
    got, want = as_numbers(got), np.asarray(want, dtype=float)
    if close(got, want, tol):
        return
    for slip, wrong, *remark in slips:
        if close(got, np.asarray(wrong, dtype=float), tol):
            raise Mistake(slip, *remark)
    if got.ndim > 1 and any(close(np.moveaxis(got, axis, -1), want, tol) for axis in range(got.ndim - 1)):
        raise Mistake("transposed axes", f"Shape {want.shape} is needed, and the answer has {got.shape}")
    if got.shape != want.shape:
        transposed = got.ndim > 1 and sorted(got.shape) == sorted(want.shape)
        detail = f"Shape {want.shape} is needed, and the answer has {got.shape}"
        raise Mistake("transposed axes" if transposed else None, detail)
    if not np.isfinite(got).all():
        raise Mistake(None, "The answer has entries that are not finite")
    if unit and (wrong := unit()):
        raise Mistake("units", wrong)
    ratio = (got * want).sum() / (want * want).sum()
    if close(got, ratio * want, tol):
        slip = {-1: "sign", 2: "factor ½", 0.5: "factor ½"}.get(round(float(ratio), 4))
        raise Mistake(slip, f"The answer is {ratio:.4g} times the right one")
    off = np.abs(got - want).max()
    raise Mistake(None, f"Not right, and none of the usual slips. It is off by up to {off:.2g}")


def close(got, want, tol):
    return got.shape == want.shape and bool(np.abs(got - want).max() <= tol * np.abs(want).max() + 1e-12)


def as_numbers(answer):
    try:
        return np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise Mistake(None, f"Numbers are needed, and the answer is a {type(answer).__name__}") from None


def as_function(answer, signature):
    if not callable(answer):
        raise Mistake(None, f"A function {signature} is needed, and the answer is a {type(answer).__name__}")
    return answer


def wrong_unit(function, arguments, powers, right):
    """What is wrong with the unit of a function's value: found by changing the units of state and time.

    ``powers`` has the exponents of (state, time) in the unit of each argument, ``right`` those of the value.
    """
    found = []
    for axis, factor in ((0, 2.0), (1, 4.0)):
        scaled = [value * factor ** power[axis] for value, power in zip(arguments, powers, strict=True)]
        with np.errstate(all="ignore"):
            ratio = as_numbers(function(*scaled)) / as_numbers(function(*arguments))
            rates = np.log(np.abs(ratio)) / np.log(factor)
        if not np.ptp(rates) < 1e-6:
            return "Terms of different units are added"
        found.append(round(float(rates.flat[0]), 2))
    if found != list(right):
        say = "[x]^{:g} [t]^{:g}".format
        return f"With x the state and t the time it is {say(*found)}, and {say(*right)} is needed"


def evaluate(answer, symbols, points):
    """The values of a sympy expression at points, one column for each of the symbols, named in a string."""
    import sympy as sp  # only where a task is about algebra

    symbols = sp.symbols(symbols)
    try:
        expression = sp.sympify(answer)
        unknown = expression.free_symbols - set(symbols)
    except (TypeError, AttributeError, sp.SympifyError):
        kind = type(answer).__name__
        raise Mistake(None, f"A sympy expression is needed, and the answer is a {kind}") from None
    if unknown:
        names = ", ".join(sorted(map(str, unknown)))
        allowed = ", ".join(map(str, symbols))
        raise Mistake(None, f"Only {allowed} may occur, and {names} does: put in your numbers")
    value = sp.lambdify(symbols, expression, "numpy")(*np.transpose(points))
    return np.broadcast_to(value, len(points)).astype(float)


def points(dim):
    """Twelve fixed, irregular points of order one, where functions and expressions are compared."""
    k = np.arange(1, 13)[:, None] * np.sqrt([2, 3, 5, 7, 11, 13][:dim])
    return 0.4 + 2 * (k % 1.0)


# ---- what two problem sets share -----------------------------------------------------------------------


def uneven(T, n):
    """Times from 0 to T, the steps different."""
    u = np.linspace(0, 1, n)
    return T * (u + 0.3 * np.sin(np.pi * u) * u)


def action(x, t, f, divergence, D, left=False, share=0.5, quarter=0.25):
    """The Onsager-Machlup action by the midpoint rule; the options make of it what slips make of it."""
    h, where = np.diff(t), x[:-1] if left else (x[1:] + x[:-1]) / 2
    push = ((np.diff(x, axis=0).T / h).T - f(where)).reshape(len(h), -1)
    return h @ (quarter / D * (push**2).sum(axis=1) + share * divergence(where))


ACTION_SLIPS = [
    ("missing ½∇·f", {"share": 0}),
    ("left-point rule", {"left": True}),
    ("left-point rule", {"left": True, "share": 0}),
    ("factor ½", {"share": 1}),
    ("factor ½", {"quarter": 0.5}),
    ("factor ½", {"quarter": 0.5, "share": 0}),
    ("σ² for D", {"quarter": 0.125}),
    ("σ² for D", {"quarter": 0.125, "share": 0}),
    ("sign", {"share": -0.5}),
]


def compare_actions(got, *arguments):
    """`compare` for an action of ``(x, t, f, divergence, D)``."""
    slips = [(slip, action(*arguments, **options)) for slip, options in ACTION_SLIPS]
    compare(got, action(*arguments), slips)
