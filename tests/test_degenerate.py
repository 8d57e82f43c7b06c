"""Noise on some variables only: D symmetric and positive semi-definite."""

import numpy as np
import pytest
from scipy.integrate import solve_bvp, trapezoid
from scipy.linalg import expm

import noetherlib as nl
from noetherlib.system.noise import root

FW, OM = "freidlin-wentzell", "onsager-machlup"
A = np.array([[0.0, 1.0], [-1.0, -0.5]])
D = np.diag([0.0, 0.3])
LINEAR = nl.models.ornstein_uhlenbeck(2, -A, D)
START, END = np.array([1.0, 0.0]), np.array([-0.5, 1.0])
JOINT = nl.affine([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 0, -1], [0, 0, 1, 0]])


def covariance(matrix, D, T):
    """e^{AT} and the covariance of the linear process after T (Van Loan 1978)."""
    n = len(matrix)
    block = expm(T * np.block([[-matrix, 2 * D], [np.zeros((n, n)), matrix.T]]))
    return block[n:, n:].T, block[n:, n:].T @ block[:n, n:]


def test_linear_systems_against_the_closed_form():
    flow, C = covariance(A, D, 2.0)
    r = END - flow @ START
    exact = r @ np.linalg.solve(C, r) / 2
    errors = []
    for n in (251, 501, 1001):
        path = nl.least_action_path(LINEAR, START, END, np.linspace(0, 2, n), FW)
        assert path.converged and path.kind == "minimum" and path.constraint < 1e-13
        errors.append(abs(path.action / exact - 1))
    assert errors[-1] < 1e-5
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2, atol=0.02)


def test_the_action_of_a_path_and_of_one_that_leaves_the_noise():
    t = np.linspace(0, 2, 401)
    path = nl.least_action_path(LINEAR, START, END, t, FW)
    assert nl.action(LINEAR, path.x, t, FW) == pytest.approx(path.action, rel=1e-12)
    smooth = np.stack([np.cos(t), -np.sin(t)], axis=-1)  # x' = v to the rule's own error
    assert nl.action(LINEAR, smooth, t, FW) == pytest.approx(
        trapezoid((0.5 * np.sin(t)) ** 2 / (4 * 0.3), t), rel=1e-4
    )
    off = path.x + np.stack([0.1 * t * (2 - t), 0 * t], axis=-1)
    with pytest.raises(ValueError, match="follow the drift where there is no noise.*variable 0.*tolerance"):
        nl.action(LINEAR, off, t, FW)
    assert np.isfinite(nl.action(LINEAR, off, t, FW, tolerance=1.0))


@pytest.mark.parametrize("T", [5, 10, 20, 40])
def test_the_cost_of_a_barrier_is_its_height_over_the_temperature(T):
    """As T grows the action from the well to the barrier falls to dV/kT, whatever the friction."""
    for friction in (0.5, 2.0):
        system = nl.models.underdamped(nl.models.double_well(1.0), friction, 0.1)
        path = nl.least_action_path(system, [-1, 0], [0, 0], np.linspace(0, T, 801), FW)
        assert path.converged and path.action > 2.5 - 1e-3
        if T * min(friction, 1 / friction) >= 10:
            assert path.action == pytest.approx(2.5, rel=0.01 if T < 40 else 2e-3)


def test_energy_is_conserved_and_the_balance_closes():
    system = nl.models.underdamped(nl.models.double_well(1.0), 0.5, 0.1)
    spreads = []
    for n in (201, 401):
        path = nl.least_action_path(system, [-1, 0], [0.5, 0], np.linspace(0, 6, n), FW)
        spreads.append(np.ptp(path.energy))
    assert spreads[0] / spreads[1] == pytest.approx(4, abs=0.3)
    lhs, rhs = nl.charge_balance(path, nl.affine(np.zeros((2, 2)), [1, 0]))
    np.testing.assert_allclose(lhs, rhs, atol=1e-9 * np.abs(lhs).max())


def central(x, t):
    return -x * (1 + (x**2).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("functional", [FW, OM])
@pytest.mark.parametrize("exact", [True, False])
def test_joint_rotation_of_place_and_velocity(functional, exact):
    jacobian = None
    if exact:

        def jacobian(x, t):
            square = (x**2).sum(axis=-1)[..., None, None]
            return -(1 + square) * np.eye(2) - 2 * x[..., :, None] * x[..., None, :]

    system = nl.models.underdamped(central, 0.3, 0.5, 2, jacobian=jacobian)
    ends = [1, 0, 0, 0.5], [-0.5, 1, 0.3, 0]
    path = nl.least_action_path(system, *ends, np.linspace(0, 3, 301), functional)
    J = nl.charge(path, JOINT)
    assert path.converged and J.exact and np.ptp(J.values) < 1e-11 * np.abs(J.values).max()
    x = np.random.default_rng(0).normal(size=(2, 50, 4))
    assert np.abs(nl.invariance_defect(system, JOINT, *x, 0.0, functional)).max() < 1e-9
    alone = nl.rotation(0, 1)
    assert not nl.charge(path, alone).exact
    assert np.abs(nl.invariance_defect(system, alone, *x, 0.0, functional)).max() > 0.1


def collocated(system, x0, x1, T, path):
    """The action by collocation of Hamilton's equations, from our path as a start."""
    dim, D = system.dim, system.constant_diffusion

    def flow(t, z):
        x, p = z[:dim].T, z[dim : 2 * dim].T
        force = -np.einsum("kij,ki->kj", system.jacobian(x, 0.0), p)
        return np.concatenate(
            [(system.drift(x, 0.0) + 2 * p @ D).T, force.T, np.einsum("ki,ij,kj->k", p, D, p)[None]]
        )

    def ends(a, b):
        return np.concatenate([a[:dim] - x0, b[:dim] - x1, a[-1:]])

    S = (
        np.append(0, np.cumsum(np.einsum("ki,ij,kj->k", path.momentum, D, path.momentum)))[:-1]
        * np.diff(path.t)[0]
    )
    start = np.concatenate([path.x.T, path.momentum.T, S[None]])
    solution = solve_bvp(flow, ends, path.t, start, tol=1e-8, max_nodes=200_000)
    assert solution.success
    return solution.y[-1, -1]


def test_fitzhugh_nagumo_against_collocation():
    system = nl.models.fitzhugh_nagumo(diffusion=0.02)
    rest = nl.fixed_points(system, (-3, 3))[0].x
    x1 = rest + [1.5, 0.2]
    path = nl.least_action_path(system, rest, x1, np.linspace(0, 6, 1601), FW)
    assert path.converged and path.kind == "minimum"
    assert path.action == pytest.approx(collocated(system, rest, x1, 6.0, path), rel=1e-5)


def test_coloured_noise_against_collocation_and_against_white_noise():
    white = nl.models.double_well(0.1)
    system = nl.models.coloured(white, 0.3)
    ends = np.array([-1.0, 0.0]), np.array([0.2, 0.0])
    path = nl.least_action_path(system, *ends, np.linspace(0, 5, 1601), FW)
    assert path.converged
    assert path.action == pytest.approx(collocated(system, *ends, 5.0, path), rel=1e-5)
    t = np.linspace(0, 5, 801)
    costs = [
        nl.least_action_path(nl.models.coloured(white, tau), *ends, t, FW).action for tau in (0.2, 0.1, 0.05)
    ]
    least = nl.least_action_path(white, -1.0, 0.2, t, FW).action
    gaps = np.array(costs) - least
    assert (np.diff(gaps) < 0).all() and (gaps > 0).all() and gaps[-1] < 0.12 * least


def test_the_models_are_what_they_say():
    x = np.random.default_rng(1).normal(size=(20, 4))
    models = [
        nl.models.underdamped(nl.models.maier_stein(1.0), [0.3, 0.7], 0.5),
        nl.models.coloured(nl.models.maier_stein(0.5), 0.2),
        nl.models.coloured(nl.models.underdamped(nl.models.double_well(1.0), 0.5, 0.1), 0.2),
        nl.models.fitzhugh_nagumo(),
    ]
    for system in models:
        y = x[:, : system.dim]
        rough = nl.System(system.drift, 1.0, system.dim)
        np.testing.assert_allclose(system.jacobian(y, 0.0), rough.jacobian(y, 0.0), atol=1e-7)
        p = y[::-1].copy()
        np.testing.assert_allclose(system.hessian_along(y, 0.0, p), rough.hessian_along(y, 0.0, p), atol=1e-5)
        np.testing.assert_allclose(
            system.divergence_gradient(y, 0.0), rough.divergence_gradient(y, 0.0), atol=1e-5
        )
        assert np.linalg.matrix_rank(system.constant_diffusion) < system.dim
    assert models[2].dim == 3  # one coloured force: that of the one noisy variable


def test_onsager_machlup_counts_the_divergence_along_the_noise():
    """Linear motion seen through v -> v + w^2: the half divergence of u alone depends on the state."""
    a, b, c, d = -0.5, 0.3, 1.0, -0.4

    def drift(x, t):
        u, w = x[..., 0], x[..., 1]
        v = u - w**2
        dw = c * v + d * w
        return np.stack([a * v + b * w + 2 * w * dw, dw], axis=-1)

    system = nl.System(drift, [0.5, 0.0], 2)
    t = np.linspace(0, 1, 201)
    w = 0.8 * t**2
    v = (np.gradient(w, t, edge_order=2) - d * w) / c
    x = np.stack([v + w**2, w], axis=-1)
    om, fw = (nl.action(system, x, t, f, tolerance=0.05) for f in (OM, FW))
    assert om - fw == pytest.approx(trapezoid((a + 2 * c * w) / 2, t), abs=1e-3)


def test_tubes_have_the_probability_that_onsager_machlup_says():
    """Tubes in u around two paths of v: their ratio by simulation, in coordinates where all is linear."""
    a, b, c, d, D = -0.5, 0.3, 1.5, -0.4, 0.5
    t = np.linspace(0, 0.3, 401)
    h = t[1]

    def path(sign):
        w, v = np.zeros_like(t), sign * np.ones_like(t)
        w[0] = 0.3 * sign
        for k in range(len(t) - 1):
            w[k + 1] = w[k] + h * (c * v[k] + d * w[k])
        return v, w

    radius, n, rng = 0.35, 400_000, np.random.default_rng(11)
    counts, costs = [], []
    for sign in (1, -1):
        v, w = path(sign)
        # the paths are mirror images: the Freidlin-Wentzell actions agree, the half divergences do not
        costs.append(trapezoid((a + 2 * c * w) / 2, t))
        V, W = np.full(n, v[0]), np.full(n, w[0])
        for k in range(len(t) - 1):
            V, W = (
                V + h * (a * V + b * W) + np.sqrt(2 * D * h) * rng.standard_normal(len(V)),
                W + h * (c * V + d * W),
            )
            stay = np.abs(V + W**2 - v[k + 1] - w[k + 1] ** 2) < radius
            V, W = V[stay], W[stay]
        counts.append(len(V))
    ratio = np.log(counts[0] / counts[1])
    error = np.sqrt(1 / counts[0] + 1 / counts[1])
    predicted = costs[1] - costs[0]
    # what a tube of finite width adds is of the order of its square; without the term the ratio would be 1
    assert abs(ratio - predicted) < 4 * error + 0.05 * abs(predicted) and abs(predicted) > 20 * error


UNREACHED = {
    "no coupling": (lambda x, t: -x, [1.0, 0.0], "1 x[1]"),
    "a sum": (
        lambda x, t: np.stack([x[..., 1], -x[..., 1]], axis=-1) * 1.0,
        np.outer([1, -1], [1, -1]) / 2.0,
        "x[0]",
    ),
}


@pytest.mark.parametrize("name", UNREACHED)
def test_ends_out_of_reach_are_refused_by_name(name):
    drift, D, said = UNREACHED[name]
    with pytest.raises(ValueError, match="out of reach of the noise") as caught:
        nl.least_action_path(nl.System(drift, D, 2), [0, 0], [1, 1], np.linspace(0, 1, 41), FW)
    assert said in str(caught.value)


def test_one_sided_reach_does_not_converge_and_says_by_how_much():
    system = nl.System(lambda x, t: np.stack([0 * x[..., 0], x[..., 0] ** 2], axis=-1), [1.0, 0.0], 2)
    t = np.linspace(0, 1, 41)
    with pytest.warns(nl.NotConverged):
        path = nl.least_action_path(system, [0.5, 0.0], [0.0, -1.0], t, FW)
    assert not path.converged and path.constraint > 1e-3 and path.kind == "undetermined"
    up = nl.least_action_path(system, [0.5, 0.0], [0.0, 1.0], t, FW)
    assert up.converged and up.constraint < 1e-12


def test_refine_makes_the_error_small_and_tells_it():
    path = nl.least_action_path(LINEAR, START, END, np.linspace(0, 2, 41), FW)
    flow, C = covariance(A, D, 2.0)
    r = END - flow @ START
    exact = r @ np.linalg.solve(C, r) / 2
    fine = nl.refine(path, 1e-4)
    assert fine.converged and abs(fine.action - exact) <= fine.error <= 1e-4 and len(fine.t) > 41


def test_regular_noise_gives_what_the_momenta_of_hamilton_give():
    """The two forms, with and without the momenta eliminated, where both apply."""
    from noetherlib.lagrangian import Lagrangian, Mesh
    from noetherlib.lagrangian.hamilton import Equations

    system, t = nl.models.maier_stein(0.5), np.linspace(0, 3, 61)
    path = nl.least_action_path(system, [-1, 0], [0.3, 0.4], t, FW)
    mesh = Mesh(Lagrangian(system, FW), t)
    equations = Equations(mesh, path.x, mesh.terms(path.x).p)
    assert equations.error < 1e-12 and equations.action == pytest.approx(path.action, rel=1e-13)
    np.testing.assert_allclose(equations.terms.energy, path.energy, atol=1e-12)


# ---- simulation ------------------------------------------------------------------------------------


def test_linear_simulation_is_exact_with_noise_on_some_variables():
    t, n = np.array([0.0, 0.7, 2.0]), 100_000
    ens = nl.simulate(LINEAR, START, t, n, rng=3)
    assert ens.method == "exact"
    flow, C = covariance(A, D, 2.0)
    x = ens.x[:, -1]
    assert (np.abs(x.mean(axis=0) - flow @ START) < 4 * np.sqrt(np.diag(C) / n)).all()
    scatter = np.sqrt((C**2 + np.outer(np.diag(C), np.diag(C))) / n)
    assert (np.abs(np.cov(x.T) - C) < 4 * scatter).all()


def test_short_exact_steps_keep_the_small_variance_of_what_has_no_noise():
    h, n = 1e-3, 50_000
    ens = nl.simulate(LINEAR, START, [0.0, h], n, rng=4, save="final")
    variance, exact = ens.x[:, 0, 0].var(), 2 * 0.3 * h**3 / 3
    assert abs(variance / exact - 1) < 4 * np.sqrt(2 / n) + 2 * h


@pytest.mark.parametrize("method", ["euler-maruyama", None])
def test_cox_ingersoll_ross_reaches_zero(method):
    """dx = (1 - x) dt + sqrt(2 D x) dW with 2D = 2.25 > 2: zero is reached, mean and variance are known."""
    D, n, t = 1.125, 100_000, np.linspace(0, 1, 101)
    system = nl.System(lambda x, t: 1 - x, lambda x, t: D * x[..., 0], 1)
    x = nl.simulate(system, 0.5, t, n, rng=2, save="final", method=method).x[:, 0, 0]
    decay = np.exp(-1.0)
    mean = 1 - 0.5 * decay
    variance = 2 * D * (0.5 * (decay - decay**2) + (1 - decay) ** 2 / 2)
    assert abs(x.mean() - mean) < 0.01 * mean + 4 * x.std() / np.sqrt(n)
    fourth = ((x - x.mean()) ** 4).mean()
    assert abs(x.var() - variance) < 0.01 * variance + 4 * np.sqrt((fourth - x.var() ** 2) / n)


def test_a_negative_eigenvalue_is_refused_at_the_starts():
    t = np.linspace(0, 1, 11)
    for D in (lambda x, t: -1 + 0 * x[..., 0], lambda x, t: -1.0, lambda x, t: x[..., 0] - 5):
        with pytest.raises(ValueError, match="diffusion must be positive semi-definite"):
            nl.simulate(nl.System(lambda x, t: -x, D, 1), 1.0, t, 10)
    with pytest.raises(ValueError, match="diffusion must be positive semi-definite"):
        nl.System(lambda x, t: -x, np.diag([1.0, -0.1]), 2)
    with pytest.raises(ValueError, match="diffusion must be positive semi-definite"):
        nl.action(nl.System(lambda x, t: -x, lambda x, t: np.diag([1.0, -0.1]), 2), np.zeros((11, 2)), t, FW)


def test_noise_on_some_variables_needs_no_exception_of_numpy(monkeypatch):
    """In a browser numpy.linalg raises nothing: where it would, nan comes back."""
    cholesky = np.linalg.cholesky

    def silent(matrix):
        try:
            return cholesky(matrix)
        except np.linalg.LinAlgError:
            return np.full_like(matrix, np.nan)

    monkeypatch.setattr(np.linalg, "cholesky", silent)
    D = np.diag([0.0, 0.3])
    R = root(D)
    assert np.allclose(R @ R.T, D, rtol=1e-15)
    with pytest.raises(ValueError, match="positive definite"):
        nl.interop.to_amplitude(D)
