"""The package as a whole: what importing it loads, what it offers, how it is put together."""

import ast
import importlib
import inspect
import pickle
import re
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import noetherlib as nl

ROOT = Path(nl.__file__).parent
MODULES = sorted(path.stem for path in ROOT.glob("*.py") if path.stem != "__init__")
ROOMS = {  # packages: their own modules, each on those before
    "symbolic": ["exact", "mechanics", "noether"],
    "course": ["slips", "noise", "symmetries", "paths", "project"],
}
FRONT_DOOR = [
    "System",
    "fixed_points",
    "simulate",
    "action",
    "least_action_path",
    "refine",
    "geometric_path",
    "translation",
    "rotation",
    "time_translation",
    "Symmetry",
    "charge",
    "invariance_defect",
    "charge_balance",
    "bridge_ensemble",
    "transition_density",
    "probability_flow",
    "scrubber",
    "style",
    "models.drift_diffusion",
    "models.ornstein_uhlenbeck",
    "models.multistable_decision",
    "models.reverse_diffusion",
    "symbolic.lagrangian",
    "symbolic.euler_lagrange",
    "symbolic.momentum",
    "symbolic.energy",
    "symbolic.hamiltonian",
    "symbolic.noether_charge",
    "symbolic.gauge_term",
    "symbolic.find_symmetries",
    "scores.Ring",
    "scores.GaussianMixture",
    "scores.Empirical",
    "discover.symmetries_from_drift",
    "discover.symmetries_from_paths",
    "discover.symmetries_from_trajectories",
]


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=True
    ).stdout


# ---- what is loaded, and when --------------------------------------------------------------------


def test_importing_is_light():
    heavy = "sympy", "matplotlib", "ipywidgets", "scipy.stats", "tqdm"
    assert run(f"import sys, noetherlib; print([m for m in {heavy} if m in sys.modules])").strip() == "[]"


def test_a_path_of_a_numeric_system_needs_no_sympy():
    code = """
import sys, numpy as np, noetherlib as nl
system = nl.models.double_well(0.2)
path = nl.least_action_path(system, -1, 1, np.linspace(0, 5, 50))
nl.charge(path, nl.time_translation())
nl.fixed_points(system, (-2, 2))
nl.geometric_path(system, -1, 0)
print("sympy" in sys.modules, "matplotlib" in sys.modules)
"""
    assert run(code).strip() == "False False"


def test_attributes_that_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        nl.nonsense  # noqa: B018
    assert {"symbolic", "discover", "least_action_path", "transition_density"} <= set(dir(nl))


# ---- the front door ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FRONT_DOOR)
def test_everything_is_there_and_documented(name):
    thing = attrgetter(name)(nl)
    doc = inspect.getdoc(thing)
    assert doc and doc.splitlines()[0].endswith((".", ":", "``")), f"{name} needs a first sentence"
    if not inspect.signature(thing).parameters:
        return
    sections = re.findall(r"^(\w+)\n-{3,}$", doc, flags=re.MULTILINE)
    needed = {"Parameters", "Raises"} | (set() if inspect.isclass(thing) else {"Returns"})
    missing = needed - set(sections)
    assert not missing, f"the docstring of {name} lacks {sorted(missing)}"
    described = doc.split("Parameters\n")[1].split("\n\n")[0:30]
    for parameter in inspect.signature(thing).parameters:
        assert re.search(rf"^(.*[ ,*])?{parameter}\b.*( :|$)", "\n\n".join(described), flags=re.MULTILINE), (
            f"the docstring of {name} does not describe {parameter}"
        )


def test_result_objects_are_frozen():
    path = nl.least_action_path(nl.models.double_well(0.2), -1, 1, np.linspace(0, 1, 10))
    geo = nl.geometric_path(nl.models.double_well(0.2), -1, 0, 20)
    for result in path, geo, nl.fixed_points(nl.models.double_well(0.2), (-2, 2))[0]:
        with pytest.raises(AttributeError):
            result.x = 0


def test_paths_pickle():
    t = np.linspace(0, 1, 10)
    path = nl.least_action_path(
        nl.models.maier_stein(0.5), [-1, 0], [[0, 0], [0, 1]], t, guesses=[None, np.zeros((10, 2))]
    )
    copy = pickle.loads(pickle.dumps(path))
    np.testing.assert_array_equal(copy.x, path.x)
    np.testing.assert_array_equal(nl.charge(copy, nl.rotation(0, 1)), nl.charge(path, nl.rotation(0, 1)))
    assert len(copy.others) == 1


# ---- how it is put together ----------------------------------------------------------------------


def imports(path, level, known):
    """Modules that one of the package imports, at the top or anywhere, by so many dots."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == level:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found.update(name.split(".")[0] for name in names)
    return found & set(known)


def test_ten_to_fourteen_modules():
    assert 10 <= len(MODULES) <= 14, MODULES
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(ROOMS)


def test_no_circles():
    known = [*MODULES, *ROOMS]
    graph = {module: imports(ROOT / f"{module}.py", 1, known) for module in MODULES}
    for room in ROOMS:
        graph[room] = set().union(*(imports(path, 2, known) for path in (ROOT / room).glob("*.py")))
    done = []
    while len(done) < len(graph):
        ready = [m for m in graph if m not in done and graph[m] <= set(done)]
        assert ready, f"these import one another: {sorted(set(graph) - set(done))}"
        done += ready


@pytest.mark.parametrize("room", ROOMS)
def test_the_modules_of_a_room_stand_on_those_before(room):
    files = sorted(path.stem for path in (ROOT / room).glob("*.py") if path.stem != "__init__")
    assert files == sorted(ROOMS[room])
    for i, module in enumerate(ROOMS[room]):
        assert imports(ROOT / room / f"{module}.py", 1, files) <= set(ROOMS[room][:i])


@pytest.mark.parametrize("module", [*MODULES, *ROOMS, *(f"{r}.{m}" for r in ROOMS for m in ROOMS[r])])
def test_modules_say_what_they_are(module):
    doc = importlib.import_module(f"noetherlib.{module}").__doc__
    assert doc and len(doc.splitlines()[0]) <= 110


def test_the_map_names_every_module():
    missing = [module for module in [*MODULES, *ROOMS] if not re.search(rf"\b{module}\b", nl.__doc__)]
    assert not missing
