"""The package as a whole: what importing it loads, what it offers, how it is put together."""

import ast
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
#: every module but the front door, by its dotted name inside the package; a room is its ``__init__``
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if path != ROOT / "__init__.py"
}
ROOMS = {module.split(".")[0] for module in MODULES}
LINES = 260
FRONT_DOOR = [
    "System",
    "System.from_samples",
    "fixed_points",
    "simulate",
    "action",
    "least_action_path",
    "refine",
    "geometric_path",
    "path_spread",
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
    "models.underdamped",
    "models.fitzhugh_nagumo",
    "models.coloured",
    "affine",
    "ring_shift",
    "read_system",
    "generator",
    "escape_rate",
    "quasipotential",
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


def the_map():
    """The floors that the package's docstring draws, from the top, and the rooms that stand apart."""
    blocks = re.findall(r"(?:^    \S.*\n)+", nl.__doc__, flags=re.MULTILINE)
    # each line: names, then at least two blanks, then in words what is there
    floors, apart = ([re.split(r" {2,}", line.strip())[:-1] for line in b.splitlines()] for b in blocks)
    return floors, [name for line in apart for name in line]


FLOORS, APART = the_map()
HEIGHT = {room: height for height, rooms in enumerate(reversed(FLOORS)) for room in rooms}


def loads(node):
    """Whether a call imports a module by its name."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in ("import_module", "__import__")


def arrows(source, module, is_room, known):
    """The modules of ``known`` that one of them imports, at the top, inside a function or by name.

    The front door is "". A name taken from a room's ``__init__`` is an arrow to that room.
    """
    package = module.split(".") if is_room else module.split(".")[:-1]

    def resolve(name):
        if name.startswith("."):
            dots = len(name) - len(name.lstrip("."))
            return ".".join([*package[: len(package) + 1 - dots], *filter(None, name[dots:].split("."))])
        root, _, rest = name.partition(".")
        return rest if root == "noetherlib" else None

    found = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            dot = "" if origin.endswith(".") else "."
            inner = [origin + dot + alias.name for alias in node.names]  # maybe modules themselves
            names = [full if resolve(full) in known else origin for full in inner]
        elif isinstance(node, ast.Call) and loads(node):
            assert isinstance(node.args[0], ast.Constant), f"{module} imports what only running it tells"
            names = [node.args[0].value]
        found.update(target for target in map(resolve, names) if target is not None)
    return found


GRAPH = {
    module: arrows(path.read_text(encoding="utf-8"), module, path.stem == "__init__", MODULES)
    for module, path in MODULES.items()
}


def test_arrows_are_seen():
    source = """
import noetherlib.paths, numpy
from ..system import System
from .. import scores
from . import fit
from .fit import Fit
from noetherlib import least_action_path

def late():
    from ..symbolic.noether import gauge_term
    importlib.import_module("noetherlib.display")
    import_module("..models", __package__)
"""
    known = "paths system scores discover discover.fit symbolic.noether display models".split()
    expected = {*known, ""} - {"discover"}
    assert arrows(source, "discover.search", False, known) == expected
    assert arrows("from .fit import Fit", "discover", True, known) == {"discover.fit"}
    assert arrows("from . import Fit", "discover.search", False, known) == {"discover"}
    with pytest.raises(AssertionError, match="only running it tells"):
        arrows("import_module(name)", "discover", True, known)


def test_every_room_is_on_the_map_once():
    named = [*(room for floor in FLOORS for room in floor), *APART]
    assert sorted(named) == sorted(ROOMS)


def test_no_room_bears_the_name_of_a_function_of_the_front_door():
    assert not {room for room in ROOMS if not inspect.ismodule(getattr(nl, room))}


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_down_or_stay_in_the_room(module):
    room = module.split(".")[0]
    targets = {target.split(".")[0] for target in GRAPH[module]} - {room}
    # what stands apart has the ground floor alone below it, and nothing on it
    below = set(FLOORS[-1]) if room in APART else {r for r in HEIGHT if HEIGHT[r] < HEIGHT[room]}
    assert not targets - below, f"{module} imports {sorted(targets - below)}, which is not below it"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_no_circles_inside_a_room(room):
    graph = {m: {t for t in GRAPH[m] if t.split(".")[0] == room} for m in MODULES if m.split(".")[0] == room}
    done = set()
    while len(done) < len(graph):
        ready = {m for m in graph if m not in done and graph[m] <= done}
        assert ready, f"these import one another: {sorted(set(graph) - done)}"
        done |= ready


def test_files_are_small():
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert [module for module, count in lines.items() if count > LINES] == []


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_are_in_one_line(module):
    doc = ast.get_docstring(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    assert doc and len(doc.splitlines()[0]) <= 100 and doc.splitlines()[0].endswith((".", ":", "?"))
