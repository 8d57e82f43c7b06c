"""The likely slips: what each is, and where to read about it."""

from __future__ import annotations

#: What each slip is, and where to read about it. What was seen in the answer at hand is added to that.
SLIPS = {
    "factor ½": (
        "A factor of two is lost or won. Written with D, the Lagrangian has one quarter, the momentum one "
        "half, and the divergence comes with one half. See 'Factors to beware of' on the notation page"
    ),
    "σ² for D": (
        "σ² stands where D belongs, or the reverse: D = σ²/2. See 'Factors to beware of' on the notation page"
    ),
    "sign": "A sign is wrong, and all else is right",
    "left-point rule": (
        "The drift is taken at the left end of each step (as Itô does) and not in the middle. On a smooth "
        "curve that is another action. See 'Where the left-point rule hides it' in The probability of a "
        "path"
    ),
    "right-point rule": (
        "The drift is taken at the right end of each step and not in the middle. See 'Where the left-point "
        "rule hides it' in The probability of a path"
    ),
    "missing ½∇·f": (
        "The term ½∇·f is missing: this belongs to the functional of Freidlin and Wentzell, and that of "
        "Onsager and Machlup was asked for. See 'The same noise, seen from the midpoint' in The "
        "probability of a path"
    ),
    "units": (
        "The unit is wrong, so a factor that has one is missing. See 'The Lagrangian, read as mechanics' "
        "in Noether's theorem for noisy systems"
    ),
    "E and L": (
        "Energy and Lagrangian are mixed up: E = p·v - L, and the charge of time translation is -E. See "
        "'The Lagrangian, read as mechanics' in Noether's theorem for noisy systems"
    ),
    "saddle": (
        "The path is stationary, but a saddle: in some direction the action falls. Start from another "
        "guess. See 'Minimum or saddle?' in Computing most likely paths"
    ),
    "unconverged": (
        "The path is not stationary: the momentum jumps at the nodes. Take more steps, or better ones. "
        "See 'From a path to a list of numbers' in Computing most likely paths"
    ),
    "transposed axes": (
        "The axes are transposed: the state is the last axis, paths and times come before it. See 'Arrays "
        "and randomness' on the notation page"
    ),
    "transposed Jacobian": (
        "The Jacobian wants transposing: (∇f)ᵀp has the entries Σ_i p_i ∂f_i/∂x_j, the sum over i. See 'The "
        "action and what follows from it' on the notation page"
    ),
    "unequal steps": (
        "One length is used for all steps, and they differ: h_k = t_{k+1} - t_k. See 'Arrays and randomness' "
        "on the notation page"
    ),
    "forgotten h": (
        "The length h of a step is forgotten in some place: a velocity is a difference over h, a drift moves "
        "by f h, and an action is a sum over h L. See 'From a path to a list of numbers' in Computing most "
        "likely paths"
    ),
    "step bias": (
        "The steps of the simulation are too long: their error is larger than what is asked for, and more "
        "paths do not make it smaller. See 'How wrong is a step? Measure it' in Noisy dynamical systems"
    ),
    "own noise": (
        "Each path and each step has Gaussian noise of its own, with mean zero, and the drift acts on what "
        "the noise has moved. See 'How to simulate: one line' in Noisy dynamical systems"
    ),
    "rate": (
        "The rate of the relaxation is wrong: from dx = -r x dt the variance relaxes at the rate 2r. See 'A "
        "system without any step error' in Noisy dynamical systems"
    ),
    "order": (
        "That is not the power of the step: it is the slope of log(spread) against log(h). See 'Exact to the "
        "last digit, or up to the square of the step' in Noether's theorem for noisy systems"
    ),
    "global seed": (
        "The random numbers do not come from the generator that was passed: a global or a fixed seed is "
        "at work. See 'Three slips, on purpose' in Noisy dynamical systems"
    ),
    "square root": (
        "Noise adds up in variance: after a time h its standard deviation is √(2Dh). See 'From coin "
        "tosses to Brownian motion' in Noisy dynamical systems"
    ),
    "standard error": (
        "The error bar of a mean is the standard deviation of the samples divided by √n. See 'A noisy "
        "dynamical system' in Noisy dynamical systems"
    ),
    "gauge term": (
        "A gauge term is forgotten, or a part of it. See 'Symmetry, gauge term, and the theorem' in "
        "Noether's theorem for paths"
    ),
    "drift": (
        "The drift is forgotten, or added where it is subtracted: what the noise has to push is v - f. See "
        "'The Lagrangian, read as mechanics' in Noether's theorem for noisy systems"
    ),
    "noise": (
        "The noise is forgotten: what is a symmetry of the drift must be one of D as well. See 'What "
        "invariance asks of drift and noise' in Noether's theorem for noisy systems"
    ),
    "naive momentum": (
        "This is the momentum in the middle of a step. The one that is conserved exactly belongs to a "
        "node: D₂L_d = p + ½h ∂L/∂x. See 'Exactly conserved, on a mesh' on the notation page"
    ),
}


class Mistake(AssertionError):
    """A wrong answer. ``slip`` is a key of `SLIPS` where the mistake was recognised, else None."""

    def __init__(self, slip, detail="", task=""):
        self.slip, self.detail, self.task = slip, detail, task
        text = ". ".join(part for part in (SLIPS.get(slip, ""), detail) if part)
        super().__init__(f"{task}: {text}." if task else f"{text}.")

    def _render_traceback_(self):
        """What a notebook shows: the message alone."""
        return [f"Mistake in {self}"]
