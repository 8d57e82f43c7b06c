"""noetherlib in a browser's Python, run by node: no thread, no process, the same numbers.

Skipped where `make live` has not fetched Pyodide, or there is no node.
"""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from tools import build, live, pyodide

PYTHON = pyodide.fetched(build.BUILD)
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="Pyodide is not fetched: `make live` does that"),
    pytest.mark.skipif(NODE is None, reason="node is not installed, which runs Pyodide without a browser"),
]

LOAD = """
import { loadPyodide } from "%s/pyodide.mjs";
const python = await loadPyodide({ indexURL: "%s/" });
await python.loadPackage("noetherlib", { messageCallback: () => {} });
try {
    console.log(await python.runPythonAsync(%s));
} catch (error) {  // else node prints a thousand lines of Pyodide's own before it
    console.error(error.message);
    process.exit(1);
}
"""

# before the numbers: what the import alone has loaded
IMPORT = """
import json, sys, noetherlib
loaded = set(sys.modules)
"""
# the library's rooms, one number of each at least
NUMBERS = """
import numpy as np
import noetherlib as nl

t = np.linspace(0, 2, 101)
ou = nl.models.ornstein_uhlenbeck(dim=2, rate=1.0, diffusion=0.5)
well = nl.models.double_well(0.2)
many = nl.simulate(ou, [1.0, 0.0], t, n_paths=9000, rng=3, save="final")
path = nl.least_action_path(ou, [-2, 2], [2, 2], t)
geo = nl.geometric_path(well, -1, 0)
swing = nl.models.underdamped(lambda x, t: -np.sin(x), 0.3, 1.0)
kicked = nl.least_action_path(swing, [0, 0], [1, 0], t)
bridge = nl.bridge_ensemble(ou, [0, 0], [1, 1], t[:51], n_paths=40, rng=5)
ring = nl.scores.Ring(2.0, 0.5)
grid = nl.generator(well, (-2, 2), 200)
x = np.random.default_rng(2).normal(size=(200, 2))
found = nl.discover.symmetries_from_drift(x, ou.drift(x, 0.0), 0.5)
numbers = {
    "simulated": [many.x.mean(), many.x.std()],
    "action": path.action,
    "momentum": float(np.abs(nl.charge(path, nl.rotation(0, 1)).values).max()),
    "geometric": geo.action,
    "noise on some": kicked.action,
    "bridge": [bridge.x.mean(), bridge.x.std()],
    "score": ring.score(np.array([1.0, 2.0]), 0.3).tolist(),
    "exit": float(grid.mean_exit_time(lambda x: x[..., 0] < 0).at(-1.0)),
    "symmetries": len(found),
}
"""
TOLD = "json.dumps({'loaded': sorted(loaded), 'numbers': numbers})"


def in_pyodide(folder, code):
    script = folder / "run.mjs"
    script.write_text(LOAD % (folder, folder, json.dumps(code)))
    done = subprocess.run([NODE, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the library of this tree computes in Pyodide, and which modules its import loads there."""
    work = tmp_path_factory.mktemp("pyodide")
    folder = work / "python"
    shutil.copytree(PYTHON, folder, copy_function=os.link if same_disk(work) else shutil.copy)
    live.add_packages(folder, work)
    return in_pyodide(folder, IMPORT + NUMBERS + TOLD)


def same_disk(work):
    return work.stat().st_dev == PYTHON.stat().st_dev


def test_the_same_numbers_as_in_cpython(told):
    names = {}
    exec(NUMBERS, names)
    ours = json.loads(json.dumps(names["numbers"]))
    assert set(told["numbers"]) == set(ours)
    for name, value in ours.items():
        np.testing.assert_allclose(told["numbers"][name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_importing_starts_nothing(told):
    assert "noetherlib" in told["loaded"]
    assert not {"multiprocessing", "concurrent.futures.process"} & set(told["loaded"])
