"""Many paths of a noisy system at once, at about the speed of the random numbers they use."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np

from .inputs import as_count, as_floats, as_states, as_streams, as_times

#: Paths per block. Each block draws from its own stream, whoever computes it.
BLOCK = 10_000


@dataclass(frozen=True)
class Ensemble:
    """Simulated paths.

    Attributes
    ----------
    t : (n_times,) array
        The saved times.
    x : (n_paths, n_times, dim) array
        The states there; a view of an array that has the paths last.
    method : str
        The scheme used: "exact", "euler-maruyama" or "milstein".
    exit_time : (n_paths,) array, or None without bounds
        When each path first reached a bound; nan while it is still inside.
    exit_side : (n_paths,) array of int, or None without bounds
        -1 for the lower bound, +1 for the upper one, 0 while still inside.
    """

    t: np.ndarray
    x: np.ndarray
    method: str
    exit_time: np.ndarray | None = None
    exit_side: np.ndarray | None = None


def simulate(
    system, x0, t, n_paths, rng=0, save="all", bounds=None, executor=None, progress=False, method=None
):
    """Simulate independent paths of ``dx = f dt + sqrt(2 D) dW`` (Itô).

    Parameters
    ----------
    system : System
    x0 : (dim,) or (n_paths, dim) array, or a number where dim is 1
        One start for all paths, or one for each.
    t : (n_steps + 1,) array
        Increasing times, uniform or not; the paths start at ``t[0]`` and each interval is a step.
    n_paths : int
    rng : int, SeedSequence or Generator
        The same seed gives the same numbers, whatever the workers.
    save : "all", "final" or int
        Keep every time, the last one alone, or every ``save``-th with the first and last among them.
    bounds : (lower, upper), optional
        Absorbing bounds, for dim 1 and starts strictly between them: a path that reaches one stays
        there. Crossings inside a step are found by the Brownian-bridge test (see Notes).
    executor : concurrent.futures.Executor, optional
        Who computes: threads, processes, ``dask.distributed.Client.get_executor()``, MPI. By
        default two threads (one on a single-core machine).
    progress : bool
        Show a bar.
    method : "exact", "euler-maruyama" or "milstein", optional
        By default the best that applies: exact transitions for linear drift and constant D without
        bounds, right at any step size; Milstein where D depends on the state, for dim 1 or a
        diagonal D whose entries each depend on their own coordinate alone; else Euler-Maruyama.

    Returns
    -------
    Ensemble

    Raises
    ------
    ValueError
        Naming the argument: bad shapes, times that do not increase, a start outside the bounds, bounds
        where dim > 1, a drift or diffusion that is not finite (with time and state), a method that
        does not apply, a system that cannot be sent to the executor's processes.

    Notes
    -----
    Strong order: Euler-Maruyama 1 where D does not depend on the state, else 1/2; Milstein 1. Weak
    order 1 (Kloeden and Platen 1992, chapters 10 and 14).

    Bounds: inside an Euler step the path is a Brownian bridge, drift and D frozen at their values
    at the start. Ending at a distance b from a bound, having started at a, it has touched it with probability
    ``exp(-a b / (D h))``, first at the time ``h z / (1 + z)``, where z is inverse Gaussian with mean
    a/b and shape ``a**2 / (2 D h)``. Steps with ``2 D h > (upper - lower)**2 / 16`` are cut into
    equal parts, so that a bridge hardly ever (under 1e-6) meets both bounds. Thus for
    constant drift and D the exits are right at any step size; otherwise the error is of order h.

    Memory: the saved states, ``8 n_paths n_times dim`` bytes, and some blocks of 10,000 states.
    """
    t = as_times(t)
    n_paths = as_count(n_paths, "n_paths")
    saved = _saved(save, len(t))
    starts = as_states(x0, system.dim, "x0")
    if starts.shape not in ((system.dim,), (n_paths, system.dim)):
        raise ValueError(
            f"x0 must be one state ({system.dim},) or one for each path ({n_paths}, {system.dim}), "
            f"got shape {starts.shape}"
        )
    starts = np.broadcast_to(starts, (n_paths, system.dim))
    if bounds is not None:
        bounds = _bounds(bounds, system.dim, starts)
    scheme = _choose(system, starts, t, method, bounds)
    edges = [*range(0, n_paths, BLOCK), n_paths]
    streams = as_streams(rng, len(edges) - 1)
    pool, here = _pool(executor, scheme, len(streams))

    arrays = [np.empty((len(saved), system.dim, n_paths))]
    if bounds is not None:
        arrays += [np.full(n_paths, np.nan), np.zeros(n_paths, dtype=np.int8)]
    futures, bar = {}, None
    try:
        for start, stop, stream in zip(edges, edges[1:], streams):
            parts = [array[..., start:stop] for array in arrays]
            job = scheme, starts[start:stop], t, saved, stream, bounds
            futures[pool.submit(_block, *job, parts if here else None)] = parts
        if progress:
            from tqdm.auto import tqdm

            bar = tqdm(total=n_paths, unit="path", unit_scale=True)
        for future in as_completed(list(futures)):
            parts = futures.pop(future)
            for part, values in zip(parts, future.result() or ()):
                part[...] = values
            if bar:
                bar.update(parts[0].shape[-1])
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if here or not any(word in str(error).lower() for word in ("pickl", "serializ")):
            raise
        raise _unpicklable(error) from error
    finally:
        for future in futures:
            future.cancel()
        if bar:
            bar.close()
        if executor is None:
            pool.shutdown()
    return Ensemble(t[saved], arrays[0].transpose(2, 0, 1), scheme.name, *arrays[1:])


# ---- what the caller asked for ------------------------------------------------------------


def _saved(save, count):
    """Indices of the times to keep."""
    if isinstance(save, str) and save == "all":
        return np.arange(count)
    if isinstance(save, str) and save == "final":
        return np.array([count - 1])
    if isinstance(save, str):
        raise ValueError(f'save must be "all", "final" or a positive integer, got {save!r}')
    return np.union1d(np.arange(0, count, as_count(save, "save")), count - 1)


def _bounds(bounds, dim, starts):
    """The bounds as two floats, every start strictly between them."""
    if dim != 1:
        raise ValueError(f"bounds need a system of dimension 1, got dimension {dim}")
    pair = as_floats(bounds, "bounds")
    if pair.shape != (2,) or not pair[0] < pair[1]:
        raise ValueError(f"bounds must be (lower, upper) with lower < upper, got {bounds!r}")
    lower, upper = map(float, pair)
    outside = ~((lower < starts) & (starts < upper))
    if outside.any():
        raise ValueError(
            f"x0 must lie strictly between the bounds {lower} and {upper}, got {starts[outside][0]}"
        )
    return lower, upper


def _choose(system, starts, t, method, bounds):
    """The scheme that was asked for, or the best that applies."""
    exact = system.linear is not None and system.constant_diffusion is not None and bounds is None
    reasons = {
        "euler-maruyama": "",
        "exact": "" if exact else "needs a drift known to be linear, a constant D and no bounds",
        "milstein": "goes without bounds" if bounds else _without_levy_areas(system, starts, t[0]),
    }
    if method is None:
        best = "exact" if exact else "milstein" if system.multiplicative else "euler-maruyama"
        method = "euler-maruyama" if reasons[best] else best
    if method not in reasons:
        raise ValueError(f"method must be one of {', '.join(map(repr, reasons))} or None, got {method!r}")
    if reasons[method]:
        raise ValueError(f"method {method!r} {reasons[method]}")
    return {"euler-maruyama": EulerMaruyama, "exact": Exact, "milstein": Milstein}[method](system, t)


def _without_levy_areas(system, starts, t):
    """Why Milstein's scheme would need Lévy areas, or "" where it does not: probed near the starts."""
    if system.dim == 1 or not system.multiplicative:
        return ""
    rng = np.random.default_rng(0)
    x = starts[:16] * (1 + 0.1 * rng.random(system.dim)) + 0.01 * rng.random(system.dim)
    others = ~np.eye(system.dim, dtype=bool)
    gradient = np.einsum("piil->pil", system.diffusion_gradient(x, t))
    if system.diffusion(x, t)[:, others].any() or gradient[:, others].any():
        return "needs a diagonal D, each entry depending on its own coordinate alone"
    return ""


def _pool(executor, scheme, count):
    """An executor, and whether its workers share our memory."""
    if executor is None:
        return ThreadPoolExecutor(min(2, os.cpu_count() or 1, count)), True
    if not callable(getattr(executor, "submit", None)):
        raise ValueError(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    if isinstance(executor, ProcessPoolExecutor):
        try:
            pickle.dumps(scheme)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise _unpicklable(error) from error
    return executor, isinstance(executor, ThreadPoolExecutor)


def _unpicklable(error):
    return ValueError(
        f"system cannot be sent to the executor's processes ({error}): define its drift (and every "
        "other function of it) with def at the top level of a module, or use System.from_sympy"
    )


# ---- one block ----------------------------------------------------------------------------


def _block(scheme, starts, t, saved, rng, bounds, out):
    """Simulate one block, into ``out`` where the memory is shared; else return new arrays."""
    returned = None
    if out is None:
        count, dim = starts.shape
        out = [np.empty((len(saved), dim, count)), np.full(count, np.nan), np.zeros(count, dtype=np.int8)]
        returned = out
    with np.errstate(all="ignore"):  # what is not finite raises a ValueError below
        if bounds is None:
            _free(scheme, starts, t, saved, rng, out[0])
        else:
            _absorbed(scheme, starts[:, 0], t, saved, rng, *bounds, *out)
    return returned


def _free(scheme, starts, t, saved, rng, states):
    """Fill ``states`` (saved, dim, paths) with paths that nothing stops."""
    x = np.array(starts.T, order="C")
    z, work = np.empty_like(x), np.empty_like(x)
    row = 0
    for k in range(len(t)):
        if k > 0:
            rng.standard_normal(out=z)
            scheme.advance(x, z, work, k - 1)
        if k == saved[row]:
            states[row] = x
            row += 1
    if not np.isfinite(x).all():
        at = x[:, ~np.isfinite(x).all(axis=0)][:, 0]
        raise ValueError(
            f"the drift of system drives the state to {at} at t = {t[-1]:.6g}: take smaller steps"
        )


def _absorbed(scheme, starts, t, saved, rng, lower, upper, states, exit_time, exit_side):
    """The same between absorbing bounds; only the survivors are moved."""
    state = starts.copy()
    x, new = starts.copy(), np.empty_like(starts)
    alive = np.arange(len(starts))
    row = 0
    for k in range(len(t)):
        begin, end = (t[k - 1], t[k]) if k else (t[0], t[0])
        while begin < end and len(alive):
            rise, variance = scheme.drift(x[None], begin)[:, 0], scheme.variance(x[None], begin)
            parts = np.ceil(16 * np.max(variance) * (end - begin) / (upper - lower) ** 2)
            h = (end - begin) / max(parts, 1.0)
            spread = variance * h
            new = new[: len(x)]
            rng.standard_normal(out=new)
            new *= np.sqrt(spread)
            new += x
            new += rise * h
            far = np.sqrt(18 * spread)  # both ends at least this far away: touched with p < 3e-16
            near = (np.maximum(x, new) > upper - far) | (np.minimum(x, new) < lower + far)
            near = np.flatnonzero(near)
            wide = spread[near] if np.ndim(spread) else spread
            side, delay = bridge_exit(x[near], new[near], lower, upper, wide, h, rng)
            out = side != 0
            side, delay, gone = side[out], delay[out], near[out]
            state[alive] = new
            state[alive[gone]] = np.where(side > 0, upper, lower)
            exit_time[alive[gone]] = begin + delay
            exit_side[alive[gone]] = side
            if len(gone):
                stay = np.ones(len(x), dtype=bool)
                stay[gone] = False
                alive = alive[stay]
                x = np.compress(stay, new, out=x[: len(alive)])
            else:
                x, new = new, x
            begin = begin + h if parts > 1 else end
        if k == saved[row]:
            states[row, 0] = state
            row += 1


def bridge_exit(a, b, lower, upper, spread, h, rng):
    """Where and when Brownian bridges from ``a`` to ``b``, of variance ``spread``, leave the bounds.

    Returns the side (0 where the bridge stays inside) and the time since its start, of ``h``.
    With R = cd + q + sqrt(q (q + 2cd)), q = spread/2 times a squared normal, and distances c, d of
    a, b from the bound, the time is h c²/(R + c²) with probability R/(R + cd), else h R/(R + d²):
    the two roots of the inverse Gaussian's transformation (Michael, Schucany and Haas 1976).
    """
    up = np.exp(np.minimum(-2 * (upper - a) * (upper - b) / spread, 0.0))
    down = np.exp(np.minimum(-2 * (a - lower) * (b - lower) / spread, 0.0))
    high = b > (lower + upper) / 2  # a bridge that meets both meets first the one far from its end
    first, second = np.where(high, down, up), np.where(high, up, down)
    u = rng.random(len(a))
    side = np.where(u < first, 1, np.where(u >= 1 - second, -1, 0)) * np.where(high, -1, 1)
    bound = np.where(side > 0, upper, lower)
    c, d = np.abs(bound - a), np.abs(bound - b)
    q = spread / 2 * rng.standard_normal(len(a)) ** 2
    R = c * d + q + np.sqrt(q * (q + 2 * c * d))
    early = rng.random(len(a)) * (R + c * d) < R
    return side, h * np.where(early, c**2 / (R + c**2), R / (R + d**2))


# ---- the schemes: each moves x (dim, paths) in place by the step from t[k] to t[k + 1] --------


class EulerMaruyama:
    """x + f h + sqrt(2 D h) z."""

    name = "euler-maruyama"

    def __init__(self, system, t):
        self.system, self.t = system, t
        D = system.constant_diffusion
        self.root = None if D is None else _compact(np.linalg.cholesky(2 * D))

    def advance(self, x, z, work, k):
        t, h = self.t[k], self.t[k + 1] - self.t[k]
        rise = self.drift(x, t)
        self.colour(x, z, work, t, h)
        np.multiply(rise.T, h, out=work)
        x += work
        x += z

    def drift(self, x, t):
        """f at x (dim, paths), as (paths, dim)."""
        rise = self.system.drift(x.T, t)
        if not np.isfinite(rise.sum()):
            for i in np.flatnonzero(~np.isfinite(rise).all(axis=1))[:1]:
                raise ValueError(
                    f"the drift of system must be finite, got {rise[i]} at t = {t:.6g}, x = {x[:, i]}"
                )
        return rise

    def variance(self, x, t):
        """2 D at x (1, paths): a number or one for each path."""
        return self.root**2 if self.root is not None else 2 * self.diffusion(x, t)[:, 0, 0]

    def diffusion(self, x, t):
        """D at x (dim, paths), as (paths, dim, dim), or (1, dim, dim) where it is the same for all."""
        D = self.system.diffusion(x.T if self.system.multiplicative else x[:, :1].T, t)
        fine = np.isfinite(D).all(axis=(1, 2)) & (np.diagonal(D, axis1=1, axis2=2) > 0).all(axis=1)
        for i in np.flatnonzero(~fine)[:1]:
            raise ValueError(
                f"the diffusion of system must be positive definite, got {D[i]} at t = {t:.6g}, x = {x[:, i]}"
            )
        return D

    def colour(self, x, z, work, t, h):
        """Turn standard normals z into the noise of one step."""
        if self.root is not None:
            return _apply(self.root * np.sqrt(h), z, work)
        D = self.diffusion(x, t)
        variances = np.diagonal(D, axis1=1, axis2=2).T
        if np.count_nonzero(D) == np.count_nonzero(variances):
            z *= np.sqrt(2 * h * variances)
            return
        try:
            roots = np.linalg.cholesky(2 * h * D)
        except np.linalg.LinAlgError:
            raise ValueError(
                f"the diffusion of system must be positive definite, and is not at t = {t:.6g}"
            ) from None
        z[...] = np.einsum("pij,jp->ip", np.broadcast_to(roots, (z.shape[1], *roots.shape[1:])), z)


class Milstein(EulerMaruyama):
    """Euler-Maruyama + (b(x + f h + b sqrt(h)) - b(x)) sqrt(h) (z**2 - 1) / 2 with b = sqrt(2 D).

    Without derivatives: Platen's form of Milstein's scheme (Kloeden and Platen 1992, section 11.1).
    """

    name = "milstein"

    def advance(self, x, z, work, k):
        t, h = self.t[k], self.t[k + 1] - self.t[k]
        b = self.amplitude(x, t)
        np.multiply(self.drift(x, t).T, h, out=work)
        x += work
        gain = self.amplitude(x + b * np.sqrt(h), t)
        gain -= b
        np.multiply(z, z, out=work)
        work -= 1
        gain *= work
        gain /= 2
        z *= b
        z += gain
        z *= np.sqrt(h)
        x += z

    def amplitude(self, x, t):
        return np.sqrt(2 * np.diagonal(self.diffusion(x, t), axis1=1, axis2=2).T)


class Exact:
    """The exact transition of a linear system: x -> Phi x + shift + root z."""

    name = "exact"

    def __init__(self, system, t):
        known = {}
        self.steps = []
        for h in np.diff(t):
            key = f"{h:.11e}"  # steps of a uniform grid differ by roundoff
            if key not in known:
                known[key] = _transition(*system.linear, system.constant_diffusion, h)
            self.steps.append(known[key])

    def advance(self, x, z, work, k):
        phi, shift, root = self.steps[k]
        _apply(phi, x, work)
        _apply(root, z, work)
        x += z
        if shift is not None:
            x += shift


def _transition(matrix, offset, D, h):
    """Phi, shift and root of a step h: Van Loan (1978) for a short step, then doubled."""
    from scipy.linalg import expm

    dim = len(offset)
    doublings = max(0, int(np.ceil(np.log2(1e-300 + 2 * h * np.abs(matrix).sum(axis=1).max()))))
    short = h / 2**doublings
    flow = expm(short * np.block([[matrix, offset[:, None]], [np.zeros((1, dim + 1))]]))
    phi, shift = flow[:dim, :dim], flow[:dim, dim]
    pair = expm(short * np.block([[-matrix, 2 * D], [np.zeros((dim, dim)), matrix.T]]))
    cov = phi @ pair[:dim, dim:]
    with np.errstate(all="ignore"):
        for _ in range(doublings):
            phi, shift, cov = phi @ phi, phi @ shift + shift, phi @ cov @ phi.T + cov
    if not np.isfinite(cov).all():
        raise ValueError(f"t has a step of {h:.6g}, over which the linear drift of system overflows")
    root = np.linalg.cholesky((cov + cov.T) / 2)
    return _compact(phi), shift[:, None] if shift.any() else None, _compact(root)


def _compact(matrix):
    """A number or a column for a multiple of the identity or a diagonal matrix."""
    diagonal = np.diag(matrix)
    if (matrix != np.diag(diagonal)).any():
        return matrix
    return float(diagonal[0]) if (diagonal == diagonal[0]).all() else diagonal[:, None].copy()


def _apply(matrix, x, work):
    """x (dim, paths) times a `_compact` matrix, in place."""
    if np.ndim(matrix) == 0 or matrix.shape[1] == 1:
        x *= matrix
    else:
        np.matmul(matrix, x, out=work)
        x[...] = work
