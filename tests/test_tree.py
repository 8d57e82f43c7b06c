"""The tree holds what belongs in it, and everything that it needs is pinned."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires, version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.build import ROOT
from tools.notebooks import parse, read

REGISTRIES = [
    ".".join(host) for host in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org")]
]
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:root|home|work|Users|tmp|opt|private)/\w+")


def tracked():
    """Files that are committed, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files belong to the tree")
    return sorted({ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()})


def pins(name):
    """{package: version} of a file of pins, for this interpreter and platform."""
    lines = (ROOT / name).read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    found = [pin for pin in found if pin.marker is None or pin.marker.evaluate()]
    assert all(re.fullmatch(r"==[^*]+", str(pin.specifier)) for pin in found), "a pin is an exact version"
    return {canonicalize_name(pin.name): str(pin.specifier)[2:] for pin in found}


def imported(path):
    """Top-level modules that a file imports."""
    if path.suffix == ".ipynb":
        trees = [parse(cell.source) for cell in read(path).cells if cell.cell_type == "code"]
    else:
        trees = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def test_no_file_is_large():
    assert [path for path in tracked() if path.stat().st_size > 1_000_000] == []


def test_no_file_names_a_machine_or_a_registry():
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [(path.name, match) for match in MACHINE_PATH.findall(text)]
        found += [(path.name, host) for host in REGISTRIES if host in text]
    assert found == []


def test_constraints_freeze_the_requirements():
    frozen = pins("constraints.txt")
    assert {name: frozen.get(name) for name in pins("requirements.txt")} == pins("requirements.txt")


def needed(name, extras=frozenset()):
    """The distribution and all that it needs on this interpreter and platform."""
    seen, waiting = set(), [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) not in seen:
            seen.add((name, extras))
            for line in requires(name) or []:
                need = Requirement(line)
                if need.marker is None or any(
                    need.marker.evaluate({"extra": extra}) for extra in {"", *extras}
                ):
                    waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return {name for name, extras in seen}


def test_nothing_floats():
    """All that the book and the tests need is frozen, and installed as frozen."""
    frozen = pins("constraints.txt")
    names = set().union(
        *[needed(name) for name in pins("requirements.txt")], needed("noetherlib", frozenset({"test"}))
    )
    assert {name: frozen.get(name) for name in names - {"noetherlib"}} == {
        name: version(name) for name in names - {"noetherlib"}
    }


def header(path):
    """Inline metadata of a script that runs in an environment of its own, and pins it there."""
    text = path.read_text(encoding="utf-8")
    return re.match(r"# /// script\n(.*?)^# ///$", text, flags=re.DOTALL | re.MULTILINE)


def test_scripts_with_an_environment_of_their_own_pin_it():
    heads = {path.name: header(path) for path in tracked() if path.parent.name in {"neighbours", "fish"}}
    heads = {name: head for name, head in heads.items() if name.startswith(("with_", "against_"))}
    assert heads and all(heads.values())
    for name, head in heads.items():
        wanted = tomllib.loads(re.sub(r"^# ?", "", head[1], flags=re.MULTILINE))["dependencies"]
        assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in wanted), name


def test_everything_imported_is_pinned():
    """Directly: nothing is used that only comes along with something else."""
    local = {"noetherlib", "tools", "tests", "conftest"} | {path.stem for path in ROOT.glob("book/_ext/*.py")}
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    direct = {canonicalize_name(Requirement(line).name) for lines in extras.values() for line in lines}
    direct |= pins("requirements.txt").keys()
    providers = packages_distributions()
    missing = set()
    for path in tracked():
        if path.suffix in {".py", ".ipynb"} and not header(path):
            for module in set(imported(path)) - local - sys.stdlib_module_names:
                names = {canonicalize_name(name) for name in providers.get(module, [module])}
                if not names & direct:
                    missing.add((path.relative_to(ROOT).as_posix(), module))
    assert missing == set()


FORMATTED = {
    "code": ["noetherlib", "tools", "tests", "benchmarks"],
    "the pages' code": ["book"],  # by book/ruff.toml, which knows notebooks alone
    "the site's code": ["--config", "pyproject.toml", "book/_ext"],
}


@pytest.mark.parametrize("task", [["check"], ["format", "--check"]], ids=["lint", "format"])
@pytest.mark.parametrize("what", FORMATTED.values(), ids=FORMATTED)
def test_one_linter_and_one_formatter(task, what):
    """What to do: `ruff check --fix` and `ruff format` on the same folders."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *task, "--no-cache", *what], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
