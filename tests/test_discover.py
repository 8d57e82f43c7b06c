"""Discovery: what is there is found, what is not is not, and the errors are the errors."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noetherlib import models
from noetherlib.discover import symmetries_from_drift, symmetries_from_paths, symmetries_from_trajectories
from noetherlib.paths import least_action_path
from noetherlib.system import System

X = np.random.default_rng(0).normal(size=(300, 2))
TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
SHEAR = np.array([[1.0, 0.8], [0.0, 0.5]])


def vortex(x):
    """Rotation-symmetric, not a gradient, not linear."""
    return x * (1 - (x**2).sum(axis=-1, keepdims=True)) + 0.7 * x @ TURN.T


def vortex_jacobian(x):
    square = (x**2).sum(axis=-1)[..., None, None]
    return (1 - square) * np.eye(2) - 2 * x[..., :, None] * x[..., None, :] + 0.7 * TURN


def only(found):
    assert len(found) == 1 and found
    return found[0]


# ---- from the drift ----------------------------------------------------------------------------


@pytest.mark.parametrize("jacobian", [None, vortex_jacobian(X)])
def test_rotation_is_found(jacobian):
    found = symmetries_from_drift(X, vortex(X), 0.3, jacobian)
    matrix, offset, tau1 = only(found)
    np.testing.assert_allclose(matrix, TURN, atol=1e-12)
    np.testing.assert_allclose(offset, 0, atol=1e-12)
    assert abs(tau1) < 1e-12
    assert found.singular_values[0] < 1e-12 and found.gap > 1e5 and found.undetermined == 0


def test_the_centre_is_found():
    centre = np.array([2.0, 1.0])
    symmetry = only(symmetries_from_drift(X + centre, vortex(X), 0.3))
    np.testing.assert_allclose(symmetry.xi(centre), 0, atol=1e-12)
    np.testing.assert_allclose(symmetry.matrix, TURN, atol=1e-12)
    assert symmetry.tau(centre, 3.0) == pytest.approx(0, abs=1e-12)


def test_the_noise_must_be_symmetric_too():
    assert not symmetries_from_drift(X, vortex(X), [0.3, 0.4])
    assert len(symmetries_from_drift(X, vortex(X), [0.3, 0.4]).singular_values) == 4


def test_isotropic_ou_has_four_without_the_noise_and_one_with_it():
    alone = symmetries_from_drift(X, -X, None)
    assert len(alone) == 4
    assert np.linalg.matrix_rank([s.matrix.ravel() for s in alone], tol=1e-8) == 4
    for s in alone:
        np.testing.assert_allclose([*s.offset, s.tau1], 0, atol=1e-10)
    np.testing.assert_allclose(only(symmetries_from_drift(X, -X, 1.0)).matrix, TURN, atol=1e-12)


def test_anisotropic_noise_turns_on_its_own_ellipse():
    D = np.diag([1.0, 2.0])
    matrix = only(symmetries_from_drift(X, -X, [1.0, 2.0])).matrix
    np.testing.assert_allclose(matrix @ D + D @ matrix.T, 0, atol=1e-12)
    assert matrix[1, 0] == pytest.approx(np.sqrt(2))


def test_anisotropic_ou_drift_has_none():
    assert not symmetries_from_drift(X, -X * [1.0, 2.0], 1.0)


def test_shear_carries_the_symmetry_along():
    x, f = X @ SHEAR.T, vortex(X) @ SHEAR.T
    matrix = only(symmetries_from_drift(x, f, 0.3 * SHEAR @ SHEAR.T)).matrix
    np.testing.assert_allclose(matrix, SHEAR @ TURN @ np.linalg.inv(SHEAR), atol=1e-10)
    assert not symmetries_from_drift(x, f, 0.3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_any_coordinates(seed):
    local = np.random.default_rng(seed)
    change = np.linalg.qr(local.normal(size=(2, 2)))[0] @ np.diag(local.uniform(0.1, 10, 2))
    change = change @ np.linalg.qr(local.normal(size=(2, 2)))[0]
    shift, rate = local.normal(size=2) * 3, local.uniform(0.1, 10)
    found = symmetries_from_drift(X @ change.T + shift, rate * vortex(X) @ change.T, rate * change @ change.T)
    expected = change @ TURN @ np.linalg.inv(change) * np.sign(np.linalg.det(change))
    np.testing.assert_allclose(only(found).matrix, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())
    np.testing.assert_allclose(found[0].xi(shift), 0, atol=1e-7 * np.abs(expected).max())


def test_one_axis_in_three_dimensions():
    local = np.random.default_rng(1)
    frame = np.linalg.qr(local.normal(size=(3, 3)))[0]
    z = local.normal(size=(500, 3))
    square = (z[:, :2] ** 2).sum(axis=1, keepdims=True)
    f = np.hstack([z[:, :2] * (1 - square + z[:, 2:]), 1 - z[:, 2:] ** 3 + square])
    matrix = only(symmetries_from_drift(z @ frame.T, f @ frame.T, 0.2)).matrix
    np.testing.assert_allclose(matrix @ frame[:, 2], 0, atol=1e-12)
    np.testing.assert_allclose(matrix, -matrix.T, atol=1e-12)
    assert np.linalg.norm(matrix) == pytest.approx(np.sqrt(2))


def test_every_plane_in_five_dimensions():
    x = np.random.default_rng(2).normal(size=(600, 5))
    f = -x * (x**2).sum(axis=1, keepdims=True)
    assert len(symmetries_from_drift(x, f, 0.3, max_degree=3)) == 10
    f[:, 0] *= 2
    f = -x * ((x**2).sum(axis=1, keepdims=True) + x[:, :1])
    found = symmetries_from_drift(x, f, 0.3, max_degree=3)
    assert len(found) == 6
    for s in found:
        np.testing.assert_allclose(s.matrix[0], 0, atol=1e-10)


def test_translations():
    symmetry = only(symmetries_from_drift(X[:, :1], 0 * X[:, :1] + 0.1, 0.5))
    assert symmetry.offset == pytest.approx([1.0]) and np.abs(symmetry.matrix).max() < 1e-12
    found = symmetries_from_drift(X, 0 * X + [0.1, 0.0], 0.5)
    np.testing.assert_allclose(sorted(tuple(s.offset) for s in found), [[0, 1], [1, 0]], atol=1e-12)


def test_brownian_motion_has_them_all():
    found = symmetries_from_drift(X, 0 * X, 0.5)
    assert len(found) == 4
    assert sorted(round(s.tau1, 9) for s in found) == [0, 0, 0, 2]


def test_dilation():
    # f = c/x: x -> lambda x, t -> lambda^2 t
    x = np.random.default_rng(3).uniform(0.5, 2, size=(200, 1))
    matrix, offset, tau1 = only(symmetries_from_drift(x, 1.5 / x, 0.5, (-1.5 / x**2)[..., None]))
    np.testing.assert_allclose([matrix[0, 0], offset[0], tau1], [1, 0, 2], atol=1e-10)
    fitted = only(symmetries_from_drift(x, 1.5 / x, 0.5))  # from a polynomial that only nearly fits
    np.testing.assert_allclose([fitted.matrix[0, 0], fitted.offset[0], fitted.tau1], [1, 0, 2], atol=5e-3)


def test_none_is_an_empty_list():
    system = models.maier_stein(0.1)
    for jacobian in (None, system.jacobian(X, 0.0)):
        found = symmetries_from_drift(X, system.drift(X, 0.0), 0.1, jacobian)
        assert not found and list(found) == [] and len(found) == 0 and found.gap > 1e5
    assert not symmetries_from_drift(X[:, :1], X[:, :1] - X[:, :1] ** 3, 0.1)


def test_a_drift_no_polynomial_fits_is_not_decided():
    f = np.sign(X) * np.sqrt(np.abs(X))
    with pytest.warns(UserWarning, match="open"):
        found = symmetries_from_drift(X, f, 0.1, max_degree=3)
    assert not found and found.undetermined > 0


def test_noise_rotation_found_with_its_error():
    """Over 40 seeds of noisy samples: always found, and the errors are what they are said to be."""
    pulls = []
    for seed in range(40):
        local = np.random.default_rng(seed)
        x = local.normal(size=(200, 2)) + [0.5, 0.0]
        s = only(symmetries_from_drift(x, vortex(x) + 0.2 * local.normal(size=x.shape), 0.3))
        pulls.append([*(s.offset / s.offset_error), s.tau1 / s.tau1_error])
    # 40 draws give a standard deviation to 11 percent: three times that either way
    np.testing.assert_allclose(np.std(pulls, axis=0), 1, atol=0.35)


def test_noise_no_false_symmetries():
    system = models.maier_stein(0.1)
    for seed in range(20):
        noise = 0.5 * np.random.default_rng(seed).normal(size=X.shape)
        assert not symmetries_from_drift(X, system.drift(X, 0.0) + noise, 0.1)


def test_noise_a_slightly_broken_rotation_is_told_when_data_suffice():
    local = np.random.default_rng(5)
    x = local.normal(size=(4000, 2))
    f = vortex(x) + 0.2 * x * [1, -1]
    assert not symmetries_from_drift(x, f + 0.3 * local.normal(size=x.shape), 0.3)


def test_noise_that_hides_everything_is_said():
    f = vortex(X[:60]) + 5 * np.random.default_rng(6).normal(size=(60, 2))
    with pytest.warns(UserWarning, match="open"):
        found = symmetries_from_drift(X[:60], f, 0.3)
    assert not found and found.undetermined > 0 and found.threshold > 0.1


# ---- from paths --------------------------------------------------------------------------------


def paths_of(system, n=5, seed=8, n_times=101, **options):
    x0, x1 = np.random.default_rng(seed).normal(size=(2, n, system.dim))
    path = least_action_path(system, x0, x1, np.linspace(0, 2, n_times), **options)
    assert np.all(path.converged)
    return path


VORTEX = System(lambda x, t: vortex(x), 0.3, 2, lambda x, t: vortex_jacobian(x))


@pytest.mark.parametrize("functional", ["freidlin-wentzell", "onsager-machlup"])
def test_paths_conserve_angular_momentum(functional):
    path = paths_of(VORTEX, functional=functional)
    for source in (path, [path[k] for k in range(5)], [(path.x, path.momentum)], (path.x, path.momentum)):
        s = only(symmetries_from_paths(source, 0.3))
        np.testing.assert_allclose(s.matrix, TURN, atol=1e-8)
        np.testing.assert_allclose(s.offset, 0, atol=1e-8)
    # without D every affine xi is tried, and the paths themselves know which are isometries
    found = symmetries_from_paths(path)
    assert len(found.singular_values) == 6
    np.testing.assert_allclose(only(found).matrix, TURN, atol=1e-7)
    assert found[0].matrix_error.max() < 1e-6


def test_one_path_gives_no_error_bar():
    s = only(symmetries_from_paths(paths_of(VORTEX)[0], 0.3))
    assert np.isnan(s.matrix_error).all()


def test_paths_of_a_system_without_symmetry():
    path = paths_of(models.maier_stein(0.1))
    assert not symmetries_from_paths(path, 0.1) and not symmetries_from_paths(path)


def test_paths_of_drift_diffusion_conserve_momentum():
    path = paths_of(System(lambda x, t: 0 * x + [0.1, 0.0], 0.5, 2))
    found = symmetries_from_paths(path, 0.5)
    np.testing.assert_allclose(sorted(tuple(s.offset) for s in found), [[0, 1], [1, 0]], atol=1e-8)


def test_paths_dilation():
    system = System(lambda x, t: 1.5 / x, 0.5, 1)
    x0, x1 = np.random.default_rng(9).uniform(1, 2, size=(2, 5, 1))
    path = least_action_path(system, x0, x1, np.linspace(0, 1, 201))
    s = only(symmetries_from_paths(path, 0.5, dilations=True))
    np.testing.assert_allclose([s.matrix[0, 0], s.offset[0], s.tau1], [1, 0, 2], atol=1e-4)
    assert not symmetries_from_paths(path, 0.5)


# ---- from trajectories -------------------------------------------------------------------------


def simulate(drift, root, n_paths, time, seed, dt=0.02):
    """Euler-Maruyama, ``dx = drift dt + sqrt(2) root dW``."""
    local = np.random.default_rng(seed)
    x = local.normal(size=(n_paths, 2))
    out = [x]
    for _ in range(round(time / dt)):
        x = x + drift(x) * dt + np.sqrt(2 * dt) * local.normal(size=x.shape) @ np.transpose(root)
        out.append(x)
    return np.arange(len(out)) * dt, np.stack(out, axis=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_trajectories_show_the_rotation(seed):
    t, x = simulate(vortex, np.sqrt(0.3) * np.eye(2), 300, 20, seed)
    found = symmetries_from_trajectories(t, x)
    s = only(found)
    assert (np.abs(s.matrix - TURN) < 4.5 * s.matrix_error + 2e-3).all()
    assert (np.abs(s.offset) < 4.5 * s.offset_error).all()
    assert (np.abs(found.diffusion - 0.3 * np.eye(2)) < 4.5 * found.diffusion_error).all()
    assert (np.abs(found.measurement_noise) < 4.5 * found.measurement_noise_error).all()
    grid = np.array([[1.0, 0.0], [0.0, 0.7], [-0.5, 0.5]])
    np.testing.assert_allclose(found.system.drift(grid, 0.0), vortex(grid), atol=0.15)
    np.testing.assert_allclose(found.system.jacobian(grid, 0.0), vortex_jacobian(grid), atol=0.8)


def test_trajectories_carry_the_error_of_the_diffusion():
    """A strong drift, long steps: what is uncertain is D, and with it the ellipse A turns on."""
    pulls = []
    for seed in range(40):
        t, x = simulate(lambda z: -4 * z + 20 * z @ TURN.T, np.eye(2), 20, 2, seed, dt=0.002)
        s = only(symmetries_from_trajectories(t, x, max_degree=1, resolution=0.5))
        pulls.append((s.matrix - TURN)[0] / s.matrix_error[0])
    # 40 draws give a standard deviation to 11 percent: three times that either way
    np.testing.assert_allclose(np.std(pulls, axis=0), 1, atol=0.35)


def test_trajectories_in_sheared_coordinates():
    inverse = np.linalg.inv(SHEAR)
    t, x = simulate(lambda z: vortex(z @ inverse.T) @ SHEAR.T, np.sqrt(0.3) * SHEAR, 300, 20, 3)
    s = only(symmetries_from_trajectories(t, x))
    assert (np.abs(s.matrix - SHEAR @ TURN @ inverse) < 4.5 * s.matrix_error + 5e-3).all()


def test_trajectories_without_symmetry():
    system = models.maier_stein(0.1)
    t, x = simulate(lambda z: system.drift(z, 0.0), np.sqrt(0.1) * np.eye(2), 100, 20, 4)
    found = symmetries_from_trajectories(t, x)
    assert not found and found.undetermined == 0


def test_few_trajectories_do_not_decide():
    t, x = simulate(vortex, np.sqrt(0.3) * np.eye(2), 3, 10, 5)
    with pytest.warns(UserWarning, match="open"):
        assert not symmetries_from_trajectories(t, x)


# ---- objects and errors ------------------------------------------------------------------------


def test_results_pickle_and_unpack():
    found = pickle.loads(pickle.dumps(symmetries_from_drift(X, vortex(X), 0.3)))
    matrix, offset, tau1 = found[0]
    x = X[:6].reshape(2, 3, 2)
    np.testing.assert_allclose(found[0].xi(x, 0.0), x @ matrix.T + offset)
    assert "system" not in repr(found) and found.system.drift(x, 0.0).shape == x.shape


BAD = {
    "f and x must have one shape": lambda: symmetries_from_drift(X, X[:5], 1.0),
    "f must be finite": lambda: symmetries_from_drift(X, X * np.nan, 1.0),
    "diffusion must be constant": lambda: symmetries_from_drift(X, X, lambda x, t: 1.0),
    "diffusion must be positive": lambda: symmetries_from_drift(X, X, -1.0),
    "jacobian": lambda: symmetries_from_drift(X, X, 1.0, np.eye(2)),
    "x must spread": lambda: symmetries_from_drift(X * [1, 0], X, 1.0),
    "x must be noisy": lambda: symmetries_from_trajectories([0, 1, 2], np.tile(X[:20, None], (1, 3, 1))),
    "more samples": lambda: symmetries_from_paths([(X[:3], X[:3])], 1.0),
    "paths must spread": lambda: symmetries_from_paths([(X * [1, 0], X)], 1.0),
    "x must have at least": lambda: symmetries_from_drift(X[:4], X[:4], 1.0),
    "max_degree": lambda: symmetries_from_drift(X, X, 1.0, max_degree=0),
    "tolerance": lambda: symmetries_from_drift(X, X, 1.0, tolerance=0),
    "resolution": lambda: symmetries_from_drift(X, X, 1.0, resolution=-1),
    "paths must be": lambda: symmetries_from_paths(3),
    "paths must be results": lambda: symmetries_from_paths([X]),
    "paths must not be empty": lambda: symmetries_from_paths([]),
    "paths must have states and momenta": lambda: symmetries_from_paths([(X, X[:4])]),
    "paths must have momentum": lambda: symmetries_from_paths([(X, 0 * X)]),
    "paths must all": lambda: symmetries_from_paths([(X, X), (X[:, :1], X[:, :1])]),
    "diffusion must be given": lambda: symmetries_from_paths(paths_of(VORTEX, 2), dilations=True),
    "t must be strictly": lambda: symmetries_from_trajectories([0, 0], X[:2]),
    r"x must be \(n_paths": lambda: symmetries_from_trajectories([0, 1, 2], X),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_results_are_frozen_print_one_line_and_compare():
    one, other = (
        symmetries_from_drift(X, -X, 0.5, jacobian=np.tile(-np.eye(2), (len(X), 1, 1))) for _ in "ab"
    )
    assert repr(one).startswith("<Discovery: 1 of 4 directions are symmetries, threshold 1e-06, gap ")
    assert one == one and one != other
    with pytest.raises(AttributeError):
        one.gap = 0


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, noetherlib.scores, noetherlib.models, noetherlib.discover;"
        "heavy = {'sympy', 'matplotlib', 'ipywidgets', 'scipy.stats', 'scipy.integrate', 'scipy.spatial'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
