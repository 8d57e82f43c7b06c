"""The exact algebra: known Lagrangians, charges and symmetry algebras, and what must be refused."""

import pickle

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from noetherlib import symbolic
from noetherlib.symbolic import (
    Lagrangian,
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
    velocities,
)

t, x, y, z, m = sp.symbols("t x y z m")
D, k, omega = sp.symbols("D k omega", positive=True)
c = sp.symbols("c1:4")
vx, vy, vz = velocities((x, y, z))
X, V = (x, y, z), (vx, vy, vz)
EXPONENTIALS = (1, sp.exp(k * t), sp.exp(-k * t), sp.exp(2 * k * t), sp.exp(-2 * k * t))
FUNCTIONALS = ("freidlin-wentzell", "onsager-machlup")


def drift_diffusion(dim, functional="onsager-machlup"):
    return lagrangian(c[:dim], D, X[:dim], t, functional)


def ornstein_uhlenbeck(dim, functional="onsager-machlup"):
    return lagrangian([-k * s for s in X[:dim]], D, X[:dim], t, functional)


def zero(expression):
    """Whether sympy itself, without the module under test, simplifies this to zero."""
    expression = sp.expand(sp.sympify(expression).rewrite(sp.exp))
    return expression == 0 or sp.simplify(expression) == 0


def on_shell(expression, L):
    """Time derivative along stationary paths."""
    accelerations = dict(zip(L.acceleration, equations_of_motion(L), strict=True))
    return total_derivative(expression, L).subs(accelerations)


def assert_symmetries(L, count, **options):
    """The algebra has this size, every member is a symmetry and every charge is conserved."""
    found = find_symmetries(L, **options)
    assert len(found) == count
    for symmetry in found:
        assert zero(invariance_defect(L, *symmetry))
        assert zero(on_shell(noether_charge(L, *symmetry), L))
    return found


def in_span(L, found, xi, tau, basis):
    """Whether (xi, tau) is a combination, with constant coefficients, of the symmetries found."""
    numbers = sp.symbols(f"n:{len(found)}")
    equations = []
    for i, target in enumerate((*xi, tau)):
        sum_ = sum(n * (*s.xi, s.tau)[i] for n, s in zip(numbers, found, strict=True)) - target
        gens = [*L.state, *(g for g in basis if g != 1)]
        equations += sp.Poly(sp.expand(sum_), *gens).coeffs() if sum_ != 0 else []
    return sp.linsolve(equations, *numbers) != sp.EmptySet


# --- Lagrangians and mechanics ----------------------------------------------------------------


def test_the_lagrangian_of_a_noisy_system():
    assert zero(drift_diffusion(1, "freidlin-wentzell").expression - (vx - c[0]) ** 2 / (4 * D))
    # div f = -2 k
    assert zero(
        ornstein_uhlenbeck(2).expression - ((vx + k * x) ** 2 / (4 * D) + (vy + k * y) ** 2 / (4 * D) - k)
    )
    U = x**2 * sp.sin(t)
    assert zero(lagrangian(-k * x, D, x, t, U).expression - (vx + k * x) ** 2 / (4 * D) - U)
    assert lagrangian(-x, D, x, t, "om") == lagrangian(-x, D, x, t)
    assert lagrangian(-x, D, x, t, "fw") == lagrangian(-x, D, x, t, "freidlin-wentzell")


@pytest.mark.parametrize(
    "diffusion, matrix",
    [
        (D, [[D, 0], [0, D]]),
        (0.5, [[sp.Rational(1, 2), 0], [0, sp.Rational(1, 2)]]),
        ([D, 2 * D * t], [[D, 0], [0, 2 * D * t]]),
        (np.array([1.0, 0.25]), [[1, 0], [0, sp.Rational(1, 4)]]),
        ([[2, 1], [1, 2]], [[2, 1], [1, 2]]),
        (np.array([[2.0, 1.0], [1.0, 2.0]]), [[2, 1], [1, 2]]),
        (sp.Matrix([[2 * D, D], [D, D]]), [[2 * D, D], [D, D]]),
    ],
)
def test_every_form_of_the_diffusion(diffusion, matrix):
    f = sp.Matrix([y - x**3, -x * y])
    L = lagrangian(f, diffusion, (x, y), t)
    w = sp.Matrix([vx, vy]) - f
    U = (-3 * x**2 - x) / 2
    assert zero(L.expression - (w.T * sp.Matrix(matrix).inv() * w)[0] / 4 - U)
    assert all(map(zero, sp.Matrix(momentum(L)) - sp.Matrix(matrix).inv() * w / 2))
    H, p = hamiltonian(L)
    assert zero(H - (sp.Matrix([p]) * sp.Matrix(matrix) * sp.Matrix(p))[0] - (sp.Matrix([p]) * f)[0] + U)
    assert zero(energy(L) - H.subs(dict(zip(p, momentum(L), strict=True)), simultaneous=True))


def test_freidlin_wentzell_takes_a_diffusion_that_depends_on_the_state():
    L = lagrangian(k * x, D * x**2, x, t, "freidlin-wentzell")
    assert zero(L.expression - (vx - k * x) ** 2 / (4 * D * x**2))
    with pytest.raises(ValueError, match="diffusion.*depends on the state.*metric"):
        lagrangian(k * x, D * x**2, x, t)


def test_the_state_dependent_formula_in_the_error_message_is_the_lamperti_transform():
    """With y = log x, constant noise: the two Lagrangians agree along y = log x."""
    drift, diffusion = -(x**3), D * x**2
    b = drift - sp.diff(diffusion, x) / 2
    U = (sp.diff(b, x) - b * sp.diff(diffusion, x) / (2 * diffusion)) / 2
    L = lagrangian(b, diffusion, x, t, functional=U)
    ito = (drift / x + diffusion * sp.diff(sp.log(x), x, 2)).subs(x, sp.exp(y))  # Ito's formula
    flat = lagrangian(ito, D, y, t)
    assert zero(flat.expression.subs({vy: vx / x, y: sp.log(x)}) - L.expression)


def test_mechanics():
    V = sp.Function("V")
    v = sp.Symbol("v")
    L = Lagrangian(m * v**2 / 2 - V(x), x, t, velocity=v)
    (a,) = L.acceleration
    assert momentum(L) == [m * v]
    assert zero(energy(L) - m * v**2 / 2 - V(x))
    assert zero(euler_lagrange(L)[0] - m * a - sp.diff(V(x), x))
    path = sp.Function("x")(t)
    (equation,) = euler_lagrange(Lagrangian(m * v**2 / 2 - k * x**2 / 2, x, t, velocity=v), functions=True)
    assert equation == sp.Eq(m * path.diff(t, 2) + k * path, 0)
    H, (p,) = hamiltonian(L)
    assert zero(H - p**2 / (2 * m) - V(x))
    assert zero(equations_of_motion(L)[0] + sp.diff(V(x), x) / m)
    assert zero(on_shell(energy(L), L))


def test_the_energy_of_a_lagrangian_that_is_not_quadratic():
    L = Lagrangian(-m * sp.sqrt(1 - vx**2), x, t)
    assert zero(energy(L) - m / sp.sqrt(1 - vx**2))
    assert gauge_term(L, 0, 1) == 0 and gauge_term(L, 1) == 0
    assert gauge_term(L, x) is None
    with pytest.raises(ValueError, match="^L: .*quadratic"):
        hamiltonian(L)
    with pytest.raises(ValueError, match="^L: .*quadratic"):
        find_symmetries(L)
    # The length of a curve is singular at rest and does not depend on the clock.
    length = Lagrangian(sp.sqrt(vx**2 + vy**2), (x, y), t)
    assert gauge_term(length, (-y, x), t**3) == 0
    assert gauge_term(length, (x, 0)) is None


def test_names_of_velocities():
    names = velocities(sp.symbols("x x1 theta_2 q_a"))
    assert [s.name for s in names] == ["xdot", "xdot1", "thetadot_2", "qdot_a"]
    assert sp.latex(names[1]) == r"\dot{x}_{1}" and sp.latex(names[2]) == r"\dot{\theta}_{2}"


def test_a_lagrangian_is_a_value():
    L = ornstein_uhlenbeck(2)
    assert pickle.loads(pickle.dumps(L)) == L and hash(L) == hash(ornstein_uhlenbeck(2))
    assert L._repr_latex_().startswith("$")
    real = sp.Symbol("t", real=True)
    assert lagrangian(-x * real, D, x).time == real  # the t in the drift is the time


# --- Charges and gauge terms ------------------------------------------------------------------


def test_the_defect_drives_the_charge():
    """dJ/dt = delta - (xi - v tau) . (dL/dx - dp/dt), for any transformation whatever."""
    f = [sp.Function(n)(x, y, t) for n in "fg"]
    xi = [sp.Function(n)(x, y, t) for n in ("xi1", "xi2")]
    tau, K = sp.Function("tau")(x, y, t), sp.Function("K")(x, y, t)
    L = lagrangian(f, [1 + t**2, D], (x, y), t)
    left = total_derivative(noether_charge(L, xi, tau, K), L)
    right = invariance_defect(L, xi, tau, K) + sum(
        (g - v * tau) * e for g, v, e in zip(xi, L.velocity, euler_lagrange(L), strict=True)
    )
    assert sp.cancel(sp.expand(left - right)) == 0


def test_forcing_where_an_isometry_is_broken():
    """dJ/dt = -p . [xi, f] + xi . grad U for a rotation; dE/dt = p . f_t + p . D' p - U_t."""
    f = sp.Matrix([y**2 - x * t, x - y**3])
    L = lagrangian(f, 1 + t**2, (x, y), t)
    U, p, xi = (-t - 3 * y**2) / 2, sp.Matrix(momentum(L)), sp.Matrix([-y, x])
    bracket = f.jacobian([x, y]) * xi - xi.jacobian([x, y]) * f
    assert zero(invariance_defect(L, list(xi)) + p.dot(bracket) - xi.dot(sp.Matrix([U.diff(x), U.diff(y)])))
    rate = p.dot(f.diff(t)) + 2 * t * p.dot(p) - U.diff(t)
    assert zero(on_shell(energy(L), L) - rate)
    assert zero(invariance_defect(L, (0, 0), 1) + rate)


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_the_symmetries_of_drift_diffusion_by_hand(functional):
    L, w = drift_diffusion(1, functional), x - c[0] * t
    for xi, tau, K in [
        (1, 0, 0),
        (0, 1, 0),
        (t, 0, w / (2 * D)),
        (x + c[0] * t, 2 * t, 0),
        (t * x, t**2, w**2 / (4 * D)),
    ]:
        assert zero(invariance_defect(L, xi, tau, K))
        assert zero(gauge_term(L, xi, tau) - K)
        assert zero(on_shell(noether_charge(L, xi, tau, K), L))
    # the boost: where the path started
    assert zero(noether_charge(L, t, 0, w / (2 * D)) - (t * vx - x) / (2 * D))
    assert gauge_term(L, x) is None and gauge_term(L, t**2) is None and gauge_term(L, 0, t) is None


@pytest.mark.parametrize("functional", FUNCTIONALS)
def test_the_symmetries_of_ornstein_uhlenbeck_by_hand(functional):
    L, half = ornstein_uhlenbeck(1, functional), sp.Rational(functional == "onsager-machlup", 2)
    up, down = sp.exp(k * t), sp.exp(-k * t)
    for xi, tau, K in [
        (down, 0, 0),
        (up, 0, k * x * up / D),
        (0, 1, 0),
        (-k * x * down**2, down**2, -half * k * down**2),
        (k * x * up**2, up**2, (k**2 * x**2 / D - half * k) * up**2),
    ]:
        assert zero(gauge_term(L, xi, tau) - K)
        assert zero(on_shell(noether_charge(L, xi, tau, K), L))
    assert gauge_term(L, 1) is None and gauge_term(L, x) is None


@pytest.mark.parametrize(
    "drift",
    [
        x - x**3,
        sp.tanh(x),
        sp.sin(x),
        -x * sp.exp(-(x**2)),
        x / sp.sqrt(1 + x**2),
        x ** sp.Rational(1, 3),
        sp.log(1 + sp.exp(x)),
        sp.erf(x),
        1 / (1 + sp.exp(-x / D)),
        sp.Max(x, 0) - x,
    ],
)
def test_time_translation_is_a_symmetry_of_any_autonomous_drift(drift):
    L = lagrangian(drift, D, x, t, "freidlin-wentzell")
    assert gauge_term(L, 0, 1) == 0
    assert gauge_term(L, 1) is None
    assert [(s.xi, s.tau) for s in find_symmetries(L)] == [((0,), 1)]


def test_gauge_terms_need_identities_between_functions():
    """f = tanh has f' = 1 - f**2: with D = 1/2 the Onsager-Machlup Lagrangian is a free one (Benes 1981)."""
    half = sp.Rational(1, 2)
    L = lagrangian(sp.tanh(x), half, x, t)
    assert zero(gauge_term(L, 1) + sp.tanh(x))
    assert zero(gauge_term(L, t) - x + t * sp.tanh(x))
    assert_symmetries(L, 5)
    sigmoid = lagrangian(2 / (1 + sp.exp(-2 * x)) - 1, half, x, t)  # the same drift, written otherwise
    assert len(find_symmetries(sigmoid)) == 5
    assert len(find_symmetries(lagrangian(sp.tanh(x), half, x, t, "freidlin-wentzell"))) == 1
    assert len(find_symmetries(lagrangian(sp.tanh(x), 1, x, t))) == 1
    assert len(find_symmetries(lagrangian(2 * D * k * sp.tanh(k * x), D, x, t))) == 5


@pytest.mark.parametrize(
    "nothing",
    [
        (x ** (k - 1) + 1) * x - x**k - x,
        sp.sqrt(x) * (x**k + 1) - x ** (k + sp.Rational(1, 2)) - sp.sqrt(x),
        sp.sqrt(x**2 + 1) * (x**2 + x + 1) - sp.sqrt(x**2 + 1) ** 3 - x * sp.sqrt(x**2 + 1),
        sp.exp(x / 2) * sp.exp(x / 3) * (sp.exp(x / 6) + 1) - sp.exp(x) - sp.exp(5 * x / 6),
        sp.cos(3 * x) - 4 * sp.cos(x) ** 3 + 3 * sp.cos(x),
        sp.cosh(x) ** 2 - sp.sinh(x) ** 2 - 1,
        sp.sqrt(sp.sqrt(x) + 1) * (x - 1) - (sp.sqrt(x) - 1) * sp.sqrt(sp.sqrt(x) + 1) ** 3,
        2**x * (8 ** (x / 3) + 1) - 4**x - 2**x,
        sp.tan(x + D) - (sp.tan(x) + sp.tan(D)) / (1 - sp.tan(x) * sp.tan(D)),
    ],
    ids=str,
)
def test_hidden_zeros(nothing):
    """A potential that vanishes in disguise leaves a free particle."""
    assert nothing != 0
    assert len(find_symmetries(Lagrangian(vx**2 / 2 + nothing, x, t))) == 5
    assert len(find_symmetries(Lagrangian(vx**2 / 2 + nothing + x**3, x, t))) == 1


def test_gauge_term_in_several_dimensions():
    L = ornstein_uhlenbeck(3)
    up = sp.exp(k * t)
    assert zero(gauge_term(L, (up, 2 * up, 0)) - k * (x + 2 * y) * up / D)
    assert gauge_term(L, (-y, x, 0)) == 0
    shear = lagrangian([y, 0], D, (x, y), t)  # delta0 is linear in v, but its coefficients have a curl
    assert gauge_term(shear, (-y, x)) is None
    assert gauge_term(lagrangian(-x / sp.sqrt(1 + t), D, x, t), 0, 1) is None


def test_a_gauge_term_without_closed_form_is_left_as_an_integral():
    g = sp.exp(sp.sin(t))
    L = lagrangian(g, D, x, t)  # xi = t needs K = (x - int g - ...)/2D
    K = gauge_term(L, t)
    assert K.has(sp.Integral) and zero(sp.diff(K, x) - 1 / (2 * D)) and zero(sp.diff(K, t) + g / (2 * D))


def test_what_cannot_be_decided_is_an_error():
    hidden = sp.asin(x) + sp.acos(x)  # pi/2, which the algebra does not know
    with pytest.raises(ArithmeticError, match="cannot decide"):
        gauge_term(Lagrangian(vx**2 / 2 + (hidden - sp.pi / 2) * x**2, x, t), 1)
    # The recurrence of the Bessel functions makes this a free particle.
    recurrence = sp.besselj(2, x) - 2 * sp.besselj(1, x) / x + sp.besselj(0, x)
    with pytest.raises(ArithmeticError, match="found 1 symmetries.* does not rule out more"):
        find_symmetries(Lagrangian(vx**2 / 2 + recurrence, x, t))
    unknown = sp.polylog(3, x)  # numpy and scipy do not have it
    with pytest.raises(ArithmeticError):
        find_symmetries(Lagrangian(vx**2 / 2 + unknown, x, t))
    branch = Lagrangian(vx**2 / 2 + (sp.log(x**2) - 2 * sp.log(x)) * x**2, x, t)  # zero for positive x only
    with pytest.raises(ArithmeticError, match="positive"):
        gauge_term(branch, 1)
    modulus = lagrangian(sp.Abs(x), D, x, t, "fw")  # of a complex x: no derivative
    with pytest.raises(ArithmeticError, match="real"):
        gauge_term(modulus, 1)
    real = sp.Symbol("x", real=True)
    assert gauge_term(lagrangian(sp.Abs(real), D, real, t, "fw"), 1) is None


# --- Symmetry algebras ------------------------------------------------------------------------


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("dim, count", [(1, 5), (2, 8), (3, 12)])
def test_the_algebra_of_drift_diffusion(dim, count, functional):
    L = drift_diffusion(dim, functional)
    found = assert_symmetries(L, count)
    state, drift = X[:dim], c[:dim]
    boost = [t, *[0] * (dim - 1)]
    scaling = [s + t * v for s, v in zip(state, drift, strict=True)]
    for xi, tau in [(boost, 0), (scaling, 2 * t), ([t * s for s in state], t**2)]:
        assert in_span(L, found, xi, tau, (1, t, t**2))
    assert not in_span(L, found, state, 0, (1, t, t**2))


@pytest.mark.parametrize("functional", FUNCTIONALS)
@pytest.mark.parametrize("dim, count", [(1, 5), (2, 8), (3, 12)])
def test_the_algebra_of_ornstein_uhlenbeck(dim, count, functional):
    L = ornstein_uhlenbeck(dim, functional)
    found = assert_symmetries(L, count, time_basis=EXPONENTIALS)
    up = sp.exp(2 * k * t)
    assert in_span(L, found, [k * s * up for s in X[:dim]], up, (sp.exp(k * t), sp.exp(-k * t)))
    assert len(find_symmetries(L)) == 1 + dim * (dim - 1) // 2  # without exponentials: rotations and time


def test_the_basis_is_readable():
    found = find_symmetries(drift_diffusion(1))
    w = x - c[0] * t
    expected = [
        (1, 0, 0),
        (t, 0, w / (2 * D)),
        (0, 1, 0),
        (x, 2 * t, -c[0] * w / (2 * D)),
        (t * x, t**2, w**2 / (4 * D)),
    ]
    for symmetry, (xi, tau, K) in zip(found, expected, strict=True):
        assert symmetry.xi == (xi,) and symmetry.tau == tau and zero(symmetry.gauge - K)
    found = find_symmetries(lagrangian([-k * s for s in X], D, X, t), time_basis=(1,))
    assert [s.xi for s in found] == [(-y, x, 0), (-z, 0, x), (0, -z, y), (0, 0, 0)]
    assert [s.tau for s in found] == [0, 0, 0, 1]


def test_mechanical_systems():
    trig = (1, sp.cos(omega * t), sp.sin(omega * t), sp.cos(2 * omega * t), sp.sin(2 * omega * t))
    assert_symmetries(Lagrangian(m * vx**2 / 2 - m * omega**2 * x**2 / 2, x, t), 5, time_basis=trig)
    plane = Lagrangian(m * (vx**2 + vy**2) / 2 - m * omega**2 * (x**2 + y**2) / 2, (x, y), t)
    assert_symmetries(plane, 8, time_basis=trig)
    free = Lagrangian(m * sum(v**2 for v in V) / 2, X, t)
    assert_symmetries(free, 12)
    radius = sp.sqrt(x**2 + y**2 + z**2)
    kepler = Lagrangian(m * sum(v**2 for v in V) / 2 + k / radius, X, t)
    found = assert_symmetries(kepler, 4)
    J = noether_charge(kepler, *found[0])
    assert zero(J - m * (x * vy - y * vx))
    # An inverse-square potential has a conformal algebra of time changes (de Alfaro, Fubini, Furlan 1976).
    assert_symmetries(Lagrangian(vx**2 / 2 - k / x**2, x, t), 3)
    central = Lagrangian(m * (vx**2 + vy**2) / 2 - sp.Function("V")(x**2 + y**2), (x, y), t)
    assert [s.xi for s in assert_symmetries(central, 2)] == [(-y, x), (0, 0)]


def test_noisy_systems():
    r2 = x**2 + y**2
    rotor = lagrangian([-x * (1 - r2) - omega * y, -y * (1 - r2) + omega * x], D, (x, y), t)
    assert [s.xi for s in assert_symmetries(rotor, 2)] == [(-y, x), (0, 0)]
    rotor = lagrangian([-x * (1 - r2) - omega * y, -y * (1 - r2) + omega * x], [D, 2 * D], (x, y), t)
    assert [s.tau for s in assert_symmetries(rotor, 1)] == [1]  # the noise breaks the rotation
    double_well = lagrangian(x - x**3, D, x, t)
    assert find_symmetries(double_well, degree=3) == [((0,), 1, 0)]
    anisotropic = lagrangian([-k * x, -3 * k * y], D, (x, y), t)
    rates = (1, *(sp.exp(n * k * t) for n in (1, -1, 3, -3)))
    assert_symmetries(anisotropic, 5, time_basis=rates)
    assert find_symmetries(lagrangian(-(x**3) + sp.sin(t), D, x, t)) == []
    bessel = lagrangian(k / x, D, x, t)
    assert_symmetries(bessel, 3)


def test_time_dependent_systems():
    # Pure noise with D = t, as variance-exploding diffusion: free in the clock t**2.
    basis = (1, 1 / t, t, t**2, t**3)
    found = assert_symmetries(lagrangian(0, t, x, t), 5, time_basis=basis)
    assert found[1].xi == (t**2,) and zero(found[1].gauge - x)
    driven = lagrangian(-k * x + sp.sin(omega * t), D, x, t)
    assert_symmetries(driven, 2, time_basis=(1, sp.exp(k * t), sp.exp(-k * t)))
    falling = Lagrangian(vx**2 / 2 - sp.Function("g")(t) * x, x, t)
    found = find_symmetries(falling)
    assert [s.xi for s in found] == [(1,), (t,)]
    assert zero(found[0].gauge.doit().diff(t) + sp.Function("g")(t))


def test_higher_degree_on_a_curved_metric():
    """Polar coordinates: the symmetries of the plane that are polynomial in r and theta."""
    r, theta = sp.symbols("r theta")
    L = lagrangian([0, 0], [D, D / r**2], (r, theta), t, "freidlin-wentzell")
    found = assert_symmetries(L, 4, degree=2)
    assert found[0].xi == (0, 1)


def test_state_and_time_arguments():
    L = drift_diffusion(1)
    assert find_symmetries(L, x, t) == find_symmetries(L)
    assert find_symmetries(L.expression, x, t) == find_symmetries(L)
    assert len(find_symmetries(L, (x,), t, 1, (1,))) == 2
    assert len(find_symmetries(L, degree=0)) == 3  # no dilations
    floats = lagrangian(-0.3 * x, 0.16, x, t)  # read as 3/10 and 4/25
    assert len(find_symmetries(floats, time_basis=(1, sp.exp(0.3 * t), sp.exp(-0.3 * t)))) == 3


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[st.integers(-2, 2)] * 4), st.tuples(*[st.integers(-2, 2)] * 2))
def test_linear_coordinates_do_not_change_the_algebra(entries, shear):
    """x = M y maps symmetries to symmetries, whatever the linear drift; M is a product of shears."""
    A = sp.Matrix(2, 2, entries)
    M = sp.Matrix([[1, shear[0]], [0, 1]]) * sp.Matrix([[1, 0], [shear[1], 1]])
    state = sp.Matrix([x, y])
    L = lagrangian(list(A * state), 1, (x, y), t)
    other = lagrangian(list(M.inv() * A * M * state), M.inv() * M.inv().T, (x, y), t)
    found, same = find_symmetries(L, time_basis=(1, t)), find_symmetries(other, time_basis=(1, t))
    assert len(found) == len(same) >= 1
    for s in found:
        moved = M.inv() * sp.Matrix(s.xi).subs(dict(zip(state, M * state, strict=True)), simultaneous=True)
        assert gauge_term(other, list(moved), s.tau) is not None


# --- Numbers ----------------------------------------------------------------------------------


def test_lambdify_broadcasts():
    L = ornstein_uhlenbeck(2)
    values = {D: 0.7, k: 1.3}
    position, rate = np.random.default_rng(0).normal(size=(2, 4, 1, 5, 2))
    times = np.linspace(0, 1, 3)[:, None]
    f = L.lambdify(values)
    assert f(position, rate).shape == (4, 1, 5)
    expected = ((rate + 1.3 * position) ** 2).sum(axis=-1) / (4 * 0.7) - 1.3
    np.testing.assert_allclose(f(position, rate, times), np.broadcast_to(expected, (4, 3, 5)), rtol=1e-13)
    p = lambdify(momentum(L), L, values)
    np.testing.assert_allclose(p(position, rate), (rate + 1.3 * position) / 1.4, rtol=1e-13)
    constant = lambdify([1, 0, t], L)
    assert constant(position, t=times).shape == (4, 3, 5, 3)
    assert lambdify(2, L)(position).shape == (4, 1, 5)
    assert lambdify(2, L)([0.0, 0.0]) == 2
    acceleration = lambdify(L.acceleration, L)
    np.testing.assert_array_equal(acceleration(position, a=rate), rate)


def test_charges_are_constant_along_a_computed_path():
    L = ornstein_uhlenbeck(2)
    values = {D: 0.7, k: 1.3}
    force = lambdify(equations_of_motion(L), L, values)
    grid = np.linspace(0, 1, 11)
    path = solve_ivp(
        lambda s, q: [*q[2:], *force(q[:2], q[2:], s)],
        (0, 1),
        [1, -0.5, 0.3, 0.8],
        t_eval=grid,
        rtol=1e-11,
        atol=1e-12,
    ).y.T
    for symmetry in find_symmetries(L, time_basis=EXPONENTIALS):
        J = lambdify(noether_charge(L, *symmetry), L, values)(path[:, :2], path[:, 2:], grid)
        assert np.ptp(J) < 1e-8 * max(1, np.abs(J).max())


# --- Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: lagrangian([x, y], D, x), "^drift: got 2 components, need 1"),
        (lambda: lagrangian(x, [D, D], x), "^diffusion: got .* need a scalar, 1 entries"),
        (lambda: lagrangian([x, y], [[1, 2], [3, 1]], (x, y)), "^diffusion: .*symmetric"),
        (lambda: lagrangian([x, y], [[1, 2], [2, 1]], (x, y)), "^diffusion: .*positive definite"),
        (lambda: lagrangian([x, y], [[1, 2], [2]], (x, y)), "^diffusion: "),
        (lambda: lagrangian(x, -1, x), "^diffusion: .*positive definite"),
        (lambda: lagrangian(x, 0, x), "^diffusion: .*positive definite"),
        (lambda: lagrangian(x, D, x, functional="stratonovich"), "^functional: got 'stratonovich', need"),
        (lambda: lagrangian(x * vx, D, x), "^drift: must not depend on the velocities"),
        (lambda: lagrangian("x +", D, x), "^drift: got 'x \\+', need a sympy expression"),
        (lambda: lagrangian(sp.nan, D, x), "^drift: got nan, need a finite"),
        (lambda: lagrangian(x, sp.oo, x), "^diffusion: got oo, need a finite"),
        (lambda: lagrangian([x, x], D, (x, x)), "^state: "),
        (lambda: lagrangian(x, D, "x"), "^state: got 'x', need one sympy Symbol"),
        (lambda: lagrangian(x, D, x, time=x), "distinct names"),
        (lambda: lagrangian(x, D, x, time="t"), "^time: "),
        (lambda: lagrangian(x * t * sp.Symbol("t", real=True), D, x), "^time: got several symbols named t"),
        (
            lambda: lagrangian(sp.Symbol("x", real=True), D, x),
            "^expression: its symbol x has other assumptions",
        ),
        (lambda: Lagrangian(m * sp.Symbol("v") ** 2 / 2, x), "^expression: .*none of the velocities"),
        (lambda: Lagrangian(vx**2, x, velocity=(vx, vy)), "^velocity: got 2 symbols, need 1"),
        (lambda: gauge_term(drift_diffusion(2), 1), "^xi: got 1 components, need 2"),
        (lambda: gauge_term(drift_diffusion(1), 1, (1, 2)), "^tau: got 2 components, need 1"),
        (lambda: gauge_term(drift_diffusion(1), vx), "^xi: got xdot, which must not depend on xdot"),
        (lambda: noether_charge(drift_diffusion(1), 1, 0, sp.Symbol("t", real=True)), "^gauge: its symbol t"),
        (lambda: find_symmetries(drift_diffusion(1), degree=-1), "^degree: got -1"),
        (lambda: find_symmetries(drift_diffusion(1), degree=1.5), "^degree: got 1.5"),
        (
            lambda: find_symmetries(drift_diffusion(1), time_basis=(1, x)),
            "^time_basis: got x, which must not",
        ),
        (
            lambda: find_symmetries(drift_diffusion(1), time_basis=(sp.sin(t) ** 2, sp.cos(t) ** 2, 1)),
            "independent",
        ),
        (lambda: find_symmetries(drift_diffusion(1), time_basis=()), "^time_basis: "),
        (lambda: find_symmetries(drift_diffusion(1), y), "^state: got y, but L is written in"),
        (lambda: find_symmetries(drift_diffusion(1), x, y), "^time: got y, but L is written in"),
        (lambda: find_symmetries(vx**2 / 2), "^state: got None"),
        (lambda: find_symmetries(Lagrangian(vx**2 / 2 + vy, (x, y), t)), "^L: .*not invertible"),
        (lambda: hamiltonian(Lagrangian(vx * x, x, t)), "^L: .*not invertible"),
        (lambda: lambdify(D * x, drift_diffusion(1)), "^parameters: no value for \\['D'\\]"),
        (lambda: lambdify(vx, drift_diffusion(1))([1.0]), "^v: got None"),
        (
            lambda: lambdify(x, drift_diffusion(1))(np.ones((3, 2))),
            "^x: got shape \\(3, 2\\), need \\(..., 1\\)",
        ),
        (lambda: lambdify(x * t, drift_diffusion(1))(np.ones((3, 1)), t=np.ones(2)), "do not broadcast"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_examples_in_the_docstrings():
    import doctest

    results = doctest.testmod(symbolic, extraglobs={})
    assert results.attempted >= 5 and results.failed == 0
