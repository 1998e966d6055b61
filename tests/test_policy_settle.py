"""`policy settle`: labels scored, thresholds written into a new file, or nothing and why."""

import csv
import json

import numpy as np
import pytest

from moderation import load_model
from moderation.policy.files import read_policy
from moderation.policy_command.command import main
from tests.samples import KEPT_WORDS, REMOVED_WORDS

POLICY = """\
otherwise = "hold"

[[rule]]
name = "clean"
attribute = "LIKELY_TO_REJECT"
action = "approve"
guarantee = { error = 0.4, confidence = 0.9 } # as the editors agreed
audit = 0.05
suspended = "broken in May"

[[rule]]
name = "look"
attribute = "LIKELY_TO_REJECT"
action = "hold"
point = "maximum match_rate @ match_rate <= 0.2"
"""
HEADER = ("id", "text", "label", "created_at")


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def data(tmp_path):
    return write(tmp_path / "labels.csv", rows())


def rows(number=300, created="2026-12-01T10:00:00Z"):
    rng = np.random.default_rng(0)
    for row in range(number):
        removed = rng.random() < 0.3
        words = rng.choice(REMOVED_WORDS if removed else KEPT_WORDS, 4)
        yield row, f"{' '.join(words)} {created[8:10]} {row}", int(removed), created


def write(path, lines, header=HEADER):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *lines])
    return path


def settle(*arguments):
    return main(["settle", *map(str, arguments)])


def test_thresholds_are_written_into_a_new_file_and_all_else_is_kept(
    policy, trained, data, tmp_path, capsys
):
    new = tmp_path / "new.toml"
    assert settle(policy, trained, data, "-o", new, "--plain-sample") == 0
    clean, look = read_policy(new).rules
    assert clean.automatic
    assert clean.evidence.model == load_model(trained).version
    assert look.threshold is not None
    assert "# as the editors agreed" in new.read_text()
    assert policy.read_text() == POLICY
    out = capsys.readouterr()
    assert "keeps its promise" in out.out
    assert f"new.toml: policy {read_policy(new).version}" in out.err


def test_the_same_labels_give_the_same_file(policy, trained, data, tmp_path):
    files = [tmp_path / name for name in ("one.toml", "two.toml")]
    for new in files:
        assert settle(policy, trained, data, "-o", new, "--plain-sample") == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_labels_of_unknown_origin_are_refused(policy, trained, data, tmp_path, capsys):
    assert settle(policy, trained, data, "-o", tmp_path / "new.toml") == 1
    assert "how did these labels come about?" in capsys.readouterr().err
    assert not (tmp_path / "new.toml").exists()


def test_labels_with_weights_need_no_word_about_their_origin(policy, trained, tmp_path):
    weighted = [(*row, 1 + 19 * (number % 2)) for number, row in enumerate(rows(900))]
    data = write(tmp_path / "audit.csv", weighted, (*HEADER, "weight"))
    assert settle(policy, trained, data, "-o", tmp_path / "new.toml") == 0
    assert read_policy(tmp_path / "new.toml").rules[0].evidence.labels < 600


def test_where_a_rule_cannot_be_settled_nothing_is_written(policy, trained, tmp_path, capsys):
    few = write(tmp_path / "few.csv", rows(20))
    policy.write_text(POLICY.replace("error = 0.4", "error = 0.1"))
    assert settle(policy, trained, few, "-o", tmp_path / "new.toml", "--plain-sample") == 1
    out = capsys.readouterr()
    assert "found 20 labels; even if none of them were wrong, 22 are needed: 2 more" in out.out
    assert "nothing was written: no threshold was found for clean, look" in out.err
    assert not (tmp_path / "new.toml").exists()


@pytest.fixture
def dated(trained, tmp_path):
    """The model, as if its latest comment were of noon on the second of December."""
    copy = tmp_path / "dated.joblib"
    copy.write_bytes(trained.read_bytes())
    facts = json.loads(trained.with_suffix(".json").read_text())
    facts["training_data"]["newest"] = "2026-12-02T12:00:00+00:00"
    copy.with_suffix(".json").write_text(json.dumps(facts))
    return copy


def test_labels_older_than_the_model_are_left_out(policy, dated, tmp_path, capsys):
    newer = list(rows(created="2026-12-03T00:00:00Z"))
    data = write(tmp_path / "mixed.csv", [*rows(40), *newer])
    assert settle(policy, dated, data, "-o", tmp_path / "new.toml", "--plain-sample") == 0
    assert "40 comments not known to be newer than what the model learnt" in capsys.readouterr().err
    assert read_policy(tmp_path / "new.toml").rules[0].evidence.labels == 240


def test_labels_that_are_all_older_than_the_model_are_refused(policy, dated, data, capsys):
    assert settle(policy, dated, data, "-o", data.with_name("new.toml"), "--plain-sample") == 1
    said = "none of 300 comments was written after 2026-12-02 12:00 UTC"
    assert said in capsys.readouterr().err


def test_a_file_that_the_model_has_learnt_from_is_refused(policy, trained, tmp_path, capsys):
    from tests.conftest import REPOSITORY

    page = next((REPOSITORY / "data" / "archive").iterdir())
    assert settle(policy, trained, page, "-o", tmp_path / "new.toml", "--plain-sample") == 1
    assert "the model has learnt from it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('attribute = "LIKELY_TO_REJECT"', 'attribute = "TOXICITY"'), "no score TOXICITY; it has"),
        (("point = ", "threshold = 0.5 #"), None),
    ],
)
def test_a_policy_that_the_model_cannot_serve_is_refused(
    change, said, policy, trained, data, tmp_path, capsys
):
    policy.write_text(POLICY.replace(*change))
    status = settle(policy, trained, data, "-o", tmp_path / "new.toml", "--plain-sample")
    assert status == (1 if said else 0)
    assert (said or "") in capsys.readouterr().err


def test_a_policy_without_words_has_nothing_to_settle(policy, trained, data, tmp_path, capsys):
    policy.write_text(POLICY.split("[[rule]]")[0] + "[[rule]]" + POLICY.split("[[rule]]")[2])
    policy.write_text(policy.read_text().replace("point = ", "threshold = 0.5 #"))
    assert settle(policy, trained, data, "-o", tmp_path / "new.toml") == 1
    assert "there is nothing to settle" in capsys.readouterr().err


def test_no_file_is_written_over(policy, trained, data, tmp_path, capsys):
    new = tmp_path / "new.toml"
    new.write_text("mine")
    assert settle(policy, trained, data, "-o", new, "--plain-sample") == 1
    assert "exists already; name a new file" in capsys.readouterr().err
    assert new.read_text() == "mine"


def test_rules_about_other_scores_and_languages_get_them(tmp_path):
    from tests.conftest import REPOSITORY

    text = POLICY.replace('"LIKELY_TO_REJECT"\naction = "hold"', '"TOXICITY"\naction = "hold"')
    text = text.replace('"hold"\n', '"hold"\nlanguages = { known = ["en", "und"] }\n', 1)
    policy = tmp_path / "policy.toml"
    policy.write_text(text)
    data = write(tmp_path / "labels.csv", rows())
    new, base = tmp_path / "new.toml", REPOSITORY / "models" / "base.joblib"
    assert settle(policy, base, data, "-o", new, "--plain-sample") == 0
    clean, look = read_policy(new).rules
    assert clean.evidence.labels < 300  # some look like another language
    assert look.attribute == "TOXICITY"
    assert look.threshold is not None


def test_values_that_are_not_understood_are_counted(policy, trained, tmp_path, capsys):
    dated = [(*row, "one day") for row in rows()]
    data = write(tmp_path / "labels.csv", dated, (*HEADER, "decided_at"))
    assert settle(policy, trained, data, "-o", tmp_path / "new.toml", "--plain-sample") == 0
    assert "left out: 300 values of 'decided_at' not understood" in capsys.readouterr().err


def test_how_errors_grow_is_drawn_whether_settled_or_not(policy, trained, data, tmp_path):
    picture, new = tmp_path / "errors.png", tmp_path / "new.toml"
    options = ("-o", new, "--plain-sample", "--figure", picture)
    assert settle(policy, trained, data, *options) == 0
    settled = picture.read_bytes()
    assert settled.startswith(b"\x89PNG")
    new.unlink()
    few = write(tmp_path / "few.csv", rows(4))
    assert settle(policy, trained, few, *options) == 1
    assert picture.read_bytes() not in (b"", settled)


def test_where_no_share_of_errors_is_promised_nothing_is_drawn(
    policy, trained, data, tmp_path, capsys
):
    policy.write_text(POLICY.replace("error = 0.4, confidence = 0.9", "missed = 0.2"))
    picture = tmp_path / "errors.png"
    options = ("-o", tmp_path / "new.toml", "--plain-sample", "--figure", picture)
    assert settle(policy, trained, data, *options) == 0
    assert "not drawn: errors.png, no rule promises" in capsys.readouterr().err
    assert not picture.exists()


def test_a_weight_above_the_heaviest_is_refused(policy, trained, tmp_path, capsys):
    data = write(tmp_path / "a.csv", [(*row, 20) for row in rows()], (*HEADER, "weight"))
    options = ("-o", tmp_path / "new.toml", "--plain-sample", "--heaviest", "5")
    assert settle(policy, trained, data, *options) == 1
    assert "a weight is 20, and --heaviest 5; name the largest" in capsys.readouterr().err


def test_weights_on_labels_alone_do_not_make_them_a_plain_sample(policy, trained, tmp_path, capsys):
    """Ones beside the labels and nothing beside the rest: how the labels came about is unsaid."""
    given = [(*row[:2], "", row[3], "") if row[0] % 3 else (*row, 1) for row in rows()]
    data = write(tmp_path / "a.csv", given, (*HEADER, "weight"))
    assert settle(policy, trained, data, "-o", tmp_path / "new.toml") == 1
    assert "how did these labels come about?" in capsys.readouterr().err
