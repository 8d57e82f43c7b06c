"""Noise on some variables in exact algebra: Hamilton's picture, its symmetries, its limits."""

import doctest
import pickle

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from noetherlib import symbolic
from noetherlib.symbolic import (
    Hamiltonian,
    Lagrangian,
    SearchLimitError,
    energy,
    equations_of_motion,
    euler_lagrange,
    find_symmetries,
    gauge_term,
    hamiltonian,
    invariance_defect,
    lagrangian,
    lambdify,
    momentum,
    noether_charge,
    total_derivative,
)

t, x, y, v, w, a, b, c = sp.symbols("t x y v w a b c")
D, k, g = sp.symbols("D k gamma", positive=True)
p_x, p_y, p_v, p_w = sp.symbols("p_x p_y p_v p_w")
half = sp.Rational(1, 2)
FUNCTIONALS = ("freidlin-wentzell", "onsager-machlup")
EXPONENTIALS = [sp.exp(n * k * t) for n in (0, 1, -1, 2, -2, 3, -3)]


def zero(expression):
    """Whether sympy itself, without the module under test, simplifies this to zero."""
    expression = sp.expand(sp.sympify(expression).rewrite(sp.exp))
    return expression == 0 or sp.simplify(expression) == 0


def bracket(F, G, H):
    """Poisson bracket."""
    pairs = [*zip(H.state, H.momentum, strict=True)]
    return sum(F.diff(q) * G.diff(p) - F.diff(p) * G.diff(q) for q, p in pairs)


def rate(G, H):
    return G.diff(H.time) + bracket(G, H.expression, H)


def assert_symmetries(H, count, **options):
    """The algebra has this size, its charges are independent, and each obeys dG/dt + {G, H} = 0."""
    found = find_symmetries(H, **options)
    assert len(found) == count
    for symmetry in found:
        assert zero(rate(noether_charge(H, *symmetry), H))
        assert zero(invariance_defect(H, *symmetry))
    return found


def in_span(H, charges, G):
    """Whether G is a combination of the charges and 1, with constant coefficients."""
    numbers = sp.symbols(f"n:{len(charges) + 1}")
    difference = sp.expand(sum(n * F for n, F in zip(numbers, [*charges, 1], strict=True)) - G)
    equations = sp.Poly(difference, *H.state, *H.momentum, H.time).coeffs()
    return sp.linsolve(equations, *numbers) != sp.EmptySet


def free_particle(friction=0, functional="onsager-machlup"):
    return lagrangian([v, -friction * v], [0, D], (x, v), t, functional)


# --- Hamilton's picture -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "diffusion, quadratic",
    [
        ([0, D], D * p_y**2),
        ([[D, 0], [0, 0]], D * p_x**2),
        (np.array([0.5, 0.0]), p_x**2 / 2),
        (np.ones((2, 2)), (p_x + p_y) ** 2),
        (sp.Matrix([[a**2, a * b], [a * b, b**2]]), (a * p_x + b * p_y) ** 2),
        ([0, t], t * p_y**2),
    ],
)
def test_singular_noise_has_a_hamiltonian(diffusion, quadratic):
    f, U = [y - x**3, -x * y], sp.cos(t) * x
    H = lagrangian(f, diffusion, (x, y), t, functional=U)
    assert isinstance(H, Hamiltonian)
    expression, p = H
    assert p == (p_x, p_y) == H.momentum
    assert zero(expression - quadratic - p_x * f[0] - p_y * f[1] + U)
    assert hamiltonian(H) is H and energy(H) == expression and momentum(H) == [p_x, p_y]
    assert pickle.loads(pickle.dumps(H)) == H
    assert hash(H) == hash(lagrangian(f, diffusion, (x, y), t, U))
    assert H._repr_latex_().startswith("$")


def test_noise_that_depends_on_the_state():
    H = lagrangian([y, -y], [[0, 0], [0, D * x**2]], (x, y), t, "fw")
    assert zero(H.expression - D * x**2 * p_y**2 - p_x * y + p_y * y)
    found = assert_symmetries(H, 2)
    assert [s.xi for s in found] == [(x, y), (0, 0)]
    H = lagrangian([0, 0], [[1, x], [x, x**2]], (x, y), t, "fw")  # rank one, along (1, x)
    assert zero(H.expression - (p_x + x * p_y) ** 2)
    # y - x**2/2 has no noise, so that it may serve as the clock; and the clock does not run.
    found = find_symmetries(H, degree=2, time_basis=(1,))
    assert {s.tau for s in found} >= {1} and any(s.tau.has(y) for s in found)
    assert all(zero(rate(noether_charge(H, *s), H)) for s in found)


def test_hamiltons_equations():
    V = sp.Function("V")
    H = lagrangian([v, -V(x).diff(x) - g * v], [0, D], (x, v), t)
    rates = equations_of_motion(H)
    expected = [v, -V(x).diff(x) - g * v + 2 * D * p_v, p_v * V(x).diff(x, 2), -p_x + g * p_v]
    assert all(map(zero, sp.Matrix(rates) - sp.Matrix(expected)))
    names = sp.symbols("xdot vdot pdot_x pdot_v")
    residuals = [name - e for name, e in zip(names, expected, strict=True)]
    assert all(map(zero, sp.Matrix(euler_lagrange(H)) - sp.Matrix(residuals)))
    path = [sp.Function(s)(t) for s in ("x", "v", "p_x", "p_v")]
    assert euler_lagrange(H, functions=True)[0] == sp.Eq(path[0].diff(t) - path[1], 0)
    assert zero(euler_lagrange(H, functions=True)[3].lhs - path[3].diff(t) + g * path[3] - path[2])
    assert zero(total_derivative(energy(H), H))
    assert zero(total_derivative(t * x, H) - x - t * v)


def test_onsager_machlup_takes_the_divergence_along_the_noise():
    f = [x * y, x**2 * y - y**3]
    assert zero(lagrangian(f, [D, 0], (x, y)).potential - y / 2)
    assert zero(lagrangian(f, [0, D], (x, y)).potential - (x**2 - 3 * y**2) / 2)
    J = sp.Matrix(f).jacobian([x, y])
    unit = sp.Matrix([a, b]) / sp.sqrt(a**2 + b**2)
    H = lagrangian(f, D * unit * unit.T, (x, y))
    assert zero(H.potential - (unit.T * J * unit)[0] / 2)
    assert zero(lagrangian(f, [[1, 1], [1, 1]], (x, y), functional="om").potential - sum(J) / 4)


def test_the_noisy_divergence_does_not_depend_on_the_axes():
    """Seen in rotated axes, U is the same function of the same point."""
    R = sp.Matrix([[3, -4], [4, 3]]) / 5
    f, state = sp.Matrix([x * y - x**3, sp.sin(x) + y**2]), sp.Matrix([x, y])
    seen = dict(zip(state, R.T * state, strict=True))
    turned = lagrangian(list(R * f.subs(seen, simultaneous=True)), R * sp.diag(D, 0) * R.T, (x, y))
    here = lagrangian(list(f), [D, 0], (x, y))
    assert here.potential != 0
    assert zero(turned.potential - here.potential.subs(seen, simultaneous=True))


def test_functions_of_state_and_momentum():
    H = lagrangian([v, -x - g * v], [0, D], (x, v), t)
    values = {D: 0.3, g: 0.5}
    q, p = np.random.default_rng(0).normal(size=(2, 4, 5, 2))
    expected = q[..., 1] * p[..., 0] - (q[..., 0] + 0.5 * q[..., 1]) * p[..., 1] + 0.3 * p[..., 1] ** 2 + 0.25
    np.testing.assert_allclose(H.lambdify(values)(q, p), expected, rtol=1e-13)
    force = lambdify(equations_of_motion(H), H, values)
    assert force(q, p=p, t=np.zeros(5)).shape == (4, 5, 4)
    with pytest.raises(ValueError, match="^p: got None"):
        force(q)
    with pytest.raises(ValueError, match="^p: got shape"):
        force(q, p[..., :1])
    with pytest.raises(ValueError, match="^x, p, t: leading shapes .* do not broadcast"):
        force(q, p[:3])


# --- The theorem ------------------------------------------------------------------------------


def test_the_defect_is_the_rate_of_the_charge():
    """dG/dt + {G, H} = delta for any transformation whatever."""
    f = [sp.Function(n)(x, y, t) for n in "fg"]
    xi = [sp.Function(n)(x, y, t) for n in ("xi1", "xi2")]
    tau, K = sp.Function("tau")(x, y, t), sp.Function("K")(x, y, t)
    H = lagrangian(f, [0, 1 + t**2], (x, y), t)
    G = noether_charge(H, xi, tau, K)
    assert zero(G - p_x * xi[0] - p_y * xi[1] + tau * H.expression + K)
    delta = invariance_defect(H, xi, tau, K)
    assert zero(rate(G, H) - delta) and zero(total_derivative(G, H) - delta)


@pytest.mark.parametrize(
    "drift, diffusion",
    [
        ([y - x**3, -x * y], [[2 * D, D], [D, D]]),
        ([-k * x, -k * y + t], [D, 2 * D * (1 + t**2)]),
    ],
)
def test_both_pictures_agree_where_there_are_two(drift, diffusion):
    L = lagrangian(drift, diffusion, (x, y), t)
    H = hamiltonian(L)
    derived = hamiltonian(Lagrangian(L.expression, (x, y), t))  # knows neither drift nor noise
    assert zero(H.expression - derived.expression)
    p = dict(zip(H.momentum, momentum(L), strict=True))
    xi = [sp.Function(n)(x, y, t) for n in ("xi1", "xi2")]
    for tau in sp.Function("tau")(t), sp.Function("tau")(x, y, t):
        for function in noether_charge, invariance_defect:
            there = function(H, xi, tau, x * t).subs(p, simultaneous=True)
            assert sp.cancel(sp.expand(function(L, xi, tau, x * t) - there)) == 0


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_gauge_terms_agree_where_there_are_two_pictures(functional):
    up, basis = sp.exp(k * t), EXPONENTIALS[:5]
    L = lagrangian([-k * x, -k * y], D, (x, y), t, functional)
    H = hamiltonian(L)
    conformal = (k * x * up**2, k * y * up**2), up**2
    for xi, tau in [((up, 2 * up), 0), ((1 / up, 0), 0), ((-y, x), 0), conformal, ((0, 0), 1)]:
        assert gauge_term(H, xi, tau) is not None
        assert zero(gauge_term(H, xi, tau) - gauge_term(L, xi, tau))
    for xi, tau in [((1, 0), 0), ((y, x), 0), ((0, 0), x), ((-y * up, x * up), 0)]:
        assert gauge_term(H, xi, tau) is None and gauge_term(L, xi, tau) is None
    assert find_symmetries(H, time_basis=basis) == find_symmetries(L, time_basis=basis)


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_a_central_potential_turns_position_and_velocity_together(functional):
    V = sp.Function("V")(x**2 + y**2)
    drift = [v, w, -V.diff(x) - g * v, -V.diff(y) - g * w]
    H = lagrangian(drift, [0, 0, D, D], (x, y, v, w), t, functional)
    found = assert_symmetries(H, 2)
    assert [(s.xi, s.tau, s.gauge) for s in found] == [((-y, x, -w, v), 0, 0), ((0, 0, 0, 0), 1, 0)]
    assert zero(noether_charge(H, *found[0]) - (x * p_y - y * p_x + v * p_w - w * p_v))
    assert gauge_term(H, (-y, x, 0, 0)) is None and gauge_term(H, (0, 0, -w, v)) is None
    one_sided = lagrangian(drift, [0, 0, D, 2 * D], (x, y, v, w), t, functional)
    assert [s.tau for s in find_symmetries(one_sided)] == [1]  # the noise breaks the rotation


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_the_algebra_of_the_free_particle_is_that_of_kolmogorovs_equation(functional):
    """sl(2) and the Heisenberg algebra of dimension 5, whose centre is the constant 1: dimension 8.

    (Koval, Bihlo and Popovych, Eur. J. Appl. Math. 34 (2023) 1067.)
    """
    H = free_particle(functional=functional)
    found = assert_symmetries(H, 7, time_basis=(1, t, t**2, t**3))
    G = [noether_charge(H, *s) for s in found]
    by_hand = [
        p_x,
        t * p_x + p_v,
        t**2 * p_x + 2 * t * p_v - v / D,
        t**3 * p_x + 3 * t**2 * p_v - 3 * (t * v - x) / D,
        H.expression,
        3 * x * p_x + v * p_v - 2 * t * H.expression,
        3 * t * x * p_x + (t * v + 3 * x) * p_v - t**2 * H.expression - v**2 / D,
    ]
    assert all(zero(rate(F, H)) and in_span(H, G, F) for F in by_hand)
    heisenberg = sp.Matrix(4, 4, lambda i, j: sp.expand(bracket(by_hand[i], by_hand[j], H)))
    assert not heisenberg.has(*H.state, *H.momentum, t) and heisenberg.det() != 0
    E, dilation, conformal = by_hand[4:]
    assert zero(bracket(E, dilation, H) + 2 * E)
    assert zero(bracket(conformal, dilation, H) - 2 * conformal)
    assert zero(bracket(E, conformal, H) - dilation)
    assert len(find_symmetries(H)) == 6  # the cubic boost needs t**3


def test_friction_leaves_five():
    H = free_particle(g)
    basis = (1, t, sp.exp(g * t), sp.exp(-g * t))
    found = assert_symmetries(H, 5, time_basis=basis)
    assert [s.xi for s in found][0] == (1, 0)
    assert zero(gauge_term(H, (t, 1)) - g * (g * x + v) / (2 * D))
    assert gauge_term(H, (x, v)) is None and gauge_term(H, (1, t)) is None


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("ratio, count", [(2, 5), (3, 7), (4, 5)])
def test_an_overdamped_oscillator_with_rates_one_to_three_is_free(ratio, count, functional):
    """x'' + (1 + r) k x' + r k**2 x = noise: its solutions decay with k and r k.

    Stationary paths are combinations of exp(+-k t), exp(+-r k t). For r = 3 these are the cubes of
    a second order equation's solutions, as 1, t, t**2, t**3 are: in the clock exp(2 k t) the
    particle is free, with two symmetries more than any other.
    """
    H = lagrangian([v, -ratio * k**2 * x - (1 + ratio) * k * v], [0, D], (x, v), t, functional)
    basis = [1, *(sp.exp(n * k * t) for m in (1, 2, ratio) for n in (m, -m))]
    found = assert_symmetries(H, count, time_basis=list(dict.fromkeys(basis)))
    assert [s.tau for s in found[5:]] == [sp.exp(2 * k * t), sp.exp(-2 * k * t)][: count - 5]


def test_an_undamped_oscillator():
    H = lagrangian([v, -(k**2) * x], [0, D], (x, v), t)
    basis = [1, *(f(k * t) * g for f in (sp.cos, sp.sin) for g in (1, t))]
    found = assert_symmetries(H, 5, time_basis=basis)
    assert [s.tau for s in found] == [0] * 4 + [1]
    xi = (sp.cos(k * t), -k * sp.sin(k * t))  # a solution without noise, moved along
    assert gauge_term(H, xi) == 0


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_fitzhugh_nagumo_has_time_translation_alone(functional):
    eps, I = sp.symbols("epsilon I")

    def model(current):
        drift = [v - v**3 / 3 - w + current, eps * (v + a - b * w)]
        return lagrangian(drift, [D, 0], (v, w), t, functional)

    assert find_symmetries(model(I), degree=2) == [((0, 0), 1, 0)]
    assert find_symmetries(model(sp.sin(t))) == []


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_coloured_noise(functional):
    """dx = (f(x) + y) dt, y an Ornstein-Uhlenbeck process with rate k."""

    def coloured(f):
        return lagrangian([f + y, -k * y], [0, D * k**2], (x, y), t, functional)

    assert find_symmetries(coloured(x - x**3)) == [((0, 0), 1, 0)]
    basis = (1, t, sp.exp(k * t), sp.exp(-k * t))
    found = assert_symmetries(coloured(c), 5, time_basis=basis)
    assert found[0].xi == (1, 0)
    assert gauge_term(coloured(c), (sp.exp(-k * t), -k * sp.exp(-k * t))) == 0
    # Filtered twice with rates k and 3 k: the oscillator above in other variables.
    assert_symmetries(coloured(-3 * k * x), 7, time_basis=EXPONENTIALS)


# --- A clock that depends on the state --------------------------------------------------------


def test_a_variable_without_noise_may_be_the_clock():
    """y = t + constant: what holds in t holds in y."""
    H = lagrangian([c, 1], [D, 0], (x, y), t)
    found = assert_symmetries(H, 6, degree=2, time_basis=(1,))
    assert [s.tau for s in found[-2:]] == [2 * y, y**2]
    assert zero(gauge_term(H, (x + c * y, 2 * y), 2 * y))  # as drift-diffusion's dilation
    assert zero(gauge_term(H, (x * y, y**2), y**2) - (x - c * y) ** 2 / (4 * D))  # and its conformal symmetry
    assert gauge_term(H, (0, 0), y - t) == 0  # y - t is constant
    assert gauge_term(H, (0, 0), y) is None
    assert gauge_term(H, (0, 0), x) is None  # the noise would move the clock
    assert_symmetries(H, 14, degree=2)


def test_a_frozen_variable_multiplies_symmetries():
    """dy = 0, an unknown rate: y E is constant as E is."""
    H = lagrangian([-y * x, 0], [D, 0], (x, y), t)
    found = assert_symmetries(H, 3)
    assert found[-1] == ((0, 0), y, 0)
    assert found[1] == ((x, -2 * y), 2 * t, 0)  # a change of units


def test_what_correlated_noise_leaves_alone_may_be_the_clock():
    """The same noise on x and y: x - y has none."""
    H = lagrangian([c, a], [[D, D], [D, D]], (x, y), t)
    found = assert_symmetries(H, 10)
    assert found[-1].tau == 2 * (y - x)
    assert gauge_term(H, (0, 0), x - y - (c - a) * t) == 0
    assert gauge_term(H, (0, 0), x + y) is None


def test_gauge_terms_where_noise_does_not_reach():
    """With y = t + constant, K is fixed along dK/dt + dK/dy alone: its formula is looked for."""
    H = lagrangian([0, 1], [D, 0], (x, y), t, functional=t * x * y**2)
    K = gauge_term(H, (1, 0))
    assert zero(K.diff(t) + K.diff(y) - t * y**2) and K.diff(x) == 0
    H = lagrangian([0, 1], [D, 0], (x, y), t, functional=x * sp.exp(t * y))
    with pytest.raises(ArithmeticError, match="a gauge term exists, but no formula"):
        gauge_term(H, (1, 0))


# --- Numbers ----------------------------------------------------------------------------------


def test_charges_are_constant_along_a_computed_path():
    H = free_particle(g)
    values = {D: 0.7, g: 1.3}
    force = lambdify(equations_of_motion(H), H, values)
    grid = np.linspace(0, 1, 11)
    path = solve_ivp(
        lambda s, q: force(q[:2], q[2:], s), (0, 1), [1, -0.5, 0.3, 0.8], t_eval=grid, rtol=1e-11, atol=1e-12
    ).y.T
    for symmetry in find_symmetries(H, time_basis=(1, t, sp.exp(g * t), sp.exp(-g * t))):
        J = lambdify(noether_charge(H, *symmetry), H, values)(path[:, :2], path[:, 2:], grid)
        assert np.ptp(J) < 1e-8 * max(1, np.abs(J).max())


# --- The size of the search -------------------------------------------------------------------


def ring(n):
    state = sp.symbols(f"x1:{n + 1}")
    drift = [-s + sp.tanh(s + state[(i + 1) % n] / 2) for i, s in enumerate(state)]
    return lagrangian(drift, sp.Rational(1, 10), state, t)


def test_six_units_in_a_ring():
    assert find_symmetries(ring(6)) == [((0,) * 6, 1, 0)]


def test_large_algebras():
    n = 5
    state, winds = sp.symbols(f"x1:{n + 1}"), sp.symbols(f"c1:{n + 1}")
    found = find_symmetries(lagrangian(winds, D, state, t))
    assert len(found) == 2 * n + n * (n - 1) // 2 + 3
    attracted = lagrangian([-k * s for s in state], D, state, t)
    found = find_symmetries(attracted, time_basis=EXPONENTIALS[:5])
    assert len(found) == 2 * n + n * (n - 1) // 2 + 3


@pytest.mark.parametrize("diffusion", [sp.Rational(1, 10**6), 10**6])
def test_the_scale_of_the_noise_does_not_matter(diffusion):
    turn = lagrangian([-x - y, x - y], diffusion, (x, y), t)
    assert [s.xi for s in find_symmetries(turn)] == [(-y, x), (0, 0)]
    assert len(find_symmetries(lagrangian([1, 2], diffusion, (x, y), t))) == 8


def test_roundoff_hides_no_symmetry():
    u = sp.Symbol("xdot")
    hidden = sp.cosh(20 * x) ** 2 - sp.sinh(20 * x) ** 2 - 1  # zero, but 1e13 and more in floating point
    assert len(find_symmetries(Lagrangian(u**2 / 2 + hidden, x, t))) == 5
    assert len(find_symmetries(Lagrangian(u**2 / 2 + hidden + x**3, x, t))) == 1
    steep = lagrangian([-x + sp.tanh(50 * (x - y)), -y + sp.tanh(50 * (x + y))], D, (x, y), t)
    assert len(find_symmetries(steep)) == 1
    stiff = lagrangian([-(10**6) * x, -y], D, (x, y), t)
    assert len(find_symmetries(stiff)) == 1


def test_complex_functions_of_time():
    oscillator = Lagrangian(sp.Symbol("xdot") ** 2 / 2 - k**2 * x**2 / 2, x, t)
    basis = [sp.exp(n * sp.I * k * t) for n in (0, 1, -1, 2, -2)]
    assert len(find_symmetries(oscillator, time_basis=basis)) == 5


def test_a_drift_that_is_real_nowhere_is_refused():
    with pytest.raises(ArithmeticError, match="does not rule out more"):
        find_symmetries(lagrangian(sp.sqrt(-1 - x**2), D, x, t, "fw"))


def test_a_search_that_takes_too_long_says_what_to_do_instead():
    with pytest.raises(SearchLimitError, match="more than 0 seconds.*noetherlib.discover"):
        find_symmetries(ring(3), max_seconds=0)
    n = 45
    large = lagrangian(sp.symbols(f"f1:{n + 1}"), D, sp.symbols(f"x1:{n + 1}"), t)
    with pytest.raises(SearchLimitError, match="2071 unknown coefficients.*noetherlib.discover"):
        find_symmetries(large, time_basis=(1,))
    assert issubclass(SearchLimitError, RuntimeError)
    assert find_symmetries(ring(2), max_seconds=1000) == find_symmetries(ring(2))


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lagrangian([x, y], [1, -1], (x, y)), "^diffusion: .*semi-definite"),
        (lambda: lagrangian([x, y], [0, -D], (x, y)), "^diffusion: .*semi-definite"),
        (lambda: lagrangian([x, y], [[0, 1], [1, 0]], (x, y)), "^diffusion: .*semi-definite"),
        (lambda: lagrangian([x, y], [0, 0], (x, y)), "^diffusion: .*not zero"),
        (lambda: lagrangian([x, y], [0, y**2], (x, y)), "^diffusion: .*depends on the state"),
        (lambda: lagrangian([x, y], [[t**2, t], [t, 1]], (x, y)), "^diffusion: .*range may change"),
        (lambda: lagrangian([x, y], [0, sp.Heaviside(t - 1)], (x, y)), "^diffusion: .*may change"),
        (lambda: lagrangian([sp.Symbol("ydot"), y], [0, 1], (x, y)), "^drift: must not depend on"),
        (lambda: noether_charge(free_particle(), (p_x, 0)), "^xi: got p_x, which must not depend"),
        (lambda: gauge_term(free_particle(), (1, 0, 0)), "^xi: got 3 components, need 2"),
        (lambda: lagrangian([p_x, x], [0, 1], (x, p_x)).momentum, "^state: .*names of momenta"),
        (lambda: Hamiltonian([v], [0, 1], 0, (x, v)), "^drift: got 1 components, need 2"),
        (lambda: Hamiltonian([v, 0], [[0, 1], [2, 0]], 0, (x, v)), "^diffusion: .*symmetric"),
        (lambda: Hamiltonian([v, 0], [0, 1], 0, (x, v), time=x), "^state: .*distinct names"),
        (lambda: find_symmetries(free_particle(), (v, x)), "^state: got .* but L is written in"),
        (lambda: momentum(x), "^L must be a Lagrangian or a Hamiltonian"),
        (lambda: hamiltonian(x), "^L must be a Lagrangian or a Hamiltonian"),
        (lambda: lambdify(D * x, free_particle()), "^parameters: no value for \\['D'\\]"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_examples_in_the_docstrings():
    for module, examples in (symbolic.hamilton, 3), (symbolic.lagrange, 2):
        results = doctest.testmod(module)
        assert results.attempted == examples and results.failed == 0
