"""The conditions on a generator from fitted fields, and what the fits' errors do to them."""

from __future__ import annotations

import numpy as np

from ..system.samples.frame import TINY
from ..system.samples.polynomials import unfolding
from .generators import defects, unit_of

SPREADS = 5.0  # how many standard deviations above its mean the defect due to noise may lie
SITES = 1000  # states at which the conditions are evaluated, at most
SHARE = 1 / 3  # of D's errors in the rows, to the drift's: D decides with them, and adds little
CELLS = 20_000_000  # numbers in the table of what errors do to them, at most


class Errors:
    """What independent unit errors add to the conditions: a table (rows, k, K) for each field.

    All to second order of perturbation theory for the null vector of a noisy matrix. ``crossed`` are
    the same conditions where each state has a drift fitted without its part of the recording.
    """

    def __init__(self, rows, tables, crossed=None):
        self.rows, self.tables, self.crossed = rows, tables, crossed
        ends = np.cumsum([0] + [len(table) for table in tables])
        self._parts = list(zip((rows[a:b] for a, b in zip(ends, ends[1:])), tables))

    def spread(self, theta):
        """The defect that noise alone may give the generator theta."""
        mean = square = 0.0
        for table in self.tables:
            push = np.tensordot(table, theta, (1, 0))
            gram = push.T @ push if len(push) > push.shape[1] else push @ push.T
            mean, square = mean + np.trace(gram), square + (gram**2).sum()
        return np.sqrt(mean + SPREADS * np.sqrt(2 * square))

    def unbiased(self, theta, strong):
        """theta, a null vector of the rows, without its bias of second order.

        What moves it are the directions ``strong``, (s, k), that are no symmetry. A drift fitted to a
        recording errs in step with the states visited; ``crossed`` are conditions where it does not.
        """
        errors = self.crossed or self
        gram = errors.rows.T @ errors.rows
        inverse = strong.T @ np.linalg.solve(strong @ gram @ strong.T, strong)
        theta = theta - inverse @ gram @ theta
        return theta - errors._response(theta, inverse)[0]

    def columns(self, theta, inverse):
        """Columns (k, K) whose products with independent unit errors add up to the error of theta.

        ``inverse`` is the pseudo-inverse of ``rows^T rows`` on the directions that are no symmetry.
        """
        return self._response(theta, inverse)[1]

    def _response(self, theta, inverse):
        """The bias of theta, and the columns of its errors."""
        bias, columns = 0.0, []
        for rows, table in self._parts:
            push = np.tensordot(table, theta, (1, 0))
            pull = -inverse @ rows.T @ push
            own = np.einsum("nkK,nK->k", table, push + rows @ pull, optimize=True)
            mixed = rows.T @ np.einsum("nkK,kK->n", table, pull, optimize=True)
            bias = bias - inverse @ (own + mixed)
            columns.append(pull)
        return bias, np.concatenate(columns, axis=1)


def conditions(fields, x, frame, basis):
    """Rows, their `Errors`, and the misfit of the fits, at some of the states x.

    The rows of D are weighted up by the ratio of the errors, so that the defect of a generator is
    that of the drift, and the precision of D is not lost.
    """
    cells = len(basis[2]) * sum(len(frame.centre) ** f.rank * f.columns.shape[-1] for f in fields)
    sites = x[:: -(-len(x) // min(SITES, 50 + CELLS // cells))]
    parts = [_part(field, sites, frame, basis) for field in fields]
    sizes = [np.linalg.norm(table) + TINY for _, table, _, _ in parts]
    weights = [max(1.0, SHARE * sizes[0] / size) for size in sizes]
    rows = np.concatenate([w * part[0] for w, part in zip(weights, parts)])
    tables = [w * part[1] for w, part in zip(weights, parts)]
    crossed = None
    if fields[0].left_out is not None:
        crossed = Errors(np.concatenate([parts[0][3], rows[len(parts[0][3]) :]]), tables)
    errors = Errors(rows, tables, crossed)
    return rows, errors, float(np.linalg.norm([w * part[2] for w, part in zip(weights, parts)]))


def _inward(field, frame):
    """What turns the fit's components into those of the frame."""
    if field.rank == 1:
        return frame.inverse
    return np.kron(frame.inverse, frame.inverse) @ unfolding(len(frame.centre))


def _part(field, sites, frame, basis):
    """Rows, table of errors and misfit of one field's condition, all relative to the field."""
    fit, u, inward = field.fit, frame.inward(sites), _inward(field, frame)

    def at_sites(coefficients, sites=sites):
        value, slope = fit.polynomial(coefficients).jet(sites)
        value = np.einsum("ip,np...->ni...", inward, value)
        slope = np.einsum("ip,npj...,jl->nil...", inward, slope, frame.transform, optimize=True)
        return value, slope

    jet = at_sites(fit.coefficients)
    unit = unit_of(*jet)
    scale = unit * np.sqrt(len(u))
    rows = defects(basis, u, field.rank, *jet) / scale
    table = defects(basis, u, field.rank, *at_sites(field.columns)) / scale
    crossed = None
    if field.left_out is not None:
        # each state with the drift that knows nothing of its part of the recording
        part = np.arange(len(sites)) * len(field.left_out) // len(sites)
        each = [at_sites(without, sites[part == k]) for k, without in enumerate(field.left_out)]
        crossed = [np.concatenate(parts) for parts in zip(*each)]
        crossed = defects(basis, u, field.rank, *crossed) / scale
    misfit = np.linalg.norm(inward * fit.misfit)
    if misfit <= 1e-10 * unit:
        return rows, table, 0.0, crossed
    # the series goes on: what is missing is at least as steep for its size as the last term
    size, slope = (np.linalg.norm(part) for part in at_sites(fit.largest_term))
    return rows, table, 2 * misfit * np.hypot(1, slope / max(size, TINY)) / unit, crossed
