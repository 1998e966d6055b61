"""The base model is as good as it was: no floor in `baseline.json` is missed."""

import json

import pytest

from moderation.base import LEFT_OUT, MEASURED_ONLY
from tests import floors
from tests.floors import (
    BASELINE,
    compare,
    digest,
    measure,
    measure_left_out,
    read_floors,
    round_down,
)

PINNED = json.loads(BASELINE.read_text(encoding="utf-8"))


def test_every_corpus_that_measures_has_floors_and_a_digest():
    assert set(PINNED["floors"]) == set(PINNED["data"]) == {*LEFT_OUT, *MEASURED_ONLY}


def test_models_made_without_a_corpus_reached_its_floors():
    assert list(compare(measure_left_out(), {name: read_floors()[name] for name in LEFT_OUT})) == []


@pytest.mark.parametrize("name", MEASURED_ONLY)
def test_the_base_model_reaches_its_floors(name, corpora):
    assert digest(name) == PINNED["data"][name], "other comments than the floors were measured on"
    assert list(compare({name: measure(name)}, {name: read_floors()[name]})) == []


@pytest.fixture
def pinned(tmp_path, monkeypatch):
    path = tmp_path / "baseline.json"
    monkeypatch.setattr(floors, "BASELINE", path)
    monkeypatch.setattr(floors, "MEASURED_ONLY", ())
    monkeypatch.setattr(floors, "digest", lambda name: name)

    def pin(measured, *options):
        monkeypatch.setattr(floors, "measure_left_out", lambda: {"one": {"roc_auc": measured}})
        monkeypatch.setattr("sys.argv", ["floors", *options])
        status = floors.main()
        return status, json.loads(path.read_text())["floors"]["one"]["roc_auc"]

    return pin


def test_a_floor_rises_freely_and_falls_only_on_purpose(pinned, capsys):
    assert pinned(0.8123) == (0, 0.812)
    assert pinned(0.9) == (0, 0.9)
    assert pinned(0.85) == (1, 0.9)
    assert "one: roc_auc 0.8500, floor 0.900" in capsys.readouterr().err
    assert pinned(0.85, "--lower") == (0, 0.85)


def test_a_floor_is_rounded_so_that_what_was_measured_reaches_it():
    assert round_down(0.8129) == 0.812
