"""Systems read from text: what is typed is kept exactly, and what is refused is told what is permitted."""

import numpy as np
import pytest
import sympy as sp

import noetherlib as nl

E, x, y = sp.symbols("E x y", real=True)


def drift(text):
    return list(nl.read_system(text, 0.1).flow.expressions[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E' = -E + 1/(1 + exp(-(4E - 3.5)))", -E + 1 / (1 + sp.exp(sp.Rational(7, 2) - 4 * E))),
        ("E' = 4E-3.5", 4 * E - sp.Rational(7, 2)),
        ("x' = 0.1x + 0.2", x / 10 + sp.Rational(1, 5)),
        ("x' = 2.5E+2x^3 + 1e-3 x", 250 * x**3 + x / 1000),
        ("x' = a*x;  a = 1/3", x / 3),
        ("x' = exp(0.7)*x", sp.exp(sp.Rational(7, 10)) * x),
    ],
)
def test_typed_decimals_stay_exact(text, expected):
    (f,) = drift(text)
    assert f - expected == 0 and not f.atoms(sp.Float)


@pytest.mark.parametrize(
    "text", ["x' = -x", "dx/dt = -x", "d x / dt = -x", "x' = −x", "x' = -x  # leak; x' = 3"]
)
def test_the_ways_to_write_an_equation(text):
    assert drift(text) == [-x]


def test_lines_parameters_and_comments():
    text = """
    # a toggle, with its strength below; it is read before the equations
    x' = a/(1 + y**2) - x
    dy/dt = a/(1 + x^2) - y   # the other gene
    a = 2b; b = 2
    """
    with pytest.raises(ValueError, match="in '2b': what is b"):
        drift(text)
    assert drift(text.replace("a = 2b; b = 2", "b = 2; a = 2b")) == [4 / (1 + y**2) - x, 4 / (1 + x**2) - y]


CALLS = {
    "sigmoid(2x)": lambda x: 1 / (1 + np.exp(-2 * x)),
    "relu(x - 0.5)": lambda x: np.maximum(x - 0.5, 0),
    "max(x, 0.1, -x)": lambda x: np.maximum(np.abs(x), 0.1),
    "min(x, 0.5)": lambda x: np.minimum(x, 0.5),
    "abs(x)": np.abs,
    "ln(2 + x) + arctan(x)": lambda x: np.log(2 + x) + np.arctan(x),
}


@pytest.mark.parametrize("text", CALLS)
def test_functions_that_models_use(text):
    system = nl.read_system(f"x' = {text}", 0.1)
    at, h = np.linspace(-1.93, 1.93, 20)[:, None], 1e-6
    np.testing.assert_allclose(system.drift(at, 0.0), CALLS[text](at), atol=1e-15)
    slope = (CALLS[text](at + h) - CALLS[text](at - h)) / (2 * h)
    np.testing.assert_allclose(system.jacobian(at, 0.0)[..., 0], slope, atol=1e-8)
    assert np.isfinite(system.divergence_hessian(at, 0.0)).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x' = rectify(x)", "what is rectify.*functions: exp, log.*sigmoid, relu, max, min"),
        ("x' = Heaviside(x)", "Heaviside jumps.*sigmoid"),
        ("x' = sin x", "not a formula"),
        ("x' = x - x*", "not a formula"),
        ("x' = x!", "not a formula"),
        ("x' = log(-1)*x", "not a finite real number"),
        ("x' = 1/0", "not a finite real number"),
        ("x = 3", "no equation of motion yet"),
        ("x' = -x; dx/dt = -2x", "the name x is taken"),
        ("x' = -x; x = 3", "the name x is taken"),
        ("exp' = -x", "the name exp is taken"),
        ("x'' = -x", r"must read  name' = formula,  dname/dt = formula"),
        ("x' = x.diff", "what is diff"),
        ("x' = (lambda z: z)(x)", "what is lambda, z"),
        (3, "text must be a str"),
    ],
)
def test_slips_are_named(text, words):
    with pytest.raises(ValueError, match=words):
        nl.read_system(text, 0.1)
