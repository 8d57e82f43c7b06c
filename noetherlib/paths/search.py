"""The search for the cheapest curve: many starts on few points, the best on as many as it needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..lagrangian.continuous import dot
from .clock import length, respace
from .curve import Curve
from .routes import Route, bows, is_least, least, local, over_rests, rests
from .timed import MOST, QUICK, SETTLED, THOROUGH, falling, fastest, sharpen

FEW = 50  # points of the curves on the way
STEPS = 60  # Newton steps for them
ACCURACY = 2e-3  # of the action: the error to reach
FREE = 1e-6  # of the toll of a curve: an action that is none
ROUGH = 0.1  # the same where few points may be far off
SHORT, LONG = 1e-3, 200.0  # times to begin with, in units of the fastest rate
ROUNDS = 3  # a curve that turns more often is kept as the path that it came from
GAIN, CLEAR = 1e-3, 2e-2  # relative: what is less is not cheaper; what is more is so on any mesh


@dataclass(frozen=True)
class Found:
    """What a search returns: a curve, and what it takes to doubt it."""

    x: np.ndarray
    action: float
    converged: bool
    gradient_norm: float
    n_iter: int
    kind: str
    error: float
    bound: float
    joints: tuple = ()
    duration: float | None = None


class Search:
    """From curves ``starts`` between the same ends to the cheapest on ``n`` points."""

    def __init__(self, lagrangian, starts, n, tol, max_iter, singular):
        self.lagrangian, self.system, self.starts = lagrangian, lagrangian.system, starts
        self.n, self.tol, self.max_iter, self.singular = n, tol, max_iter, singular
        self.few = max(3, min(FEW, n))

    def run(self):
        """The cheapest curve, and others: a list of `Found`."""
        if self.singular:
            return [self._timed(self.starts, self._duration(None))]
        routes = []
        for start in self.starts:
            routes += local(self._improve, respace(start, self.few))
        if not routes:
            raise ValueError("drift must be finite along the starts, and their actions are not finite")
        best = least(routes)
        if is_least(self.system, best):
            return self._answers(best, routes, None)
        routes += self._elsewhere(best, bowed=any(route.kind == "saddle" for route in routes))
        best = least(routes)
        duration = self._duration(best)
        start = self.starts[-1] if best.converged else best.clocked(duration, 2 * FEW)
        winding = falling(self.system, [start], duration, best.action, min(QUICK, self.max_iter))
        if winding.action < (1 - GAIN) * best.action:
            x = winding.path.x
            if _rounds(x) < ROUNDS:
                routes += local(self._improve, respace(x, self.few))
                best = least(routes)
        return self._answers(best, routes, winding)

    def again(self, joints, duration, action, error, most):
        """The one curve given, of about that action, with less error."""
        x = self.starts[0]
        if duration is not None:
            return self._timed([x], duration, error, most, share=error / 4 / max(action, error))
        cuts = [0, *joints, len(x) - 1]
        legs = (self._curve(x[a : b + 1]) for a, b in zip(cuts, cuts[1:]))
        return self._fine(Route(tuple(legs)), error, most)

    def _curve(self, start, ends=None):
        return Curve(self.lagrangian, start, self.tol, ends)

    def _improve(self, start, ends=None):
        return self._curve(start, ends).descend(min(STEPS, self.max_iter))

    def _elsewhere(self, best, bowed):
        """Routes from bows, unless a saddle led to both sides already, and over fixed points."""
        x0, x1 = best.x[0], best.x[-1]
        routes = []
        if (x0 != x1).any() and self.system.linear is None and not bowed:
            for bow in bows(self.system, x0, x1, self.few):
                routes += local(self._improve, bow)
        best = least([best, *routes])
        points = rests(self.system, best.x)
        over = over_rests(self._improve, x0, x1, self.few, points, (1 + ROUGH) * best.action)
        return routes if over is None else [*routes, over]

    def _duration(self, route):
        """A time that is neither short nor long for a route."""
        if route is None:
            return 4 / fastest(self.system, self.starts[-1])
        times = np.concatenate([leg.durations()[1:-1] for leg in route.legs])
        rate = fastest(self.system, route.x)
        return float(np.clip(times.sum(), SHORT / rate, LONG / rate))

    def _answers(self, best, routes, winding):
        """The best on ``n`` points or more, and the others as they were found."""
        answers = []
        if winding is None or winding.action > (1 - CLEAR) * best.action:
            joined = [route for route in routes if len(route.legs) > 1 and route is not best]
            for route in [best, *joined]:
                answers.append(self._fine(route, ACCURACY * best.action + FREE * best.toll))
        if winding is not None and not any(
            one.converged and winding.action > (1 - GAIN) * one.action for one in answers
        ):
            answers.append(self._timed(self.starts, 1.0, best=winding))
        lowest = min(one.action for one in answers)
        answer = min(answers, key=lambda one: (one.action > lowest + GAIN * abs(lowest), not one.converged))
        return [answer, *self._others(best, routes)]

    def _others(self, best, routes):
        """The other curves that converged, each with the error that twice the points show."""
        kept = []
        for route in routes:
            same = [best, *kept]
            if route.converged and not any(_alike(route, one) for one in same):
                kept.append(route)
        finer = [route.on(2 * len(route.x) - 1, STEPS) for route in kept]
        return [_found(two, abs(two.action - one.action), np.inf) for one, two in zip(kept, finer)]

    def _fine(self, route, error, most=MOST):
        """The route on ``n`` points, on more until its error is met or it does not converge."""
        n = self.n
        if n < 6:
            fine = route.on(n, self.max_iter)
            missed = abs(fine.action - fine.on(2 * n - 1, self.max_iter).action) * 4 / 3
        else:
            coarse = route.on((n + 1) // 2, self.max_iter)
            fine = coarse.on(n, self.max_iter)
            missed = abs(fine.action - coarse.action)
        while missed > error and fine.converged and 2 * n <= most:
            n, coarse = 2 * n, fine
            fine = coarse.on(n, self.max_iter)
            missed = abs(fine.action - coarse.action)
        return _found(fine, missed, error)

    def _timed(self, starts, duration, error=None, most=MOST, best=None, share=SETTLED):
        """The curve of a path in so much time that more does not matter."""
        steps = min(THOROUGH, self.max_iter)
        timed = falling(self.system, starts, duration, steps=steps, most=most // 2, best=best, settled=share)
        bound = ACCURACY * timed.action if error is None else error
        path, value, missed = sharpen(timed, self.n, bound, most, steps)
        done = bool(path.converged) and timed.settled
        if not done:  # all that is known is that no action is negative
            missed = value
        moves = np.linalg.norm(np.diff(path.x, axis=0), axis=1)
        x = path.x[np.append(True, moves > 1e-9 * moves.sum())]  # where it rests nothing is drawn
        return Found(
            x,
            value,
            done,
            float(path.gradient_norm),
            int(path.n_iter),
            str(path.kind),
            missed,
            bound,
            (),
            float(path.t[-1]),
        )


def _rounds(x):
    """How often a curve turns."""
    step = np.diff(x, axis=0)
    size = np.linalg.norm(step, axis=1)
    unit = step[size > 1e-9 * size.sum()] / size[size > 1e-9 * size.sum(), None]
    return np.arccos(np.clip(dot(unit[1:], unit[:-1]), -1, 1)).sum() / (2 * np.pi)


def _alike(a, b):
    """Whether two routes are the same curve, to a percent of its length."""
    apart = respace(a.x, 20) - respace(b.x, 20)
    return np.abs(apart).max() < 1e-2 * length(a.x)[-1]


def _found(route, error, bound):
    return Found(
        route.x,
        route.action,
        route.converged,
        max(float(leg.gradient_norm) for leg in route.legs),
        sum(leg.n_iter for leg in route.legs),
        route.kind,
        float(error),
        float(bound),
        route.joints,
    )
