"""Densities by Laplace's method: right within their errors, or a warning; noise on some variables too."""

import numpy as np
import pytest
import sympy
from scipy.linalg import eigh_tridiagonal, expm

import noetherlib as nl
from noetherlib.bridges import WideFluctuations
from noetherlib.models import double_well

OM, FW = "onsager-machlup", "freidlin-wentzell"
x_ = sympy.Symbol("x")
STIFFENING = nl.System.from_sympy([-x_ - x_**3], [x_], 0.1)


def fokker_planck(V, D, x0, x1, T):
    """Density of ``dx = -V' dt + sqrt(2 D) dW``: finite volumes, all eigenvalues, two grids."""
    values = []
    for n in (521, 1041):
        x = np.linspace(-2.6, 2.6, n)
        dx, rise = x[1] - x[0], np.diff(V(x))
        up, down = (D / dx**2 * np.exp(sign * rise / (2 * D)) for sign in (-1, 1))
        loss = np.concatenate([up, [0]]) + np.concatenate([[0], down])
        rate, mode = eigh_tridiagonal(-loss, np.sqrt(up * down))
        i, j = np.abs(x - x0).argmin(), np.abs(x - x1).argmin()
        weight = np.exp(-(V(x1) - V(x0)) / (2 * D))
        values.append(weight * (mode[i] * mode[j]) @ np.exp(rate * T) / dx)
    return values[1] + (values[1] - values[0]) / 3


def stiffening(x):
    return x**2 / 2 + x**4 / 4


def two_wells(x):
    return x**4 / 4 - x**2 / 2


CASES = [
    (STIFFENING, stiffening, 0.1, 0.0, 0.0, 10, 1.336),
    (STIFFENING, stiffening, 0.1, 0.0, 0.0, 40, 1.336),
    (double_well(0.05), two_wells, 0.05, -1.0, -1.0, 40, 2.284),
    (double_well(0.1), two_wells, 0.1, -1.0, 0.6, 2, None),
]


@pytest.mark.parametrize("functional", [OM, FW])
@pytest.mark.parametrize("system, V, D, x0, x1, T, known", CASES)
def test_densities_lie_within_their_errors(system, V, D, x0, x1, T, known, functional):
    exact = fokker_planck(V, D, x0, x1, T)
    if known:
        np.testing.assert_allclose(exact, known, rtol=5e-4)
    path = nl.least_action_path(system, x0, x1, np.linspace(0, T, 20 * T + 201), functional)
    rho = nl.transition_density(path)
    assert abs(rho - exact) < rho.error < 0.25 * rho
    assert abs(rho.corrected - exact) < 4 * rho.standard_error < 0.2 * exact
    log = nl.transition_density(path, log=True)
    np.testing.assert_allclose(np.exp([log, log.corrected]), [rho, rho.corrected])
    np.testing.assert_allclose(log.standard_error, rho.standard_error / rho.corrected)


def test_a_crossing_at_any_time_is_told():
    """The double well, -1 to 1 in a time with room to wait: no single path stands for the others."""
    path = nl.least_action_path(double_well(0.05), -1.0, 1.0, np.linspace(0, 10, 401))
    with pytest.warns(WideFluctuations, match="more than the surroundings of one path"):
        rho = nl.transition_density(path)
    assert rho.error == np.inf and np.isnan(rho.corrected)


def test_what_is_known_to_be_off_is_told_with_its_factor():
    """Strong noise: the factor to correct with is known, and large."""
    D = 0.5
    path = nl.least_action_path(double_well(D), -1.0, 1.0, np.linspace(0, 1.5, 121), FW)
    with pytest.warns(WideFluctuations, match="estimated factor"):
        rho = nl.transition_density(path, walkers=4096)
    exact = fokker_planck(two_wells, D, -1.0, 1.0, 1.5)
    assert abs(rho - exact) < rho.error and abs(rho.corrected - exact) < 4 * rho.standard_error


def test_a_linear_system_has_no_error():
    path = nl.least_action_path(
        nl.models.ornstein_uhlenbeck(2, 1.0, 0.3), [1, 0], [0, 1], np.linspace(0, 1, 51)
    )
    rho = nl.transition_density(path)
    assert rho.error == 0 and rho.corrected == rho and rho.standard_error == 0
    assert not hasattr(2 * rho, "error")  # the error is that of the density, and of nothing else


# ---- noise on some variables -------------------------------------------------------------------------

M = np.array([[0.0, 1.0], [-1.0, -0.5]])
SPRING = nl.System.from_sympy(
    sympy.Matrix(M) @ sympy.Matrix(sympy.symbols("q v")), sympy.symbols("q v"), [0.0, 0.5]
)


def gramian(T):
    """Covariance at T of a linear system without noise at the start."""
    pair = expm(T * np.block([[-M, np.diag([0.0, 1.0])], [np.zeros((2, 2)), M.T]]))
    return expm(M * T) @ pair[:2, 2:]


def test_density_and_band_with_noise_on_the_velocity_alone():
    x0, x1, T, errors = np.array([1.0, 0.0]), np.array([0.3, 0.8]), 2.0, []
    r, cov = x1 - expm(M * T) @ x0, gramian(T)
    exact = -r @ np.linalg.solve(cov, r) / 2 - np.linalg.slogdet(2 * np.pi * cov)[1] / 2
    early, late = gramian(T / 2), expm(M * T / 2)
    middle = early - early @ late.T @ np.linalg.solve(cov, late @ early)
    for n in (50, 100, 200):
        path = nl.least_action_path(SPRING, x0, x1, np.linspace(0, T, n + 1))
        value, band = nl.transition_density(path, log=True), nl.fluctuations(path)
        errors.append([abs(float(value) - exact), np.abs(band[n // 2] - middle).max()])
        assert value.error == 0 and not band[[0, -1]].any()
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2, atol=0.1)
    assert np.max(errors[-1]) < 1e-3


@pytest.mark.parametrize(
    "system, box, shape, x0, x1, T",
    [
        (double_well(0.05), (-2.2, 2.2), 300, [-1.0], [-0.5], 3.0),
        (nl.models.maier_stein(0.05), [(-2.0, 0.5), (-1.1, 1.1)], (80, 72), [-1.0, 0.0], [-0.7, 0.2], 2.0),
    ],
)
def test_densities_against_the_operator_on_a_grid(system, box, shape, x0, x1, T):
    grid = nl.generator(system, box, shape).transition_density(x0, T)
    path = nl.least_action_path(system, x0, x1, np.linspace(0, T, 101))
    rho = nl.transition_density(path)
    exact, uncertain = grid.at(x1), grid.error_at(x1)
    assert uncertain < 0.01 * exact
    assert abs(rho - exact) < rho.error + uncertain
    assert abs(rho.corrected - exact) < 4 * rho.standard_error + uncertain
