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

# the library's rooms, one number of each at least; the last line is what is said
NUMBERS = """
import json
import numpy as np
import noetherlib as nl

t = np.linspace(0, 2, 101)
ou = nl.models.ornstein_uhlenbeck(dim=2, rate=1.0, diffusion=0.5)
well = nl.models.double_well(0.2)
many = nl.simulate(ou, [1.0, 0.0], t, n_paths=9000, rng=3, save="final")
path = nl.least_action_path(ou, [-2, 2], [2, 2], t)
geo = nl.geometric_path(well, -1, 0)
bridge = nl.bridge_ensemble(ou, [0, 0], [1, 1], t[:51], n_paths=40, rng=5)
ring = nl.scores.Ring(2.0, 0.5)
json.dumps({
    "simulated": [many.x.mean(), many.x.std()],
    "action": path.action,
    "momentum": float(np.abs(nl.charge(path, nl.rotation(0, 1)).values).max()),
    "geometric": geo.action,
    "bridge": [bridge.x.mean(), bridge.x.std()],
    "score": ring.score(np.array([1.0, 2.0]), 0.3).tolist(),
})
"""


def in_cpython():
    *before, last = NUMBERS.rpartition("json.dumps(")
    names = {}
    exec(before[0], names)
    return json.loads(eval(f"json.dumps({last}", names))


def in_pyodide(folder, code):
    script = folder / "run.mjs"
    script.write_text(LOAD % (folder, folder, json.dumps(code)))
    done = subprocess.run([NODE, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pyodide with the library of this tree."""
    work = tmp_path_factory.mktemp("pyodide")
    folder = work / "python"
    shutil.copytree(PYTHON, folder, copy_function=os.link if same_disk(work) else shutil.copy)
    live.add_packages(folder, work)
    return folder


def same_disk(work):
    return work.stat().st_dev == PYTHON.stat().st_dev


def test_the_same_numbers_as_in_cpython(folder):
    theirs, ours = json.loads(in_pyodide(folder, NUMBERS)), in_cpython()
    assert set(theirs) == set(ours)
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


def test_importing_starts_nothing(folder):
    code = """
import sys, noetherlib
[name for name in ("multiprocessing", "concurrent.futures.process") if name in sys.modules] or "nothing"
"""
    assert in_pyodide(folder, code).strip() == "nothing"
