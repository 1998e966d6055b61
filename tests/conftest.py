"""What tests share: where real data lies, and one small model trained for all of them."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure, and a contribution is judged by the same examples each time;
# at home every run looks at new ones.
settings.register_profile("patient", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("patient")

REPOSITORY = Path(__file__).parents[1]
SHARED = REPOSITORY.parent / "shared"


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Return the folder of real labelled comments; a fresh clone does not have it."""
    folder = SHARED / "corpora"
    if not folder.is_dir():
        pytest.skip("the labelled corpora are not beside this repository")
    return folder


@pytest.fixture(scope="session")
def seeds() -> Path:
    """Return the folder of the first saved pages; a fresh clone does not have it."""
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip("the first saved pages are not beside this repository")
    return folder


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Train once on the archive in `data/` and return the path of the model.

    It begins with nothing: small models load fast. Every loop is compiled then, so that no later
    test waits for it: on a slow machine, minutes.
    """
    from moderation import load_model
    from moderation.train import main

    path = tmp_path_factory.mktemp("model") / "moderation.joblib"
    assert main([str(REPOSITORY / "data"), "--base", "none", "--out", str(path)]) == 0
    load_model(path).explain("a first comment")
    return path
