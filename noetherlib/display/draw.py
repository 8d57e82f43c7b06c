"""What most figures of the book draw: a way in the plane, and the ticks of a clock along it."""

import numpy as np

from .pictures import BOUND, PATH


def draw_path(ax, path, *, ends=True, clock=0, **look):
    """Draw the way of a path through the plane of its first two variables.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    path : Path or ndarray
        A path with its ``x`` and ``t``, or states of shape ``(n, dim)``, at equal steps of time.
    ends : bool
        Whether to mark both ends.
    clock : int
        Number of equal intervals of time to mark by dots: wide apart where the motion is fast.
    **look
        Passed to ``ax.plot``; by default the colour is that of a most likely path.

    Returns
    -------
    matplotlib.lines.Line2D
        The line.

    Raises
    ------
    ValueError
        If the states have fewer than two variables.
    """
    x = np.asarray(getattr(path, "x", path))
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"path must have states of shape (n, dim) with dim at least 2, got shape {x.shape}")
    t = np.asarray(getattr(path, "t", np.arange(len(x))))
    (line,) = ax.plot(*x[:, :2].T, **{"color": PATH} | look)
    if clock:
        ticks = np.linspace(t[0], t[-1], clock + 1)
        dots = [np.interp(ticks, t, column) for column in x[:, :2].T]
        ax.plot(*dots, "o", color=line.get_color(), mfc="white", ms=5)
    if ends:
        ax.plot(*x[[0, -1], :2].T, "o", color=BOUND)
    return line
