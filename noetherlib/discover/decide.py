"""The decision: which directions are symmetries, which are not, which the data leave open."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..symmetry import AffineSymmetry
from ..system import System
from ..system.samples.frame import TINY


class FoundSymmetry(AffineSymmetry):
    """One symmetry ``xi = matrix @ x + offset``, ``tau = tau1 t``; unpacks as those three.

    It is a `noetherlib.Symmetry`: `noetherlib.charge` takes it as it is. ``*_error`` are standard
    errors (zero for data without noise, nan where unknown) of the part that leaves the space of
    symmetries found; within that space the choice of basis is free.
    """

    def __init__(self, matrix, offset, tau1, matrix_error, offset_error, tau1_error):
        super().__init__(matrix, offset, tau1)
        self.matrix_error, self.offset_error = matrix_error, offset_error
        self.tau1_error = tau1_error

    def __iter__(self):
        return iter((self.matrix, self.offset, self.tau1))


@dataclass(frozen=True, eq=False)
class Discovery:
    """The symmetries found: a sequence of `FoundSymmetry`, empty (and false) if there is none."""

    #: of `FoundSymmetry`: rotations of angular velocity 1, dilations of tau_1 = 2, translations of
    #: length 1
    symmetries: tuple
    #: relative defects of all candidate directions, increasing; from trajectories those of D are in
    #: it, weighted up where D is known better than the drift
    singular_values: np.ndarray
    #: the bound on the defect: of the last direction not rejected, else of the first rejected
    threshold: float
    #: smallest rejected singular value over its bound: large is a clear decision; inf if none was
    #: rejected
    gap: float
    #: number of directions below a bound that is above ``resolution``: neither confirmed nor
    #: excluded
    undetermined: int
    #: D given or estimated, (dim, dim), or None
    diffusion: np.ndarray | None = None
    #: the fitted `System` (drift a polynomial), or None where nothing was fitted
    system: System | None = None
    #: standard errors of ``diffusion``, (dim, dim); None where it was not estimated
    diffusion_error: np.ndarray | None = None
    #: covariance (dim, dim) of the errors of the recorded states, estimated from trajectories, and
    #: its standard errors; nan for fewer than four times. An estimate within its errors of zero may
    #: be negative
    measurement_noise: np.ndarray | None = None
    measurement_noise_error: np.ndarray | None = None
    #: p-value of a constant D: squared increments depend on the state where it is small
    p_constant: float | None = None

    def __repr__(self):
        undetermined = f", {self.undetermined} undetermined" if self.undetermined else ""
        return (
            f"<Discovery: {len(self)} of {len(self.singular_values)} directions are symmetries"
            f"{undetermined}, threshold {self.threshold:.3g}, gap {self.gap:.3g}>"
        )

    def __len__(self):
        return len(self.symmetries)

    def __getitem__(self, index):
        return self.symmetries[index]


def decide(rows, metric, basis, frame, options, errors=None, misfit=0.0, **estimates):
    """The null space of ``rows``, by increasing defect until one exceeds what noise explains.

    ``errors.spread(theta)`` gives the defect to expect from noise; ``errors.unbiased(theta, strong)``
    a symmetry without its bias, where ``strong`` are the directions that are none;
    ``errors.columns(theta, inverse)`` columns whose products with independent unit errors add up to
    its error. ``misfit`` is the relative error of fitted fields beyond noise; ``estimates`` are
    attributes of the result.
    """
    if len(rows) < 2 * len(metric):
        raise ValueError(
            f"more samples must be given: they make {len(rows)} equations for {len(metric)} unknowns"
        )
    tolerance, resolution = options
    root = np.linalg.cholesky(np.linalg.inv(metric))  # columns: generators of size one
    _, values, directions = np.linalg.svd(rows @ root, full_matrices=False)
    values, directions = values[::-1], (directions @ root.T)[::-1]
    accepted, threshold, gap, undetermined = [], None, np.inf, 0
    for value, theta in zip(values, directions):
        spread = errors.spread(theta) if errors else 0.0
        bound = float(np.linalg.norm([tolerance, misfit, spread]))
        if value > bound:
            threshold, gap = threshold or bound, float(value / bound)
            break
        threshold = bound
        if bound > resolution:
            undetermined += 1
        else:
            accepted.append(theta)
    if undetermined:
        warnings.warn(
            f"the data leave {undetermined} direction(s) open: relative defects up to "
            f"{threshold:.2g} cannot be told from noise or misfit (resolution = {resolution:g})",
            stacklevel=4,
        )
    strong, sizes = directions[len(accepted) :], np.maximum(values[len(accepted) :], TINY)
    inverse = (strong / sizes[:, None]).T @ (strong / sizes[:, None])
    if errors and accepted:
        accepted = [errors.unbiased(theta, strong) for theta in accepted]
    found = tuple(
        _describe(theta, errors.columns(theta, inverse) if errors else None, basis, frame)
        for theta in _sparse(np.reshape(accepted, (-1, len(metric))), basis, frame)
    )
    return Discovery(found, values, threshold, gap, undetermined, **estimates)


def _sparse(space, basis, frame):
    """A basis of the space of symmetries with as many zeros as elimination gives, normalised."""
    # what to make zero: the entries of A, b, tau_1 as the caller sees them, about x = 0
    outward = zip(*frame.outward(np.eye(len(basis[2])), basis))
    seen = [np.concatenate([A.ravel(), frame.inverse @ b, [tau]]) for A, b, tau in outward]
    seen = np.stack(seen)
    space, entries = space.copy(), space @ seen
    free = list(range(len(space)))
    while free:
        row, column = np.unravel_index(np.abs(entries[free]).argmax(), (len(free), seen.shape[1]))
        row = free.pop(row)
        for other in set(range(len(space))) - {row}:
            space[other] -= entries[other, column] / entries[row, column] * space[row]
        entries = space @ seen
    for theta in space:
        A, b, tau = (np.tensordot(theta, part, 1) for part in basis)
        turn = A - np.trace(A) / len(A) * np.eye(len(A))
        size = np.linalg.norm(turn) + np.linalg.norm(b) + abs(tau)
        if np.linalg.norm(turn) > 0.1 * size:
            # the angular velocity squared, in any coordinates
            speed = abs(np.trace(turn @ turn)) / 2
            speed = np.sqrt(speed if speed > 1e-3 * (turn**2).sum() else (turn**2).sum() / 2)
            lower = np.tril(turn - turn.T)
            theta /= speed * (np.sign(lower.flat[np.abs(lower).argmax()]) or 1.0)
        elif abs(tau) > 0.1 * size:
            theta *= 2 / tau
        else:
            b = frame.transform @ b
            theta /= np.linalg.norm(b) * (np.sign(b[np.abs(b).argmax()]) or 1.0)
    return space


def _describe(theta, errors, basis, frame):
    A, b, tau = (part[0] for part in frame.outward(theta[:, None], basis))
    if errors is None:
        return FoundSymmetry(A, b, float(tau), 0 * A, 0 * b, 0.0)
    spread = [np.sqrt((part**2).sum(axis=0)) for part in frame.outward(errors, basis)]
    return FoundSymmetry(A, b, float(tau), spread[0], spread[1], float(spread[2]))
