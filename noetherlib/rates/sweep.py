"""The static Hamilton-Jacobi equation on a grid of two dimensions, by line integrals over short arcs.

In coordinates where D is the identity a cheapest path has ``dx/dt = f + 2 p`` with ``|dx/dt| = |f|``:
a piece ``v`` of it costs ``(|f| |v| - f . v) / 2`` and ends with the slope ``p = (|f| v / |v| - f) / 2``.
The value at a node is the least, over all feet on the square ring of nodes REACH cells away, of the
value at the foot and the cost of the arc from there.  Given the feet that is a sparse linear system:
choose feet, solve, choose again (Howard's policy iteration, which is Newton's method).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, identity
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu

REACH = 3  # cells to the ring: with fewer strong rotation is lost, with more the arcs are too long
NEAREST, SEED = 5.0, 8.0  # cells around the attractor that take the series: at least, at most
SHARE = 3e-3  # of the series in its last term, at most
KINK = 3.0  # second differences beside each other that differ by more are not interpolated through
BATCH = 4000  # nodes at once: what fits the cache
PASSES, SETTLED = 40, 1e-6  # of the level
FREE = 3e-5  # of the level
ABOVE = 1.02  # times the level: nodes up to there are worth the work
FAR = 1e100  # more than any value


def _ring(reach):
    """Steps to the nodes of the square ring, once round and counterclockwise: (8 reach, 2)."""
    side = np.arange(-reach, reach)
    ends = np.full_like(side, reach)
    sides = [(ends, side), (-side, ends), (-ends, -side), (side, -ends)]
    return np.concatenate([np.stack(pair, axis=-1) for pair in sides])


def _cost(f, v):
    return (np.linalg.norm(f, axis=-1) * np.linalg.norm(v, axis=-1) - (f * v).sum(axis=-1)) / 2


class Sweep:
    """Nodes ``(*shape)`` with margins all round that no path enters; arrays run over all of them.

    ``drift`` is a function of states, ``series`` one of steps from the attractor ``start``: value,
    gradient and last term there.
    """

    def __init__(self, drift, D, box, shape, start, series):
        self.root = np.linalg.cholesky(D)
        self.back = np.linalg.inv(self.root)
        self.drift = lambda x: drift(np.clip(x, *box.T)) @ self.back.T
        self.axes = tuple(np.linspace(*limits, n) for limits, n in zip(box, shape))
        self.box, self.shape, self.width = box, shape, np.ptp(box, axis=1) / (np.array(shape) - 1)
        self._lay_out()
        self.V = np.full(len(self.x), FAR)
        self.p = np.full_like(self.x, np.nan)
        step = self.x[self.nodes] - start
        cells = np.linalg.norm(step / self.width, axis=1)
        value, slope, last = series(step)
        bad = cells[np.abs(last) > SHARE * value]
        most = np.clip(min(shape) / 5, NEAREST, SEED)
        within = cells <= np.clip(bad.min(initial=most), NEAREST, most)
        self.seeds, self.free = self.nodes[within], self.nodes[~within]
        self.V[self.seeds], self.p[self.seeds] = value[within], slope[within]

    def _lay_out(self):
        """Nodes, drift there, the ring, and the costs of straight lines from it."""
        wide = [n + 2 * REACH for n in self.shape]
        inside = np.zeros(wide, dtype=bool)
        inside[REACH:-REACH, REACH:-REACH] = True
        self.nodes = np.flatnonzero(inside)
        # lines that every path out of the box crosses: whose rings stay inside, and whose feet's do
        self.last, self.rim = (self._line(wide, depth * REACH) for depth in (1, 2))
        self.x = np.zeros((inside.size, 2))
        self.x[self.nodes] = np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, 2)
        self.f = self.drift(self.x)
        ring = _ring(REACH)
        side = np.roll(ring, -1, axis=0) - ring
        self.steps, self.side_steps = ring * self.width, side * self.width
        self.jumps, self.side_jumps = ring @ [wide[1], 1], side @ [wide[1], 1]
        arms = -self.steps @ self.back.T
        self.straight = np.full((len(self.x), len(ring)), FAR)
        for k, jump in enumerate(self.jumps):
            ends = self.nodes, self.nodes + jump
            middle = self.drift(self.x[self.nodes] + self.steps[k] / 2)
            cost = _cost(self.f[ends[0]], arms[k]) + _cost(self.f[ends[1]], arms[k])
            self.straight[self.nodes, k] = (cost + 4 * _cost(middle, arms[k])) / 6

    def _line(self, wide, depth):
        """Nodes ``depth`` cells inside the box's edge."""
        line = np.zeros(wide, dtype=bool)
        for more in (depth + REACH, depth + REACH + 1):
            line[more:-more, more:-more] ^= True
        return np.flatnonzero(line)

    def grid(self, values):
        """``values`` of all nodes as an array over the box: (*shape, ...)."""
        return values[self.nodes].reshape(*self.shape, *values.shape[1:])

    def along_edges(self):
        """First values: over the graph of the straight lines. Too large, but in order."""
        known = np.zeros(len(self.x), dtype=bool)
        known[self.nodes] = True
        tails = self.nodes[:, None] + self.jumps
        use, origin = known[tails], len(self.x)
        heads = np.broadcast_to(self.nodes[:, None], use.shape)[use]
        rows = np.concatenate([tails[use], np.full(len(self.seeds), origin)])
        columns = np.concatenate([heads, self.seeds])
        costs = np.concatenate([self.straight[self.nodes][use], self.V[self.seeds]])
        costs = np.maximum(costs, 1e-300)  # a zero would be no edge
        graph = csr_matrix((costs, (rows, columns)), shape=(origin + 1, origin + 1))
        self.V[self.free] = np.minimum(dijkstra(graph, indices=origin)[self.free], FAR)

    def _feet(self, i, s):
        """Feet at ``s`` along the rings of nodes ``i``: steps to them, values and slopes, nodes, weights.

        A value is ``weights . V[nodes]``, cubic between four nodes in line; where these have a kink
        the second differences are cut down, to nothing where they change sign.
        """
        k = np.floor(s).astype(int)
        w, k = s - k, k % len(self.jumps)
        nodes = (i + self.jumps[k])[:, None] + self.side_jumps[k][:, None] * np.arange(-1, 3)
        V = self.V[nodes]
        bends = np.diff(V, 2, axis=1)
        keep = np.minimum(1, KINK * np.abs(bends[:, ::-1]) / np.maximum(np.abs(bends), 1e-300))
        keep *= ((bends.prod(axis=1) > 0) & (V.max(axis=1) < FAR))[:, None]
        weights, slopes = np.zeros((2, len(w), 4))
        weights[:, 1], weights[:, 2], slopes[:, 1:3] = 1 - w, w, [-1, 1]
        shapes = w * (1 - w) * (2 - w), w * (1 - w) * (1 + w)
        rates = 2 - 6 * w + 3 * w * w, 1 - 3 * w * w
        for n in (0, 1):
            weights[:, n : n + 3] -= (keep[:, n] * shapes[n] / 6)[:, None] * [1, -2, 1]
            slopes[:, n : n + 3] -= (keep[:, n] * rates[n] / 6)[:, None] * [1, -2, 1]
        value = np.where(V[:, 1:3].max(axis=1) < FAR, (weights * V).sum(axis=1), FAR)
        side = self.side_steps[k]
        return self.steps[k] + w[:, None] * side, side, value, (slopes * V).sum(axis=1), nodes, weights

    def _arcs(self, i, s):
        """Values at nodes ``i`` over arcs from the feet at ``s``, slopes, and the rule that gives them.

        An arc is a parabola that starts along ``f + 2 p``: that p has the slope of the values beside
        the ring, and across the ring what makes the energy zero.
        """
        step, side, value, slope, nodes, weights = self._feet(i, s)
        f0, chord, side = self.drift(self.x[i] + step), -step @ self.back.T, side @ self.back.T
        length = np.linalg.norm(side, axis=1)
        side = side / length[:, None]
        inward = np.stack([-side[:, 1], side[:, 0]], axis=1)
        beside = (f0 * side).sum(axis=1) + 2 * slope / length
        rest = (f0**2).sum(axis=1) - beside**2
        ahead = beside[:, None] * side + np.sqrt(np.maximum(rest, 0))[:, None] * inward
        across = np.stack([-chord[:, 1], chord[:, 0]], axis=1)
        onward, turn = (ahead * chord).sum(axis=1), (ahead * across).sum(axis=1)
        usual = (rest > 0) & (np.abs(turn) < onward)
        bend = np.where(usual, turn / np.where(usual, onward, 1), 0)[:, None] * across
        f1, last = self.f[i], chord - bend
        middle = self.drift(self.x[i] + step / 2 + bend @ self.root.T / 4)
        cost = (_cost(f0, chord + bend) + 4 * _cost(middle, chord) + _cost(f1, last)) / 6
        last = last / np.linalg.norm(last, axis=1)[:, None]
        p = (np.linalg.norm(f1, axis=1)[:, None] * last - f1) / 2
        return value + cost, p @ self.back, nodes, weights, cost

    def _choose(self, i):
        """The best feet of nodes ``i``: first among the nodes of the ring, then between them."""
        best = np.argmin(self.V[i[:, None] + self.jumps] + self.straight[i], axis=1).astype(float)
        least = self._arcs(i, best)[0]
        for step, ways in (1 / 2, (-2, -1, 1, 2)), (1 / 4, (-1, 1)), (1 / 8, (-1, 1)), (1 / 16, (-1, 1)):
            middle = best
            for way in ways:
                value = self._arcs(i, middle + way * step)[0]
                best, least = np.where(value < least, middle + way * step, best), np.minimum(value, least)
        left, right = (self._arcs(i, best + way * step)[0] for way in (-1, 1))
        bend = left - 2 * least + right
        shift = step / 2 * (left - right) / np.where(bend > 0, bend, np.inf)
        trial = best + np.clip(shift, -step, step)
        return np.where(self._arcs(i, trial)[0] < least, trial, best)

    def _solve(self, weights, nodes, rows_of, unknown, cost, least):
        """Values of nodes from those of their feet, the ``unknown`` ones among these found with them."""
        n = len(cost)
        rows = np.broadcast_to(np.arange(n)[:, None], nodes.shape)[unknown]
        rule = csc_matrix((weights[unknown], (rows, rows_of[unknown])), shape=(n, n))
        known = cost + (np.where(unknown, 0, weights) * self.V[nodes]).sum(axis=1)
        return splu(identity(n, format="csc") - rule).solve(np.maximum(known, least))

    def settle(self):
        """Policy iteration from the values at hand.

        Returns the level below which no path is missed that leaves the box, the last change, and whether
        that is settled.
        """
        for _ in range(PASSES):
            level = self.V[self.last].min()
            use = self.free[self.V[self.free] <= ABOVE * level]
            use = use[np.argsort(self.V[use], kind="stable")]
            parts = np.array_split(use, len(use) // BATCH + 1)
            feet = np.concatenate([self._choose(part) for part in parts])
            once, self.p[use], nodes, weights, cost = self._arcs(use, feet)
            place = np.full(len(self.V), -1)
            place[use] = np.arange(len(use))
            unknown = place[nodes] >= 0
            # along the flow arcs are free, and around another attractor they lead in circles: these
            # take one step from the values at hand, and never below them
            free = cost <= FREE * level
            unknown &= ~free[:, None]
            least = np.where(free, self.V[nodes[:, 1:3]].min(axis=1), -np.inf)
            try:
                V = self._solve(weights, nodes, place[nodes], unknown, cost, least)
            except RuntimeError:  # a ring of feet that lead to one another: only those further down, then
                unknown &= (self.V[nodes] < self.V[use][:, None]).all(axis=1, keepdims=True)
                V = self._solve(weights, nodes, place[nodes], unknown, cost, least)
            V = np.where((V > 0) & (V < 2 * level), V, once)
            change = np.abs(V - self.V[use]).max(initial=0)
            self.V[use] = V
            if settled := change <= SETTLED * level:
                break
        return self.V[self.rim].min(), change, bool(settled)
