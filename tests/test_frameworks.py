"""Drifts of PyTorch and JAX: the framework's derivatives against differences, and what is refused."""

import pickle

import numpy as np
import pytest

import noetherlib as nl

# PyTorch calls what it deprecates itself
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

RNG = np.random.default_rng(4)
W, V = RNG.normal(size=(3, 2)), RNG.normal(size=(2, 3))
X, P, T = RNG.normal(size=(4, 5, 2)), RNG.normal(size=(4, 5, 2)), np.linspace(0, 1, 5)


def numeric(x, t):
    """The network that both frameworks are given."""
    return np.tanh(x @ W.T) @ V.T - x * (1 + np.asarray(t)[..., None])


def by_torch(timed):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.outer = (torch.nn.Linear(n, m, bias=False) for n, m in ((2, 3), (3, 2)))
            self.inner.weight.data, self.outer.weight.data = torch.tensor(W), torch.tensor(V)

        def forward(self, x, t=None):
            clock = 0.0 if t is None else t[:, None]
            return self.outer(torch.tanh(self.inner(x))) - x * (1 + clock)

    return nl.System.from_torch(Network(), 0.3, 2, timed=timed)


def by_jax(timed):
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    return nl.System.from_jax(lambda x, t=0.0: V @ jax.numpy.tanh(W @ x) - x * (1 + t), 0.3, 2, timed=timed)


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("make", [by_torch, by_jax])
def test_values_and_derivatives(make, timed):
    system, t = make(timed), T if timed else 0.0
    ours = nl.System(numeric, 0.3, 2)
    np.testing.assert_allclose(system.drift(X, t), ours.drift(X, t), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(system.jacobian(X, t), ours.jacobian(X, t), atol=1e-9)
    np.testing.assert_allclose(system.hessian_along(X, t, P), ours.hessian_along(X, t, P), atol=1e-5)
    assert system.drift(X[0, 0], 0.5).shape == (2,) and system.drift(X[:0], t).shape == (0, 5, 2)
    assert system.facts.autonomous(X, t) is not timed


@pytest.mark.parametrize("make", [by_torch, by_jax])
def test_a_path_is_that_of_the_same_drift_in_numpy(make):
    t = np.linspace(0, 2, 101)
    ours = nl.System(lambda x, t: numeric(x, 0.0), 0.3, 2)
    path = nl.least_action_path(make(False), [0, 0], [1, 1], t)
    expected = nl.least_action_path(ours, [0, 0], [1, 1], t)
    assert path.converged and path.action == pytest.approx(expected.action, rel=1e-9)


def test_a_copy_of_the_network_is_used():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    network = torch.nn.Linear(2, 2)
    system = nl.System.from_torch(network, 0.1, 2)
    before = system.drift(X, 0.0)
    network.weight.data.zero_()
    np.testing.assert_array_equal(system.drift(X, 0.0), before)
    assert network.weight.dtype == torch.float32 and network.training
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(system)).drift(X, 0.0), before)


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_another_shape_is_refused(package):
    pytest.importorskip(package, reason=f"{package} is not installed")
    if package == "torch":
        system = nl.System.from_torch(lambda x: x[:, :1], 0.1, 2)
    else:
        system = nl.System.from_jax(lambda x: x[:1], 0.1, 2)
    with pytest.raises(ValueError, match="must return shape"):
        system.drift(X, 0.0)


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_nan_is_refused_with_the_place(package):
    pytest.importorskip(package, reason=f"{package} is not installed")
    if package == "torch":
        system = nl.System.from_torch(lambda x: x / 0 * 0, 0.1, 2)
    else:
        system = nl.System.from_jax(lambda x: x / 0 * 0, 0.1, 2)
    with pytest.raises(ValueError, match="drift"):
        nl.least_action_path(system, [0, 0], [1, 1], np.linspace(0, 1, 11))
