"""Systems from elsewhere: expressions of sympy, networks of PyTorch, functions of JAX."""

from __future__ import annotations

from ..inputs import as_count


class Sources:
    """The constructors of `System` whose packages are loaded only when they are called."""

    @classmethod
    def from_sympy(cls, drift, state, diffusion, time=None):
        """A system from sympy expressions, with exact derivatives up to the third.

        Parameters
        ----------
        drift : expression or sequence of ``dim`` expressions
            f in terms of ``state`` and ``time``; every other symbol must have been replaced.
        state : symbol or sequence of ``dim`` symbols
        diffusion : as for `System`, or sympy expressions of those shapes
        time : symbol, optional

        Returns
        -------
        System
            It pickles by its expressions, which are ``system.flow.expressions``.

        Raises
        ------
        ValueError
            For unknown symbols (the message lists them) or shapes that do not fit.
        """
        from .expressions import Expressions

        return cls.of(Expressions(drift, state, diffusion, time))

    @classmethod
    def from_torch(cls, module, diffusion, dim, *, timed=False):
        """A system whose drift is a PyTorch network, with its derivatives by PyTorch.

        Parameters
        ----------
        module : torch.nn.Module or callable
            Maps a batch of states (n, dim) to velocities (n, dim); where ``timed``, is called with times
            (n,) as well. A Module is copied, in double precision and evaluation mode. Its functions
            must be such as `torch.func` differentiates; of a ReLU's kink the second derivatives are 0.
        diffusion, dim : as for `System`
        timed : bool, optional
            Whether the drift takes the time.

        Returns
        -------
        System
            ``drift``, ``jacobian`` and ``hessian_along`` are exact to roundoff, computed on the CPU.

        Raises
        ------
        ImportError
            Without PyTorch.
        ValueError
            At the call, for a network that returns another shape.
        """
        from .frameworks import Torch

        return cls.of(Torch(module, diffusion, as_count(dim, "dim"), timed))

    @classmethod
    def from_jax(cls, function, diffusion, dim, *, timed=False):
        """A system whose drift is a JAX function, with its derivatives by JAX.

        Parameters
        ----------
        function : callable
            Maps one state (dim,) to its velocity (dim,); where ``timed``, is called with the time as well.
            It is vectorised, compiled and differentiated by JAX, in double precision.
        diffusion, dim : as for `System`
        timed : bool, optional
            Whether the drift takes the time.

        Returns
        -------
        System

        Raises
        ------
        ImportError
            Without JAX.
        ValueError
            At the call, for a function that returns another shape.
        """
        from .frameworks import Jax

        return cls.of(Jax(function, diffusion, as_count(dim, "dim"), timed))
