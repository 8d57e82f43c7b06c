"""A noisy system's Lagrangian or, with noise on some variables only, its Hamiltonian."""

from __future__ import annotations

import sympy as sp

from ..inputs import brief
from .fields import independent_rows
from .hamilton import Hamiltonian, is_regular
from .lagrange import Lagrangian
from .symbols import as_exact, as_sequence, as_symbols, as_symmetric, as_time, velocities

NAMES = ("freidlin-wentzell", "fw", "onsager-machlup", "om")
SWITCHES = (sp.Piecewise, sp.Heaviside, sp.Max, sp.Min, sp.Abs, sp.sign, sp.floor, sp.ceiling)


def lagrangian(drift, diffusion, state, time=None, functional="onsager-machlup") -> Lagrangian | Hamiltonian:
    """``(v - f)^T D^-1 (v - f)/4 + U``, for the most likely paths of ``dx = f dt + sqrt(2 D) dW``.

    Parameters
    ----------
    drift : expression, or one for each state
        ``f(x, t)``.
    diffusion : expression, one for each state, or a symmetric matrix
        ``D(t)``, half the noise covariance per unit time, without negative eigenvalues.
    state, time : Symbol or sequence of Symbol; Symbol
        The default time is the symbol named ``t``.
    functional : {"onsager-machlup", "freidlin-wentzell"} or expression
        ``U = (div f)/2`` (the most likely tube at finite noise), ``U = 0`` (the limit of weak
        noise; here ``D`` may depend on the state), or any ``U(x, t)``.

    Returns
    -------
    Lagrangian or Hamiltonian
        A Hamiltonian if ``D`` is singular, that is with noise on some variables only: only paths
        with ``v - f`` in the range of ``D`` have an action, ``int (p . D p + U) dt`` with ``v = f
        + 2 D p``, so that there is no function ``L(x, v, t)``.  All of `noetherlib.symbolic` takes
        either.

    Raises
    ------
    ValueError
        For a wrong shape, an unknown functional, a ``D`` that is zero, not symmetric or has a
        negative eigenvalue; for Onsager-Machlup with a ``D`` that depends on the state, or whose
        range changes in time.

    Notes
    -----
    With a singular ``D``, Onsager-Machlup takes the divergence along the noisy directions only,
    ``U = tr(P grad f)/2`` with ``P`` the orthogonal projector on the range of ``D``.  The projector
    is a choice of tube around the path, made in the coordinates given; what it leaves out of the
    divergence belongs to the density's prefactor.

    References
    ----------
    Onsager and Machlup, Phys. Rev. 91 (1953) 1505.  Duerr and Bach, Commun. Math. Phys. 60 (1978)
    153.  Freidlin and Wentzell, *Random Perturbations of Dynamical Systems*.
    """
    state = as_symbols("state", state)
    f = [as_exact("drift", e) for e in as_sequence(drift)]
    D = as_symmetric("diffusion", diffusion, len(state))
    if D.is_zero_matrix or D.is_positive_semidefinite is False:
        raise ValueError(
            f"diffusion: got {D.tolist()}, need a matrix that is positive definite, "
            "or semi-definite and not zero"
        )
    if len(f) != len(state):
        raise ValueError(f"drift: got {len(f)} components, need {len(state)}, one for each state")
    if isinstance(functional, str) and functional not in NAMES:
        raise ValueError(
            f"functional: got {brief(functional)}, need 'onsager-machlup', "
            "'freidlin-wentzell' or a sympy expression U(x, t)"
        )
    U = as_exact("functional", 0 if isinstance(functional, str) else functional)
    for name, values in ("drift", f), ("diffusion", D), ("functional", [U]):
        if any(e.has_free(*velocities(state)) for e in values):
            raise ValueError(f"{name}: must not depend on the velocities {velocities(state)}")
    time = as_time(time, [*f, *D, U])
    if isinstance(functional, str) and functional in ("onsager-machlup", "om"):
        U = _half_divergence(f, D, state, time, diffusion)
    H = Hamiltonian(f, D, U, state, time)
    if not is_regular(H):
        return H
    w = sp.Matrix(velocities(state)) - sp.Matrix(f)
    if D.is_diagonal():
        kinetic = sum(rate**2 / (4 * d) for rate, d in zip(w, D.diagonal(), strict=True))
    else:
        kinetic = (w.T * D.adjugate() * w)[0] / (4 * D.det())
    return Lagrangian(kinetic + U, state, time, canonical=H)


def _half_divergence(f, D, state, time, given):
    """``tr(P grad f)/2``, with ``P`` the orthogonal projector on the range of ``D``."""
    if any(d.has_free(*state) for d in D):
        raise ValueError(
            f"diffusion: got {given}, which depends on the state. Onsager-Machlup then has "
            "terms of the metric of D besides (div f)/2, so it is refused. Take "
            "functional='freidlin-wentzell', or in one dimension, drift b = f - D'/2 with "
            "functional=(b' - b*D'/(2*D))/2, which is exact"
        )
    rows = sp.Matrix(independent_rows(D.tolist(), (*state, time)))
    P = (rows.T * (rows * rows.T).inv() * rows).applyfunc(sp.cancel)
    turns = any(e.has_free(time) for e in P)
    switches = any(e.has_free(time) and e.has(*SWITCHES) for e in D)
    if rows.rows < len(state) and (turns or switches):
        raise ValueError(
            f"diffusion: got {given}, whose range may change in time. Onsager-Machlup takes "
            "the divergence of the drift along that range, which must be fixed. Take "
            "functional='freidlin-wentzell' or an expression of your own"
        )
    return (P * sp.Matrix(f).jacobian(state)).trace() / 2
