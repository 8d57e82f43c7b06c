"""The ledger: claims hold or fail the page, bounds say something, and what is shown is what was tested."""

import subprocess
import sys

import numpy as np
import pytest

import noetherlib as nl
from noetherlib.claims import ClaimFailed, mean_and_error, power, text


def estimate(seed, true=2.0, n=400):
    return mean_and_error(true + np.random.default_rng(seed).normal(size=n))


@pytest.fixture
def claims():
    return nl.Claims()


def test_a_ledger_of_true_claims(claims):
    claims.agree("Three ways", derived=2, computed=2.00004, simulated=estimate, within=1e-4)
    claims.below("Energy is constant", [3e-14, -2e-12], 1e-10, scale=2)
    claims.above("The other rule is worse", [30, 51.0], 3)
    claims.holds("It is a minimum", True)
    claims.agree("Counts", derived=[5, 8], computed=np.array([5, 8]))
    claims.below("A loose bound for roundoff", 1e-17, 0.1, scale=2)
    claims.above("Over a floor of roundoff", 299318.2, 1000)
    three, energy, worse, kind, counts, loose, over = claims
    assert (counts.derived, counts.computed, counts.bound) == ("5, 8", "5, 8", "equal (2 values)")
    assert (loose.computed, loose.margin) == ("below 2e-8", "> 1000")
    assert (three.derived, three.computed) == ("2.00000", "2.00004")
    mean, error = estimate(1)
    assert three.simulated == f"{mean:.2f} ± {error:.2f} ({(mean - 2) / error:+.1f} s.e.)"
    assert three.bound == "± 1e-4; 4 s.e., 4 seeds"
    first, second = map(float, three.margin.split("; "))
    assert first == 2.5
    off = max(abs(m - 2) / e for m, e in map(estimate, (1, 2, 3, 4)))
    assert abs(second - 4 / off) <= 0.05
    assert (energy.computed, energy.margin) == ("below 1e-10", "roundoff")
    assert (worse.computed, worse.margin) == ("30", "10.0")
    assert over.computed == "299000"  # its later digits are an accident of the machine
    assert kind.computed == "yes" and len(claims) == 7


FALSE = {
    "apart": lambda c: c.agree("w", derived=2, computed=2.2, within=0.1),
    "one of many": lambda c: c.agree("w", derived=[1, 2], computed=[1, 2.2], within=0.1),
    "not a number": lambda c: c.agree("w", derived=2, computed=[2, np.nan], within=0.1),
    "another count": lambda c: c.agree("w", derived=5, computed=6),
    "large": lambda c: c.below("w", -0.2, 0.1, scale=1),
    "nan is not small": lambda c: c.below("w", [0, np.nan], 0.1, scale=1),
    "not large": lambda c: c.above("w", 2.9, 3),
    "nan is not large": lambda c: c.above("w", np.nan, 3),
    "false": lambda c: c.holds("w", False),
    "one is false": lambda c: c.holds("w", [True, False]),
    "simulated": lambda c: c.agree("w", derived=2.5, simulated=estimate),
    "one seed of four": lambda c: c.agree(
        "w", computed=2, simulated=lambda s: estimate(s, 2 + 0.5 * (s == 4))
    ),
    "nan simulated": lambda c: c.agree("w", derived=2, simulated=lambda s: (np.nan, 0.1)),
    "against what was computed": lambda c: c.agree("w", computed=3, simulated=estimate),
}


@pytest.mark.parametrize("state", FALSE.values(), ids=FALSE)
def test_a_false_claim_fails_the_page(claims, state):
    with pytest.raises(ClaimFailed, match="^w: "):
        state(claims)
    assert len(claims) == 0  # it is not in the ledger either


SAYS_NOTHING = {
    "within": lambda c: c.agree("w", derived=2, computed=2, within=1.1),
    "no bound": lambda c: c.agree("w", derived=2, computed=2.0),
    "nothing between": lambda c: c.agree("w", derived=2, computed=2, within=0),
    "below": lambda c: c.below("w", 0.1, 0.6, scale=1),
    "above nothing": lambda c: c.above("w", 0.1, 0),
    "errors as large as the number": lambda c: c.agree("w", derived=2, simulated=lambda s: (2, 0.3)),
    "a bias as large": lambda c: c.agree("w", derived=2, simulated=estimate, bias=1),
    "no scale": lambda c: c.agree("w", derived=0, computed=0, within=1e-3),
    "alone": lambda c: c.agree("w", derived=2),
    "a bound for nothing": lambda c: c.agree("w", derived=2, simulated=estimate, within=0.1),
    "two errors": lambda c: c.agree("w", derived=2, simulated=estimate, errors=2),
    "three runs": lambda c: c.agree("w", derived=2, simulated=[(2, 0.1)] * 3),
    "no error": lambda c: c.agree("w", derived=2, simulated=lambda s: (2, 0)),
    "not a truth": lambda c: c.holds("w", 1),
    "no truth": lambda c: c.holds("w", []),
    "not a number": lambda c: c.below("w", "small", 1, scale=3),
    "complex": lambda c: c.below("w", 1j, 1, scale=3),
}


@pytest.mark.parametrize("state", SAYS_NOTHING.values(), ids=SAYS_NOTHING)
def test_what_says_nothing_is_refused(claims, state):
    with pytest.raises(ValueError):
        state(claims)
    assert len(claims) == 0


def test_seeds_must_be_four():
    with pytest.raises(ValueError, match="four different seeds"):
        nl.Claims(seeds=(1, 1, 2, 3))
    asked = []
    nl.Claims(seeds=range(10, 15)).agree("w", derived=2, simulated=lambda s: asked.append(s) or estimate(s))
    assert asked == [10, 11, 12, 13, 14]


def test_text_is_as_wide_as_a_page_and_html_is_escaped(claims):
    for _ in range(12):
        claims.agree("If x < 1 " + 30 * "long ", derived=2, computed=2.01, simulated=estimate, within=0.1)
    assert max(map(len, repr(claims).splitlines())) <= 76
    html = claims._repr_html_()
    assert html.count("<tr>") == 13 and "x &lt; 1" in html and "x < 1" not in html
    assert repr(nl.Claims()) == "no claim stated"


@pytest.mark.parametrize(
    "value, within, shown",
    [
        (2.5, 1e-4, "2.50000"),
        (-1e-9, 1e-3, "0.0000"),
        (0, 0.05, "0.000"),
        (1.23456789012, 1e-12, "1.234568"),
        (123456.7, 1e-4, "123456.7"),
        (1.5e7, 1e3, "1.5e+07"),
        (2.5e-5, 1e-7, "2.5e-05"),
    ],
)
def test_digits_are_those_that_the_bound_tests(value, within, shown):
    assert text.decimals(value, within) == shown


@pytest.mark.parametrize(
    "size, shown",
    [(0.05, "0.05"), (1e-4, "1e-4"), (2.5e-7, "2.5e-7"), (1e-12, "1e-12"), (3, "3"), (1e-3, "0.001")],
)
def test_bounds_are_shown_as_stated(size, shown):
    assert text.bound(size) == shown


@pytest.mark.parametrize("error, decimals", [(0.012, 3), (0.02, 2), (0.5, 1), (3, 0), (1.4, 1), (40, 0)])
def test_errors_have_one_digit_or_two(error, decimals):
    assert text.place(error) == decimals


def test_mean_and_error():
    sample = np.random.default_rng(0).normal(size=(500, 2))
    mean, error = mean_and_error(sample)
    np.testing.assert_allclose(mean, sample.mean(axis=0))
    np.testing.assert_allclose(error, np.sqrt(np.diag(np.cov(sample.T)) / 500))
    with pytest.raises(ValueError, match="at least two samples"):
        mean_and_error([1.0])


def test_power_of_a_law():
    x = np.array([0.1, 0.2, 0.4])
    np.testing.assert_allclose(power(x, np.stack([3 * x**2, -(x**-0.5)], axis=1)), [2, -0.5])
    assert abs(power(x, x) - 1) < 1e-12
    for x, y in [([1, 2], [0, 1]), ([1, -2], [1, 1]), ([1, 2], [1, 2, 3]), ([1], [1]), ([1, 2], [1, np.inf])]:
        with pytest.raises(ValueError):
            power(x, y)


def test_the_ledger_loads_nothing_heavy():
    code = "import sys, noetherlib; noetherlib.Claims(); print({'matplotlib', 'sympy'} & {*sys.modules})"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


def test_a_value_that_rounds_to_zero_has_no_sign():
    claims = nl.Claims()
    claims.agree("It stays", derived=-0.001, simulated=[(-0.02, 0.04)] * 4, scale=1)
    assert "derived 0.00; simulated -0.02 ± 0.04" in repr(claims)


def test_of_many_values_the_worst_is_shown_and_the_first_where_roundoff_would_choose(claims):
    derived = np.array([1.0, 2.0, 3.0])
    claims.agree("Worst", derived=derived, computed=derived + [0, 0.004, 0.001], within=0.01)
    claims.agree("Roundoff", derived=derived, computed=derived + [0, 4e-15, 1e-15], within=0.01)
    claims.agree("Tight", derived=derived, computed=derived + [0, 4e-15, 1e-15], within=1e-9)
    worst, roundoff, tight = claims
    assert (worst.derived, worst.computed, worst.margin) == ("2.000", "2.004", "2.5")
    assert (roundoff.derived, roundoff.margin) == ("1.000", "> 1000")
    assert (tight.derived, tight.margin) == ("1.000000", "roundoff")
