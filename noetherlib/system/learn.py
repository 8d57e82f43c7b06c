"""What was not declared of a flow, learned at the very states and times that an answer uses.

Whether a function uses an argument is found by handing it one that raises at any use: where it
returns, what it returned cannot depend on that argument. Nothing is tried at invented states.
"""

from __future__ import annotations

import numpy as np

from ..inputs import as_numbers, as_returned
from .layout import componentwise

FLOAT = np.dtype(float)
MANY = 2**18  # numbers that are not computed for a check alone


class Used(Exception):
    """A function used an argument that it was to do without."""


class Untouched:
    """An array that may be asked for its shape, and raises `Used` at any other use."""

    dtype = np.dtype(float)

    def __init__(self, shape=()):
        self.shape, self.ndim = shape, len(shape)
        self.size = int(np.prod(shape, dtype=int))

    def __getattr__(self, name):
        raise Used

    def __array_function__(self, function, types, arguments, options):
        if function in (np.shape, np.ndim, np.size) and arguments == (self,) and not options:
            return getattr(self, function.__name__)
        raise Used


def _used(self, *arguments, **options):
    raise Used


for _name in (
    "array array_ufunc bool float int complex index iter len getitem contains neg pos abs "
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul "
    "eq ne lt le gt ge hash round floor ceil trunc"
).split():
    setattr(Untouched, f"__{_name}__", _used)


def without(function, *arguments):
    """``function(*arguments)``, or None where it used an `Untouched` one among them."""
    try:
        return function(*arguments)
    except Exception:  # what a function raises on such an argument is a use of it, whatever its kind
        return None


class Facts:
    """What is known of one flow: declared by it, or seen where an answer needed it."""

    def __init__(self, flow):
        self.flow = flow
        self._seen = {}
        #: names of the functions that were seen to take the state on the last axis
        self.vouched = set()

    def __reduce__(self):
        return Facts, (self.flow,)

    def __str__(self):
        """Each fact in words: declared, seen where, or unknown."""
        words = []
        for name in ("additive", "autonomous", "linear"):
            declared = getattr(self.flow, name)
            if name == "additive" and not callable(self.flow.diffusion):
                declared = True
            if declared is not None:
                words.append(f"{name if declared else 'not ' + name} (declared)")
            elif name in self._seen:
                value, where = self._seen[name]
                words.append(f"{name}{'' if value is True else ' unknown'} ({where})")
            else:
                words.append(f"{name} unknown")
        return ", ".join(words)

    # ---- noise -----------------------------------------------------------------------------------

    def noise(self, x, t):
        """D at ``x`` (..., dim) and ``t``, and whether it is known not to depend on the state.

        Where it is: t.shape + (dim, dim), else broadcast over the states too.
        """
        flow, t = self.flow, np.asarray(t)
        if flow.additive is not False and self._seen.get("additive", (True,))[0] is True:
            apart = Untouched((max(t.size, 1), flow.dim)) if t.ndim else Untouched((flow.dim,))
            D = without(self._matrices, apart, t)
            if D is not None:
                self._see("additive", True, x, t)
                return D, True
            if flow.additive:
                return self._declared_additive(x, t), True
        lead = np.broadcast_shapes(x.shape[:-1], t.shape)
        flat = np.broadcast_to(x, lead + (flow.dim,)).reshape(-1, flow.dim)
        times = np.broadcast_to(t, lead).reshape(-1) if t.ndim else t
        D = self._matrices(flat, times).reshape(lead + (flow.dim,) * 2)
        if self._seen.get("additive", (False,))[0] is True:
            raise ValueError(
                "diffusion did not use the state at earlier times, and uses it now: declare additive=False"
            )
        self._see("additive", False, x, t)
        return D, False

    def _declared_additive(self, x, t):
        """D at the times alone, where it looks at the state though it is declared not to depend on it."""
        x = x.reshape(-1, self.flow.dim)
        first, last = (np.broadcast_to(y, t.shape + y.shape) for y in (x[0], x[-1]))
        D = self._matrices(first.reshape(-1, x.shape[-1]) if t.ndim else x[:1], t)
        far = self._matrices(last.reshape(-1, x.shape[-1]) if t.ndim else x[-1:], t)
        if not np.array_equal(D, far, equal_nan=True):
            raise ValueError("diffusion is declared additive=True, but differs between two states in use")
        return D

    def _matrices(self, x, t):
        """D of states (n, dim) and times (n,) or () as matrices, whatever form the function returns."""
        dim, shape = self.flow.dim, t.shape if isinstance(x, Untouched) else x.shape[:-1]
        n = shape[0] if shape else 0
        if n == dim:  # as many states as coordinates: one more, so that a shape has one meaning
            t = np.append(t, t[-1]) if t.ndim else t
            x = Untouched((n + 1, dim)) if isinstance(x, Untouched) else np.concatenate([x, x[-1:]])
            return self._matrices(x, t)[:n]
        value = np.asarray(self.flow.diffusion(x, t), dtype=float)
        lead = (n,) if shape else ()
        ranks = {(): 0, (1,) * (n == 1): 0, (dim,): 1, (dim, dim): 2}
        ranks |= {lead: 0, (*lead, dim): 1, (*lead, dim, dim): 2}
        if value.shape not in ranks:
            raise ValueError(
                f"diffusion(x, t) must return a number, ({dim},) or ({dim}, {dim}) per state, "
                f"got shape {value.shape} for x of shape {x.shape}"
            )
        if ranks[value.shape] == 0:
            value = value[..., None, None] * np.eye(dim)
        elif ranks[value.shape] == 1:
            value = value[..., None] * np.eye(dim)
        return np.broadcast_to(value, lead + (dim, dim))

    # ---- time ------------------------------------------------------------------------------------

    def autonomous(self, x, t):
        """Whether drift and D at the states ``x`` are known not to use the time.

        True where declared, or where both return without looking at it. Where it is declared and
        they look: they must be the same at the times ``t`` in use.
        """
        flow = self.flow
        if flow.autonomous is False:
            return False
        values = [without(flow.drift, x, Untouched())]
        if callable(flow.diffusion):
            values.append(without(flow.diffusion, x, Untouched()))
        blind = all(value is not None for value in values)
        if flow.autonomous and not blind and np.size(t) > 1:
            for name in ["drift"] + ["diffusion"] * callable(flow.diffusion):
                function = getattr(flow, name)
                first, last = (np.asarray(function(x, np.asarray(s))) for s in (np.min(t), np.max(t)))
                if not np.array_equal(first, last, equal_nan=True):
                    raise ValueError(
                        f"system is declared autonomous=True, but its {name} changes between "
                        f"t = {np.min(t):.6g} and t = {np.max(t):.6g}"
                    )
        self._see("autonomous", blind or bool(flow.autonomous), x, t)
        return blind or bool(flow.autonomous)

    # ---- the flow's own functions -----------------------------------------------------------------

    def states(self, x):
        """``x`` as states (..., dim)."""
        x = x if isinstance(x, np.ndarray) and x.dtype is FLOAT else as_numbers(x, "x")
        if x.ndim == 0 or x.shape[-1] != self.flow.dim:
            raise ValueError(f"x must have shape (..., {self.flow.dim}), got shape {x.shape}")
        return x

    def ask(self, name, rank, x, t, *vectors):
        """What the flow's function ``name`` returns at ``x``, of the right shape and vouched for."""
        x, dim, blind = self.states(x), self.flow.dim, False
        if not isinstance(t, np.ndarray):
            blind = isinstance(t, Untouched)
            t = t if blind else np.asarray(t)
        lead = x.shape[:-1]
        if t.shape and t.shape != lead[-t.ndim :]:
            lead = np.broadcast_shapes(lead, t.shape)
        function = getattr(self.flow, name)
        try:
            value = np.asarray(function(x, t, *vectors), dtype=float)
            if name not in self.vouched and not blind:
                self.vouch(function, name, x, t, rank, *vectors)
            shape = lead + (dim,) * rank
            if value.shape == shape:
                return componentwise(value, rank) if rank else value
            return as_returned(value, shape, name, x)
        except (IndexError, ValueError) as error:
            if not isinstance(error, IndexError) and not self._one_alone(function, x, t, rank, *vectors):
                raise  # what the function, or the shape of what it returned, says of itself
            raise ValueError(
                f"{name}(x, t) must take states (..., {dim}), that is x[..., i] for x_i and not x[i], "
                "a, b = x[..., 0], x[..., 1] and not a, b = x, and return its components on the last axis, "
                f"as np.stack([...], axis=-1) does: {error}"
            ) from error

    def _one_alone(self, function, x, t, rank, *vectors):
        """Whether a function that failed on many states is right for one state at a time."""
        dim = self.flow.dim
        if x.ndim < 2 or not x.size or not np.size(t):
            return False
        one = [y.reshape(-1, y.shape[-1])[0] for y in (x, *vectors)]
        value = without(function, one[0], np.asarray(np.ravel(t)[0]), *one[1:])
        return value is not None and np.shape(value) == (dim,) * rank

    def vouch(self, function, name, x, t, rank, *vectors):
        """See that a function means ``x[..., i]``, from some of the states that it was asked at.

        ``x[i]`` in its place goes unnoticed on just ``dim`` states, and where ``dim`` is 1.
        """
        dim = self.flow.dim
        if not x.size or not np.size(t) or dim ** (rank + 1) > MANY:
            return
        x, t = x.reshape(-1, dim), np.asarray(np.ravel(t)[0])
        if (x[0] == x[-1]).all():
            return
        rows = x[[0] * dim + [-1]]
        more = [np.broadcast_to(v, v.shape[:-1] + (dim,)).reshape(-1, dim)[[0] * (dim + 1)] for v in vectors]
        forth, back = (np.asarray(function(r, t, *more), dtype=float) for r in (rows, rows[::-1]))
        tail = (dim,) * rank
        if forth.shape == (dim,) * (rank + 1) or (
            forth.shape != (dim + 1,) + tail and not np.array_equal(forth, back, equal_nan=True)
        ):
            raise IndexError(f"of {dim + 1} states it returned shape {forth.shape}")
        self.vouched.add(name)

    def _see(self, name, value, x, t):
        if getattr(self.flow, name) is None and name not in self._seen:
            count, times = x.size // max(self.flow.dim, 1), np.asarray(t)
            when = f", t from {times.min():.6g} to {times.max():.6g}" if times.size else ""
            self._seen[name] = value if value else "unknown", f"seen at {count} states{when}"
