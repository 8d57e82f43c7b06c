"""What a user holds: a flow, checked and answering vectorized, its missing derivatives by differences."""

from __future__ import annotations

import numpy as np

from ..inputs import as_count, brief
from .derivatives import (
    EPS,
    bend_by_jacobian,
    bend_by_values,
    by_parts,
    contract,
    differentiate,
    symmetrised,
)
from .flow import Flow, Functions
from .learn import Facts
from .noise import Noisy, as_matrix, invert, is_diagonal
from .products import Products, as_lattice
from .sources import Sources

MANY_VARIABLES = 8  #: from here on a jacobian of the caller's own saves most of the time
FEW = 6  #: up to here differences of fourth order are worth their price


class System(Noisy, Products, Sources):
    """A noisy dynamical system ``dx = f(x, t) dt + sqrt(2 D) dW`` in the sense of Itô.

    Parameters
    ----------
    drift : callable
        ``f(x, t)``: states ``(..., dim)`` to velocities ``(..., dim)``, vectorized. ``t`` comes as
        an array that broadcasts against ``x[..., 0]`` (often 0-d).
    diffusion : float, (dim,) or (dim, dim) array, or callable
        The diffusion matrix D, half the covariance of the noise per unit time; symmetric, without
        negative eigenvalues: zero ones leave some variables without noise of their own. A number
        stands for a multiple of the identity, ``(dim,)`` for a diagonal. A callable ``D(x, t)``
        returns one of these, broadcast over the states.
    dim : int
        Number of state variables.
    jacobian : callable, optional
        ``(x, t) -> (..., dim, dim)`` with entries ``df_i/dx_j``. Central differences where absent;
        with many variables it is what saves most time.
    hessian : callable, optional
        ``(x, t) -> (..., dim, dim, dim)`` with entries ``d2f_i/dx_j dx_l``. Differences where absent.
    hessian_along : callable, optional
        ``(x, t, p) -> (..., dim, dim)``: second derivatives of ``p.f``, all that a path needs of the
        hessian, and with many variables much smaller.
    jvp, vjp, hvp : callable, optional
        Products in place of matrices, for very many variables, each (..., dim): ``jvp(x, t, v)`` is the
        Jacobian times v, ``vjp(x, t, p)`` its transpose times p, ``hvp(x, t, p, v)`` the second
        derivatives of ``p.f`` times v. Of these ``vjp`` cannot be had from few values of the others.
    lattice : tuple of int, optional
        Declares that the state is a field on a periodic lattice of this shape, its components first
        and the last index fastest: paths of very many variables are found in fewer steps.
    additive : bool, optional
        Declares whether D does not depend on the state.
    autonomous : bool, optional
        Declares whether neither drift nor D depends on time.

    Raises
    ------
    ValueError
        For a drift that is not callable, a ``dim`` below 1, or a constant D that is not finite,
        symmetric and without negative eigenvalues. Wrong shapes of what the callables return are
        reported at the call.

    Notes
    -----
    What is not declared is learned where an answer needs it, at the states and times that it uses;
    ``print(system)`` says what is declared and what was seen where.

    Source of the convention: D = sigma sigma^T / 2, Vastola (2025), arXiv 2504.09761. Units: D is
    state squared per time.
    """

    def __init__(
        self,
        drift,
        diffusion,
        dim,
        jacobian=None,
        hessian=None,
        *,
        hessian_along=None,
        jvp=None,
        vjp=None,
        hvp=None,
        lattice=None,
        additive=None,
        autonomous=None,
    ):
        functions = dict(drift=drift, jacobian=jacobian, hessian=hessian, hessian_along=hessian_along)
        functions |= dict(jvp=jvp, vjp=vjp, hvp=hvp)
        for name, function in functions.items():
            if not callable(function) and (name == "drift" or function is not None):
                raise ValueError(f"{name} must be a function of (x, t), got {brief(function)}")
        facts = dict(additive=additive, autonomous=autonomous)
        for name, fact in facts.items():
            if fact not in (True, False, None):
                raise ValueError(f"{name} must be True, False or None (not declared), got {brief(fact)}")
        facts["lattice"] = None if lattice is None else as_lattice(lattice, as_count(dim, "dim"))
        self._hold(Functions(as_count(dim, "dim"), diffusion, **functions, **facts))

    @classmethod
    def of(cls, flow):
        """The system of a `noetherlib.system.Flow`.

        Parameters
        ----------
        flow : Flow

        Returns
        -------
        System

        Raises
        ------
        ValueError
            For what is no `Flow`, or a constant D that is not valid.
        """
        if not isinstance(flow, Flow):
            raise ValueError(f"flow must be a Flow, got {type(flow).__name__}")
        system = cls.__new__(cls)
        system._hold(flow)
        return system

    def _hold(self, flow):
        self.flow, self.dim, self.facts = flow, flow.dim, Facts(flow)
        #: D as a (dim, dim) matrix where it is constant, else None
        self.constant_diffusion = None if callable(flow.diffusion) else as_matrix(flow.diffusion, flow.dim)
        #: (matrix, offset) where the drift is declared to be ``matrix @ x + offset``, else None
        self.linear = (flow.matrix, flow.offset) if flow.linear else None
        self._inverse = None
        if self.constant_diffusion is not None:
            self._inverse = invert(self.constant_diffusion)
            if is_diagonal(self.constant_diffusion):
                self._inverse = np.diag(self._inverse).copy()
            self._inverse.flags.writeable = self.constant_diffusion.flags.writeable = False

    def __reduce__(self):
        return System.of, (self.flow,)

    def __repr__(self):
        slow = self.dim >= MANY_VARIABLES and self.flow.jacobian is None and not self.has_products
        hint = "; derivatives by differences: jacobian= would be much faster" if slow else ""
        return f"<System of dimension {self.dim}: {self.facts}{hint}>"

    @property
    def additive(self):
        """Whether D is known not to depend on the state: True, False, or None where nobody said."""
        return True if self.constant_diffusion is not None else self.flow.additive

    # ---- the drift, vectorized over the leading axes ----------------------------------------------

    def drift(self, x, t):
        """Drift f at states ``x`` (..., dim) and times ``t``: (..., dim)."""
        return self.facts.ask("drift", 1, x, t)

    def jacobian(self, x, t):
        """Jacobian df_i/dx_j at ``x`` (..., dim): (..., dim, dim)."""
        if self.flow.jacobian is None:
            return differentiate(self.drift, np.asarray(x, dtype=float), t, fine=self.dim <= FEW)
        return self.facts.ask("jacobian", 2, x, t)

    def hessian(self, x, t):
        """Second derivatives d2f_i/dx_j dx_l at ``x`` (..., dim): (..., dim, dim, dim)."""
        if self.flow.hessian is None:
            noise = EPS if self.flow.jacobian is not None else EPS ** (2 / 3)
            return symmetrised(differentiate(self.jacobian, np.asarray(x, dtype=float), t, noise))
        return self.facts.ask("hessian", 3, x, t)

    def hessian_along(self, x, t, p, zeros=None):
        """Second derivatives of ``p . f`` at ``x`` (..., dim) for given ``p`` (..., dim): (..., dim, dim).

        With ``zeros``, a `Sparsity`, differences cost half or less, at half the digits (see `derivatives`).
        """
        x, flow = np.asarray(x, dtype=float), self.flow
        if flow.hessian_along is not None:
            return self.facts.ask("hessian_along", 2, x, t, p)
        if flow.hessian is not None:
            return by_parts(self.hessian, x, t, contract, p)
        if flow.jacobian is not None:
            return bend_by_jacobian(self.jacobian, x, t, p, zeros)

        def along(y, s):
            return np.einsum("...i,...i->...", p, self.drift(y, s))

        return bend_by_values(along, x, t, zeros)

    def divergence(self, x, t):
        """Divergence of the drift at ``x`` (..., dim): (...)."""
        if self.flow.divergence is not None:
            return self.facts.ask("divergence", 0, x, t)
        return np.trace(self.jacobian(x, t), axis1=-2, axis2=-1)

    def divergence_gradient(self, x, t):
        """Gradient of the drift's divergence at ``x`` (..., dim): (..., dim)."""
        x, flow = np.asarray(x, dtype=float), self.flow
        if flow.divergence_gradient is not None:
            return self.facts.ask("divergence_gradient", 1, x, t)
        if flow.hessian is not None:
            return by_parts(self.hessian, x, t, lambda tensor: np.einsum("...iil->...l", tensor))
        noise = EPS if flow.jacobian is not None else EPS ** (2 / 3)
        return differentiate(self.divergence, x, t, noise)

    def divergence_hessian(self, x, t):
        """Second derivatives of the drift's divergence at ``x`` (..., dim): (..., dim, dim)."""
        x, flow = np.asarray(x, dtype=float), self.flow
        if flow.divergence_hessian is not None:
            return self.facts.ask("divergence_hessian", 2, x, t)
        noise = EPS if flow.divergence_gradient or flow.hessian else self.derivative_noise
        return symmetrised(differentiate(self.divergence_gradient, x, t, noise))

    @property
    def slope_noise(self):
        """Relative error to expect of the Jacobian: 0 for roundoff, or more by differencing."""
        if self.flow.jacobian is not None:
            return 0.0
        return EPS ** (4 / 5 if self.dim <= FEW else 2 / 3)

    @property
    def derivative_noise(self):
        """Relative error to expect of the drift's second derivatives: roundoff, or worse by differencing."""
        if self.flow.derivative_noise is not None:
            return self.flow.derivative_noise
        if self.flow.hessian is not None or self.flow.hessian_along is not None:
            return EPS
        return EPS ** (2 / 3) if self.flow.jacobian is not None else EPS ** (4 / 9)
