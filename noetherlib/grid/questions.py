"""What is asked of the backward operator: each a sparse linear problem, on two grids."""

from __future__ import annotations

import warnings
from functools import cached_property

import numpy as np

from ..inputs import as_a, as_box, as_count, as_positive, as_states, brief
from ..system import System
from .answers import Coarse, OnGrid, Spectrum, compare
from .cells import Cells
from .operator import MOSTLY
from .solver import SPARE, Solver

LEAST = 8  # cells along a coordinate
EDGE = 1e-3  # probability in the cells at the edge of the box that is worth a word
ROUGH = 0.1  # relative error that is worth a word
EDGES = (None, "reflecting", "absorbing")


def generator(system, box, shape, edges=None):
    """The backward operator ``L = f . grad + D : grad grad`` of a system on a grid, in 1 to 3 dimensions.

    Parameters
    ----------
    system : System
        Neither drift nor D may depend on time. D may depend on the state (Itô), and may be zero along
        some coordinates, everywhere or in places.
    box : array (dim, 2) or (2,)
        Lower and upper limit of each coordinate, or of all.
    shape : int or sequence of dim ints
        Number of cells along each coordinate: even, since errors come from half as many; at least 8.
    edges : {None, "reflecting", "absorbing"}, optional
        None: the box merely ends the grid; it reflects, and an answer whose probability reaches an
        edge warns. "reflecting": walls that are meant. "absorbing": what reaches an edge is lost.

    Returns
    -------
    Generator
        ``.stationary_density()``, ``.mean_exit_time(inside)``, ``.committor(A, B)``,
        ``.transition_density(x0, t)`` and ``.spectrum(k)``. Sets are functions of states (..., dim)
        that return bool (...); their borders are found between the centres of the cells.

    Raises
    ------
    ValueError
        For more than 3 dimensions, a system that depends on time, a box or shape that does not fit,
        and a D that couples coordinates so strongly that some rate would be negative.

    Warns
    -----
    Coarse
        Where along some coordinate more than half of the cells have ``|f| h > 2 D > 0``: there the
        grid adds more noise than there is. Every answer warns in its turn where its estimated error
        passes a tenth of its size, or probability reaches the edge of the box.

    Notes
    -----
    The grid's operator is that of a jump process: rates are never negative and rows sum to zero (less
    with absorbing edges), so that densities stay positive. Order 2 in the width of the cells with
    noise along every coordinate, else (or after that warning) order 1: without noise no positive
    operator between neighbours does better. ``.error`` is Richardson's, the change from half as many
    cells over 3 (or 1); it knows nothing of what lies outside the box, nor of a part of a set that is
    thinner than a cell.

    Source: Scharfetter and Gummel (1969); Kushner and Dupuis (2001), chapter 5.
    """
    if (dim := as_a(System, system, "system").dim) > 3:
        raise ValueError(f"system must have 1 to 3 variables for a grid, got {dim}: simulate it")
    box = as_box(box, dim)
    shape = tuple(np.atleast_1d(np.asarray(shape, dtype=object)).tolist())
    shape = shape * dim if len(shape) == 1 else shape
    if len(shape) != dim:
        raise ValueError(f"shape must be a number of cells or {dim} of them, got {brief(shape)}")
    shape = tuple(as_count(n, "shape", LEAST) for n in shape)
    if any(n % 2 for n in shape):
        raise ValueError(f"shape must be even numbers, for errors come from half as many cells, got {shape}")
    if edges not in EDGES:
        raise ValueError(f'edges must be "reflecting", "absorbing" or None, got {brief(edges)}')
    cells = Cells(box, shape)
    if not np.isfinite(system.drift(cells.centres, 0.0)).all():
        raise ValueError("system must have a finite drift at every centre of the box's cells, and has not")
    if not system.facts.autonomous(cells.centres, 0.0):
        raise ValueError(
            "system must not depend on time, and its drift or diffusion looks at t: where it does not "
            "matter, declare autonomous=True"
        )
    gen = Generator(system, cells, edges)
    for axis, share in enumerate(gen.peclet):
        if share > MOSTLY:
            text = f"along coordinate {axis} the drift over a cell exceeds twice the noise (Peclet number "
            text += f"|f| h / D > 2) in {share:.0%} of the cells: take more cells, or a smaller box"
            warnings.warn(text, Coarse, stacklevel=2)
    return gen


class Generator:
    """The backward operator on a grid, and its answers. Made by `generator`.

    Attributes: ``matrix``, the sparse Q-matrix (``L u`` at the centres is ``matrix @ u.ravel()``);
    ``axes``, the coordinates of the centres; ``peclet`` (dim,), the share of cells with
    ``|f| h > 2 D > 0`` along each coordinate; ``order`` of its errors in the width of a cell.
    """

    def __init__(self, system, cells, edges):
        self._cells, self._edges = cells, edges
        self._fine = Solver(system, cells, edges == "absorbing")
        self.matrix, self.axes = self._fine.matrix, cells.axes
        self.peclet, self.order = self._fine.operator.peclet, self._fine.operator.order

    def __repr__(self):
        cells = " x ".join(str(n) for n in self._cells.shape)
        return f"<Generator: {cells} cells, edges {self._edges or 'reflecting'}, order {self.order}>"

    @cached_property
    def _half(self):
        return Solver(self._fine.system, self._cells.coarser(), self._fine.absorbing)

    def stationary_density(self):
        """Density that stays as it is: one over volume, its integral over the box is one.

        Returns
        -------
        OnGrid

        Raises
        ------
        ValueError
            With absorbing edges, and where parts of the box do not reach each other.
        """
        if self._edges == "absorbing":
            raise ValueError("edges must reflect for a stationary density: absorbing ones leave nothing")
        self._look_at_edges(self._fine.stationary, "the stationary density")
        return self._answer("stationary density", self._fine.stationary, self._half.stationary)

    def mean_exit_time(self, inside):
        """Mean time at which a path first leaves a set, from each of its cells; zero outside it.

        Parameters
        ----------
        inside : callable
            Function of states (..., dim) that returns bool (...).

        Returns
        -------
        OnGrid

        Raises
        ------
        ValueError
            For no such function, a set without cells, and one that some states never leave.
        """
        time, members = self._fine.exit(inside)
        coarse, _ = self._half.exit(inside)
        if self._edges is None and members[self._fine.rim].any():
            self._look_at_edges(self._fine.stationary * members, "the stationary density inside the set")
        return self._answer("mean exit time", time, coarse, members)

    def committor(self, A, B):
        """Probability of reaching ``B`` before ``A``, from each cell: 0 in A, 1 in B.

        Parameters
        ----------
        A, B : callable
            Functions of states (..., dim) that return bool (...).

        Returns
        -------
        OnGrid

        Raises
        ------
        ValueError
            For no such functions, sets without cells or with one in common, states that reach neither.
        """
        q, members = self._fine.committor(A, B)
        coarse, _ = self._half.committor(A, B)
        return self._answer("committor", q, coarse, members, size=1.0)

    def transition_density(self, x0, t):
        """Density at time ``t`` of paths that start at ``x0``: one over volume.

        Parameters
        ----------
        x0 : array (dim,)
            Shared among the centres around it, in such parts that its mean is right.
        t : float
            Positive.

        Returns
        -------
        OnGrid

        Raises
        ------
        ValueError
            For a start outside the outermost centres, or a time that is not positive.
        """
        x0 = as_states(x0, len(self.axes), "x0")
        if x0.ndim != 1:
            raise ValueError(f"x0 must be one state ({len(self.axes)},), got shape {x0.shape}")
        t = as_positive(t, "t")
        density = self._fine.spread(x0, t)
        self._look_at_edges(density, f"the density at t = {t:.6g}")
        return self._answer("transition density", density, self._half.spread(x0, t))

    def spectrum(self, k=6):
        """The ``k`` slowest modes: the largest real parts, among the 2k + 4 eigenvalues nearest to zero.

        Parameters
        ----------
        k : int, optional

        Returns
        -------
        Spectrum

        Raises
        ------
        ValueError
            For a ``k`` below 1 or too large for half as many cells.
        """
        most = self._half.matrix.shape[0] - 2 - SPARE
        if as_count(k, "k") > most:
            raise ValueError(f"k must be at most {most} on this grid, got {k}")
        values, modes = self._fine.slowest(k)
        coarse, _ = self._half.slowest(k + SPARE)
        error = np.abs(values[:, None] - coarse).min(axis=1) / (2**self.order - 1)
        some = np.abs(values) > 1e-12 * np.abs(self.matrix.diagonal()).max()  # zero is zero
        worst = float((error[some] / np.abs(values[some])).max(initial=0.0))
        if worst > ROUGH:
            self._say("some eigenvalue", worst, level=3)
        return Spectrum(values, error, modes, self.axes)

    # ---- doubt -----------------------------------------------------------------------------------

    def _answer(self, what, fine, coarse, members=None, size=None):
        error = compare(fine, coarse, self.order, members)
        relative = float(error.max() / (np.abs(fine).max() if size is None else size))
        if relative > ROUGH:
            self._say(f"the {what}", relative)
        return OnGrid(fine, error, self.axes, what)

    def _say(self, what, relative, level=4):
        text = f"the grid is too coarse: half as many cells change {what} so that the error is about "
        warnings.warn(f"{text}{relative:.0%} of it: take more cells", Coarse, stacklevel=level)

    def _look_at_edges(self, density, what):
        share = float(density[self._fine.rim].sum() * self._cells.volume)
        if self._edges is None and share > EDGE:
            text = f"the box cuts probability off: {share:.1%} of {what} lies in the cells at its edge: take "
            text += 'a larger box, or edges="reflecting" where walls are meant'
            warnings.warn(text, Coarse, stacklevel=3)
