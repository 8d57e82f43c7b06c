"""The backward operator on a grid, against closed forms and quadrature."""

import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm, solve_continuous_lyapunov
from scipy.stats import gamma, lognorm, multivariate_normal

import noetherlib as nl
from noetherlib.grid import Coarse

double_well, ornstein_uhlenbeck = nl.models.double_well, nl.models.ornstein_uhlenbeck
TURNING = np.array([[1.0, 1.0], [-1.0, 1.0]])


def centres(answer):
    return np.stack(np.meshgrid(*answer.axes, indexing="ij"), axis=-1)


def honest(answer, exact, factor=3.0):
    """The true error, which the estimate must cover up to a factor."""
    error = np.abs(answer.values - exact).max()
    assert error <= factor * answer.error.max() + 1e-12 * np.abs(exact).max()
    return error


def density(potential, D, low, high, points=None):
    Z = quad(lambda x: np.exp(-potential(x) / D), low, high, points=points, epsabs=1e-14)[0]
    return lambda x: np.exp(-potential(x) / D) / Z


def exit_time(potential, D, x0, low, high):
    """Mean exit time from (low, high) by quadrature (Gardiner 2009, eq. 5.5.22)."""
    x = np.linspace(low, high, 20001)
    up, down = np.exp(potential(x) / D), np.exp(-potential(x) / D)

    def integral(y):
        return np.concatenate([[0], np.cumsum((y[1:] + y[:-1]) / 2)]) * (x[1] - x[0])

    hit, cost = integral(up), integral(up * integral(down)) / D
    return np.interp(x0, x, hit / hit[-1] * cost[-1] - cost)


# ---- the matrix ----------------------------------------------------------------------------------


@pytest.mark.parametrize("edges", ["reflecting", "absorbing"])
@pytest.mark.parametrize(
    "system",
    [
        double_well(0.1),
        nl.models.maier_stein(1.0),
        ornstein_uhlenbeck(2, TURNING, [[0.5, -0.2], [-0.2, 0.4]]),
        nl.models.underdamped(lambda x, t: -x, 1.0, 0.5),
        nl.System(lambda x, t: 0.5 - x, lambda x, t: x**2, 1),
        ornstein_uhlenbeck(3, 1.0, np.eye(3) + 0.2),
    ],
)
def test_rates_are_positive_and_conserve_probability(system, edges):
    Q = nl.generator(system, (-2.0, 2.0), 16, edges).matrix.toarray()
    away = Q - np.diag(np.diag(Q))
    assert (away >= 0).all() and np.isfinite(Q).all()
    loss = Q.sum(axis=1) / np.abs(np.diag(Q)).max()
    assert (loss < 1e-14).all()
    assert (loss < -1e-3).any() if edges == "absorbing" else (loss > -1e-14).all()


@pytest.mark.parametrize("D", [0.3, [0.3, 0.5], [[0.5, 0.2], [0.2, 0.4]]])
def test_it_is_the_backward_operator(D):
    # on u = sin(x) cos(y), to second order
    system = nl.System(lambda x, t: np.stack([x[..., 1], -np.sin(x[..., 0])], axis=-1), D, 2)
    matrix, errors = system.constant_diffusion, []
    for n in (32, 64):
        gen = nl.generator(system, (-1, 1), n)
        x, y = np.meshgrid(*gen.axes, indexing="ij")
        lu = (gen.matrix @ (np.sin(x) * np.cos(y)).ravel()).reshape(n, n)
        exact = y * np.cos(x) * np.cos(y) + np.sin(x) ** 2 * np.sin(y)
        exact -= np.trace(matrix) * np.sin(x) * np.cos(y) + 2 * matrix[0, 1] * np.cos(x) * np.sin(y)
        errors.append(np.abs(lu - exact)[1:-1, 1:-1].max())
    assert errors[1] < 2e-3
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.1)


# ---- one dimension -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "k, centre, D, bound, value",
    [(10, 0.0, 1.0, 1.0, 6.62), (10, 0.12, 0.5, 0.8, 9.43), (1, 0.0, 1.0, 1.0, 0.596)],
)
def test_exit_times_of_ornstein_uhlenbeck(k, centre, D, bound, value):
    exact = exit_time(lambda x: k * (x - centre) ** 2 / 2, D, 0.0, -bound, bound)
    np.testing.assert_allclose(exact, value, rtol=2e-3)
    system = nl.System(lambda x, t: -k * (x - centre), D, 1)
    time = nl.generator(system, (-1.5, 1.5), 200).mean_exit_time(lambda x: np.abs(x[..., 0]) < bound)
    true = abs(time.at(0.0) - exact)
    assert true < 1e-3 * exact and true <= 3 * time.error_at(0.0)


def test_the_border_of_a_set_may_lie_anywhere_between_the_cells():
    # free diffusion: (x - a)(b - x) / 2D, exact for every border
    gen = nl.generator(nl.models.drift_diffusion(0.0, 0.5), (-1.2, 1.2), 24)
    for low, high in [(-0.5, 0.5), (-0.51, 0.549), (-0.9999, 0.123)]:
        time = gen.mean_exit_time(lambda x: (low < x[..., 0]) & (x[..., 0] < high))  # noqa: B023
        x = time.axes[0]
        np.testing.assert_allclose(time, np.maximum((x - low) * (high - x), 0), atol=1e-13)


def test_double_well():
    D = 0.05
    gen = nl.generator(double_well(D), (-2, 2), 200)
    rho = gen.stationary_density()
    exact = density(lambda x: x**4 / 4 - x**2 / 2, D, -2, 2, [-1, 1])
    np.testing.assert_allclose(rho, exact(rho.axes[0]), rtol=1e-4, atol=1e-6)
    honest(rho, exact(rho.axes[0]))
    np.testing.assert_allclose(rho.values.sum() * 0.02, 1, rtol=1e-12)
    time = gen.mean_exit_time(lambda x: x[..., 0] < 0)
    wall = exit_time(lambda x: x**4 / 4 - x**2 / 2, D, -1.0, -2.5, 0.0)
    assert abs(time.at(-1.0) - wall) < min(3e-3 * wall, 3 * time.error_at(-1.0))
    # the gap is twice the rate over the top, one half of which comes back
    np.testing.assert_allclose(-1 / gen.spectrum(2).values[1].real, time.at(-1.0), rtol=0.05)


@pytest.mark.parametrize(
    "drift, D, x0, x1, t, value",
    [
        (lambda x, t: -x - x**3, 0.1, 0.0, 0.0, 10.0, 1.336),
        (lambda x, t: x - x**3, 0.05, -1.0, -1.0, 40.0, 2.284),
        (lambda x, t: x - x**3, 0.05, -1.0, 1.0, 10.0, 0.0193),
    ],
)
def test_transition_densities(drift, D, x0, x1, t, value):
    rho = nl.generator(nl.System(drift, D, 1), (-2, 2), 200).transition_density(x0, t)
    np.testing.assert_allclose(rho.at(x1), value, rtol=2e-3)
    assert rho.error_at(x1) < 2e-3 * value


def test_ornstein_uhlenbeck():
    system, D = ornstein_uhlenbeck(1, 1.0, 0.5), 0.5
    errors = []
    for n in (60, 120):
        gen = nl.generator(system, (-4, 4), n)
        spectrum = gen.spectrum(5)
        error = np.abs(spectrum.values + np.arange(5))
        assert (error <= 2 * spectrum.error + 1e-9).all()
        rho, variance = gen.transition_density(0.5, 1.0), D * (1 - np.exp(-2))
        exact = multivariate_normal(0.5 * np.exp(-1), variance).pdf(rho.axes[0])
        errors.append([error[1], honest(rho, exact)])
        # the mode of the first eigenvalue is x
        mode = spectrum.modes[1].real / spectrum.modes[1].real[-1]
        middle = np.abs(rho.axes[0]) < 2
        np.testing.assert_allclose(mode[middle], (rho.axes[0] / rho.axes[0][-1])[middle], atol=0.02)
    np.testing.assert_allclose(np.divide(*errors)[0], 4, rtol=0.1)  # of second order
    assert 2.5 < np.divide(*errors)[1] < 6  # the start is shared otherwise on the finer grid


def test_hitting_probabilities():
    v, D = 0.5, 0.3
    gen = nl.generator(nl.models.drift_diffusion(v, D), (-2, 2), 40, edges="reflecting")
    q = gen.committor(lambda x: x[..., 0] < -1, lambda x: x[..., 0] > 0.93)
    s = np.exp(-v / D * np.array([-1, 0.93]))
    exact = (s[0] - np.exp(-v / D * np.clip(q.axes[0], -1, 0.93))) / (s[0] - s[1])
    np.testing.assert_allclose(q, exact, atol=1e-12)  # exponential fitting has it exactly
    back = gen.committor(lambda x: x[..., 0] > 0.93, lambda x: x[..., 0] < -1)
    np.testing.assert_allclose(q.values + back.values, 1, atol=1e-12)


def test_absorbing_edges():
    # heat between cold ends: rates -D (n pi / L)^2
    gen = nl.generator(nl.models.drift_diffusion(0.0, 1.0), (0, np.pi), 100, "absorbing")
    spectrum = gen.spectrum(3)
    np.testing.assert_allclose(spectrum.values.real, [-1, -4, -9], rtol=1e-3)
    assert (np.abs(spectrum.values.real + [1, 4, 9]) <= 2 * spectrum.error).all()
    everywhere = gen.mean_exit_time(lambda x: x[..., 0] > -1)
    x = everywhere.axes[0]
    assert honest(everywhere, x * (np.pi - x) / 2) < 1e-3
    rho = gen.transition_density(np.pi / 2, 3.0)
    np.testing.assert_allclose(rho.at(np.pi / 2), 2 / np.pi * np.exp(-3), rtol=1e-3)
    with pytest.raises(ValueError, match="edges must reflect for a stationary density"):
        gen.stationary_density()


# ---- noise that depends on the state -------------------------------------------------------------


def test_square_root_process():
    k, mean, c = 1.0, 1.0, 0.5
    system = nl.System(lambda x, t: k * (mean - x), lambda x, t: c * x, 1)
    gen = nl.generator(system, (0, 10), 200)  # D vanishes at the wall: nothing is cut off there
    rho = gen.stationary_density()
    assert honest(rho, gamma(k * mean / c, scale=c / k).pdf(rho.axes[0])) < 5e-3
    spectrum = gen.spectrum(3)
    assert (np.abs(spectrum.values + k * np.arange(3)) <= 2 * spectrum.error + 1e-9).all()


def test_geometric_brownian_motion():
    mu, D = 0.1, 0.1
    system = nl.System(lambda x, t: mu * x, lambda x, t: D * x**2, 1)
    rho = nl.generator(system, (0, 8), 200).transition_density(1.0, 1.0)
    exact = lognorm(np.sqrt(2 * D), scale=np.exp(mu - D)).pdf(rho.axes[0])
    assert honest(rho, exact) < 3e-3


def test_noise_that_vanishes_inside_the_box_does_not_hold_the_drift():
    # for x > 0, which is never left to the left, x**2 u'' + u' / 2 = -1 has the regular solution 1 - 2 x
    system = nl.System(lambda x, t: 0.5 + 0 * x, lambda x, t: x**2, 1)
    for box, tol in ((-1.025, 1.075), 1e-12), ((-1.05, 1.05), 0.03):  # 0 is a centre, or lies between two
        time = nl.generator(system, box, 42).mean_exit_time(lambda x: x[..., 0] < 0.5)
        x = time.axes[0]
        np.testing.assert_allclose(time.values[x >= 0], np.maximum(1 - 2 * x[x >= 0], 0), atol=tol)


# ---- two and three dimensions --------------------------------------------------------------------


@pytest.mark.parametrize("D", [0.5, [[0.5, 0.1], [0.1, 0.4]]])
def test_turning_in_the_plane(D):
    system = ornstein_uhlenbeck(2, TURNING, D)
    C = solve_continuous_lyapunov(TURNING, 2 * system.constant_diffusion)
    errors = []
    for n in (40, 80):
        gen = nl.generator(system, (-4, 4), n)
        rho = gen.stationary_density()
        errors.append(honest(rho, multivariate_normal([0, 0], C).pdf(centres(rho))))
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.15)
    later = gen.transition_density([1, 0.5], 0.7)
    E = expm(-0.7 * TURNING)
    honest(later, multivariate_normal(E @ [1, 0.5], C - E @ C @ E.T).pdf(centres(later)))
    spectrum = gen.spectrum(3)
    assert (np.abs(spectrum.values - [0, -1 - 1j, -1 + 1j]) <= 2 * spectrum.error + 1e-9).all()


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_exit_from_a_ball(dim):
    gen = nl.generator(nl.System(lambda x, t: 0 * x, 0.5, dim), (-1.3, 1.3), 20)
    time = gen.mean_exit_time(lambda x: np.sum(x**2, axis=-1) < 1)
    exact = np.maximum(1 - np.sum(centres(time) ** 2, axis=-1), 0) / dim
    np.testing.assert_allclose(time, exact, atol=1e-12)


def test_exit_from_an_ellipse_where_noise_is_correlated():
    D = np.array([[1.0, 0.5], [0.5, 1.0]])

    def size(x):
        return np.einsum("...i,ij,...j->...", x, np.linalg.inv(D), x)

    gen = nl.generator(nl.System(lambda x, t: 0 * x, D, 2), (-1.3, 1.3), 20)
    time = gen.mean_exit_time(lambda x: size(x) < 1)
    np.testing.assert_allclose(time, np.maximum(1 - size(centres(time)), 0) / 4, atol=1e-12)


def test_three_dimensions():
    gen = nl.generator(ornstein_uhlenbeck(3, 1.0, 0.5), (-3, 3), 16)
    rho = gen.stationary_density()
    honest(rho, multivariate_normal(np.zeros(3), 0.5 * np.eye(3)).pdf(centres(rho)))


def test_inertia_is_of_first_order():
    system = nl.models.underdamped(lambda x, t: -x, 1.0, 0.5)
    errors = []
    for n in (60, 120):
        gen = nl.generator(system, (-4, 4), n)
        assert gen.order == 1
        rho = gen.stationary_density()
        errors.append(honest(rho, multivariate_normal([0, 0], 0.5 * np.eye(2)).pdf(centres(rho))))
        spectrum = gen.spectrum(3)
        exact = np.array([0, -0.5 - np.sqrt(0.75) * 1j, -0.5 + np.sqrt(0.75) * 1j])
        assert (np.abs(spectrum.values - exact) <= 3 * spectrum.error + 1e-9).all()
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.1)


# ---- beside a simulation -------------------------------------------------------------------------


def test_exit_times_of_a_simulation():
    n = 4000
    ens = nl.simulate(
        double_well(0.25), -1.0, np.linspace(0, 60, 6001), n, rng=1, save="final", bounds=(-3.0, 0.5)
    )
    out = np.where(np.isnan(ens.exit_time), 60.0, ens.exit_time)
    gen = nl.generator(double_well(0.25), (-3, 1), 200)
    time = gen.mean_exit_time(lambda x: x[..., 0] < 0.5)
    # those inside at the end leave at the slowest rate
    rate = -nl.generator(double_well(0.25), (-3, 0.5), 200, "absorbing").spectrum(1).values[0].real
    late = np.isnan(ens.exit_time).mean() / rate
    error = out.std() / np.sqrt(n) * (1 + late / out.mean())
    assert abs(out.mean() + late - time.at(-1.0)) < 4 * error + 3 * time.error_at(-1.0)
    assert error < 0.03 * time.at(-1.0)


# ---- doubts and refusals -------------------------------------------------------------------------


def test_a_box_that_cuts_probability_off_is_told():
    system = ornstein_uhlenbeck(1, 1.0, 0.5)
    gen = nl.generator(system, (-1, 3), 100)
    with pytest.warns(Coarse, match="cuts probability off: .* of the stationary density .* larger box"):
        gen.stationary_density()
    with pytest.warns(Coarse, match="density at t = 2"):
        gen.transition_density(0.0, 2.0)
    with pytest.warns(Coarse, match="inside the set"):
        gen.mean_exit_time(lambda x: x[..., 0] < 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gen.mean_exit_time(lambda x: np.abs(x[..., 0]) < 0.9)  # it does not reach the edge
        nl.generator(system, (-1, 3), 100, edges="reflecting").stationary_density()  # walls are meant


def test_coarse_grids_are_told():
    with pytest.warns(Coarse, match="too coarse: .* take more cells"):
        nl.generator(nl.models.underdamped(lambda x, t: -x, 1.0, 0.5), (-4, 4), 30).stationary_density()
    with pytest.warns(Coarse, match="Peclet number .* in 100% of the cells"):
        gen = nl.generator(ornstein_uhlenbeck(1, 1.0, 1e-4), (-1, 1), 50)
    assert gen.order == 1 and gen.peclet[0] > 0.9


def test_one_line_each():
    gen = nl.generator(double_well(0.1), (-2, 2), 50)
    assert repr(gen) == "<Generator: 50 cells, edges reflecting, order 2>"
    for answer in gen.stationary_density(), gen.spectrum(3), gen.committor(left, right):
        assert "\n" not in repr(answer) and "error at most" in repr(answer)
        with pytest.raises(AttributeError):
            answer.values = 0
        assert np.asarray(answer).shape == answer.values.shape
    with pytest.raises(ValueError, match="outermost centres, -1.96 to 1.96"):
        gen.stationary_density().at(2.0)


def left(x):
    return x[..., 0] < -0.5


def right(x):
    return x[..., 0] > 0.5


def test_what_a_grid_cannot_do():
    strong = ornstein_uhlenbeck(2, 1.0, [[1.0, 0.35], [0.35, 0.3]])
    with pytest.raises(ValueError, match="shape must let every rate be positive"):
        nl.generator(strong, (-3, 3), 20)
    # cells in the ratio of the noise will do
    assert nl.generator(strong, [(-3, 3), (-1.6, 1.6)], 20).order == 2
    with pytest.raises(ValueError, match="system must have 1 to 3 variables"):
        nl.generator(ornstein_uhlenbeck(4, 1.0, 1.0), (-1, 1), 10)
    with pytest.raises(ValueError, match="system must not depend on time"):
        nl.generator(nl.System(lambda x, t: -x * np.cos(t), 1.0, 1), (-1, 1), 10)
    with pytest.raises(ValueError, match="system must have a finite drift"):
        nl.generator(nl.System(lambda x, t: np.where(x < 0, np.nan, -x), 1.0, 1), (-1, 1), 10)


@pytest.mark.parametrize(
    "name, values",
    [
        ("system", [None, "ou"]),
        ("box", [None, (1, -1), [(0, 1)] * 2]),
        ("shape", [0, 6, 11, 10.0, "10", None, (10, 10)]),
        ("edges", ["open", 1, ["absorbing"]]),
    ],
)
def test_bad_input(name, values):
    for value in values:
        with pytest.raises(ValueError, match=name):
            nl.generator(**{"system": double_well(0.1), "box": (-2, 2), "shape": 10} | {name: value})


def test_bad_questions():
    gen = nl.generator(double_well(0.2), (-2, 2), 40)
    for bad in None, 1.0, lambda x: x[..., 0], lambda x: x < 0, lambda x: True:
        with pytest.raises(ValueError, match="inside"):
            gen.mean_exit_time(bad)
        with pytest.raises(ValueError, match="^A"):
            gen.committor(bad, right)
    with pytest.raises(ValueError, match="inside must hold the centre of a cell"):
        gen.mean_exit_time(lambda x: x[..., 0] > 5)
    with pytest.raises(ValueError, match="inside must be a set that is left"):
        gen.mean_exit_time(lambda x: x[..., 0] < 5)  # which is the whole box
    with pytest.raises(ValueError, match="A and B must not have a cell in common"):
        gen.committor(left, lambda x: x[..., 0] < 0)
    for x0 in (None, 3.0, [0.0, 1.0], [[0.0]]):
        with pytest.raises(ValueError, match="x0"):
            gen.transition_density(x0, 1.0)
    for t in (0, -1, None, np.nan):
        with pytest.raises(ValueError, match="t must"):
            gen.transition_density(0.0, t)
    for k in (0, 2.5, 1000):
        with pytest.raises(ValueError, match="k must"):
            gen.spectrum(k)
