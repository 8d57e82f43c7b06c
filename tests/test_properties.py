"""What holds for any system, any change of coordinates and any bad input, tried on random ones."""

import warnings

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import noetherlib as nl

FW, OM = "freidlin-wentzell", "onsager-machlup"
few = settings(max_examples=25, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 2**32 - 1)


def spd(rng, dim):
    """A covariance with eigenvalues between 0.2 and 1.2."""
    Q = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return Q @ np.diag(rng.uniform(0.2, 1.2, dim)) @ Q.T


def stable(rng, dim):
    """A matrix whose symmetric part is negative definite."""
    turn = rng.normal(size=(dim, dim))
    return turn - turn.T - spd(rng, dim)


# ---- linear systems ------------------------------------------------------------------------------


def gramian(A, D, T):
    """``int_0^T e^(As) D e^(A^T s) ds`` by Van Loan's exponential."""
    d = len(A)
    block = expm(T * np.block([[-A, D], [np.zeros((d, d)), A.T]]))
    return block[d:, d:].T @ block[:d, d:]


@given(seed=seeds, dim=st.integers(1, 4), functional=st.sampled_from([FW, OM]))
@few
def test_linear_systems(seed, dim, functional):
    rng = np.random.default_rng(seed)
    A, b, D, T = stable(rng, dim), rng.normal(size=dim), spd(rng, dim), rng.uniform(0.3, 3)
    x0, x1 = rng.normal(size=(2, dim))
    system = nl.System(lambda x, t: x @ A.T + b, D, dim, lambda x, t: A, lambda x, t: np.zeros((dim,) * 3))

    rest = -np.linalg.solve(A, b)
    flow = expm(A * T)
    miss = x1 - rest - flow @ (x0 - rest)  # the least noise that makes up for it costs
    half_divergence = np.trace(A) * T / 2 if functional == OM else 0.0
    exact = miss @ np.linalg.solve(gramian(A, D, T), miss) / 4

    shape = np.cumsum(rng.uniform(0.5, 1.5, 400))
    s = (shape - shape[0]) / (shape[-1] - shape[0])
    errors, misses = [], []
    for t in (T * s, T * np.sort(np.concatenate([s, (s[1:] + s[:-1]) / 2]))):
        path = nl.least_action_path(system, x0, x1, t, functional)
        assert path.converged and path.kind == "minimum"
        W = np.array([gramian(A, D, u) for u in t[1::97]])
        past = np.array([expm(A * u) @ (x0 - rest) for u in t[1::97]])
        ahead = np.array([expm(A * (T - u)).T for u in t[1::97]])
        p1 = np.linalg.solve(gramian(A, D, T), miss)
        known = rest + past + np.einsum("kij,kjl,l->ki", W, ahead, p1)
        errors.append(np.abs(path.x[1::97] - known).max())
        misses.append(abs(path.action - half_divergence - exact))
    size = np.abs([x0, x1]).max() + 1
    assert errors[1] < 2e-3 * size and misses[1] < 1e-3 * (exact + 1)
    assert misses[1] < misses[0] / 3.8 + 1e-11 * (exact + 1)  # fourfold by halving: second order


# ---- changes of coordinates and of the clock -----------------------------------------------------


u, v, w, time = sympy.symbols("u v w t")
D0 = np.array([[0.6, 0.1, 0.0], [0.1, 0.4, -0.1], [0.0, -0.1, 0.5]])
OLD = nl.System.from_sympy(  # nothing special in three dimensions, with a clock
    [u - u**3 - v * w, -v + sympy.sin(time) * u, -w - u * v], (u, v, w), D0, time
)


@given(seed=seeds, rate=st.floats(0.1, 10), functional=st.sampled_from([FW, OM]), general=st.booleans())
@settings(few, max_examples=15)
def test_coordinates_and_clocks(seed, rate, functional, general):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0] * np.exp(rng.uniform(-1, 1))
    if general:
        Q = Q @ spd(rng, 3)
    back, shift = np.linalg.inv(Q), rng.normal(size=3)
    # y = Q x + shift at the time s = t / rate
    new = nl.System(
        lambda y, s: rate * OLD.drift((y - shift) @ back.T, rate * s) @ Q.T,
        rate * Q @ D0 @ Q.T,
        3,
        lambda y, s: rate * Q @ OLD.jacobian((y - shift) @ back.T, rate * s) @ back,
        lambda y, s: (
            rate
            * np.einsum("ai,...ijl,jb,lc->...abc", Q, OLD.hessian((y - shift) @ back.T, rate * s), back, back)
        ),
    )
    x0, x1 = rng.normal(size=(2, 3)) / 2
    t = np.cumsum(rng.uniform(0.02, 0.06, 40))
    a = nl.least_action_path(OLD, x0, x1, t, functional)
    b = nl.least_action_path(
        new, Q @ x0 + shift, Q @ x1 + shift, t / rate, functional, guess=a.x @ Q.T + shift
    )
    assert a.converged and b.converged and a.kind == b.kind == "minimum"
    size = np.abs(Q).max()
    np.testing.assert_allclose(b.x, a.x @ Q.T + shift, atol=3e-6 * size)
    np.testing.assert_allclose(b.action, a.action, rtol=1e-8)
    np.testing.assert_allclose(b.momentum @ Q, a.momentum, atol=3e-5 * np.abs(a.momentum).max())
    np.testing.assert_allclose(b.energy, rate * a.energy, atol=3e-5 * rate * (1 + np.abs(a.energy).max()))
    # the charge of a generator carried along is the same number
    A, c = rng.normal(size=(3, 3)), rng.normal(size=3)
    old = nl.Symmetry(lambda x, t: x @ A.T + c)
    carried = nl.Symmetry(lambda y, s: ((y - shift) @ back.T @ A.T + c) @ Q.T)
    J = nl.charge(a, old)
    np.testing.assert_allclose(nl.charge(b, carried), J, atol=3e-5 * np.abs(J).max())


@given(seed=seeds, dim=st.integers(2, 4), functional=st.sampled_from([FW, OM]))
@settings(few, max_examples=15)
def test_rotation_invariant_systems_keep_every_angular_momentum(seed, dim, functional):
    rng = np.random.default_rng(seed)
    a, c, k = *rng.normal(size=2), rng.uniform(0.2, 2)
    system = nl.System(  # radial, with a clock, the noise too
        lambda x, t: x * (a * np.sin(t) - k * (x**2).sum(axis=-1))[..., None],
        lambda x, t: 0.3 + 0.2 * np.cos(c * t),
        dim,
        lambda x, t: (
            (a * np.sin(t) - k * (x**2).sum(axis=-1))[..., None, None] * np.eye(dim)
            - 2 * k * x[..., :, None] * x[..., None, :]
        ),
    )
    t = np.cumsum(rng.uniform(0.01, 0.1, 40))
    path = nl.least_action_path(system, *rng.normal(size=(2, dim)), t, functional)
    assert path.converged
    # differences stand for the second derivatives, which OM's momentum needs
    tolerance = 1e-11 if functional == FW else 1e-8
    scale = np.linalg.norm(path.momentum, axis=-1).max() * np.linalg.norm(path.x, axis=-1).max()
    for j in range(1, dim):
        J = nl.charge(path, nl.rotation(j - 1, j))
        assert np.ptp(J) <= tolerance * scale and J.exact


@given(seed=seeds)
@few
def test_reflections_and_reversal(seed):
    # of a path and the same one run backwards, the one that climbs more pays (V1 - V0) / D more
    rng = np.random.default_rng(seed)
    well, D = nl.models.double_well(0.3), 0.3
    x0, x1 = rng.uniform(-1.5, 1.5, 2)
    t = np.linspace(0, rng.uniform(0.5, 3), 801)
    V = lambda x: x**4 / 4 - x**2 / 2  # noqa: E731
    there = nl.least_action_path(well, x0, x1, t, FW)
    back = nl.least_action_path(well, x1, x0, t, FW, guess=there.x[::-1])
    np.testing.assert_allclose(there.action - back.action, (V(x1) - V(x0)) / D, atol=2e-4)
    np.testing.assert_allclose(back.x[::-1], there.x, atol=2e-3)
    mirrored = nl.least_action_path(well, -x0, -x1, t, FW, guess=-there.x)
    np.testing.assert_allclose(mirrored.x, -there.x, atol=1e-9)


@given(seed=seeds)
@few
def test_no_neighbour_is_cheaper(seed):
    rng = np.random.default_rng(seed)
    system = nl.models.maier_stein(spd(rng, 2), beta=rng.uniform(0, 10))
    x0, x1 = rng.normal(size=(2, 2))
    t = np.cumsum(rng.uniform(0.01, 0.1, 50))
    path = nl.least_action_path(system, x0, x1, t, FW)
    assert path.converged
    if path.kind == "minimum":
        nudge = rng.normal(size=(200, 50, 2)) * np.logspace(-4, -2, 200)[:, None, None]
        nudge[:, [0, -1]] = 0
        assert (nl.action(system, path.x + nudge, t, FW) > path.action).all()


# ---- bad input: a ValueError that names the argument, whatever it is -----------------------------


OU = nl.models.ornstein_uhlenbeck(2, 1.0, 1.0)
T5 = np.linspace(0, 1, 5)
GOOD = nl.least_action_path(OU, [0, 0], [1, 1], T5)

anything_bad = st.one_of(
    st.sampled_from(
        [
            None,
            "x",
            "1",
            b"1",
            object(),
            {},
            {"a": 1},
            [],
            [[1, 2], [3]],
            ["a", "b"],
            1j,
            np.array([1j, 0]),
            np.nan,
            np.inf,
            -np.inf,
            np.array(["1", "2"]),
            np.datetime64("2020-01-01"),
            [None, 1.0],
            (),
            set(),
        ]
    ),
    st.text(max_size=3),
    st.complex_numbers(min_magnitude=0.1).filter(lambda z: z.imag != 0),
    st.lists(st.sampled_from([np.nan, np.inf, -np.inf]), min_size=1, max_size=4),
)
bad_states = st.one_of(
    anything_bad,
    st.floats(-3, 3),
    st.integers(1, 6).filter(lambda n: n != 2).map(lambda n: np.zeros((3, n))),
    st.sampled_from([[np.nan, 0], [0, np.inf], np.zeros((5, 0))]),
)
bad_times = st.one_of(
    anything_bad,
    st.floats(0, 3),
    st.sampled_from(
        [
            T5[::-1],
            [0, 0, 1],
            [0, 1, 1],
            [0, 2, 1],
            [0, np.nan, 1],
            [0],
            [0, 1, np.inf],
            np.zeros((5, 1)),
            np.zeros(5),
            T5[None],
        ]
    ),
)
bad_paths = st.one_of(
    bad_states,
    st.sampled_from(
        [
            np.zeros((4, 2)),
            np.zeros((6, 2)),
            np.zeros((5, 3)),
            np.zeros(5),
            np.full((5, 2), np.nan),
            np.zeros((3, 4, 2)),
            np.zeros((2, 5)),
        ]
    ),
)
bad_counts = st.one_of(anything_bad, st.integers(-5, -1), st.floats(-3, 3), st.booleans())
bad_positive = st.one_of(anything_bad, st.floats(max_value=0), st.sampled_from([[1.0, 2.0], np.ones((1, 1))]))
bad_functionals = anything_bad | st.floats() | st.sampled_from(["onsager", "FW ", "Freidlin-Wentzell"])
bad_matrices = st.one_of(
    anything_bad,
    st.floats(max_value=0),
    st.sampled_from(
        [
            [1, 0],
            [1, -1],
            [1, 2, 3],
            np.zeros((2, 2)),
            np.ones((2, 2)),
            [[1, 0.1], [0, 1]],
            [[1, 2], [2, 1]],
            -np.eye(2),
            np.eye(3),
            np.ones((1, 2, 2)),
            [[1, np.nan], [np.nan, 1]],
        ]
    ),
)
not_callable = anything_bad.filter(lambda v: v is not None) | st.floats()

CALLS = {  # function, its good arguments, and what is bad for each
    "least_action_path": (
        nl.least_action_path,
        dict(system=OU, x0=[0, 0], x1=[1, 1], t=T5),
        dict(
            system=anything_bad,
            x0=bad_states,
            x1=bad_states,
            t=bad_times,
            functional=bad_functionals,
            guess=bad_paths.filter(lambda v: v is not None),
            guesses=anything_bad.filter(lambda v: v is not None),
            tol=bad_positive,
            max_iter=bad_counts,
        ),
    ),
    "action": (
        nl.action,
        dict(system=OU, x=np.zeros((5, 2)), t=T5),
        dict(system=anything_bad, x=bad_paths, t=bad_times, functional=bad_functionals),
    ),
    "geometric_path": (
        nl.geometric_path,
        dict(system=OU, x0=[0, 0], x1=[1, 1]),
        dict(
            system=anything_bad,
            x0=bad_states,
            x1=bad_states,
            n_points=bad_counts,
            functional=bad_functionals,
            tol=bad_positive,
            max_iter=bad_counts,
        ),
    ),
    "fixed_points": (
        nl.fixed_points,
        dict(system=OU, box=(-1, 1)),
        dict(system=anything_bad, box=anything_bad | st.floats(), t=anything_bad, starts=bad_counts),
    ),
    "refine": (nl.refine, dict(path=GOOD), dict(path=anything_bad, tol=bad_positive, max_points=bad_counts)),
    "charge": (
        nl.charge,
        dict(path=GOOD, symmetry=nl.rotation(0, 1)),
        dict(path=anything_bad, symmetry=anything_bad),
    ),
    "charge_balance": (
        nl.charge_balance,
        dict(path=GOOD, symmetry=nl.rotation(0, 1)),
        dict(path=anything_bad, symmetry=anything_bad),
    ),
    "invariance_defect": (
        nl.invariance_defect,
        dict(system=OU, symmetry=nl.rotation(0, 1), x=[0, 0], v=[1, 1], t=0.0),
        dict(
            system=anything_bad,
            symmetry=anything_bad,
            x=bad_states,
            v=bad_states,
            functional=bad_functionals,
            t=anything_bad.filter(lambda v: not (isinstance(v, (list, tuple)) and len(v) == 0)),
        ),
    ),
    "translation": (
        nl.translation,
        {},
        dict(direction=anything_bad | st.sampled_from([0.0, [0, 0], [[1, 0]]])),
    ),
    "rotation": (nl.rotation, dict(i=0, j=1), dict(i=bad_counts, j=bad_counts)),
    "Symmetry": (
        nl.Symmetry,
        dict(xi=lambda x, t: x),
        dict(xi=not_callable, tau=anything_bad.filter(lambda v: v is not None), gauge=not_callable),
    ),
    "System": (
        nl.System,
        dict(drift=lambda x, t: -x, diffusion=1.0, dim=2),
        dict(
            drift=not_callable,
            diffusion=bad_matrices,
            dim=bad_counts,
            jacobian=not_callable,
            hessian=not_callable,
        ),
    ),
    "drift_diffusion": (
        nl.models.drift_diffusion,
        dict(velocity=1.0, diffusion=1.0),
        dict(velocity=anything_bad, diffusion=bad_positive),
    ),
    "ornstein_uhlenbeck": (
        nl.models.ornstein_uhlenbeck,
        dict(dim=2, rate=1.0, diffusion=1.0),
        dict(dim=bad_counts, rate=anything_bad | st.just(np.ones((3, 3))), diffusion=bad_matrices),
    ),
}


@pytest.mark.parametrize("name", CALLS)
@given(data=st.data())
@settings(few, max_examples=40)
def test_bad_input_is_named(name, data):
    function, good, bad = CALLS[name]
    argument = data.draw(st.sampled_from(sorted(bad)), label="argument")
    value = data.draw(bad[argument], label="value")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError) as raised:
            function(**good | {argument: value})
    assert argument in str(raised.value)


WRONG = [  # drifts and diffusions that go wrong where the path leads
    ("drift", lambda x, t: np.log(x - 0.5), 1.0),
    ("drift", lambda x, t: x / (x - x), 1.0),
    ("drift", lambda x, t: np.where(t[..., None] > 0.5, np.inf, 0 * x), 1.0),
    ("drift", lambda x, t: x[..., :1] * np.ones(3), 1.0),
    ("drift", lambda x, t: np.array([x[0], x[1]]), 1.0),
    ("diffusion", lambda x, t: -x, lambda x, t: t - 0.5),
    ("diffusion", lambda x, t: -x, lambda x, t: np.log(x[..., 0])),
    ("diffusion", lambda x, t: -x, lambda x, t: np.array([[1, 0.1], [0.3, 1]]) * (1 + x[..., :1, None] ** 2)),
    ("functional", lambda x, t: -x, 1.0),
]


@given(case=st.sampled_from(WRONG), seed=seeds, n=st.integers(3, 30))
@few
def test_functions_that_go_wrong_on_the_way_are_named(case, seed, n):
    argument, f, D = case
    x0, x1 = np.random.default_rng(seed).uniform(-1, -0.5, size=(2, 2))
    functional = (lambda x, t: np.log(x[..., 0])) if argument == "functional" else FW
    t = np.linspace(0, 1, n)
    with pytest.raises(ValueError, match=argument):
        nl.least_action_path(nl.System(f, D, 2), x0, x1, t, functional)
    with pytest.raises(ValueError, match=argument):
        nl.action(nl.System(f, D, 2), np.linspace(x0, x1, n), t, functional)


@given(seed=seeds, n=st.integers(3, 40))
@few
def test_wild_meshes_never_hang_nor_lie(seed, n):
    rng = np.random.default_rng(seed)
    t = np.cumsum(10.0 ** rng.uniform(-17, 2, n))
    t = t[np.append(True, np.diff(t) > 0)]
    if len(t) < 3:
        return
    x0, x1 = rng.normal(size=(2, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", nl.NotConverged)
        path = nl.least_action_path(nl.models.maier_stein(0.5, 3.0), x0, x1, t, FW, max_iter=200)
    assert np.isfinite(path.x).all() and np.isfinite(path.action)
    assert path.action == nl.action(path.system, path.x, t, FW)
    np.testing.assert_array_equal(path.x[[0, -1]], [x0, x1])
