"""Symmetries of the Fokker-Planck and the backward equation: known algebras, proofs, refusals."""

import numpy as np
import pytest
import sympy as sp
from sympy.core.function import AppliedUndef

import noetherlib as nl
from noetherlib.symbolic import (
    SearchLimitError,
    density_symmetries,
    find_symmetries,
    gauge_term,
    invariance_defect,
    lagrangian,
)

t, x, y, z = sp.symbols("t x y z")
D, k, n, c = sp.symbols("D k n c", positive=True)
half = sp.Rational(1, 2)
BOTH = ("forward", "backward")


def exponentials(rate, powers=(0, 1, -1, 2, -2)):
    return [sp.exp(m * rate * t) for m in powers]


def zero(expression):
    """Whether this vanishes at six random points, for random functions, to 20 digits."""
    e, rng = sp.sympify(expression).doit(), np.random.default_rng(0)
    for _ in range(6):
        draw = lambda: sp.Rational(int(rng.integers(200, 1800)), 1009)
        value = e.xreplace({f: draw() for f in e.atoms(sp.Derivative, AppliedUndef)})
        value = value.xreplace({q: sp.Float(draw(), 50) for q in value.free_symbols})
        if abs(value.evalf()) > 1e-20:
            return False
    return True


def operator(u, drift, D, state, equation):
    """What vanishes for a solution: written out again, with D a matrix."""
    pairs = [(i, j) for i in range(len(state)) for j in range(len(state))]
    if equation == "forward":
        flow = sum(sp.diff(f * u, s) for f, s in zip(drift, state, strict=True))
        return u.diff(t) + flow - sum(sp.diff(D[i, j] * u, state[i], state[j]) for i, j in pairs)
    flow = sum(f * u.diff(s) for f, s in zip(drift, state, strict=True))
    return u.diff(t) + flow + sum(D[i, j] * u.diff(state[i], state[j]) for i, j in pairs)


def assert_symmetries(count, drift, diffusion, state, equation="forward", **options):
    """So many, independent; and each, applied to any function, commutes with the equation."""
    found = density_symmetries(drift, diffusion, state, t, equation, **options)
    assert len(found) == count
    state = sp.flatten([state])
    drift, noise = sp.flatten([drift]), found.system.diffusion
    u = sp.Function("u")(*state, t)
    P = operator(u, drift, noise, state, equation)

    def X(symmetry, v):
        flow = sum(xi * v.diff(s) for xi, s in zip(symmetry.xi, state, strict=True))
        return symmetry.tau * v.diff(t) + flow - symmetry.amplitude * v

    for symmetry in found:
        gap = operator(X(symmetry, u), drift, noise, state, equation) - X(symmetry, P)
        assert zero(gap - symmetry.tau.diff(t) * P)
    values = {D: 0.7, k: 1.1, n: 2.3, c: 0.6}
    at = [{q: 0.4 + (3 * i + 5 * j) % 7 / 7 for j, q in enumerate((*state, t))} for i in range(9)]
    rows = [[e.subs(p | values) for p in at for e in (*m.xi, m.tau, m.amplitude)] for m in found]
    assert np.linalg.matrix_rank(np.array(rows, dtype=float), 1e-8) == count
    assert found.centre[:3] == ((0,) * len(state), 0, 1)
    return found


@pytest.mark.parametrize(
    "count, drift, diffusion, state, basis",
    [
        (6, 0, D, x, None),  # Lie 1881: five of the heat equation, and the centre
        (9, [0, 0], D, (x, y), None),
        (6, -k * x, D, x, exponentials(k)),
        (6, [-x, -2 * y], D, (x, y), exponentials(1, range(-4, 5))),
        (6, 2 * D * c * sp.tanh(c * x), D, x, None),  # f^2/4D + f'/2 = D c^2
        (2, sp.tanh(x), D, x, None),  # ... and no constant, for any other D than 1/2
        (2, x - x**3, D, x, None),
        (4, (n - 1) * D / x, D, x, None),  # sl(2) and the centre
        (6, 2 * D / x, D, x, None),  # n = 3 is as free as n = 1
        (1, x**3 + sp.sin(t) / x, D, x, None),
        (6, -k * x + t, D, x, [*exponentials(k), t, t * sp.exp(2 * k * t), t * sp.exp(-2 * k * t)]),
    ],
    ids="free plane spring springs tanh tanh-D well bessel three driven forced".split(),
)
def test_dimensions(count, drift, diffusion, state, basis):
    assert_symmetries(count, drift, diffusion, state, time_basis=basis)


def test_dimensions_of_the_backward_equation():
    assert_symmetries(6, sp.tanh(x), half, x, "backward")
    assert_symmetries(4, (n - 1) * D / x, D, x, "backward")
    assert_symmetries(3, [y, -x], 1 + t, (x, y), "backward")


def test_dimensions_of_free_diffusion_and_of_the_isotropic_spring():
    """2 d + d (d - 1)/2 + 3 and the centre; uneven noise is free diffusion in other coordinates."""
    assert len(density_symmetries([0, 0, 0], half, (x, y, z), t)) == 13
    assert len(density_symmetries([0, 0], [D, 3], (x, y), t)) == 9
    spring = density_symmetries([-k * x, -k * y], D, (x, y), t, time_basis=exponentials(k))
    assert len(spring) == 9


def test_time_functions_that_are_not_offered_are_not_found():
    assert len(density_symmetries(-k * x, D, x, t)) == 2


@pytest.mark.parametrize(
    "drift, diffusion, state, basis",
    [
        (-k * x, D, x, exponentials(k)),
        (sp.tanh(x), half, x, None),
        ([-x + 3 * y, -2 * y], [[2, 1], [1, 3]], (x, y), exponentials(1, range(-4, 5))),
        ([y * c, -x * c], D * sp.exp(t), (x, y), None),
        (0, D * (1 + t), x, [1, t, t**2, t**3, 1 / (1 + t)]),
    ],
    ids="spring tanh matrix turning growing".split(),
)
def test_all_but_the_centre_are_noether_symmetries(drift, diffusion, state, basis):
    """Of the Onsager-Machlup action, with K - div(xi)/2 and -K - div(xi)/2 for amplitudes."""
    L = lagrangian(drift, diffusion, state, t)
    forward, backward = (density_symmetries(drift, diffusion, state, t, equation, basis) for equation in BOTH)
    for one, other in zip(forward.noether, backward.noether, strict=True):
        assert one.xi == other.xi and one.tau == other.tau and zero(one.gauge - other.gauge)
        assert zero(invariance_defect(L, one.xi, one.tau, one.gauge))
        spread = sum(e.diff(s) for e, s in zip(one.xi, sp.flatten([state]), strict=True)) / 2
        assert zero(other.amplitude - one.gauge + spread)
        assert zero(one.amplitude + one.gauge + spread)
    assert len(forward) == 1 + len(find_symmetries(L, degree=1, time_basis=basis))


def test_neither_algebra_contains_the_other_of_weak_noise():
    """f^2/4D is a parabola for f = sqrt(1 + x^2), f^2/4D + f'/2 is not; for tanh it is constant."""
    rising, basis = sp.sqrt(1 + x**2), exponentials(1)
    sizes = [
        (
            len(find_symmetries(lagrangian(f, half, x, t, "fw"), time_basis=basis + [t, t**2])),
            len(density_symmetries(f, half, x, t, time_basis=basis + [t, t**2]).noether),
        )
        for f in (rising, sp.tanh(x))
    ]
    assert sizes == [(5, 1), (1, 5)]


@pytest.mark.parametrize("equation", BOTH)
@pytest.mark.parametrize(
    "count, drift, diffusion, basis",
    [
        (6, c * x, k * x**2, None),  # geometric Brownian motion
        (4, 1 - x, x, exponentials(1, (0, 1, -1))),  # Feller's process
        (6, half - x, x, exponentials(half)),  # ... the square of a spring's
        (6, x, 1 + x**2, None),  # D'/2 = x: a free particle on a stretched line
    ],
    ids="growth feller square stretched".split(),
)
def test_noise_that_depends_on_the_state(count, drift, diffusion, basis, equation):
    u = sp.Symbol("x", positive=True)
    assert_symmetries(count, drift.subs(x, u), diffusion.subs(x, u), u, equation, time_basis=basis)


def test_gauge_terms_where_noise_depends_on_the_state():
    """By the Lamperti transform, with drift b = f - D'/2 and U = (b' - b D'/2D)/2."""
    s = sp.Symbol("x", positive=True)
    for f, noise, basis in (c * s, k * s**2, None), (1 - s, s, exponentials(1, (0, 1, -1))):
        b = f - noise.diff(s) / 2
        U = (b.diff(s) - b * noise.diff(s) / (2 * noise)) / 2
        L = lagrangian(b, noise, s, t, functional=U)
        for symmetry in density_symmetries(f, noise, s, t, time_basis=basis).noether:
            assert zero(invariance_defect(L, symmetry.xi, symmetry.tau, symmetry.gauge))
            assert zero(sp.diff(gauge_term(L, symmetry.xi, symmetry.tau) - symmetry.gauge, s))


def test_a_moved_solution_is_a_solution():
    found = density_symmetries(sp.tanh(x), half, x, t)
    kernel = sp.cosh(x) * sp.exp(-t / 2 - x**2 / (2 * t)) / sp.sqrt(t)
    assert zero(found.residual(kernel))
    for symmetry in found:
        assert zero(found.residual(found.tangent(symmetry, kernel)))
    assert not zero(found.residual(found.tangent(((1,), 0, 0), kernel)))
    assert not found.commutes(((1,), sp.S.Zero, sp.S.Zero))


def test_a_system_brings_all_that_is_needed():
    system = nl.System.from_sympy([-x + t, -y], (x, y), [0.5, 0.25], time=t)
    basis = [*exponentials(1), t, t * sp.exp(2 * t), t * sp.exp(-2 * t)]
    found = density_symmetries(system, time_basis=basis, equation="backward")
    same = density_symmetries([-x + t, -y], [half, half / 2], (x, y), t, "backward", basis)
    assert found.members == same.members and len(found) == 9


def test_undefined_functions_stand_for_generic_ones():
    V = sp.Function("V")(x)
    assert len(density_symmetries(-V.diff(x), D, x, t)) == 2


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        ((-x, D, x, t), dict(equation="sideways"), "equation: got 'sideways'"),
        ((-x, D, x, t), dict(time_basis=[1, 2]), "time_basis: .*linearly independent"),
        ((-x,), {}, "diffusion: got None"),
        ((-x, D), {}, "state: got None"),
        (([-x, y], D, x, t), {}, "drift: got 2 components"),
        ((-x, -1, x, t), {}, "diffusion: .*positive definite"),
        (([y, -x], [0, D], (x, y), t), {}, "diffusion: .*singular"),
        (([0, 0], [1 + x**2, 1], (x, y), t), {}, "diffusion: .*depends on the state"),
        ((0, 1 + t * x**2, x, t), {}, "diffusion: .*without time"),
        ((0, 1 + x**3, x, t), {}, "diffusion: .*no formula"),
        ((nl.models.double_well(0.1),), {}, "drift: .*no formula"),
        ((nl.System.from_sympy(-x, x, 1), 2), {}, "a System brings its own"),
    ],
)
def test_refusals(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        density_symmetries(*arguments, **options)


def test_the_search_can_be_bounded():
    with pytest.raises(SearchLimitError):
        density_symmetries([0, 0, 0], D, (x, y, z), t, max_seconds=0)
