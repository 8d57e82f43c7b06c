"""Systems: the same answers whatever they are made from, in every shape; errors that name the argument."""

import pickle

import numpy as np
import pytest
import sympy

import noetherlib as nl
from noetherlib.system import System
from noetherlib.system.derivatives import differentiate

x_, y_, t_ = sympy.symbols("x y t")
BETA = 10
EXPRESSIONS = [x_ - x_**3 - BETA * x_ * y_**2 + sympy.sin(t_), -(1 + x_**2) * y_]


def drift(x, t):
    u, v = x[..., 0], x[..., 1]
    return np.stack([u - u**3 - BETA * u * v**2 + np.sin(t), -(1 + u**2) * v], axis=-1)


SYMBOLIC = System.from_sympy(EXPRESSIONS, (x_, y_), 0.5, t_)
NUMERIC = System(drift, 0.5, 2)
STATES = np.random.default_rng(0).normal(size=(3, 4, 2))
TIMES = np.linspace(0, 1, 4)


def test_the_drift_is_what_was_given():
    expected = [
        [
            [float(e.subs({x_: u, y_: v, t_: t})) for e in EXPRESSIONS]
            for (u, v), t in zip(row, TIMES, strict=True)
        ]
        for row in STATES
    ]
    for system in SYMBOLIC, NUMERIC:
        np.testing.assert_allclose(system.drift(STATES, TIMES), expected, rtol=1e-13)


@pytest.mark.parametrize(
    "name, tolerance",
    [
        ("drift", 1e-14),
        ("jacobian", 1e-9),
        ("hessian", 2e-6),
        ("divergence", 1e-9),
        ("divergence_gradient", 2e-6),
        ("divergence_hessian", 2e-3),
    ],
)
def test_differences_come_near_the_exact_derivatives(name, tolerance):
    exact, rough = (getattr(s, name)(STATES, TIMES) for s in (SYMBOLIC, NUMERIC))
    assert rough.shape == exact.shape
    np.testing.assert_allclose(rough, exact, rtol=0, atol=tolerance * max(1, np.abs(exact).max()))


@pytest.mark.parametrize("name", ["jacobian", "hessian"])
def test_indices_of_the_derivatives(name):
    below = {"jacobian": "drift", "hessian": "jacobian"}[name]
    x, t, h = np.array([0.3, -0.7]), 0.4, 1e-5
    for j in range(2):
        step = h * np.eye(2)[j]
        slope = (getattr(SYMBOLIC, below)(x + step, t) - getattr(SYMBOLIC, below)(x - step, t)) / (2 * h)
        np.testing.assert_allclose(getattr(SYMBOLIC, name)(x, t)[..., j], slope, atol=1e-8)


@pytest.mark.parametrize("system", [SYMBOLIC, NUMERIC], ids=["symbolic", "numeric"])
@pytest.mark.parametrize(
    "name, rank", [("drift", 1), ("jacobian", 2), ("hessian", 3), ("divergence", 0), ("diffusion", 2)]
)
def test_leading_axes_broadcast(system, name, rank):
    method = getattr(system, name)
    whole = method(STATES, TIMES)
    assert whole.shape == (3, 4) + (2,) * rank
    for i in range(3):
        for k in range(4):
            # differences are as good as they are, in whatever company
            np.testing.assert_allclose(method(STATES[i, k], TIMES[k]), whole[i, k], rtol=1e-4, atol=1e-4)


E_ = sympy.exp(-t_)
DIFFUSIONS = {  # as given, as a symbolic one, as the matrix at (x, t)
    "number": (0.3, 0.3, lambda x, t: 0.3 * np.eye(2)),
    "diagonal": ([0.3, 0.7], [0.3, 0.7], lambda x, t: np.diag([0.3, 0.7])),
    "full": (
        [[1, 0.2], [0.2, 0.5]],
        [[1, sympy.Rational(1, 5)], [sympy.Rational(1, 5), 0.5]],
        lambda x, t: np.array([[1, 0.2], [0.2, 0.5]]),
    ),
    "clock": (lambda x, t: np.exp(-t), E_, lambda x, t: np.exp(-t) * np.eye(2)),
    "clock, diagonal": (
        lambda x, t: np.stack([1 + 0 * t, 1 + t], -1),
        [1, 1 + t_],
        lambda x, t: np.diag([1, 1 + t]),
    ),
    "clock, full": (
        lambda x, t: (1 + t)[..., None, None] * np.array([[1, 0.2], [0.2, 0.5]]),
        ((1 + t_) * sympy.Matrix([[1, 0.2], [0.2, 0.5]])),
        lambda x, t: (1 + t) * np.array([[1, 0.2], [0.2, 0.5]]),
    ),
    "state": (lambda x, t: 1 + x[..., 0] ** 2, 1 + x_**2, lambda x, t: (1 + x[0] ** 2) * np.eye(2)),
    "state, diagonal": (lambda x, t: 1 + x**2, [1 + x_**2, 1 + y_**2], lambda x, t: np.diag(1 + x**2)),
    "state, full": (
        lambda x, t: np.eye(2) + x[..., :, None] * x[..., None, :],
        [[1 + x_**2, x_ * y_], [x_ * y_, 1 + y_**2]],
        lambda x, t: np.eye(2) + np.outer(x, x),
    ),
}


@pytest.mark.parametrize("form", DIFFUSIONS)
def test_every_form_of_the_diffusion(form):
    given, symbolic, matrix = DIFFUSIONS[form]
    expected = np.array([[matrix(x, t) for x, t in zip(row, TIMES, strict=True)] for row in STATES])
    for system in System(drift, given, 2), System.from_sympy(EXPRESSIONS, (x_, y_), symbolic, t_):
        np.testing.assert_allclose(system.diffusion(STATES, TIMES), expected, rtol=1e-14)
        assert system.noise(STATES, TIMES)[1] != form.startswith("state")
        assert (system.constant_diffusion is None) == ("clock" in form or "state" in form)


def test_derivatives_of_the_diffusion():
    given, symbolic, _ = DIFFUSIONS["state, full"]
    numeric, exact = System(drift, given, 2), System.from_sympy(EXPRESSIONS, (x_, y_), symbolic, t_)
    for name, tolerance in (("diffusion_gradient", 1e-9), ("diffusion_hessian", 1e-5)):
        np.testing.assert_allclose(
            getattr(numeric, name)(STATES, TIMES), getattr(exact, name)(STATES, TIMES), atol=tolerance
        )


def test_differences_step_with_the_size_of_the_state():
    x = np.array([[1e-3], [1.0], [1e3], [1e6]])
    error = differentiate(lambda x, t: x**3, x, 0.0)[..., 0] - 3 * x**2
    assert (np.abs(error) <= 1e-9 * (1 + 3 * x**2)).all()


@pytest.mark.parametrize(
    "system",
    [
        SYMBOLIC,
        System(drift, 0.5, 2),
        nl.models.ornstein_uhlenbeck(2, 1.0, [1.0, 2.0]),
        System.from_sympy([-x_], [x_], 1 + x_**2),
        System.from_sympy([0, x_ * 0], (x_, y_), [1, t_ + 1], t_),
    ],
    ids=["symbolic", "numeric", "model", "multiplicative", "free"],
)
def test_systems_pickle(system):
    t, x = TIMES + 0.5, STATES[..., : system.dim]
    system.jacobian(x, t)  # whatever was generated on the way must not be in the way
    copy = pickle.loads(pickle.dumps(system))
    for name in ("drift", "jacobian", "hessian", "diffusion", "divergence_hessian"):
        np.testing.assert_array_equal(getattr(copy, name)(x, t), getattr(system, name)(x, t))
    assert copy.additive is system.additive


def test_linear_systems_know_it():
    matrix, offset = System.from_sympy([2 - x_ + 3 * y_, -y_], (x_, y_), 1.0).linear
    np.testing.assert_array_equal(matrix, [[-1, 3], [0, -1]])
    np.testing.assert_array_equal(offset, [2, 0])
    assert SYMBOLIC.linear is None and NUMERIC.linear is None
    assert System.from_sympy([-x_ + t_], [x_], 1.0, t_).linear is None


def test_the_zoo_has_the_derivatives_of_its_drifts():
    zoo = [
        nl.models.maier_stein(0.1),
        nl.models.double_well(0.1),
        nl.models.multistable_decision(width=0.5),
        nl.models.ornstein_uhlenbeck(2, [[1, 0.3], [-0.2, 0.5]], 1.0),
        nl.models.drift_diffusion(0.3, 1.0),
    ]
    for system in zoo:
        x = np.random.default_rng(1).normal(size=(20, system.dim)) + 0.5
        rough = System(system.drift, 1.0, system.dim)
        np.testing.assert_allclose(system.jacobian(x, 0.0), rough.jacobian(x, 0.0), atol=1e-7)
        rough = System(system.drift, 1.0, system.dim, system.jacobian)
        np.testing.assert_allclose(system.hessian(x, 0.0), rough.hessian(x, 0.0), atol=1e-6)
        rough = System(system.drift, 1.0, system.dim, system.jacobian, system.hessian)
        np.testing.assert_allclose(
            system.divergence_hessian(x, 0.0), rough.divergence_hessian(x, 0.0), atol=1e-5
        )


# ---- what it refuses -----------------------------------------------------------------------------


def minus_x(x, t):
    return -x


BAD_SYSTEMS = {
    "drift": [dict(drift=v) for v in (None, 1.0, "x", [1, 2])],
    "jacobian": [dict(jacobian=v) for v in (1.0, "x", np.eye(2))],
    "hessian": [dict(hessian=v) for v in (1.0, "x")],
    "dim": [dict(dim=v) for v in (0, -1, 2.0, 1.5, "2", None, True, np.nan)],
    "diffusion": [
        dict(diffusion=v)
        for v in (
            -1.0,
            np.nan,
            np.inf,
            None,
            "1",
            1j,
            [1, 2, 3],
            [1, -1],
            [[1, 0.5], [0.4, 1]],
            [[1, 2], [2, 1]],
            [[1, np.nan], [np.nan, 1]],
            np.eye(3),
            [[1, 1j], [-1j, 1]],
            np.ones((1, 2, 2)),
            [[1, 2], [3]],
            np.datetime64("2020-01-01"),
        )
    ],
}


def test_a_diffusion_of_the_wrong_shape_is_told_at_its_first_use():
    for bad in (lambda x, t: np.zeros(7), lambda x, t: np.ones((5, 5))):
        system = System(minus_x, bad, 2)  # where nobody asked, nothing is tried
        with pytest.raises(ValueError, match=r"diffusion\(x, t\) must return"):
            system.diffusion(np.zeros((3, 2)), 0.0)


@pytest.mark.parametrize("name", BAD_SYSTEMS)
def test_bad_systems(name):
    for bad in BAD_SYSTEMS[name]:
        with pytest.raises(ValueError, match=name):
            System(**{"drift": minus_x, "diffusion": 1.0, "dim": 2} | bad)


def test_largest_and_smallest_of_numbers_and_states():
    system = System.from_sympy([sympy.Max(x_, 0, -2 * x_) + sympy.Min(x_, 1), -y_], (x_, y_), 1)
    states = np.array([[-1.0, 0.0], [0.5, 0.0], [3.0, 0.0]])
    np.testing.assert_allclose(system.drift(states, 0.0)[:, 0], [1.0, 1.0, 4.0])


a_ = sympy.Symbol("a")
BAD_EXPRESSIONS = {
    "drift": [
        dict(drift=v)
        for v in (
            None,
            [-x_],
            [-x_, -y_, 0],
            [a_ * x_, y_],
            [sympy.I * x_, y_],
            [object(), 1],
            "x +",
            [x_ > 0, y_],
            [x_, None],
        )
    ],
    "state": [dict(state=v) for v in (None, "xy", (1, 2), [], (x_**2, y_))],
    "diffusion": [
        dict(diffusion=v)
        for v in (
            None,
            a_,
            "nan +",
            [1, 2, 3],
            -1.0,
            np.nan,
            sympy.oo,
            1j,
            sympy.I,
            [1, None],
            sympy.Matrix([[1, 2], [2, 1]]),
            [[1, 0], [x_]],
            object(),
            {},
        )
    ],
    "time": [dict(time=v) for v in (1.0, "t", [t_], x_ + t_)],
}


@pytest.mark.parametrize("name", BAD_EXPRESSIONS)
def test_bad_expressions(name):
    for bad in BAD_EXPRESSIONS[name]:
        with pytest.raises(ValueError, match=name):
            System.from_sympy(**{"drift": [-x_, -y_], "state": (x_, y_), "diffusion": 1.0} | bad)


def test_unknown_symbols_are_listed():
    with pytest.raises(ValueError, match="got also a, b"):
        System.from_sympy([a_ * x_, sympy.Symbol("b")], (x_, y_), 1.0)


def test_functions_without_numbers_are_refused():
    for e in (sympy.Function("g")(x_), sympy.Abs(x_), sympy.Max(x_, 0)):
        with pytest.raises(ValueError, match="drift and its derivatives must be ordinary functions"):
            System.from_sympy([e], [x_], 1.0).hessian(STATES[..., :1], 0.0)
    u = sympy.Symbol("u", real=True)
    np.testing.assert_array_equal(
        System.from_sympy([abs(u)], [u], 1.0).jacobian(np.array([-2.0]), 0.0), [[-1]]
    )


@pytest.mark.parametrize("name, rank", [("drift", 1), ("jacobian", 2), ("hessian", 3)])
def test_wrong_shapes_of_what_the_functions_return(name, rank):
    given = {"drift": minus_x, name: lambda x, t: np.zeros(7)}
    system = System(diffusion=1.0, dim=2, **given)
    with pytest.raises(ValueError, match=rf"{name}\(x, t\) must return shape \(3, 4" + ", 2" * rank):
        getattr(system, name)(STATES, TIMES)


@pytest.mark.parametrize("name, rank", [("jacobian", 2), ("hessian", 3)])
def test_derivatives_that_are_not_finite(name, rank):
    bad = {name: lambda x, t: np.full(x.shape[:-1] + (2,) * rank, np.nan)}
    with pytest.raises(ValueError, match=f"{name}.* must be finite"):
        nl.least_action_path(System(minus_x, 1.0, 2, **bad), [0, 0], [1, 1], np.linspace(0, 1, 9), "fw")


def test_a_drift_of_single_states_is_refused():
    system = System(lambda x, t: np.array([-x[0], -x[1]]), 1.0, 2)
    with pytest.raises(ValueError, match=r"drift\(x, t\) must take states \(\.\.\., 2\)"):
        nl.least_action_path(system, [0, 0], [1, 1], np.linspace(0, 1, 9))


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_a_drift_of_single_states_is_refused_for_just_as_many_states_as_coordinates(dim):
    first_axis = System(lambda x, t: np.stack([x[(i + 1) % dim] for i in range(dim)]), 1.0, dim)
    with pytest.raises(ValueError, match=r"drift\(x, t\) must take states .* of \d states"):
        first_axis.drift(np.arange(dim * max(2, dim), dtype=float).reshape(-1, dim), 0.0)


def test_a_symbol_of_the_same_name_is_not_the_same_symbol():
    x, t = sympy.symbols("x t", real=True)
    with pytest.raises(ValueError, match="t differs in an assumption"):
        System.from_sympy(-x * sympy.cos(t), x, 1.0)
    assert System.from_sympy(-x * sympy.cos(t), x, 1.0, time=t).drift([2.0], 0.0) == -2


def test_powers_are_products():
    system = System.from_sympy([x_**3 + (x_ + y_) ** 3, x_**4 - y_**5 + x_**-3], (x_, y_), 1.0)
    x, y = 0.3, -0.7
    np.testing.assert_allclose(
        system.drift([x, y], 0.0), [x**3 + (x + y) ** 3, x**4 - y**5 + x**-3], rtol=1e-14
    )


def test_wrong_shape_of_the_states():
    for bad in (1.0, np.zeros(3), np.zeros((4, 1))):
        with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 2\)"):
            NUMERIC.drift(bad, 0.0)


def test_a_diffusion_that_fails_on_the_way():
    t = np.linspace(0, 1, 11)
    for D in (lambda x, t: t - 0.5, lambda x, t: x[..., 0], lambda x, t: np.log(t - 0.5)):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match="diffusion must be"):
            nl.least_action_path(System(minus_x, D, 1), -1.0, 1.0, t, "fw")


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda v: nl.models.drift_diffusion(v, 1.0), "velocity"),
        (lambda v: nl.models.drift_diffusion(1.0, v), "diffusion"),
        (lambda v: nl.models.ornstein_uhlenbeck(v, 1.0, 1.0), "dim"),
        (lambda v: nl.models.ornstein_uhlenbeck(2, v, 1.0), "rate"),
        (lambda v: nl.models.ornstein_uhlenbeck(2, 1.0, v), "diffusion"),
    ],
)
def test_bad_models(make, name):
    for bad in (None, "a", np.nan, np.inf, 1j, [1, 2, 3], np.ones((3, 2)), [[1], [1, 2]]):
        with pytest.raises(ValueError, match=name):
            make(bad)


def test_a_system_of_many_dimensions_is_made_without_much_memory():
    import tracemalloc

    tracemalloc.start()
    try:
        system = nl.System(lambda x, t: 0 * x, lambda x, t: 1 + t, 64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert system.noise(np.zeros((1000, 64)), 0.5)[1] and peak < 50e6


@pytest.mark.parametrize("x, t", [((2,), (5,)), ((5, 2), (5,)), ((3, 1, 2), (5,)), ((4, 2), ())])
def test_differences_take_states_and_times_that_broadcast(x, t):
    rng = np.random.default_rng(1)
    states, times = rng.normal(size=x), rng.normal(size=t)

    def drift(x, t):
        return np.stack([np.sin(t * x[..., 1]), x[..., 0] * x[..., 1]], axis=-1)

    a, b = np.broadcast_arrays(states[..., 0], times)[0], np.broadcast_arrays(states[..., 1], times)[0]
    exact = [[0 * a, times * np.cos(times * b)], [b, a]]
    found = nl.System(drift, 1.0, 2).jacobian(states, times)
    np.testing.assert_allclose(
        found, np.moveaxis(np.broadcast_arrays(*sum(exact, [])), 0, -1).reshape(found.shape), atol=1e-9
    )


def test_a_branch_that_is_not_taken_warns_of_nothing(recwarn):
    x = sympy.Symbol("x")
    system = nl.System.from_sympy([sympy.Piecewise((-x, x < 1), (-sympy.log(x), True))], [x], 1.0)
    np.testing.assert_allclose(system.drift([[-1.0], [np.nan], [2.0]], 0.0).ravel(), [1, np.nan, -np.log(2)])
    np.testing.assert_allclose(system.jacobian([[-1.0], [0.0], [2.0]], 0.0).ravel(), [-1, -1, -0.5])
    assert not recwarn.list


@pytest.mark.parametrize("real", [True, None])
def test_the_derivative_of_a_jump_gets_advice_that_is_right(real):
    x = sympy.Symbol("x", real=real)
    with pytest.raises(ValueError, match="Piecewise"):
        nl.System.from_sympy([-sympy.sign(x)], [x], 1.0).jacobian([[1.0]], 0.0)


# ---- the commonest ways to write a model ------------------------------------------------------------------


def _unpacks(x, t):
    E, I = x
    return np.stack([np.tanh(E - I) - E, np.tanh(E) - I], axis=-1)


def _indexes(x, t):
    return [np.tanh(x[0] - x[1]) - x[0], np.tanh(x[0]) - x[1]]


def _stacks_first(x, t):
    E, I = x[..., 0], x[..., 1]
    return np.array([np.tanh(E - I) - E, np.tanh(E) - I])


def _ten_paths(system):
    nl.simulate(system, [0.1, 0.2], np.linspace(0, 1, 5), 10, rng=0)


def _one_path(system):
    nl.least_action_path(system, [0, 0], [0.1, 0.1], np.linspace(0, 1, 11))


def _rest(system):
    nl.fixed_points(system, (-2, 2))


@pytest.mark.parametrize("ask", [_ten_paths, _one_path, _rest])
@pytest.mark.parametrize("drift", [_unpacks, _indexes, _stacks_first])
def test_a_drift_written_for_one_state_is_told_how_to_take_many(drift, ask):
    with pytest.raises(ValueError, match=r"a, b = x\[\.\.\., 0\], x\[\.\.\., 1\] and not a, b = x.*axis=-1"):
        ask(nl.System(drift, 0.1, 2))


def test_other_failures_of_a_drift_keep_their_own_words():
    def broken(x, t):
        raise ValueError("the table of rates is empty")

    for drift, words in [
        (broken, "^the table of rates is empty"),
        (lambda x, t: x[..., :1, None], "^drift.* must return"),
    ]:
        with pytest.raises(ValueError, match=words):
            _ten_paths(nl.System(drift, 0.1, 2))


def test_a_large_system_without_a_jacobian_hints_at_it():
    assert "jacobian= would be much faster" in repr(nl.System(lambda x, t: -x, 0.1, 12))
    assert "jacobian=" not in repr(nl.System(lambda x, t: -x, 0.1, 12, jacobian=lambda x, t: -np.eye(12)))
    assert "jacobian=" not in repr(nl.System(lambda x, t: -x, 0.1, 2))
    assert "jacobian=" not in repr(nl.System(lambda x, t: -x, 0.1, 12, vjp=lambda x, t, p: -p))
    assert "jacobian=" not in repr(nl.models.ornstein_uhlenbeck(12, 1.0, 0.1))
