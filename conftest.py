"""How nbval runs and compares the book's notebooks, and what the book is told of the tests."""

import json
import tempfile
import time
import warnings
from pathlib import Path

import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbFile

from tools import execute, parallel, recording
from tools.build import TESTED, executed, fingerprint
from tools.environment import CI, use_own_profile
from tools.notebooks import HTML_PAYLOADS, PAYLOAD


class WithoutPictures(tuple):
    """nbval's list of output types not to compare, and every type that normalising removes."""

    def __contains__(self, kind):
        return super().__contains__(kind) or bool(PAYLOAD.search(kind))


def execute_cell_input(self, cell_input, allow_stdin=None):
    """As nbval's, but with history, without which the kernel ignores the `;` that ends a cell."""
    return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


def start(self, execute_it=IPyNbFile.setup):
    """As nbval's, but where the build has executed this very code, compare what that gave."""
    force = self.config.getoption("execute") or getattr(self.config.option, "cov_source", None)
    cells = None if force else execute.recorded(executed(), self.nb)
    if cells is None:
        execute_it(self)
    else:
        self.kernel = execute.Replay(cells)
        self.setup_sanitize_files()


def pytest_addoption(parser):
    parser.addoption("--execute", action="store_true", help="execute even what the build has executed")
    parser.addoption("--every-page", action="store_true", help="run every page in a browser, not three")
    parser.addoption(
        "--panel", action="store_true", help="drive the panel in JupyterLab, which takes minutes"
    )
    parser.addoption("--results", type=Path, help="write how many tests passed into this file, for the book")


def pytest_terminal_summary(terminalreporter, config):
    if path := config.getoption("results"):
        kinds = ["passed", "failed", "error", "skipped"]
        found = {kind: len(terminalreporter.getreports(kind)) for kind in kinds}
        found |= {"ended": time.time(), "files": fingerprint(TESTED)}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(found), encoding="utf-8")


def pytest_configure(config):
    profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(profile.cleanup)
    use_own_profile(profile.name)
    RunningKernel.execute_cell_input = execute_cell_input
    IPyNbFile.setup = start
    parallel.limit_threads(parallel.cores())


def pytest_xdist_auto_num_workers():
    return parallel.cores()


def pytest_collection_modifyitems(items):
    for notebook in {item.parent for item in items if hasattr(item.parent, "skip_compare")}:
        notebook.skip_compare = WithoutPictures(notebook.skip_compare)
        notebook.sanitize_patterns.update(HTML_PAYLOADS)
    cells = [item for item in items if item.path == recording.PAGE]
    if cells and (problem := recording.fetch()) and not CI:
        warnings.warn(f"the recording cannot be had, its page is not tested: {problem}", stacklevel=1)
        for cell in cells:
            cell.add_marker(pytest.mark.skip(reason=problem))
