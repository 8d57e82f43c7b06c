"""Noisy dynamical systems ``dx = f(x, t) dt + sqrt(2 D(x, t)) dW`` (Itô), numeric or symbolic."""

from __future__ import annotations

import numpy as np

from .inputs import as_count, as_floats, as_returned

EPS = np.finfo(float).eps


def differentiate(function, x, t, noise=EPS):
    """Central differences of ``function(x, t)`` along a new last axis, one entry per coordinate.

    Each differencing costs a third of the digits: values good to a relative ``noise`` are
    differenced at the step ``noise**(1/3)``, and the result is good to about ``noise**(2/3)``.
    """
    dim = x.shape[-1]
    step = noise ** (1 / 3) * np.maximum(1.0, np.abs(x))
    t = np.asarray(t)
    columns = []
    for j in range(dim):
        above, below = x.copy(), x.copy()
        above[..., j] += step[..., j]
        below[..., j] -= step[..., j]
        width = above[..., j] - below[..., j]
        rise = function(above, t) - function(below, t)
        columns.append(rise / width.reshape(width.shape + (1,) * (rise.ndim - width.ndim)))
    return np.stack(columns, axis=-1)


def componentwise(array, rank=1):
    """The same array with each component, over the last ``rank`` axes, by itself in memory.

    Sums over these short axes then run along the long ones, which is several times faster.
    """
    axes = range(array.ndim)
    forth, back = (*axes[-rank:], *axes[:-rank]), (*axes[rank:], *axes[:rank])
    return np.ascontiguousarray(array.transpose(forth)).transpose(back)


class System:
    """A noisy dynamical system ``dx = f(x, t) dt + sqrt(2 D) dW`` in the sense of Itô.

    Parameters
    ----------
    drift : callable
        ``f(x, t)``: states ``(..., dim)`` to velocities ``(..., dim)``, vectorized. ``t`` comes as
        an array that broadcasts against ``x[..., 0]`` (often 0-d).
    diffusion : float, (dim,) or (dim, dim) array, or callable
        The diffusion matrix D, half the covariance of the noise per unit time; symmetric and
        positive definite. A number stands for a multiple of the identity, ``(dim,)`` for a
        diagonal. A callable ``D(x, t)`` returns one of these, broadcast over the states.
    dim : int
        Number of state variables.
    jacobian : callable, optional
        ``(x, t) -> (..., dim, dim)`` with entries ``df_i/dx_j``. Central differences where absent.
    hessian : callable, optional
        ``(x, t) -> (..., dim, dim, dim)`` with entries ``d2f_i/dx_j dx_l``. Differences where absent.

    Raises
    ------
    ValueError
        For a drift that is not callable, a ``dim`` below 1, or a constant D that is not finite,
        symmetric and positive definite. Wrong shapes of what the callables return are reported
        at the call.

    Notes
    -----
    Source of the convention: D = sigma sigma^T / 2, Vastola (2025), arXiv 2504.09761. Units: D is
    state squared per time.
    """

    def __init__(self, drift, diffusion, dim, jacobian=None, hessian=None):
        self.dim = as_count(dim, "dim")
        for name, function in (("drift", drift), ("jacobian", jacobian), ("hessian", hessian)):
            if not callable(function) and (name == "drift" or function is not None):
                raise ValueError(f"{name} must be a function of (x, t), got {function!r}")
        self._drift, self._jacobian, self._hessian = drift, jacobian, hessian
        self._divergence_hessian = self._hessian_along = None
        self._vouched = set()  # functions known to be vectorized
        self._diffusion = diffusion if callable(diffusion) else None
        #: D as a (dim, dim) matrix where it is constant, else None
        self.constant_diffusion = None if callable(diffusion) else self._constant(diffusion)
        if callable(diffusion):
            self._probe()
        else:
            #: whether D depends on the state
            self.multiplicative = False
            self._inverse = _invert(self.constant_diffusion)
        #: (matrix, offset) where the drift is known to be ``matrix @ x + offset``, else None
        self.linear = None

    @classmethod
    def from_sympy(cls, drift, state, diffusion, time=None):
        """A system from sympy expressions, with exact derivatives up to the third.

        Parameters
        ----------
        drift : expression or sequence of ``dim`` expressions
            f in terms of ``state`` and ``time``; every other symbol must have been replaced.
        state : symbol or sequence of ``dim`` symbols
        diffusion : as for `System`, or sympy expressions of those shapes
        time : symbol, optional

        Returns
        -------
        System
            It pickles by its expressions.

        Raises
        ------
        ValueError
            For unknown symbols (the message lists them) or shapes that do not fit.
        """
        return SymbolicSystem(drift, state, diffusion, time)

    def __repr__(self):
        kind = "multiplicative" if self.multiplicative else "additive"
        return f"<{type(self).__name__} of dimension {self.dim}, {kind} noise>"

    # ---- what it answers, vectorized over the leading axes --------------------------------

    def drift(self, x, t):
        """Drift f at states ``x`` (..., dim) and times ``t``: (..., dim)."""
        return self._call(self._drift, "drift", x, t, 1)

    def jacobian(self, x, t):
        """Jacobian df_i/dx_j at ``x`` (..., dim): (..., dim, dim)."""
        if self._jacobian is None:
            return differentiate(self.drift, np.asarray(x, dtype=float), t)
        return self._call(self._jacobian, "jacobian", x, t, 2)

    def hessian(self, x, t):
        """Second derivatives d2f_i/dx_j dx_l at ``x`` (..., dim): (..., dim, dim, dim)."""
        if self._hessian is None:
            noise = EPS if self._jacobian is not None else EPS ** (2 / 3)
            rough = differentiate(self.jacobian, np.asarray(x, dtype=float), t, noise)
            return (rough + np.swapaxes(rough, -1, -2)) / 2
        return self._call(self._hessian, "hessian", x, t, 3)

    def hessian_along(self, x, t, p):
        """Second derivatives of ``p . f`` at ``x`` (..., dim) for given ``p`` (..., dim): (..., dim, dim)."""
        if self._hessian_along is not None:
            return self._hessian_along(x, t, p)
        return np.einsum("...i,...ilm->...lm", p, self.hessian(x, t))

    def divergence(self, x, t):
        """Divergence of the drift at ``x`` (..., dim): (...)."""
        return np.trace(self.jacobian(x, t), axis1=-2, axis2=-1)

    def divergence_gradient(self, x, t):
        """Gradient of the drift's divergence at ``x`` (..., dim): (..., dim)."""
        return np.einsum("...iil->...l", self.hessian(x, t))

    def divergence_hessian(self, x, t):
        """Second derivatives of the drift's divergence at ``x`` (..., dim): (..., dim, dim)."""
        if self._divergence_hessian is None:
            noise = EPS ** ((2 / 3) ** self._differencings)
            rough = differentiate(self.divergence_gradient, np.asarray(x, dtype=float), t, noise)
            return (rough + np.swapaxes(rough, -1, -2)) / 2
        return self._call(self._divergence_hessian, "divergence_hessian", x, t, 2)

    def diffusion(self, x, t):
        """Diffusion matrix D at ``x`` (..., dim): (..., dim, dim), whatever form it was given in."""
        x = np.asarray(x, dtype=float)
        lead = np.broadcast_shapes(x.shape[:-1], np.shape(t))
        if self.constant_diffusion is not None:
            return np.broadcast_to(self.constant_diffusion, lead + (self.dim, self.dim))
        value = self._diffusion_as_given(x, t, lead)
        if self._diffusion_rank == 2:
            return value
        return (value[..., None] if self._diffusion_rank == 0 else value)[..., None] * np.eye(self.dim)

    def inverse_diffusion(self, x, t):
        """``D^-1`` at ``x`` without the axes that D does not depend on; nan where D is not valid."""
        if self.constant_diffusion is not None:
            return self._inverse
        if not self.multiplicative:
            x = np.broadcast_to(x.reshape(-1, self.dim)[0], np.shape(t) + (self.dim,))
        return _invert(self.diffusion(x, t))

    def diffusion_gradient(self, x, t):
        """dD_ij/dx_l at ``x`` (..., dim): (..., dim, dim, dim)."""
        return differentiate(self.diffusion, np.asarray(x, dtype=float), t)

    def diffusion_hessian(self, x, t):
        """d2D_ij/dx_l dx_m at ``x`` (..., dim): (..., dim, dim, dim, dim)."""
        x = np.asarray(x, dtype=float)
        rough = differentiate(self.diffusion_gradient, x, t, EPS ** (2 / 3))
        return (rough + np.swapaxes(rough, -1, -2)) / 2

    @property
    def derivative_noise(self):
        """Relative error to expect of the drift's second derivatives: roundoff, or worse by differencing."""
        return EPS ** ((2 / 3) ** self._differencings)

    # ---- behind it -----------------------------------------------------------------------

    @property
    def _differencings(self):
        """How many differencings stand between what was given and the second derivatives."""
        return 0 if self._hessian is not None else 1 if self._jacobian is not None else 2

    def _call(self, function, name, x, t, rank):
        x = np.asarray(x, dtype=float)
        if x.ndim == 0 or x.shape[-1] != self.dim:
            raise ValueError(f"x must have shape (..., {self.dim}), got shape {x.shape}")
        t = np.asarray(t)
        shape = np.broadcast_shapes(x.shape[:-1], t.shape) + (self.dim,) * rank
        try:
            value = np.asarray(function(x, t), dtype=float)
            if name not in self._vouched and x.size and t.size:
                self._vouch(function, name, x.reshape(-1, self.dim), np.asarray(t.flat[0]), rank)
        except IndexError as error:
            raise ValueError(
                f"{name}(x, t) must take states (..., {self.dim}), that is x[..., i] for x_i "
                f"and not x[i]: {error}"
            ) from error
        if value.shape == shape:
            return componentwise(value, rank)
        return as_returned(value, shape, name, x)

    def _vouch(self, function, name, x, t, rank):
        """See that a function means x[..., i]: x[i] goes unnoticed on just dim states, and where dim is 1."""
        if (x[0] == x[-1]).all():
            return
        rows = x[[0] * self.dim + [-1]]
        forth, back = (np.asarray(function(r, t), dtype=float) for r in (rows, rows[::-1]))
        if forth.shape == (self.dim,) * (rank + 1) or (
            forth.shape != (self.dim + 1,) + (self.dim,) * rank
            and not np.array_equal(forth, back, equal_nan=True)
        ):
            raise IndexError(f"of {self.dim + 1} states it returned shape {forth.shape}")
        self._vouched.add(name)

    def _constant(self, diffusion):
        """D as a checked (dim, dim) matrix."""
        given = as_floats(diffusion, "diffusion")
        if given.shape == ():
            matrix = given * np.eye(self.dim)
        elif given.shape == (self.dim,):
            matrix = np.diag(given)
        elif given.shape == (self.dim, self.dim):
            matrix = given.copy()
        else:
            raise ValueError(
                f"diffusion must be a number, ({self.dim},) or ({self.dim}, {self.dim}), "
                f"got shape {given.shape}"
            )
        return check_positive_definite(matrix)

    def _diffusion_as_given(self, x, t, lead):
        """What a callable D returns, broadcast: (...), (..., dim) or (..., dim, dim), as it was given."""
        value = np.asarray(self._diffusion(x, np.asarray(t)), dtype=float)
        return as_returned(value, lead + (self.dim,) * self._diffusion_rank, "diffusion", x)

    def _probe(self):
        """Learn from a few calls which form a callable D returns, and whether it depends on x."""
        rng = np.random.default_rng(0)
        lead = (self.dim + 1, self.dim + 2)  # a leading shape no state or matrix can be taken for
        x = rng.normal(size=lead + (self.dim,)) * np.logspace(-2, 2, lead[1])[:, None]
        ranks = {lead: 0, (): 0, (self.dim,): 1, lead + (self.dim,): 1}
        ranks |= {(self.dim,) * 2: 2, lead + (self.dim,) * 2: 2}
        with np.errstate(all="ignore"):
            value = np.asarray(self._diffusion(x, np.full(lead, 0.5)), dtype=float)
            if value.shape not in ranks:
                raise ValueError(
                    f"diffusion(x, t) must return a number, ({self.dim},) or ({self.dim}, {self.dim}) "
                    f"per state, got shape {value.shape} for x of shape {x.shape}"
                )
            self._diffusion_rank = ranks[value.shape]
            samples = [self._diffusion_as_given(x, t, lead) for t in (0.5, 0.731)]
        self.multiplicative = not all(
            np.array_equal(s, np.broadcast_to(s[0, 0], s.shape), equal_nan=True) for s in samples
        )


def check_positive_definite(matrix):
    """``matrix`` (..., dim, dim) itself if it is a valid D, else a ValueError that says why not."""
    if not np.isfinite(matrix).all():
        raise ValueError("diffusion must be finite, got NaN or infinity")
    if not _is_symmetric(matrix).all():
        raise ValueError(f"diffusion must be symmetric, got {matrix[~_is_symmetric(matrix)][0]}")
    lowest = np.linalg.eigvalsh(matrix)[..., 0]
    if (lowest <= EPS * np.abs(matrix).max(axis=(-1, -2))).any():
        raise ValueError(f"diffusion must be positive definite, got smallest eigenvalue {lowest.min():.3g}")
    return matrix


def _is_symmetric(matrix):
    rounding = 1e-12 * np.abs(matrix).max(axis=(-1, -2), keepdims=True)
    return (np.abs(matrix - np.swapaxes(matrix, -1, -2)) <= rounding).all(axis=(-1, -2))


def _invert(D):
    """Inverse of ``D`` (..., dim, dim); nan where it is not symmetric and positive definite."""
    diagonal = np.einsum("...ii->...i", D)
    with np.errstate(all="ignore"):
        if np.count_nonzero(D) == np.count_nonzero(diagonal):
            good = (np.isfinite(diagonal) & (diagonal > 0)).all(axis=-1)[..., None, None]
            return np.where(good, np.eye(D.shape[-1]) / diagonal[..., None], np.nan)
        good = (np.isfinite(D).all(axis=(-1, -2)) & _is_symmetric(D))[..., None, None]
        safe = np.where(good, D, np.eye(D.shape[-1]))
        lowest = np.linalg.eigvalsh(safe)[..., :1, None]
        good = good & (lowest > EPS * np.abs(safe).max(axis=(-1, -2), keepdims=True))
        return np.where(good, np.linalg.inv(np.where(good, D, np.eye(D.shape[-1]))), np.nan)


class SymbolicSystem(System):
    """A `System` whose functions are generated from sympy expressions, each when first used."""

    def __init__(self, drift, state, diffusion, time=None):
        import sympy  # only here: numeric systems do without it

        self.state = tuple(sympy.flatten([state]))
        self.time = sympy.Symbol("t") if time is None else time
        for name, symbols in (("state", self.state), ("time", [self.time])):
            if not symbols or not all(isinstance(s, sympy.Symbol) for s in symbols):
                raise ValueError(f"{name} must be sympy symbols, got {symbols!r}")
        dim = len(self.state)
        f = _expressions(sympy.flatten([drift]), "drift")
        D = _expressions(diffusion, "diffusion")
        if f.shape != (dim,):
            raise ValueError(f"drift must be {dim} expressions, one per state variable, got {len(f)}")
        if D.shape not in ((), (dim,), (dim, dim)):
            raise ValueError(f"diffusion must be one expression, ({dim},) or ({dim}, {dim}), got {D.shape}")
        for name, array in (("drift", f), ("diffusion", D)):
            unknown = _symbols(array) - {*self.state, self.time}
            if unknown:
                twins = {str(s) for s in unknown} & {str(s) for s in (*self.state, self.time)}
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
        if D.ndim < 2:
            D = D * np.eye(dim, dtype=int)
        self.expressions = f, D

        def function(array):
            return Generated(array, self.state, self.time)

        first = derive(f, self.state)
        super().__init__(
            function(f), function(D) if _symbols(D) else D, dim,
            function(first), function(lambda: derive(first, self.state)),
        )
        self._divergence_hessian = function(
            lambda: derive(derive(np.trace(first), self.state), self.state)
        )
        if _symbols(D):
            self.diffusion_gradient = function(lambda: derive(D, self.state))
            self.diffusion_hessian = function(lambda: derive(derive(D, self.state), self.state))
        if not _symbols(first) and self.time not in _symbols(f):
            offset = [e.subs({s: 0 for s in self.state}) for e in f]
            self.linear = first.astype(float), np.array(offset, dtype=float)

    def _probe(self):
        self._diffusion_rank = 2
        self.multiplicative = bool(_symbols(self.expressions[1]) & set(self.state))

    def __reduce__(self):
        f, D = self.expressions
        return SymbolicSystem, (f.tolist(), self.state, D.tolist(), self.time)


class Generated:
    """A vectorized numpy function ``(x, t)`` made from an array of expressions when first called."""

    def __init__(self, array, state, time):
        self.array, self.state, self.time = array, state, time
        self.function = None

    def __call__(self, x, t):
        if self.function is None:
            self._generate()
        x, t = np.asarray(x, dtype=float), np.asarray(t)
        values = self.function([x[..., i] for i in range(x.shape[-1])], t)
        out = np.zeros(self.array.shape + np.broadcast_shapes(x.shape[:-1], t.shape))
        for index, value in zip(self.entries, values):
            out[index] = value
        return np.moveaxis(out, range(self.array.ndim), range(-self.array.ndim, 0))

    def _generate(self):
        import sympy

        self.array = np.asarray(self.array() if callable(self.array) else self.array, dtype=object)
        self.entries = [index for index in np.ndindex(self.array.shape) if self.array[index] != 0]
        expressions = [self.array[index] for index in self.entries]
        unusual = sympy.Derivative, sympy.DiracDelta, sympy.core.function.AppliedUndef
        for e in expressions:
            if e.has(*unusual):
                raise ValueError(
                    f"drift and its derivatives must be ordinary functions, got {e}: "
                    "declare the symbols real, or give a numeric drift"
                )
        self.function = sympy.lambdify(
            (self.state, self.time), expressions, ["scipy", "numpy"], printer=_printer(), cse=True
        )


def _printer():
    """sympy's printer for numpy and scipy, with powers of symbols as products: thirty times faster."""
    from sympy.printing.numpy import SciPyPrinter

    class Printer(SciPyPrinter):
        def _print_Pow(self, power, **options):
            if power.base.is_Symbol and power.exp in (3, 4, 5):
                return "(" + "*".join([self._print(power.base)] * int(power.exp)) + ")"
            return super()._print_Pow(power, **options)

    return Printer({"fully_qualified_modules": False, "inline": True, "allow_unknown_functions": True})


def derive(array, state):
    """Derivatives of an array of expressions (or of one) along a new last axis."""
    columns = [np.vectorize(lambda e: e.diff(s), otypes=[object])(array) for s in state]
    return np.stack(columns, axis=-1)


def _expressions(value, name):
    """``value`` as an array of real sympy expressions."""
    import sympy

    value = value.tolist() if isinstance(value, sympy.MatrixBase) else value
    try:
        array = np.array(value, dtype=object)
        for index in np.ndindex(array.shape):
            array[index] = sympy.sympify(array[index])
    except (TypeError, ValueError):
        array = np.array([None])
    if not all(isinstance(e, sympy.Expr) and not e.has(sympy.I) for e in array.flat):
        raise ValueError(f"{name} must be real sympy expressions, got {value!r}")
    return array


def _symbols(array):
    """The free symbols in an array of expressions."""
    return set().union(*(e.free_symbols for e in np.ravel(array)))
