"""Systems from elsewhere: sympy, PyTorch, JAX, samples."""

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

    @classmethod
    def from_samples(cls, x, t=None, velocity=None, diffusion=None, *, max_degree=5):
        """A system learned from a recorded series (``t``), or from a scattered field (``velocity``).

        Parameters
        ----------
        x : array
            States: of a series (n_times, dim), or (n_paths, n_times, dim) of several; of a field (..., dim).
        t : (n_times,) array, optional
            Increasing times of the series; its drift and its D are estimated.
        velocity : (..., dim) array, optional
            The drift seen at ``x``, with errors of mean zero that are independent from one state to the
            next, such as RNA velocities of cells; 12 to 4,000 states in two dimensions.
        diffusion : as for `System`
            D of a field, which velocities do not tell; of a series it is estimated.
        max_degree : int, optional
            Of the polynomials tried for the drift of a series.

        Returns
        -------
        System
            `path_spread` says how far its paths can be trusted. Of a series ``flow.estimates`` has
            ``diffusion`` and the measurement ``noise``, each with matrix and error; of a field,
            ``flow.smoothing`` and ``flow.errors``, what cross-validation saw.

        Raises
        ------
        ValueError
            Unless just one of t and velocity is given; for shapes that do not fit, too few states, a
            series without noise in some direction, a field without ``diffusion``.

        Warns
        -----
        UserWarning
            Of a series, as `discover.symmetries_from_trajectories`: measurement noise, a D that depends
            on the state, a fit of it that is negative at some of the states, increments that no Markov
            process has.
        OutsideData
            Later, from what is asked of the system where there were no samples near.

        Notes
        -----
        Series: weighted regression of the increments on polynomials, of the degree with the least
        leave-one-out error; corrections and regime as in `discover.symmetries_from_trajectories`. One
        covariance of measurement errors is supposed for all states and times: errors that grow with the
        state may pass for a D that depends on it.

        Field: the smoothing quintic spline of `scipy.interpolate.RBFInterpolator`, its smoothing by
        five-fold cross-validation, one for all components. The time grows as the cube of the number of
        states: a second for 1,000, eight for 2,000.
        """
        from .samples.scattered import read_field
        from .samples.series import read_series

        if (t is None) == (velocity is None):
            raise ValueError("t (of a series) or velocity (of a field) must be given, and not both")
        if (velocity is None) != (diffusion is None):
            raise ValueError(
                "diffusion must be given with velocity, which does not tell it, and not with t: it is "
                "estimated from a series"
            )
        return cls.of(
            read_series(t, x, max_degree) if velocity is None else read_field(x, velocity, diffusion)
        )
