"""How nbval runs and compares the book's notebooks."""

import tempfile

from nbval.kernel import RunningKernel

from tools.environment import use_own_profile
from tools.notebooks import HTML_PAYLOADS, PAYLOAD


class WithoutPictures(tuple):
    """nbval's list of output types not to compare, and every type that normalising removes."""

    def __contains__(self, kind):
        return super().__contains__(kind) or bool(PAYLOAD.search(kind))


def execute_cell_input(self, cell_input, allow_stdin=None):
    """As nbval's, but with history, without which the kernel ignores the `;` that ends a cell."""
    return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


def pytest_configure(config):
    profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    config.add_cleanup(profile.cleanup)
    use_own_profile(profile.name)
    RunningKernel.execute_cell_input = execute_cell_input


def pytest_collection_modifyitems(items):
    for notebook in {item.parent for item in items if hasattr(item.parent, "skip_compare")}:
        notebook.skip_compare = WithoutPictures(notebook.skip_compare)
        notebook.sanitize_patterns.update(HTML_PAYLOADS)
