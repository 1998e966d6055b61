"""Puts clients from npm and PyPI, unchanged, each into a folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browsers import miss

CACHE = "CONFORMANCE_CLIENTS"
"""The environment's name of a folder where clients stay from one run to the next."""
PATIENCE = 300


def find_cache(config: pytest.Config, otherwise: Path) -> Path:
    """Return the folder for clients: the environment's, pytest's, or one for this run."""
    if given := os.environ.get(CACHE):
        return Path(given)
    cache = getattr(config, "cache", None)
    return Path(cache.mkdir("conformance-clients")) if cache else otherwise


def install_from_pypi(cache: Path, client: str, *, needs: Sequence[str] = ()) -> Path:
    """
    Return the folder of one client; three of them are called `perspective` when imported.

    What a client needs (`module=requirement`) is installed, too, where no module of that name is.
    """
    missing = [package for need in needs if (package := _find_missing(need))]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", "--target", "."]
    commands = [[*pip, "--no-deps", client], *([[*pip, *missing]] if missing else [])]
    return _install(cache / client, commands)


def _find_missing(need: str) -> str | None:
    module, _, package = need.partition("=")
    try:
        return None if find_spec(module) else package
    except ModuleNotFoundError:  # a part of what is not there itself
        return package


def install_from_npm(cache: Path, client: str) -> Path:
    """Return the folder that has the client among its node_modules."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            miss(f"{program} is not installed")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", "."]
    return _install(cache / client.replace("/", "+"), [[*command, client]])


def _install(folder: Path, commands: Sequence[Sequence[str]]) -> Path:
    """Make a folder by commands, whole or not at all."""
    if folder.is_dir():
        return folder
    making = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    making.mkdir(parents=True)
    try:
        for command in commands:
            ran = subprocess.run(
                command, cwd=making, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
            if ran.returncode:
                last = (ran.stderr.strip() or "no word why").splitlines()[-1]
                miss(f"{folder.name} cannot be installed here: {last}")
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder
