"""The sense of noise that depends on the state, turned into Itô's."""

from __future__ import annotations

import numpy as np

from ..inputs import brief
from ..system import Flow, System
from ..system.noise import is_diagonal

SENSES = {"ito": 0.0, "stratonovich": 0.5, "hanggi-klimontovich": 1.0}


class InIto(Flow):
    """The same system with ``share`` times the divergence of D added to its drift."""

    def __init__(self, system, share):
        self.system, self.share = system, share
        self.dim, self.diffusion = system.dim, system.flow.diffusion
        self.additive, self.autonomous = system.flow.additive, system.flow.autonomous
        self.support = system.flow.support
        self.diffusion_gradient = system.flow.diffusion_gradient
        self.diffusion_hessian = system.flow.diffusion_hessian
        if system.flow.jacobian is not None and system.flow.diffusion_hessian is not None:
            self.jacobian = self._jacobian

    def drift(self, x, t):
        if self.share != 1 and self.dim > 1 and not is_diagonal(self.system.noise(x, t)[0]):
            raise ValueError(
                'interpretation "stratonovich" needs a diagonal D: for another one it depends on '
                "the amplitude sigma, and not on D = sigma sigma^T / 2 alone"
            )
        rise = np.einsum("...ijj->...i", self.system.diffusion_gradient(x, t))
        return self.system.drift(x, t) + self.share * rise

    def _jacobian(self, x, t):
        bend = np.einsum("...ijjl->...il", self.system.diffusion_hessian(x, t))
        return self.system.jacobian(x, t) + self.share * bend


def in_ito(system, interpretation):
    """``system`` as Itô reads it."""
    if not isinstance(interpretation, str) or interpretation not in SENSES:
        names = ", ".join(f'"{name}"' for name in SENSES)
        raise ValueError(f"interpretation must be one of {names}, got {brief(interpretation)}")
    share = SENSES[interpretation]
    if share == 0 or system.additive:
        return system
    return System.of(InIto(system, share))
