"""Around the most likely path: paths with both ends fixed, their density and their Gaussian band.

On a mesh a noisy system is a Markov chain, and its *bridge* that chain given both ends. Noether's
theorem holds in its mean, at any noise: with p the derivative of a step's action by its later state,
``p . xi(later state)`` has the same mean on every step (the Ward identity).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg.lapack import dpbtrf, dtbtrs

from .inputs import as_a, as_count, as_states, as_streams, as_times
from .lagrangian import Lagrangian, Mesh, as_paths
from .newton import NotConverged, assemble, lapack, log_determinant
from .paths import Path, least_action_path
from .simulation import Exact
from .system import System, check_positive_definite, componentwise

CHAINS = 100  # Markov chains that run side by side from each start
BURN = 100  # trajectories in which the step is tuned
TURN = np.pi, 4 * np.pi  # mean length of a trajectory as an angle: usual, and for modes that are all but free
MOST = 400  # steps of a trajectory
PATIENCE = 10  # autocorrelation times that the chains run before a path is kept


class PoorMixing(RuntimeWarning):
    """Sampled bridges whose number of independent ones is not known."""


@dataclass(frozen=True, eq=False)
class Bridges:
    """Paths of a noisy system with both ends fixed.

    Attributes
    ----------
    t : array (n_times,)
    x : array (n_paths, n_times, dim)
    chain : str
        The chain whose bridge this is: "exact", "euler-maruyama" or "midpoint".
    acceptance : float
        Share of the trajectories accepted; 1 where the paths are drawn independently.
    autocorrelation_time : float
        Integrated autocorrelation time of the kept paths of one Markov chain, the worst of the action's
        and each coordinate's halfway, over all starts; 1 is independent, infinity is not known.
    ess : float
        Effective number of independent paths, ``n_paths / autocorrelation_time``.
    """

    t: np.ndarray
    x: np.ndarray
    chain: str
    acceptance: float
    autocorrelation_time: float
    ess: float
    _steps: object = field(default=None, repr=False)

    @property
    def momentum(self):
        """Derivative of each step's action by its later state (n_paths, n_times - 1, dim).

        Minus the gradient of the chain's log transition density. Euler-Maruyama:
        ``1/2 D^-1 (dx/h - f(x_k))``. For a symmetry with a divergence-free ``xi`` the mean of
        ``momentum . xi(x_{k+1})`` is the same on every step, ``-xi(x1) . grad log rho(x1, T | x0)``.
        """
        return self._steps.slopes(self.x)[2]


def bridge_ensemble(system, x0, x1, t, n_paths, rng=0, *, chain=None, start=None, max_iter=2000):
    """Paths of a noisy system given both ends.

    Parameters
    ----------
    system : System
        Its D must not depend on the state; it may depend on time.
    x0, x1 : array (dim,), or a number where dim is 1
        The ends, at ``t[0]`` and ``t[-1]``.
    t : array (n_times,)
        Strictly increasing times, at least three, not necessarily uniform.
    n_paths : int
    rng : int, SeedSequence or Generator
    chain : {"exact", "euler-maruyama", "midpoint"}, optional
        The chain on ``t`` whose law given both ends is sampled, see Notes. By default "exact" for a
        system known to be linear with constant D, else "euler-maruyama".
    start : array (n_times, dim) or (n_starts, n_times, dim), optional
        Paths to start from, each with an equal share of ``n_paths``; the ends are replaced. By
        default the least-action path. Unused for linear systems.
    max_iter : int, optional
        Most trajectories of each Markov chain before the paths are kept.

    Returns
    -------
    Bridges

    Warns
    -----
    PoorMixing
        Where ``max_iter`` were too few to tell the autocorrelation time; ``ess`` is 0 then.

    Raises
    ------
    ValueError
        Naming the argument: shapes that do not fit, times that do not increase, a chain that does
        not apply, noise that depends on the state, a drift that is not finite on a start.

    Notes
    -----
    The density of a path's inner nodes is the product of the chain's transition densities:

    - "exact": the transitions of the process itself, for linear systems;
    - "euler-maruyama": ``exp(-sum h/4 (dx/h - f(x_k))^T D^-1 (dx/h - f(x_k)))``, D at ``t_k``;
    - "midpoint": the same at the midpoints, times ``prod |det(I - h/2 grad f)|``, the Jacobian of the
      implicit step.

    For linear systems this is Gaussian with a block-tridiagonal precision and is drawn directly. Else
    by Hamiltonian Monte Carlo, 100 chains side by side, in coordinates where Gaussian bridges around
    the start are white: the Gaussian part turns, the rest kicks, and acceptance does not fall as the
    mesh is refined. The step is tuned to an acceptance of 0.8 in a burn-in and then kept; so many
    trajectories are left out that the paths kept are nearly independent.

    Limitation: where hardly any path lies between two routes (either way round a cycle), chains stay
    on the route of their start, and no diagnostic sees a route without a chain: give a ``start`` on
    each. Their shares in ``x`` are then those of the starts; the routes' `transition_density` is
    what to weight them by.

    Source: Beskos, Roberts, Stuart and Voss (2008), Stoch. Dyn. 8, 319, and Beskos, Pinski, Sanz-Serna
    and Stuart (2011), Stochastic Process. Appl. 121, 2201, for the sampler; Cotter, Roberts, Stuart and
    White (2013), Stat. Sci. 28, 424, for samplers that survive refinement; Sokal (1997) for the
    autocorrelation time.
    """
    as_a(System, system, "system")
    t = as_times(t, minimum=3)
    n_paths, max_iter = as_count(n_paths, "n_paths"), as_count(max_iter, "max_iter")
    ends = [as_states(x, system.dim, name) for x, name in ((x0, "x0"), (x1, "x1"))]
    for x, name in zip(ends, ("x0", "x1")):
        if x.ndim != 1:
            raise ValueError(f"{name} must be one state ({system.dim},), got shape {x.shape}")
    if system.multiplicative:
        raise ValueError(
            "system must have noise that does not depend on the state: bridges of such noise are "
            "rough in another way at every state; transform to a constant D first"
        )
    linear = system.linear is not None and system.constant_diffusion is not None
    chain = chain or ("exact" if linear else "euler-maruyama")
    if chain not in CHAIN_TYPES:
        raise ValueError(f"chain must be one of {', '.join(map(repr, CHAIN_TYPES))}, got {chain!r}")
    if chain == "exact" and not linear:
        raise ValueError('chain "exact" needs a drift known to be linear and a constant D')
    steps = CHAIN_TYPES[chain](system, t)
    clock = ((t - t[0]) / (t[-1] - t[0]))[:, None]
    if linear:
        line = (1 - clock) * ends[0] + clock * ends[1]
        bridge = _Gaussian(line, *steps.precision(line))
        bridge.mean = bridge.paths(-bridge.whiten(steps.gradient(line[None])[1]))[0]  # one Newton step
        z = as_streams(rng, 1)[0].standard_normal((n_paths, line[1:-1].size))
        return Bridges(t, bridge.paths(z), chain, 1.0, 1.0, float(n_paths), steps)

    if start is None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotConverged)  # it is only where the chains start
            start = least_action_path(system, *ends, t).x
    starts = as_paths(start, len(t), system.dim, "start").reshape(-1, len(t), system.dim).copy()
    starts[:, 0], starts[:, -1] = ends
    with np.errstate(all="ignore"):
        if not np.isfinite(steps.gradient(starts)[1]).all():
            raise ValueError("start must be a path on which system's drift is finite, with its derivatives")
    shares = np.diff(np.linspace(0, n_paths, len(starts) + 1).round().astype(int))
    streams = as_streams(rng, len(starts))
    samplers = [_Sampler(steps, *each) for each in zip(starts, streams, shares)]
    x, acceptance, tau = _sample(samplers, max_iter)
    return Bridges(t, x, chain, acceptance, tau, n_paths / tau, steps)


def transition_density(path, *, log=False):
    """Density of ``x1`` at the end of a least-action path given its start, by Laplace's method.

    Parameters
    ----------
    path : Path
        Converged minima of the Onsager-Machlup or Freidlin-Wentzell action; a batch is fine.
    log : bool, optional
        Return the logarithm, for densities too small for a float.

    Returns
    -------
    float or array (...)
        ``rho(x1, t[-1] | x0, t[0])``, in units of one over state to the power ``dim``.

    Raises
    ------
    ValueError
        For a path that did not converge or is not a minimum, for a functional with a ``U`` of the
        caller's, for noise that depends on the state, for a step so long that
        ``det(I - h/2 grad f)`` is not positive.

    Notes
    -----
    With S the Freidlin-Wentzell action of the path, H the second derivative of the action that the
    path minimises, A = grad f and B = grad grad (U - p . f) at the midpoints,

        log rho = -S + sum_k [log det(I - h/2 A) - h^2/4 tr(D B) - 1/2 log det(4 pi h D)]
                  - 1/2 log det(H / 2 pi).

    The integral over the inner nodes is that of the midpoint chain. ``log det(I - h/2 A)`` is its
    Jacobian; ``-h/2 div f`` in its place leaves an error O(h). ``tr(D B)`` is what the midpoint rule
    misses where the drift bends, as the mean square of a fluctuation over a step exceeds that of its
    midpoint by D h / 2; without it the error is O(h) for drifts that are not linear. With both it is
    O(h^2). What is left is Laplace's own relative error, O(D) under either functional and none for
    linear drift. One route is counted: add the densities of several.

    Source: Onsager and Machlup (1953); Langouche, Roekaerts and Tirapegui (1982), chapters 3 and 7.
    """
    if callable(as_a(Path, path, "path").functional):
        raise ValueError(
            "path must minimise the Onsager-Machlup or the Freidlin-Wentzell action: with another U, "
            "exp(-S) is not the density of this system's paths"
        )
    if path.system.multiplicative:
        raise ValueError("path must be of a system whose noise does not depend on the state")
    mesh, terms, diagonal, upper = _second_order(path)
    h, dim = mesh.h[:, None, None], path.x.shape[-1]
    A, weight = terms.coupling, terms.metric
    D = np.linalg.inv(weight)
    sign, jacobian = np.linalg.slogdet(np.eye(dim) - h / 2 * A)
    if (sign <= 0).any():
        raise ValueError(
            "path must have steps with h/2 times the drift's Jacobian below 1: take a finer mesh"
        )
    bending = terms.dxdx - np.swapaxes(A, -1, -2) @ weight @ A / 2
    missed = np.einsum("...ij,...ji->...", D, bending) * mesh.h**2 / 4
    volume = dim * np.log(4 * np.pi * mesh.h) + np.linalg.slogdet(D)[1]
    band = assemble(diagonal, upper)
    inner = [log_determinant(one) for one in band.reshape(-1, *band.shape[-3:])]
    freedom = dim * (len(path.t) - 2)
    value = (
        -terms.kinetic @ mesh.h + (jacobian - missed - volume / 2).sum(axis=-1)
        + (freedom * np.log(2 * np.pi) - np.reshape(inner, np.shape(path.action))) / 2
    )
    return value[()] if log else np.exp(value)[()]


def fluctuations(path):
    """Covariance of the bridge around a least-action path, at every node, in the limit of weak noise.

    Parameters
    ----------
    path : Path
        Converged minima; a batch is fine.

    Returns
    -------
    array (..., n_times, dim, dim)
        Diagonal blocks of the inverse of the action's second derivative, in units of state squared;
        zero at the ends. Exact (to O(h^2)) for linear drift.

    Raises
    ------
    ValueError
        For a path that did not converge or is not a minimum.

    Notes
    -----
    Forward elimination, then back substitution for the diagonal blocks alone: the
    Rauch-Tung-Striebel smoother (1965).
    """
    _, _, diagonal, upper = _second_order(path)
    n = diagonal.shape[-3]
    covariance = np.zeros(path.x.shape + path.x.shape[-1:])
    left = np.empty_like(diagonal)  # inverses of the blocks once those before are eliminated
    for k in range(n):
        block = diagonal[..., k, :, :]
        if k:
            link = upper[..., k - 1, :, :]
            block = block - np.swapaxes(link, -1, -2) @ left[..., k - 1, :, :] @ link
        left[..., k, :, :] = np.linalg.inv(block)
    covariance[..., n, :, :] = left[..., -1, :, :]
    for k in range(n - 2, -1, -1):
        gain = left[..., k, :, :] @ upper[..., k, :, :]
        later = covariance[..., k + 2, :, :]
        covariance[..., k + 1, :, :] = left[..., k, :, :] + gain @ later @ np.swapaxes(gain, -1, -2)
    return covariance


def _second_order(path):
    """Mesh, terms and blocks of the second derivative of the action of converged minima."""
    as_a(Path, path, "path")
    for name, good in (("converged", path.converged), ("kind", np.asarray(path.kind) == "minimum")):
        for index in np.argwhere(~np.asarray(good))[:1]:
            got = np.asarray(getattr(path, name))[tuple(index)]
            where = f" at index {tuple(map(int, index))}" if len(index) else ""
            raise ValueError(f"path must be a converged minimum of the action, got {name} {got}{where}")
    mesh = Mesh(Lagrangian(path.system, path.functional), path.t)
    terms = mesh.terms(path.x, order=2)
    return mesh, terms, *mesh.blocks(terms)


# ---- the chains: one step each, x (paths, n_times, dim) -----------------------------------------------


class _Steps:
    """What both kinds of chain make of their steps' ``slopes``."""

    def gradient(self, x):
        """Action of paths (paths,) and its derivative by their inner nodes (paths, n_times - 2, dim)."""
        S, earlier, later = self.slopes(x)
        return S.sum(axis=-1), earlier[:, 1:] + later[:, :-1]


class _Theta(_Steps):
    """Steps ``x' = x + h f(y, s) + sqrt(2 D h) z`` with (y, s) a fraction ``theta`` of the way."""

    def __init__(self, system, t, theta):
        self.system, self.theta, self.h = system, theta, np.diff(t)[:, None]
        self.s = t[:-1] + theta * np.diff(t)
        D = system.constant_diffusion
        D = system.diffusion(np.zeros(system.dim), self.s) if D is None else D
        self.metric = np.linalg.inv(check_positive_definite(D)) / 2

    def slopes(self, x):
        """Action of each step (paths, n_times - 1), its derivatives by the earlier and the later state."""
        h, theta = self.h, self.theta
        step = np.diff(x, axis=1)
        y = x[:, :-1] + theta * step if theta else x[:, :-1]
        w = step / h - self.system.drift(y, self.s)
        J = self.system.jacobian(y, self.s)
        p = w @ self.metric if self.metric.ndim == 2 else np.einsum("pki,kij->pkj", w, self.metric)
        S = np.einsum("pki,pki->pk", w, p) * h[:, 0] / 2
        kick = -h * np.einsum("pki,pkij->pkj", p, J)
        if theta:  # minus the logarithm of the Jacobian of the implicit step
            implicit = np.eye(x.shape[-1]) - theta * h[..., None] * J
            S = S - np.linalg.slogdet(implicit)[1]
            bend = self.system.hessian(y, self.s)
            kick = kick + theta * h * np.einsum("pkji,pkijl->pkl", np.linalg.inv(implicit), bend)
        return S, (1 - theta) * kick - p, p + theta * kick

    def precision(self, x):
        """Diagonal blocks and those right of them: the chain linearised along one path (n_times, dim)."""
        y = x[:-1] + self.theta * np.diff(x, axis=0)
        J, unit = self.h[..., None] * self.system.jacobian(y, self.s), np.eye(x.shape[-1])
        return _precision(unit + (1 - self.theta) * J, unit - self.theta * J, self.metric / self.h[..., None])

    def restoring(self, x):
        """The same without the signs of the linearised drift, which may run away from the path."""
        J = self.system.jacobian(x[:-1] + self.theta * np.diff(x, axis=0), self.s)
        spring = np.swapaxes(J, -1, -2) @ self.metric @ J * self.h[..., None] / 2
        unit = np.broadcast_to(np.eye(x.shape[-1]), J.shape)
        diagonal, upper = _precision(unit, unit, self.metric / self.h[..., None])
        return diagonal + spring[:-1] + spring[1:], upper


class _Transition(_Steps):
    """The exact steps ``x' = Phi x + shift + noise`` of a linear system."""

    def __init__(self, system, t):
        dim = system.dim

        def full(matrix):  # simulate keeps a number or a column where that will do
            return matrix if np.shape(matrix) == (dim, dim) else matrix * np.eye(dim)

        parts = [
            (full(phi), np.zeros(dim) if shift is None else shift[:, 0], np.linalg.inv(full(root)))
            for phi, shift, root in Exact(system, t).steps
        ]
        self.phi, self.shift, whiten = (np.stack(part) for part in zip(*parts))
        self.metric = np.swapaxes(whiten, -1, -2) @ whiten

    def slopes(self, x):
        noise = x[:, 1:] - self.shift - np.einsum("kij,pkj->pki", self.phi, x[:, :-1])
        p = np.einsum("pki,kij->pkj", noise, self.metric)
        return np.einsum("pki,pki->pk", noise, p) / 2, -np.einsum("pki,kij->pkj", p, self.phi), p

    def precision(self, x):
        return _precision(self.phi, np.broadcast_to(np.eye(x.shape[-1]), self.phi.shape), self.metric)


def _precision(L, R, weight):
    """Blocks of the precision of the chain ``R q' = L q + noise``, ``weight`` the noise's precision."""
    forth, back = np.swapaxes(R, -1, -2) @ weight, np.swapaxes(L, -1, -2) @ weight
    return (forth @ R)[:-1] + (back @ L)[1:], -(back @ R)[1:-1]


CHAIN_TYPES = {
    "exact": _Transition,
    "euler-maruyama": lambda system, t: _Theta(system, t, 0.0),
    "midpoint": lambda system, t: _Theta(system, t, 0.5),
}


# ---- how they are sampled ------------------------------------------------------------------------


class _Gaussian:
    """Paths around ``mean`` (n_times, dim), inner nodes of given precision, from white noise."""

    def __init__(self, mean, diagonal, upper):
        self.mean = mean.copy()
        self.factor, info = dpbtrf(lapack(assemble(diagonal, upper)), lower=1)
        if info:
            raise ValueError("t must have steps short enough for the drift along the path")

    def paths(self, z):
        """White noise (paths, (n_times - 2) dim) to paths (paths, n_times, dim)."""
        x = componentwise(np.repeat(self.mean[None], len(z), axis=0))
        x[:, 1:-1] += dtbtrs(self.factor, z.T, uplo="L", trans="T")[0].T.reshape(x[:, 1:-1].shape)
        return x

    def whiten(self, gradient):
        """A derivative by the inner nodes to that by the white noise."""
        return dtbtrs(self.factor, gradient.reshape(len(gradient), -1).T, uplo="L")[0].T


class _Sampler:
    """Hamiltonian Monte Carlo for bridges, chains side by side.

    In the coordinates z the reference is white. Energy ``S(z) + |v|**2 / 2``; its Gaussian part turns
    (z, v) by an angle, the rest kicks v: no error is made on the many modes that are all but free.
    """

    def __init__(self, steps, start, rng, n_paths):
        self.steps, self.rng, self.n_paths = steps, rng, n_paths
        self.reference = _Gaussian(start, *steps.restoring(start))
        self.log_angle, self.turn = np.log(0.2), TURN[0]
        self.acceptance = []
        self._expand(np.zeros((CHAINS, start[1:-1].size)))  # on the start: noise might leave its route

    def _expand(self, z):
        self.z, self.x = z, self.reference.paths(z)
        self.action, gradient = self.steps.gradient(self.x)
        self.force = z - self.reference.whiten(gradient)  # what the rotation leaves

    def move(self, tune=0.0):
        """One trajectory of every chain, its length varied lest some mode come back to where it was."""
        rng, before = self.rng, (self.z, self.x, self.action, self.force)
        whole = self.turn * rng.uniform(0.5, 1.5)
        step = min(np.exp(self.log_angle), np.pi / 2)
        count = min(int(np.ceil(whole / step)), MOST)
        angle = min(whole / count, step)
        c, s = np.cos(angle), np.sin(angle)
        v = rng.standard_normal(self.z.shape)
        energy = self.action + np.einsum("pi,pi->p", v, v) / 2
        with np.errstate(all="ignore"):  # a trajectory off to infinity is not accepted
            for _ in range(count):
                v = v + angle / 2 * self.force
                z, v = c * self.z + s * v, c * v - s * self.z
                self._expand(z)
                v += angle / 2 * self.force
            loss = self.action + np.einsum("pi,pi->p", v, v) / 2 - energy
            chance = np.exp(-np.clip(np.nan_to_num(loss, nan=np.inf), 0, np.inf))
        stay = rng.random(CHAINS) >= chance
        for new, old in zip((self.z, self.x, self.action, self.force), before):
            new[stay] = old[stay]
        self.log_angle += tune * (chance.mean() - 0.8)
        self.acceptance.append(1 - stay.mean())

    def settle(self, count=BURN):
        """Tune the step."""
        for i in range(count):
            self.move(tune=0.5 / np.sqrt(1 + i / 5))
        self.acceptance.clear()

    def summary(self):
        """What the autocorrelation is measured on: the action and the state halfway (1 + dim, CHAINS)."""
        return np.vstack([self.action, self.x[:, self.x.shape[1] // 2].T])


def _sample(samplers, max_iter):
    """Run the chains until they have forgotten their start, then keep paths so far apart that they differ.

    Returns the paths, the acceptance and the autocorrelation time of what was kept.
    """
    record = []

    def run(count):
        for _ in range(count):
            for sampler in samplers:
                sampler.move()
            record.append([sampler.summary() for sampler in samplers])

    for sampler in samplers:
        sampler.settle()
    goal, spent = 10 * PATIENCE, 0
    while True:
        run(min(goal, max_iter - spent))
        late = record[len(record) // 2 :]  # the first half may remember the start
        tau = _autocorrelation_time(late)
        known = len(late) >= PATIENCE * tau
        spent += len(record)
        if known or spent >= max_iter:
            break
        record.clear()
        goal *= 1 if samplers[0].turn < TURN[1] else 2
        for sampler in samplers:  # soft modes need longer trajectories
            if sampler.turn < TURN[1]:
                sampler.turn *= 2
                sampler.settle(BURN // 4)
    record[:] = late
    gap = int(np.ceil(tau)) if known else 1
    kept = [[] for _ in samplers]
    while any(len(x) * len(s.x) < s.n_paths for x, s in zip(kept, samplers)):
        run(gap)
        for x, sampler in zip(kept, samplers):
            x.append(sampler.x.copy())
    x = np.concatenate([np.concatenate(x)[: s.n_paths] for x, s in zip(kept, samplers) if s.n_paths])
    tau = float(_autocorrelation_time(record, gap)) if known else np.inf
    if not np.isfinite(tau):
        warnings.warn(
            f"bridge_ensemble: {max_iter} trajectories are too few to tell how many paths are independent",
            PoorMixing,
            stacklevel=3,
        )
    return x, float(np.mean([s.acceptance for s in samplers])), tau


def _autocorrelation_time(record, gap=1):
    """Integrated autocorrelation time of the worst row of any start, in units of ``gap`` (at least 1).

    ``record`` has a list of summaries (rows, chains), one per start, for each time. A row has one
    mean for all its chains, so that chains that disagree count as correlated for ever. Summed up
    to a lag of five such times (Sokal 1997); infinity where the record is shorter.
    """
    n, worst = len(record), 1.0
    for summaries in zip(*record):
        y = np.array(summaries)
        y -= y.mean(axis=(0, 2), keepdims=True)
        power = np.abs(np.fft.rfft(y, 2 * n, axis=0)) ** 2
        correlation = np.fft.irfft(power.sum(axis=2), 2 * n, axis=0)[:n] / np.arange(n, 0, -1)[:, None]
        for rho in correlation.T[correlation[0] > 0]:
            rho = rho / rho[0]
            window = np.flatnonzero(np.arange(n) >= 5 * np.maximum(2 * np.cumsum(rho) - 1, 1))
            if not len(window):
                return np.inf
            worst = max(worst, 2 * rho[: window[0] + 1 : gap].sum() - 1)
    return worst
