"""What answers is always a model that proved good, whatever happens to the files."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from moderation import releases
from moderation.artifacts import load_model, read_manifest, save_model
from moderation.datasets import GatherReport, gather
from moderation.errors import ModelError, ModelNotFound, PolicyError
from moderation.policy import propose_policy
from moderation.serving import ModelInUse, Outcome, Served, load_policy, load_served
from moderation.training import train
from tests.samples import labelled_comments

THEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
TEXTS = ["the ferry is late again", "", "quimp", "a zorble beside the bridge"]
POLICY = """
otherwise = "hold"

[[rule]]
name = "clean"
attribute = "{attribute}"
threshold = {threshold}
action = "approve"
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[Path]:
    """Return two models of the same name; the second has heads, one of them calibrated."""
    found = []
    for number, kept in enumerate((140, 130)):
        path = tmp_path_factory.mktemp("made") / "site.joblib"
        training = train(gather(labelled_comments(kept=kept), GatherReport()))
        pipeline, facts = training.scorer.pipeline, training.facts([])
        if number:
            weights = pipeline["classifier"].coef_[0]
            pipeline.heads_ = {"TOXICITY": (-weights, 0.5), "THREAT": (weights / 2, -1.0)}
            facts = training.facts([])
            facts["base_rates"]["TOXICITY"] = 0.2
        save_model(pipeline, path, facts=facts, card="card", plots={})
        found.append(path)
    return found


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def in_use(models, tmp_path) -> Path:
    """Return a copy of the first model."""
    return put(models[0], tmp_path / "models" / "site.joblib")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(in_use, told, clock) -> ModelInUse:
    return ModelInUse(in_use, tell=told.append, clock=clock)


def put(model: Path, path: Path) -> Path:
    """Copy a model as `cp` does: file by file, each with a new time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in (model.with_suffix(".json"), model):
        shutil.copyfile(part, path.with_suffix(part.suffix))
    return path


def look(model: ModelInUse, clock: Clock, times: int) -> list[Outcome]:
    """Look each second."""
    outcomes = []
    for _ in range(times):
        clock.now += 1
        outcomes.append(model.look())
    return outcomes


def version(path: Path) -> str:
    return read_manifest(path).version


def write_policy(path: Path, attribute="LIKELY_TO_REJECT", threshold="0.1") -> Path:
    path.write_text(POLICY.format(attribute=attribute, threshold=threshold))
    return path


# What is served


def test_both_scales_come_of_one_pass(models):
    served = load_served(models[1], None)
    scored = served.score_texts(TEXTS)
    own = served.scorer.score_attributes(TEXTS)
    assert scored.own().T.tolist() == [pytest.approx(scores) for scores in own.values()]
    rates = {**served.scorer.base_rates, "THREAT": 0.5}
    for column, name in enumerate(served.attributes):
        odds = own[name] / (1 - own[name]) * (1 - rates[name]) / rates[name]
        assert scored.even()[:, column] == pytest.approx(odds / (1 + odds))
        assert served.score_even(TEXTS)[name] == pytest.approx(odds / (1 + odds))


def test_what_is_served_says_what_it_is(models):
    served = load_served(models[1], None)
    assert served.version == version(models[1])
    assert served.attributes == ("LIKELY_TO_REJECT", "TOXICITY", "THREAT")
    assert served.calibrated == {"LIKELY_TO_REJECT", "TOXICITY"}
    assert served.manifest == read_manifest(models[1])
    assert served.policy == propose_policy(served.scorer.thresholds, attribute="LIKELY_TO_REJECT")


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"en": 0.9, "de": 0.02, "fr": 0.019, "und": 0.05}, {"en", "de"}),
        ({"und": 1.0}, None),
        (None, None),
    ],
)
def test_languages_are_those_that_are_often_enough_learnt_from(models, shares, expected):
    manifest = read_manifest(models[0])
    manifest = replace(manifest, facts={**manifest.facts, "languages": shares})
    scorer = load_model(models[0])
    served = Served.of(scorer, manifest, propose_policy({}, attribute=scorer.attribute))
    assert served.languages == expected


@pytest.mark.parametrize("rate", [0.0, 1.0, "0.5", None])
def test_a_base_rate_that_is_none_is_refused(models, rate):
    scorer = replace(load_model(models[0]), base_rates={"LIKELY_TO_REJECT": rate})
    with pytest.raises(ModelError, match=f"LIKELY_TO_REJECT is {rate}"):
        Served.of(scorer, read_manifest(models[0]), propose_policy({}, attribute=scorer.attribute))


def test_the_base_rate_of_what_is_not_scored_does_not_matter(models):
    scorer = replace(load_model(models[0]), base_rates={"SPAM": 0.0})
    served = Served.of(
        scorer, read_manifest(models[0]), propose_policy({}, attribute=scorer.attribute)
    )
    assert served.calibrated == frozenset()
    logits = scorer.logits(TEXTS)[:, 0]
    assert served.score_even(TEXTS)["LIKELY_TO_REJECT"] == pytest.approx(expit(logits))


def test_a_policy_that_is_named_is_served(models, tmp_path):
    path = write_policy(tmp_path / "policy.toml")
    [rule] = load_served(models[0], path).policy.rules
    assert rule.name == "clean"


def test_a_policy_that_does_not_fit_the_model_is_refused(models, tmp_path):
    path = write_policy(tmp_path / "policy.toml", attribute="SPAM")
    with pytest.raises(PolicyError, match="the model does not score SPAM"):
        load_policy(path, load_model(models[0]))


def test_a_rule_on_the_even_scale_needs_the_base_rate_of_its_attribute(models, tmp_path):
    path, scorer = write_policy(tmp_path / "policy.toml"), load_model(models[0])
    path.write_text(path.read_text() + 'scale = "50/50"\n')
    assert load_policy(path, scorer).rules
    with pytest.raises(PolicyError, match="does not know the base rate of LIKELY_TO_REJECT"):
        load_policy(path, replace(scorer, base_rates={"TOXICITY": 0.1}))


def test_a_rule_without_a_threshold_is_refused(models, tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY.replace("threshold = {threshold}", "guarantee = {{ error = 0.01 }}"))
    path.write_text(path.read_text().format(attribute="LIKELY_TO_REJECT"))
    with pytest.raises(PolicyError, match="'clean' has no threshold yet"):
        load_policy(path, load_model(models[0]))


def test_a_model_whose_scores_are_no_numbers_is_refused(tmp_path):
    training = train(gather(labelled_comments(), GatherReport()))
    training.scorer.pipeline["classifier"].intercept_[:] = np.nan
    path = tmp_path / "site.joblib"
    save_model(training.scorer.pipeline, path, facts=training.facts([]), card="", plots={})
    with pytest.raises(ModelError, match="no number"):
        load_served(path, None)


def test_a_model_that_is_replaced_while_it_is_read_is_not_mixed_with_the_other(models, monkeypatch):
    monkeypatch.setattr("moderation.serving.load_in_use", lambda path: load_model(models[0]))
    with pytest.raises(ModelError, match="another model took its place"):
        load_served(models[1], None)


# Taking another's place


def test_without_a_model_there_is_no_start(tmp_path, told):
    with pytest.raises(ModelNotFound, match="no such model"):
        ModelInUse(tmp_path / "site.joblib", tell=told.append)
    assert told == []


def test_nothing_changes_while_the_files_do_not(model, clock, told):
    before = model.current
    assert look(model, clock, 5) == [Outcome.SAME] * 5
    assert model.current is before
    assert (model.alarm, told) == (None, [])


def test_a_new_model_takes_the_place_of_the_old_one(model, in_use, models, clock, told):
    put(models[1], in_use)
    assert look(model, clock, 2) == [Outcome.SWAPPED, Outcome.SAME]
    assert model.current.version == version(models[1])
    assert (model.alarm, told) == (None, [])


def test_a_new_model_is_announced_once(in_use, models, clock, told):
    announced = []
    model = ModelInUse(in_use, tell=told.append, announce=announced.append, clock=clock)
    before = model.current.version
    put(models[1], in_use)
    look(model, clock, 3)
    after = version(models[1])
    assert announced == [f"model {after} answers from now on; before, it was {before}"]


def test_a_promoted_model_takes_the_place(model, in_use, models, clock):
    candidate = put(models[1], releases.candidate_of(in_use))
    releases.promote(candidate, in_use, version=version(models[1]), by="anna", at=THEN)
    assert look(model, clock, 2) == [Outcome.SWAPPED, Outcome.SAME]
    assert model.current.version == version(models[1])


def test_a_broken_model_is_refused_with_one_alarm_and_the_old_one_stays(
    model, in_use, models, clock, told
):
    before = model.current
    in_use.write_bytes(b"no model")
    outcomes = look(model, clock, 6)
    assert outcomes == [Outcome.CHANGING] * 2 + [Outcome.REFUSED] + [Outcome.SAME] * 3
    assert model.current is before
    assert told == [model.alarm]
    assert "SHA-256" in model.alarm
    assert model.alarm.endswith(f"; model {before.version} goes on answering")
    in_use.write_bytes(b"no model either")
    assert look(model, clock, 6).count(Outcome.REFUSED) == 1
    assert len(told) == 2
    put(models[1], in_use)
    assert look(model, clock, 1) == [Outcome.SWAPPED]
    assert model.alarm is None


def test_a_model_that_is_deleted_goes_on_answering(model, in_use, clock, told):
    in_use.unlink()
    assert look(model, clock, 4).count(Outcome.REFUSED) == 1
    assert model.current.score_even(TEXTS)
    assert len(told) == 1


def test_files_that_are_put_in_place_one_by_one_raise_no_alarm(model, in_use, models, clock, told):
    shutil.copyfile(models[1], in_use)
    assert look(model, clock, 1) == [Outcome.CHANGING]
    os.utime(in_use, (1e9, 1e9))  # as while a large file is being copied
    assert look(model, clock, 2) == [Outcome.CHANGING] * 2
    shutil.copyfile(models[1].with_suffix(".json"), in_use.with_suffix(".json"))
    assert look(model, clock, 2) == [Outcome.SWAPPED, Outcome.SAME]
    assert told == []


def test_a_model_that_changes_while_it_is_loaded_waits_for_the_next_look(
    model, in_use, models, clock, monkeypatch
):
    put(models[1], in_use)

    def meanwhile(path, policy_path):
        os.utime(in_use, (1e9, 1e9))
        return load_served(path, policy_path)

    with monkeypatch.context() as patch:
        patch.setattr("moderation.serving.load_served", meanwhile)
        assert look(model, clock, 1) == [Outcome.CHANGING]
    assert model.current.version == version(models[0])
    assert look(model, clock, 1) == [Outcome.SWAPPED]


def test_a_change_that_a_killed_process_began_is_finished_first(model, in_use, models, clock, told):
    """As `releases` leaves it: the new model is kept, and only half of it is in its place."""
    candidate = put(models[1], releases.candidate_of(in_use))
    releases.promote(candidate, in_use, version=version(models[1]), by="anna", at=THEN)
    line = releases.folder_of(in_use) / "changes.jsonl"
    shutil.copyfile(line, releases.folder_of(in_use) / "underway.json")
    shutil.copyfile(models[0].with_suffix(".json"), in_use.with_suffix(".json"))
    assert look(model, clock, 1) == [Outcome.SWAPPED]
    assert model.current.version == version(models[1])
    assert told == []


def test_a_policy_that_changes_is_served_from_then_on(in_use, tmp_path, clock, told):
    path = write_policy(tmp_path / "policy.toml")
    model = ModelInUse(in_use, path, tell=told.append, clock=clock)
    write_policy(path, threshold="0.25")
    assert look(model, clock, 1) == [Outcome.SWAPPED]
    assert model.current.policy.rules[0].threshold == 0.25
    path.write_text("otherwise = 7\nname = 3\n")
    assert look(model, clock, 4).count(Outcome.REFUSED) == 1
    [line] = told
    assert "\n" not in line
    assert "more); model" in line
    assert model.current.policy.rules[0].threshold == 0.25


def test_going_back_and_forth_a_hundred_times_takes_no_more_memory(models, tmp_path):
    """In a process of its own; the first swaps may still fill caches."""
    in_use = put(models[0], tmp_path / "site.joblib")
    program = """
import gc, shutil, sys, tracemalloc
from pathlib import Path
from moderation.serving import ModelInUse, Outcome

in_use, *models = map(Path, sys.argv[1:])
model = ModelInUse(in_use, tell=print)
tracemalloc.start()
for number in range(100):
    for ending in (".json", ".joblib"):
        shutil.copyfile(models[number % 2].with_suffix(ending), in_use.with_suffix(ending))
    assert model.look() is Outcome.SWAPPED
    assert model.current.scorer.score(["the ferry"]).shape == (1,)
    if number in (20, 99):
        gc.collect()
        with open("/proc/self/statm") as statm:
            print(tracemalloc.get_traced_memory()[0], int(statm.read().split()[1]) * 4096)
"""
    paths = map(str, (in_use, models[1], models[0]))
    run = subprocess.run(
        [sys.executable, "-c", program, *paths], capture_output=True, text=True, check=True
    )
    objects, resident, *late = map(int, run.stdout.split())
    assert late[0] < objects + 300_000  # a model has 70,000 bytes of them
    assert late[1] < resident + 16_000_000  # and 19 MB of tables


def test_earlier_manifests_serve_with_their_own_base_rate(in_use):
    facts = json.loads(in_use.with_suffix(".json").read_text())
    del facts["base_rates"], facts["languages"]
    in_use.with_suffix(".json").write_text(json.dumps(facts))
    served = load_served(in_use, None)
    assert (served.calibrated, served.languages) == ({"LIKELY_TO_REJECT"}, None)
