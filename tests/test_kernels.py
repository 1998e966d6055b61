"""The compiled loops: where they are kept, and that they can do without being kept."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moderation import kernels

PACKAGE = Path(__file__).parents[1] / "moderation"
COMPILERS = {"numba", "llvmlite"}
JOIN = """
import sys
import numpy as np
from moderation import kernels, learning
from moderation.vocabulary import Terms
words = Terms.read(["ferry", "lantern", "", "漢字"])
joined = learning._join_runs(words.letters, np.array([2, 0, 12]), np.array([7, 3, 14]))
assert kernels.__file__.startswith(sys.argv[1])
stats = kernels.copy_runs.stats
print(joined.strings(), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""
"""One loop, which compiles in a moment; prints what it joined, and how often it was kept."""
JOINED = "['rryla', 'fer', '漢字']"


@pytest.fixture
def package(tmp_path):
    """Return the folder of a copy of the package, of which nothing is compiled yet."""
    folder = tmp_path / "site" / "moderation"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def join(package, home):
    """Join some words in a process that knows only this copy of the package; return its output."""
    told = ("NUMBA", "PYTHON", "XDG", "COV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(told)}
    environment |= {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", JOIN, str(package)],
        capture_output=True, encoding="utf-8", env=environment, cwd=package.parent,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def files(folder):
    """Return all files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def kept(folder):
    """Return the loops that are kept below a folder: the index and the code of each."""
    return sorted({path.name.split("-")[0] for path in folder.rglob("kernels.*.nb[ci]")})


def close(package):
    """Let nothing be kept beside the loops. For root no folder is read-only; a file is none."""
    (package / "__pycache__").write_text("")


def test_loops_are_kept_beside_their_file(package, home):
    assert join(package, home) == f"{JOINED} 0 1"
    assert kept(package / "__pycache__") == ["kernels.copy_runs"]
    assert {path.suffix for path in files(package / "__pycache__")} == {".nbc", ".nbi"}
    assert files(home) == []


def test_a_second_process_compiles_nothing(package, home):
    join(package, home)
    before = [(path, path.stat().st_mtime_ns) for path in files(package)]
    assert join(package, home) == f"{JOINED} 1 0"
    assert [(path, path.stat().st_mtime_ns) for path in files(package)] == before


def test_loops_that_changed_are_compiled_again(package, home):
    join(package, home)
    source = package / "kernels.py"
    changed = "joined[length] = letters[at] + 1"
    text = source.read_text(encoding="utf-8").replace("joined[length] = letters[at]", changed)
    source.write_text(text, encoding="utf-8")
    os.utime(source, (1, 1))
    assert changed in text
    assert join(package, home) == f"{['sszmb', 'gfs', '漣存']} 0 1"


def test_loops_go_to_the_users_cache_where_the_package_is_closed(package, home):
    close(package)
    assert join(package, home) == f"{JOINED} 0 1"
    assert kept(home / ".cache" / "numba") == ["kernels.copy_runs"]
    assert kept(package) == []
    assert join(package, home) == f"{JOINED} 1 0"


def test_loops_run_where_nothing_can_be_kept(package, home):
    """In a container with a read-only file system, say: each process compiles anew."""
    close(package)
    (home / ".cache").write_text("")
    before = files(package.parent.parent)
    for _ in range(2):
        assert join(package, home) == f"{JOINED} 0 1"
    assert files(package.parent.parent) == before


def compilers_imported(path):
    """Return which packages that compile a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found & COMPILERS


def test_compilers_are_imported_by_the_kernels_only():
    importing = {
        str(path.relative_to(PACKAGE)): found
        for path in PACKAGE.rglob("*.py")
        if (found := compilers_imported(path))
    }
    assert importing == {"kernels.py": COMPILERS}


def test_an_import_inside_a_function_is_found(tmp_path):
    path = tmp_path / "loops.py"
    path.write_text("def run():\n    from numba.core import types\n    import numpy, llvmlite.ir\n")
    assert compilers_imported(path) == COMPILERS


def test_compiling_is_announced_once():
    """It takes seconds in which nothing else can be seen."""
    said = []
    kernels.announce_compiling(lambda: said.append("compiling"))
    double = kernels.inlined(lambda number: number + number)
    assert (double(2), double(2), double(2.5)) == (4, 4, 5.0)
    assert said == ["compiling"]
