"""Paths of a noisy system given both ends."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..inputs import as_a, as_count, as_states, as_streams, as_times, brief
from ..lagrangian.action import as_paths
from ..paths import NotConverged, least_action_path
from ..system import System
from ..system.noise import check_semidefinite, roundoff
from .chains import CHAIN_TYPES
from .guided import Guided
from .linear import drawn_backward
from .progress import Tally, followed
from .sampler import Gaussian, Sampler, sample


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
        Integrated autocorrelation time of the kept paths of one Markov chain, the worst of the
        action's and each coordinate's halfway, over all starts; 1 is independent, infinity is not
        known.
    ess : float
        Effective number of independent paths, ``n_paths / autocorrelation_time``.
    """

    t: np.ndarray
    x: np.ndarray
    chain: str
    acceptance: float
    autocorrelation_time: float
    ess: float
    _steps: object = None

    def __repr__(self):
        n_paths, n_times, dim = self.x.shape
        return (
            f"<Bridges: {n_paths} paths of dimension {dim}, t from {self.t[0]:.6g} to "
            f"{self.t[-1]:.6g} ({n_times} times), {self.chain}, acceptance {self.acceptance:.3g}, "
            f"ess {self.ess:.6g}>"
        )

    @property
    def momentum(self):
        """Derivative of each step's action by its later state (n_paths, n_times - 1, dim).

        Minus the gradient of the chain's log transition density. Euler-Maruyama:
        ``1/2 D^-1 (dx/h - f(x_k))``. For a symmetry with a divergence-free ``xi`` the mean of
        ``momentum . xi(x_{k+1})`` is the same on every step,
        ``-xi(x1) . grad log rho(x1, T | x0)``.
        """
        return self._steps.slopes(self.x)[2]


def bridge_ensemble(
    system, x0, x1, t, n_paths, rng=0, *, chain=None, start=None, max_iter=2000, progress=False
):
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
        default the least-action path, and none in one dimension, where all routes are known. Unused
        for linear systems.
    max_iter : int, optional
        Most trajectories of each Markov chain before the paths are kept.
    progress : bool or callable
        Show a bar over the trajectories from the first one on, with the time that the rest will take:
        so the cost is known before it is paid. Or a function ``progress(done, total)``, called after
        each. The total is the fewest that there can be, and grows, often to two or three times that,
        where the chains remember longer (see Notes). Linear systems need none: their paths are drawn.

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
        not apply, noise that depends on the state, noise on some variables where the drift is not
        linear, an end that such noise cannot reach, a drift that is not finite on a start.

    Notes
    -----
    The density of a path's inner nodes is the product of the chain's transition densities:

    - "exact": the transitions of the process itself, for linear systems;
    - "euler-maruyama": ``exp(-sum h/4 (dx/h - f(x_k))^T D^-1 (dx/h - f(x_k)))``, D at ``t_k``;
    - "midpoint": the same at the midpoints, times ``prod |det(I - h/2 grad f)|``, the Jacobian of
      the implicit step.

    For linear systems this is Gaussian and drawn directly: by its block-tridiagonal precision, or,
    with noise on some variables, backward from the end.

    In one dimension the density of the end given each node is computed on a grid. It guides
    independent proposals, which Metropolis's rule accepts or not: the law is the chain's, and the
    grid sets how many are accepted.

    Else, from a ``start`` that is given, or where under a tenth would be accepted: by Hamiltonian
    Monte Carlo in coordinates where Gaussian bridges around the start are white. The Gaussian part
    turns, the rest kicks, and acceptance does not fall as the mesh is refined. The step is tuned to
    an acceptance of 0.8 in a burn-in and then kept. Either way 100 chains run side by side, and so
    many trajectories are left out that the paths kept are nearly independent.

    Cost: for each start 100 trajectories of burn-in, 100 or more, up to ``max_iter``, that measure
    how long the chains remember, and that many between each 100 paths that are kept. Each
    trajectory of the Hamiltonian sampler asks the drift and its derivatives at some
    ``1000 n_times`` states; ``jacobian=`` makes these cheap in many dimensions.

    Limitation: where hardly any path lies between two routes (either way round a cycle), chains
    stay on the route of their start, and no diagnostic sees a route without a chain: give a
    ``start`` on each. Their shares in ``x`` are then those of the starts; the routes'
    `transition_density` is what to weight them by.

    Source: Schauer, van der Meulen and van Zanten (2017), Bernoulli 23, 2917, and Tierney (1994),
    Ann. Stat. 22, 1701, for guided and independent proposals; Carter and Kohn (1994), Biometrika
    81, 541, for drawing backward; Beskos, Roberts, Stuart and Voss (2008), Stoch. Dyn. 8, 319, and
    Beskos, Pinski, Sanz-Serna and Stuart (2011), Stochastic Process. Appl. 121, 2201, for the
    Hamiltonian sampler; Cotter, Roberts, Stuart and White (2013), Stat. Sci. 28, 424, for samplers
    that survive refinement; Sokal (1997) for the autocorrelation time.
    """
    as_a(System, system, "system")
    t = as_times(t, minimum=3)
    following = followed(progress)
    n_paths, max_iter = as_count(n_paths, "n_paths"), as_count(max_iter, "max_iter")
    ends = [as_states(x, system.dim, name) for x, name in ((x0, "x0"), (x1, "x1"))]
    for x, name in zip(ends, ("x0", "x1")):
        if x.ndim != 1:
            raise ValueError(f"{name} must be one state ({system.dim},), got shape {x.shape}")
    clock = ((t - t[0]) / (t[-1] - t[0]))[:, None]
    line = (1 - clock) * ends[0] + clock * ends[1]
    D, additive = system.noise(line, t)
    if not additive:
        raise ValueError(
            "system must have noise that does not depend on the state: bridges of such noise are "
            "rough in another way at every state; transform to a constant D first"
        )
    linear = system.linear is not None and system.constant_diffusion is not None
    partial = np.linalg.eigvalsh(check_semidefinite(D))[..., 0].min() <= roundoff(D).max()
    chain = chain or ("exact" if linear else "euler-maruyama")
    if chain not in CHAIN_TYPES:
        names = ", ".join(map(repr, CHAIN_TYPES))
        raise ValueError(f"chain must be one of {names}, got {brief(chain)}")
    if chain == "exact" and not linear:
        raise ValueError('chain "exact" needs a drift known to be linear and a constant D')
    if partial and chain != "exact":
        raise ValueError(
            "diffusion must be positive definite for a drift that is not linear, or any chain but "
            '"exact": with noise on some variables the bridges of such a chain lie on a surface'
        )
    steps = CHAIN_TYPES[chain](system, t, ends[0])
    if partial:
        x = drawn_backward(steps, *ends, n_paths, rng)
        return Bridges(t, x, chain, 1.0, 1.0, float(n_paths), steps)
    if linear:
        bridge = Gaussian(line, *steps.precision(line))
        slope = steps.gradient(line[None])[1]
        bridge.mean = bridge.paths(-bridge.whiten(slope))[0]  # one Newton step
        z = as_streams(rng, 1)[0].standard_normal((n_paths, line[1:-1].size))
        return Bridges(t, bridge.paths(z), chain, 1.0, 1.0, float(n_paths), steps)

    with following as tally:
        samplers = None
        if start is None and system.dim == 1:
            guided = Guided(steps, [end[0] for end in ends], as_streams(rng, 1)[0], n_paths)
            samplers = [guided] if guided.settle(Tally()) else None
        if samplers is None:
            samplers = _around(start, steps, system, ends, t, n_paths, rng)
        x, acceptance, tau = sample(samplers, max_iter, tally)
    if not np.isfinite(tau):
        warnings.warn(
            f"bridge_ensemble: {max_iter} trajectories are too few to tell how many paths are independent",
            PoorMixing,
            stacklevel=2,
        )
    return Bridges(t, x, chain, acceptance, tau, n_paths / tau, steps)


def _around(start, steps, system, ends, t, n_paths, rng):
    """Hamiltonian samplers, one for each start."""
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
    return [Sampler(steps, *each) for each in zip(starts, streams, shares)]
