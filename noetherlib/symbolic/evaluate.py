"""Expressions as vectorized numpy functions."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature

import numpy as np
import sympy as sp
from sympy.core.function import AppliedUndef

from .symbols import STACKED, as_expression, as_sequence


def lambdify(expression, L, parameters=None) -> Callable:
    """A vectorized numpy function of an expression in the symbols of ``L``.

    Parameters
    ----------
    expression : expression or sequence of expressions
        In state, velocity, acceleration and time, for example a charge or a list of momenta; of a
        `Hamiltonian`, in state, momentum and time.
    L : Lagrangian or Hamiltonian
    parameters : dict, optional
        Values of all other symbols.

    Returns
    -------
    callable
        ``(x, v=None, t=None, a=None) -> array`` with ``x``, ``v``, ``a`` of shape ``(..., dim)``
        and ``t`` of shape ``(...)``; of a Hamiltonian ``(x, p=None, t=None) -> array``.  Leading
        axes broadcast, for constants too; a sequence adds a last axis.  Arguments that do not
        occur may be left out.

    Raises
    ------
    ValueError
        For a symbol without a value and, in the call, for a wrong shape or a missing argument.
    """
    groups = L.arguments
    symbols = [s for group in groups.values() for s in group]
    parts = [as_expression("expression", e, L, symbols) for e in as_sequence(expression)]
    outputs = [e.subs(parameters or {}) for e in parts]
    unknown = {s for e in outputs for s in (e.free_symbols - set(symbols)) | e.atoms(AppliedUndef)}
    if unknown:
        raise ValueError(f"parameters: no value for {sorted(map(str, unknown))}")
    needed = [name for name, group in groups.items() if any(e.has_free(*group) for e in outputs)]
    compiled = sp.lambdify(symbols, outputs, modules=[STACKED, "numpy", "scipy"], cse=True)
    first, *others = groups
    kind = Parameter.POSITIONAL_OR_KEYWORD
    signature = Signature([Parameter(first, kind), *(Parameter(name, kind, default=None) for name in others)])

    def function(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        columns, shapes = [], []
        for name, value in given.arguments.items():
            size = len(groups[name])
            if value is None and name in needed:
                raise ValueError(f"{name}: got None, but the expression depends on it")
            array = np.full(size, np.nan) if value is None else np.asarray(value, dtype=float)
            array = array[..., None] if name == "t" and value is not None else array
            if array.shape[-1:] != (size,):
                raise ValueError(f"{name}: got shape {array.shape}, need (..., {size})")
            columns += list(np.moveaxis(array, -1, 0))
            shapes.append(array.shape[:-1])
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            names = ", ".join(groups)
            raise ValueError(f"{names}: leading shapes {shapes} do not broadcast") from None
        result = np.stack([np.broadcast_to(e, shape) for e in compiled(*columns)], axis=-1)
        several = isinstance(expression, (list, tuple, sp.MatrixBase))
        return result if several else result[..., 0]

    function.__signature__ = signature
    return function
