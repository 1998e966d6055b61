"""What is saved is loaded as it was; what was changed, lost or made to harm is refused."""

import hashlib
import io
import json
import os
import pickle
import shutil
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn

from moderation import load_model
from moderation.artifacts import ALLOWED, read_manifest, save_model
from moderation.errors import ModelMismatch, ModelNotFound, ModelTampered, ModelUnsafe, OutputError

TEXTS = ["the ferry is late again", "", "a word unheard of: quimp"]


@pytest.fixture
def model(trained, tmp_path) -> Path:
    """Return a copy of a trained model that a test may spoil."""
    shutil.copytree(trained.parent, tmp_path / "m")
    return tmp_path / "m" / trained.name


def forge(model: Path, content: object) -> None:
    """Replace the model's content and make the manifest agree with it."""
    replace_body(model, pickle.dumps(content))


def forge_with_joblib(model: Path, content: object) -> None:
    """The same as joblib writes it: arrays of objects are a second pickle inside the first."""
    body = io.BytesIO()
    joblib.dump(content, body)
    replace_body(model, body.getvalue())


def replace_body(model: Path, body: bytes) -> None:
    model.write_bytes(body)
    change_manifest(model, sha256=hashlib.sha256(body).hexdigest())


def change_manifest(model: Path, **changed: object) -> None:
    manifest = model.with_suffix(".json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changed}))


class Bomb:
    """Pickles as a call that leaves a file behind when it runs."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.mark),)


def test_a_loaded_model_gives_joblibs_own_numbers(trained):
    pipeline = joblib.load(trained)
    probabilities = pipeline.predict_proba(TEXTS)
    assert probabilities.shape == (3, 2)
    assert load_model(trained).score(TEXTS) == pytest.approx(probabilities[:, 1], abs=1e-12)


def test_the_version_is_the_beginning_of_the_files_digest(trained):
    digest = hashlib.sha256(trained.read_bytes()).hexdigest()
    assert load_model(str(trained)).version == digest[:12]


def test_a_model_knows_the_base_rates_of_its_attributes(model):
    own = load_model(model).base_rate
    assert load_model(model).base_rates == {"LIKELY_TO_REJECT": own}
    change_manifest(model, base_rates={"LIKELY_TO_REJECT": own, "TOXICITY": 0.1})
    assert load_model(model).base_rates == {"LIKELY_TO_REJECT": own, "TOXICITY": 0.1}


def test_earlier_manifests_tell_their_own_base_rate_and_no_languages(model):
    facts = json.loads(model.with_suffix(".json").read_text())
    del facts["base_rates"], facts["languages"]
    model.with_suffix(".json").write_text(json.dumps(facts))
    assert load_model(model).base_rates == {"LIKELY_TO_REJECT": read_manifest(model).base_rate}
    assert read_manifest(model).languages is None
    change_manifest(model, languages={"en": 0.9, "und": 0.1})
    assert read_manifest(model).languages == {"en": 0.9, "und": 0.1}


def test_the_manifest_says_what_the_model_is(trained):
    facts = json.loads(trained.with_suffix(".json").read_text())
    assert facts["made_with"]["scikit-learn"] == sklearn.__version__
    assert facts["attribute"] == "LIKELY_TO_REJECT"
    assert facts["training_data"]["comments"] == 974
    assert facts["training_data"]["learned"] + facts["training_data"]["held_out"] == 974
    assert 0.12 < facts["training_data"]["base_rate"] < 0.25
    assert {point["name"] for point in facts["operating_points"]} >= {"top tenth"}


def test_no_model_says_how_to_make_one(tmp_path):
    with pytest.raises(ModelNotFound, match=r"no such model; make one with: python -m moderation"):
        load_model(tmp_path / "moderation.joblib")


def test_a_missing_manifest_is_refused(model):
    model.with_suffix(".json").unlink()
    with pytest.raises(ModelNotFound, match=r"manifest moderation\.json is missing"):
        load_model(model)


def test_a_manifest_without_training_data_is_refused(model):
    facts = json.loads(model.with_suffix(".json").read_text())
    del facts["training_data"]
    model.with_suffix(".json").write_text(json.dumps(facts))
    with pytest.raises(ModelNotFound, match="training_data missing"):
        load_model(model)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"sha256": "0"}', "\x00\xff"])
def test_an_unreadable_manifest_is_refused(model, content):
    model.with_suffix(".json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelNotFound, match="manifest"):
        load_model(model)


@pytest.mark.parametrize("place", [0, 1000, -1])
def test_a_changed_byte_is_refused(model, place):
    body = bytearray(model.read_bytes())
    body[place] ^= 1
    model.write_bytes(body)
    with pytest.raises(ModelTampered, match="the file was changed or belongs to another"):
        load_model(model)


def test_a_cut_off_model_is_refused(model):
    model.write_bytes(model.read_bytes()[:5000])
    with pytest.raises(ModelTampered):
        load_model(model)


def test_another_scikit_learn_is_refused_with_both_versions(model):
    change_manifest(model, made_with={"scikit-learn": "0.24.2"})
    with pytest.raises(
        ModelMismatch, match=rf"scikit-learn 0\.24\.2, this is {sklearn.__version__}"
    ):
        load_model(model)


def test_another_format_is_refused(model):
    change_manifest(model, format_version=99)
    with pytest.raises(ModelMismatch, match="model format 99"):
        load_model(model)


def test_models_of_the_format_before_are_loaded(model):
    """They read no masked words; there was nothing else to change."""
    change_manifest(model, format_version=2)
    assert load_model(model).attributes


def test_a_malicious_pickle_with_a_wrong_digest_never_runs(model, tmp_path):
    body = io.BytesIO()
    joblib.dump(Bomb(tmp_path / "ran"), body)
    model.write_bytes(body.getvalue())
    with pytest.raises(ModelTampered):
        load_model(model)
    assert not (tmp_path / "ran").exists()


def test_a_malicious_pickle_with_a_matching_manifest_never_runs(model, tmp_path):
    forge(model, Bomb(tmp_path / "ran"))
    with pytest.raises(ModelUnsafe, match=r"posix.mkdir|nt.mkdir"):
        load_model(model)
    assert not (tmp_path / "ran").exists()


def test_a_malicious_pickle_within_a_real_model_never_runs(model, tmp_path):
    pipeline = joblib.load(model)
    pipeline.steps[0][1].transformer_list[0][1].tokenizer = Bomb(tmp_path / "ran")
    forge(model, pipeline)
    with pytest.raises(ModelUnsafe):
        load_model(model)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("write", [forge, forge_with_joblib])
def test_a_malicious_pickle_hidden_in_an_array_never_runs(model, tmp_path, write):
    pipeline = joblib.load(model)
    pipeline.steps[1][1].classes_ = np.array([Bomb(tmp_path / "ran")], dtype=object)
    write(model, pipeline)
    with pytest.raises(ModelUnsafe):
        load_model(model)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_plain_pickle_of_any_protocol_never_runs(model, tmp_path, protocol):
    replace_body(model, pickle.dumps(Bomb(tmp_path / "ran"), protocol=protocol))
    with pytest.raises(ModelUnsafe):
        load_model(model)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("body", [b"", b"not a pickle", b"\x80\x05.", b"\x80\x05N.", bytes(2000)])
def test_what_is_no_pipeline_is_refused(model, body):
    replace_body(model, body)
    with pytest.raises(ModelUnsafe, match=r"not a saved model|expected a Pipeline"):
        load_model(model)


def test_a_pipeline_of_other_features_is_refused(model):
    pipeline = joblib.load(model)
    pipeline.steps[0][1].transformer_list[0][1].lowercase = False
    forge(model, pipeline)
    with pytest.raises(ModelUnsafe, match=r"word 1-2-grams"):
        load_model(model)


def test_parts_that_do_not_fit_each_other_are_refused(model):
    pipeline = joblib.load(model)
    pipeline.steps[1][1].coef_ = pipeline.steps[1][1].coef_[:, :-1]
    forge(model, pipeline)
    with pytest.raises(ModelUnsafe, match=r"coefficients of shape"):
        load_model(model)


@pytest.mark.parametrize("heads", [{"THREAT": (np.zeros(3), 0.0)}, {"THREAT": 1.0}, ["THREAT"]])
def test_heads_that_do_not_fit_are_refused(heads, model):
    pipeline = joblib.load(model)
    pipeline.heads_ = heads
    forge(model, pipeline)
    with pytest.raises(ModelUnsafe, match=r"not a scorer of ours"):
        load_model(model)


def test_every_allowed_type_is_one_that_a_model_needs(trained, monkeypatch):
    """A list that grows without need is no protection: leave one out and a model is refused."""
    needed = set()
    for entry in ALLOWED:
        monkeypatch.setattr("moderation.artifacts.ALLOWED", ALLOWED - {entry})
        try:
            load_model(trained)
        except ModelUnsafe:
            needed.add(entry)
    assert needed == ALLOWED


def test_saving_over_a_model_replaces_all_of_it_or_nothing(model, monkeypatch):
    before = {path.name: path.read_bytes() for path in model.parent.iterdir() if path.is_file()}
    facts = dict(read_manifest(model).facts)
    pipeline = joblib.load(model)
    monkeypatch.setattr(Path, "write_text", fill_the_disk)
    with pytest.raises(OutputError, match="the disk is full"):
        save_model(pipeline, model, facts=facts, card="", plots={"p.png": b""})
    after = {path.name: path.read_bytes() for path in model.parent.iterdir() if path.is_file()}
    assert before == after
    assert [path.name for path in model.parent.iterdir() if path.name.startswith(".")] == []


def fill_the_disk(*_: object, **__: object) -> None:
    raise OSError(28, "the disk is full")


def test_a_folder_in_the_way_is_one_clear_line(model):
    (model.parent / "taken").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_model(joblib.load(model), model.parent / "taken" / "m.joblib", facts={}, card="",
                   plots={})  # fmt: skip
