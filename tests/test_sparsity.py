"""Second derivatives in as few directions as their zeros allow: as good as all, and tested each time."""

import numpy as np
import pytest

import noetherlib as nl
from noetherlib.system.derivatives import contract
from noetherlib.system.sparsity import Sparsity


def field(x):
    """A ring whose sites pull their right neighbours by a product."""
    return x - x**3 + 0.3 * np.roll(x, 1, -1) * x


def jacobian(x, t):
    d = x.shape[-1]
    out, each = np.zeros(x.shape + (d,)), np.arange(d)
    left = np.roll(x, 1, -1)
    out[..., each, each] = 1 - 3 * x**2 + 0.3 * left
    out[..., each, each - 1] = 0.3 * x
    return out


class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, x, t):
        self.calls += 1
        return self.function(x, t)


def test_a_ring_needs_few_directions_and_loses_nothing():
    counted, d = Counted(jacobian), 24
    system = nl.System(lambda x, t: field(x), 0.1, d, jacobian=counted)
    rng, zeros = np.random.default_rng(0), Sparsity()
    for calls in (1 + d, 1 + 4 + 1):  # all columns; then the colours of a ring of 24, and the test
        x, p = rng.normal(size=(2, 5, d))
        t = np.zeros(5)
        before = counted.calls
        found = system.hessian_along(x, t, p, zeros)
        assert counted.calls - before <= calls + 2  # and what is asked once to see its shape
        sharp = system.hessian_along(x, t, p)
        assert np.abs(found - sharp).max() < 1e-6 * np.abs(sharp).max()


def test_zeros_that_do_not_last_are_noticed():
    """Where sites begin to feel each other, the zeros of before are given up."""

    def drift(x, t):
        out = -(x**3)
        out[..., 0] += np.maximum(x[..., -1] - 1, 0.0) ** 3 / 3
        return out

    def far(x, t):
        d = x.shape[-1]
        out, each = np.zeros(x.shape + (d,)), np.arange(d)
        out[..., each, each] = -3 * x**2
        out[..., 0, -1] = np.maximum(x[..., -1] - 1, 0.0) ** 2
        return out

    d, zeros = 12, Sparsity()
    system = nl.System(drift, 0.1, d, jacobian=far)
    rng = np.random.default_rng(1)
    p, t = rng.uniform(0.5, 1.0, size=(4, d)), np.zeros(4)
    for x in (rng.uniform(0.1, 0.9, (4, d)), rng.uniform(1.5, 2.0, (4, d)), rng.uniform(1.5, 2.0, (4, d))):
        found, sharp = system.hessian_along(x, t, p, zeros), system.hessian_along(x, t, p)
        assert np.abs(found - sharp).max() < 1e-5 * np.abs(sharp).max()


def test_a_dense_network_has_no_zeros_to_use():
    d, zeros = 10, Sparsity()
    W = np.random.default_rng(2).normal(size=(d, d))
    system = nl.System(
        lambda x, t: -x + np.tanh(x @ W.T),
        0.1,
        d,
        jacobian=lambda x, t: W / np.cosh(x @ W.T)[..., None] ** 2 - np.eye(d),
    )
    x, p = np.random.default_rng(3).normal(size=(2, 6, d))
    for _ in range(2):
        found = system.hessian_along(x, np.zeros(6), p, zeros)
        sharp = system.hessian_along(x, np.zeros(6), p)
        assert np.abs(found - sharp).max() < 1e-5 * np.abs(sharp).max()


def test_values_alone_ask_for_the_pairs_that_matter():
    d, zeros, states = 12, Sparsity(), 0

    def drift(x, t):
        nonlocal states
        states += x.size // (5 * d)
        return field(x)

    system = nl.System(drift, 0.1, d)
    exact = nl.System(lambda x, t: field(x), 0.1, d, jacobian=jacobian)
    rng = np.random.default_rng(5)
    for most in (1 + 2 * d + d * (d - 1) // 2, 1 + 2 * d + d + 2):  # all pairs; then neighbours, and the test
        x, p = rng.normal(size=(2, 5, d))
        before = states
        found = system.hessian_along(x, np.zeros(5), p, zeros)
        assert states - before <= most + 4  # and what is asked once to see its shape
        sharp = exact.hessian_along(x, np.zeros(5), p)
        assert np.abs(found - sharp).max() < 1e-3 * np.abs(sharp).max()


def test_pairs_that_begin_to_matter_are_noticed_in_values_too():
    def drift(x, t):
        out = -(x**3)
        out[..., 0] += np.maximum(x[..., 0] * x[..., -1] - 1, 0.0) ** 3
        return out

    d, zeros = 12, Sparsity()
    system, rng = nl.System(drift, 0.1, d), np.random.default_rng(6)
    p, t = rng.uniform(0.5, 1.0, size=(4, d)), np.zeros(4)
    for x in (rng.uniform(0.1, 0.9, (4, d)), rng.uniform(1.5, 2.0, (4, d)), rng.uniform(1.5, 2.0, (4, d))):
        found, sharp = system.hessian_along(x, t, p, zeros), system.hessian_along(x, t, p)
        assert np.abs(found - sharp).max() < 1e-2 * np.abs(sharp).max()
    assert np.abs(sharp[:, 0, -1]).min() > 0.1 * np.abs(sharp).max()  # it is large, and was zero before


@pytest.mark.parametrize("dim", [3, 20])
def test_a_tensor_is_contracted_alike_in_few_and_in_many_variables(dim):
    rng = np.random.default_rng(4)
    tensor, p = rng.normal(size=(2, 5, dim, dim, dim)), rng.normal(size=(5, dim))
    assert np.allclose(contract(tensor, p), np.einsum("ki,bkilm->bklm", p, tensor), rtol=1e-12, atol=1e-12)


def test_a_path_by_differences_stops_where_they_can_tell_no_more():
    """The drift alone: the last digits of its Jacobian are noise, and no step is spent on them."""
    d, t = 8, np.linspace(0, 5, 51)
    bare = nl.System(lambda x, t: field(x), 0.1, d)
    exact = nl.System(lambda x, t: field(x), 0.1, d, jacobian=jacobian)
    ends = np.zeros(d), np.linspace(0.2, 0.8, d)
    ours, best = (nl.least_action_path(s, *ends, t, "freidlin-wentzell") for s in (bare, exact))
    assert ours.converged and ours.n_iter <= best.n_iter + 3
    assert np.isclose(ours.action, best.action, rtol=1e-9)
