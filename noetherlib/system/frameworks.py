"""Flows of drifts written in PyTorch or JAX, with the framework's own derivatives."""

from __future__ import annotations

import copy

import numpy as np

from .flow import Flow

AT_ONCE = 2**22  # numbers of second derivatives that are computed in one call


class Differentiated(Flow):
    """A flow whose functions take single states; a framework differentiates and vectorises them.

    A subclass gives ``compiled(name)``: one of drift (dim,), jacobian (dim, dim) and hessian_along
    (dim, dim), as a function of arrays of states (n, dim), of times (n,) where it is timed, and p (n, dim).
    """

    #: what drift, jacobian and hessian_along return per state, in powers of dim
    ranks = {"drift": 1, "jacobian": 2, "hessian_along": 2}

    def __init__(self, diffusion, dim, timed):
        self.dim, self.diffusion, self.timed = dim, diffusion, timed
        self.autonomous = None if timed or callable(diffusion) else True
        self._made = {}

    def drift(self, x, t):
        return self._all("drift", x, t)

    def jacobian(self, x, t):
        return self._all("jacobian", x, t)

    def hessian_along(self, x, t, p):
        return self._all("hessian_along", x, t, p)

    def _all(self, name, x, t, *vectors):
        """One function at states (..., dim) and times, in as many calls as memory asks for."""
        if name not in self._made:
            self._made[name] = self.compiled(name)
        lead, dim = np.broadcast_shapes(x.shape[:-1], np.shape(t)), self.dim
        rows = [np.broadcast_to(a, lead + (dim,)).reshape(-1, dim) for a in (x, *vectors)]
        if self.timed:
            rows.insert(1, np.broadcast_to(np.asarray(t, dtype=float), lead).reshape(-1))
        size, parts = max(1, AT_ONCE // dim ** self.ranks[name]), []
        for k in range(0, max(len(rows[0]), 1), size):
            some = [np.array(row[k : k + size]) for row in rows]
            out = self._made[name](*some)
            shape = (len(some[0]),) + (dim,) * self.ranks[name]
            if out.shape != shape:
                raise ValueError(
                    f"{self.what} must return shape ({dim},) for a state ({dim},): its {name} came out as "
                    f"{out.shape[1:]} per state"
                )
            parts.append(out)
        return np.concatenate(parts).reshape(lead + (dim,) * self.ranks[name])

    def __getstate__(self):
        return vars(self) | {"_made": {}}


class Torch(Differentiated):
    """A `torch.nn.Module` or function from a batch (n, dim), and times (n,) where it is timed to (n, dim)."""

    what = "module"

    def __init__(self, module, diffusion, dim, timed):
        import torch

        super().__init__(diffusion, dim, timed)
        if isinstance(module, torch.nn.Module):  # a copy: the caller's keeps its precision and its mode
            module = copy.deepcopy(module).double().eval().requires_grad_(False)
        self.module = module

    def compiled(self, name):
        import torch
        from torch.func import hessian, jacrev, vmap

        def single(*state):
            return self.module(*(part[None] for part in state))[0]

        def along(*state):
            return hessian(lambda y: state[-1] @ single(y, *state[1:-1]))(state[0])

        many = {"drift": self.module, "jacobian": vmap(jacrev(single)), "hessian_along": vmap(along)}[name]

        def function(*arrays):
            with torch.no_grad():
                return many(*map(torch.from_numpy, arrays)).numpy()

        return function


class Jax(Differentiated):
    """A function of one state (dim,), and a time where it is timed, that JAX differentiates."""

    what = "function"

    def __init__(self, function, diffusion, dim, timed):
        import jax  # noqa: F401  a missing package is told here, not at the first call

        super().__init__(diffusion, dim, timed)
        self.function = function

    def compiled(self, name):
        import jax

        def along(*state):
            return jax.hessian(lambda y: state[-1] @ self.function(y, *state[1:-1]))(state[0])

        one = {"drift": self.function, "jacobian": jax.jacfwd(self.function), "hessian_along": along}[name]
        many = jax.jit(jax.vmap(one))

        def function(*arrays):
            with double_precision(jax):
                return np.asarray(many(*map(jax.numpy.asarray, arrays)), dtype=float)

        return function


def double_precision(jax):
    """JAX's switch to double precision, for what is computed under it alone."""
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64  # before JAX 0.8

    return enable_x64()
