"""Paths of very many variables: Newton's method by conjugate gradients, from products alone."""

import tracemalloc

import numpy as np
import pytest

import noetherlib as nl
from noetherlib.lagrangian import Lagrangian, Mesh
from noetherlib.paths.lanczos import sign
from noetherlib.paths.preconditioner import FreeModes

FW = "freidlin-wentzell"


def laplacian(x, shape):
    """Differences to the neighbours on a periodic lattice, summed; components on an axis before its own."""
    y = x.reshape(*x.shape[:-1], -1, *shape)
    axes = range(-len(shape), 0)
    return sum(np.roll(y, s, axis) - y for axis in axes for s in (1, -1)).reshape(x.shape)


class AllenCahn:
    """A field on a torus of n x n sites, from all -1 to all +1, on a start that bows into one wave."""

    def __init__(self, n, steps=60, T=20.0):
        self.shape, self.d, self.k = (n, n), n * n, (n / 10) ** 2 / 2
        self.t = np.linspace(0, T, steps + 1)
        self.ends = -np.ones(self.d), np.ones(self.d)
        angle = 2 * np.pi * (np.arange(n) + 0.5) / n
        wave = -(np.cos(angle)[:, None] + np.cos(angle)).ravel() / 2
        self.guess = np.linspace(*self.ends, steps + 1) + 0.3 * np.sin(np.pi * self.t / T)[:, None] * wave

    def drift(self, x, t):
        return self.k * laplacian(x, self.shape) + x - x**3

    def product(self, x, t, v):
        """The Jacobian, which is symmetric, times v."""
        return self.k * laplacian(v, self.shape) + (1 - 3 * x**2) * v

    def jacobian(self, x, t):
        each = np.eye(self.d)
        return self.k * laplacian(each, self.shape) + (1 - 3 * x**2)[..., None] * each

    def hessian_along(self, x, t, p):
        return (-6 * x * p)[..., None] * np.eye(self.d)

    def hvp(self, x, t, p, v):
        return -6 * x * p * v

    def system(self, **known):
        return nl.System(self.drift, 0.05, self.d, **known)

    def by_products(self, **known):
        known = dict(jvp=self.product, vjp=self.product, hvp=self.hvp, lattice=self.shape) | known
        return self.system(**known)

    def path(self, system, **options):
        return nl.least_action_path(system, *self.ends, self.t, FW, guess=self.guess, **options)


@pytest.fixture(scope="module")
def small():
    field = AllenCahn(8, steps=40)
    return field, field.path(field.system(jacobian=field.jacobian, hessian_along=field.hessian_along))


KNOWN = {
    "all": {},
    "no lattice": dict(lattice=None),
    "vjp alone": dict(jvp=None, hvp=None),
    "a Jacobian alone": dict(jvp=None, hvp=None, vjp=None, lattice=None),
}


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_the_same_path_as_by_the_band(small, known):
    field, band = small
    if "vjp" in known:
        known = known | dict(jacobian=field.jacobian)
    path = field.path(field.by_products(**known), method="newton-cg")
    assert band.converged and path.converged and path.kind == band.kind == "minimum"
    assert path.action == pytest.approx(band.action, rel=1e-11)
    for name in ("x", "momentum", "energy"):
        ours, other = getattr(path, name), getattr(band, name)
        np.testing.assert_allclose(ours, other, atol=1e-7 * np.abs(other).max(), err_msg=name)


def test_a_path_that_keeps_a_symmetry_is_a_saddle():
    """From one number on all sites nothing breaks their likeness, though two fronts cost less."""
    field = AllenCahn(8)
    field.guess = np.linspace(*field.ends, len(field.t))
    path = field.path(field.by_products(), method="newton-cg")
    assert path.converged and path.kind == "saddle"
    np.testing.assert_allclose(path.x, path.x[:, :1] * np.ones(field.d), atol=1e-9)
    one = nl.System(lambda x, t: x - x**3, 0.05, 1)
    assert path.action == pytest.approx(64 * nl.least_action_path(one, -1, 1, field.t, FW).action, rel=1e-9)


@pytest.mark.parametrize("spacing", ["even", "uneven"])
def test_free_modes_of_a_linear_field_are_its_second_derivative(spacing):
    """A field that relaxes, drifts to one side and knows no other force: the inverse is exact."""
    shape, rng = (4, 6), np.random.default_rng(0)
    d = 24

    def drift(x, t):
        y = x.reshape(*x.shape[:-1], *shape)
        aside = np.roll(y, 1, -1) - np.roll(y, -1, -1)
        return laplacian(x, shape) - 0.3 * x + 0.7 * aside.reshape(x.shape)

    def vjp(x, t, p):
        return drift(np.flip(p, -1), t)[..., ::-1]

    system = nl.System(drift, 0.2, d, jvp=lambda x, t, v: drift(v, t), vjp=vjp, lattice=shape)
    t = np.linspace(0, 2, 12) if spacing == "even" else np.append(0, np.cumsum(rng.uniform(0.1, 0.4, 11)))
    mesh = Mesh(Lagrangian(system, FW), t)
    terms = mesh.terms(rng.normal(size=(12, d)), order=1)
    v = rng.normal(size=(10, d))
    back = FreeModes(mesh, terms).solve(mesh.hessian_product(terms, v))
    np.testing.assert_allclose(back, v, atol=1e-9)
    path = nl.least_action_path(system, np.zeros(d), v[0], t, FW, method="newton-cg")
    assert path.converged and path.kind == "minimum" and path.n_iter <= 3


def test_charges_of_affine_symmetries_are_exact():
    """Two components that turn together, and a surface that knows no height."""
    n, rng = 8, np.random.default_rng(1)
    t = np.linspace(0, 3, 41)

    def square(x):
        y = x.reshape(*x.shape[:-1], 2, n)
        return y, np.concatenate([s := (y**2).sum(axis=-2), s], axis=-1)

    def turning(x, t):
        return laplacian(x, (n,)) + (1 - square(x)[1]) * x

    def turning_vjp(x, t, p):
        y, s = square(x)
        inner = (y * p.reshape(y.shape)).sum(axis=-2)
        return laplacian(p, (n,)) + (1 - s) * p - 2 * np.concatenate([inner, inner], axis=-1) * x

    system = nl.System(turning, 0.1, 2 * n, vjp=turning_vjp, lattice=(n,))
    turn = nl.affine(np.kron([[0, -1], [1, 0]], np.eye(n)))

    def heights(x, t):  # u + u**3 to every neighbour
        return sum(u + u**3 for u in (np.roll(x, s, -1) - x for s in (1, -1)))

    def heights_vjp(x, t, p):
        return sum(
            (1 + 3 * (np.roll(x, s, -1) - x) ** 2) * (np.roll(p, s, -1) - p) for s in (1, -1)
        )  # symmetric: both ends of a bond feel it alike

    surface = nl.System(heights, 0.1, n, vjp=heights_vjp, lattice=(n,))
    for one, symmetry in ((system, turn), (surface, nl.translation(np.ones(n)))):
        x0, x1 = rng.normal(size=(2, one.dim))
        path = nl.least_action_path(one, x0, x1, t, FW, method="newton-cg")
        J = nl.charge(path, symmetry)
        assert path.converged and J.exact
        assert np.ptp(J.values) < 1e-11 * np.abs(path.momentum).max() and abs(J.values[0]) > 1e-3


def test_memory_is_that_of_some_paths_and_large_fields_take_it_by_themselves():
    field = AllenCahn(32, steps=20)
    system = field.by_products()
    tracemalloc.start()
    with pytest.warns(nl.NotConverged):
        path = field.path(system, max_iter=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.n_iter == 2 and peak < 40 * path.x.nbytes  # matrices for each time would be 2,000 of it


def test_a_functional_of_ones_own():
    """U by its gradient: a linear field in a well of U, whose path is that of the band."""

    class Well:
        def __call__(self, x, t):
            return (x**2).sum(axis=-1) / 2

        def gradient(self, x, t):
            return x

    field = AllenCahn(3, steps=30, T=3.0)
    options = dict(functional=Well(), x0=np.zeros(9), x1=np.linspace(-1, 1, 9), t=field.t)
    paths = [nl.least_action_path(field.by_products(), method=m, **options) for m in ("banded", "newton-cg")]
    assert paths[0].action == pytest.approx(paths[1].action, rel=1e-10)
    np.testing.assert_allclose(paths[0].x, paths[1].x, atol=1e-7)


def test_batches_and_guesses():
    field = AllenCahn(4, steps=30)
    x1 = np.stack([field.ends[1], 0.9 * field.ends[1]])
    system = field.by_products()
    batch = nl.least_action_path(
        system, field.ends[0], x1, field.t, FW, guess=field.guess, method="newton-cg"
    )
    assert batch.converged.all() and batch.x.shape == (2, 31, 16)
    line = np.linspace(*field.ends, 31)
    best = nl.least_action_path(
        system, *field.ends, field.t, FW, guesses=[line, field.guess], method="newton-cg"
    )
    assert best.action == min(best.action, best.others[0].action) == pytest.approx(batch.action[0], rel=1e-9)


def signed(values, seed=0, **options):
    start = np.random.default_rng(seed).normal(size=values.size)
    return sign(lambda v: values * v, np.copy, start, 1e-10, **options)


MANY = np.linspace(0.05, 2, 4000)
SMALL = {-1e-2: -1, -1e-4: -1, -1e-8: -1, -1e-13: 0, 0.0: 0, 1e-13: 0, 1e-8: 1, 1e-4: 1, 1e-2: 1}


@pytest.mark.parametrize("value, expected", SMALL.items())
def test_sign_of_a_matrix_with_one_small_eigenvalue_among_thousands(value, expected):
    assert [signed(np.append(MANY, value), seed) for seed in range(3)] == [expected] * 3


@pytest.mark.parametrize("low, expected", [(0.1, 1), (1e-5, 0), (-0.01, -1)])
def test_sign_of_a_matrix_whose_eigenvalues_lie_dense(low, expected):
    """Where they come too close to zero for the steps at hand nothing is sure, and nothing is said."""
    assert signed(np.linspace(low, 2, 4000)) == expected


def test_sign_of_the_smallest_matrices():
    assert [signed(np.array([v])) for v in (2.0, 0.0, -2.0)] == [1, 0, -1]
    assert signed(np.ones(5)) == 1 and signed(np.array([1.0, np.nan])) == 0


@pytest.mark.parametrize("doubt", [0.5, 0.1])
def test_a_start_hides_an_eigenvalue_no_more_often_than_said(doubt):
    values, n = np.append(MANY[::20], -1e-3), 1000
    wrong = np.mean([signed(values, seed, doubt=doubt) == 1 for seed in range(n)])
    assert doubt / 2 < wrong < doubt + 3 * np.sqrt(doubt / n)  # the bound is nearly met


@pytest.mark.parametrize("lattice", [None, (4, 6)])
def test_numbers_drawn_have_the_matrix_for_their_covariance(lattice):
    d, rng = 24, np.random.default_rng(2)
    system = nl.System(
        lambda x, t: -x, 0.3, d, jvp=lambda x, t, v: -v, vjp=lambda x, t, p: -p, lattice=lattice
    )
    mesh = Mesh(Lagrangian(system, FW), np.array([0, 0.2, 0.5, 0.6]))
    free = FreeModes(mesh, mesh.terms(rng.normal(size=(4, d)), order=1))
    r = np.array([free.draw(rng) for _ in range(4000)])
    back = np.array([free.solve(one) for one in r])
    whitened = np.einsum("nki,nki->n", r, back)  # chi squared with 2 d degrees of freedom
    assert abs(whitened.mean() - 2 * d) < 4 * np.sqrt(4 * d / len(r))
    assert abs(whitened.var() / (4 * d) - 1) < 4 * np.sqrt(2.5 / len(r))


class Ring(AllenCahn):
    """A ring of 64 sites of length 20, at noise a**-1: the shift of a nucleus costs nothing."""

    def __init__(self, T, nuclei, steps=80):
        self.shape, self.d, a = (64,), 64, 20 / 64
        self.k, self.t, self.ends = 1 / (2 * a**2), np.linspace(0, T, steps + 1), (-np.ones(64), np.ones(64))
        half = 20 / (2 * max(nuclei, 1))
        near = np.abs((a * np.arange(64) + half) % (2 * half) - half)
        self.guess = np.tanh(((half + 6) * self.t / T - 3)[:, None] - near) if nuclei else None

    def system(self, **known):
        return nl.System(self.drift, 3.2, self.d, **known)


def test_a_nucleus_that_may_be_born_anywhere_is_no_minimum_for_sure():
    field = Ring(32.0, 1)
    path = field.path(field.by_products(), method="newton-cg")
    assert path.converged and path.kind == "undetermined"


@pytest.mark.parametrize("T, nuclei, action", [(32.0, 0, 5.0326530), (80.0, 1, 1.8789615)])
def test_flat_and_curved_valleys_are_walked_through(T, nuclei, action):
    """All at once, which waits at the unstable state; and slow fronts."""
    field = Ring(T, nuclei)
    path = field.path(field.by_products(), method="newton-cg", max_iter=100)
    assert path.converged and path.kind == "saddle"  # on this mesh, whose sites and times pin it
    assert path.action == pytest.approx(action, rel=1e-7)


def test_work_is_bounded_and_the_warning_says_so(monkeypatch):
    monkeypatch.setattr("noetherlib.paths.krylov.PRODUCTS", 20)
    field = Ring(32.0, 1)
    with pytest.warns(nl.NotConverged, match="too flat for .* products"):
        path = field.path(field.by_products(), method="newton-cg")
    assert not path.converged and path.kind == "undetermined"


def test_what_it_cannot_do_is_refused():
    field = AllenCahn(3, steps=10)
    with pytest.raises(ValueError, match='method must be "banded", "newton-cg" or None, got'):
        field.path(field.by_products(), method="magic")
    with pytest.raises(ValueError, match="needs vjp="):
        field.path(field.system(), method="newton-cg")
    args = (*field.ends, field.t)
    with pytest.raises(ValueError, match="needs a functional whose gradient is given"):
        nl.least_action_path(field.by_products(), *args, method="newton-cg")
    for D in (lambda x, t: 1 + x[..., 0] ** 2, np.eye(9) + 0.1, np.append(np.zeros(1), np.ones(8))):
        system = nl.System(field.drift, D, 9, vjp=field.product)
        with pytest.raises(ValueError, match="needs a diffusion"):
            nl.least_action_path(system, *args, FW, method="newton-cg")
    with pytest.raises(ValueError, match="lattice must have a number of sites that divides dim = 9"):
        field.by_products(lattice=(4, 2))
    with pytest.raises(ValueError, match=r"vjp\(x, t\) must return shape"):
        field.path(field.by_products(vjp=lambda x, t, p: p[..., :3]), method="newton-cg")
    for name, bad in dict(vjp=lambda x, t, p: p * np.nan, hvp=lambda x, t, p, v: p * np.nan).items():
        with pytest.raises(ValueError, match=f"{name} must be finite"):
            field.path(field.by_products(**{name: bad}), method="newton-cg")
