"""Log density along the probability flow, against the densities themselves."""

import numpy as np
import pytest

import noetherlib as nl

MIXTURE = nl.scores.GaussianMixture([[0.0, 0.0], [2.0, 1.0]], widths=[0.5, 0.8])
X = np.random.default_rng(0).normal(size=(3, 2, 2)) * 2


def test_an_exact_score_gives_the_exact_density():
    exact = MIXTURE.log_density(X, 0.1)
    np.testing.assert_allclose(nl.log_likelihood(MIXTURE, X, [0.1, 3.0]), exact, atol=1e-7)
    np.testing.assert_allclose(
        nl.log_likelihood(MIXTURE, X, [0.0, 1.0]), MIXTURE.log_density(X, 0.0), atol=1e-7
    )


def test_a_function_is_differentiated():
    value = nl.log_likelihood(MIXTURE.score, X, [0.1, 3.0], prior=lambda x: MIXTURE.log_density(x, 3.0))
    np.testing.assert_allclose(value, MIXTURE.log_density(X, 0.1), atol=1e-6)


def test_the_default_prior_errs_by_what_the_docstring_says():
    s = 0.5
    value = nl.log_likelihood(lambda x, t: -x / (s**2 + t**2), [[0.3]], [0.0, 50.0])
    exact = -0.5 * np.log(2 * np.pi * s**2) - 0.3**2 / (2 * s**2)
    assert 0 < abs(value[0] - exact) < s**2 / 50**2


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(score=3), "score must have a method .score"),
        (dict(t=[3.0, 0.1]), "t must increase"),
        (dict(t=[0.1]), "t must be a 1-D array of at least two"),
        (dict(x=1.0), "x must have the state on its last axis"),
        (dict(prior=3), "prior must be a function"),
        (dict(prior=lambda x: x), r"prior\(x\) must return shape \(3, 2\)"),
        (dict(score=lambda x, t: np.nan * x), "score.* must be finite"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = dict(score=MIXTURE, x=X, t=[0.1, 3.0]) | change
    with pytest.raises(ValueError, match=message):
        nl.log_likelihood(**arguments)
