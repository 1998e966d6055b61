"""`policy drift`: two tables compared, and the exit status that says whether something moved."""

import numpy as np
import pandas as pd
import pytest

from moderation.policy_command.command import main


def write(path, *, number=3000, seed=0, shift=0.0, **columns):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.4 + shift, 0.1, number).clip(0, 1)
    scores[::50] = np.nan
    table = pd.DataFrame(
        {
            "text": [
                "" if np.isnan(score) else "xylophone " * count
                for score, count in zip(scores, rng.integers(1, 40, number), strict=True)
            ],
            "score": scores,
            "TOXICITY": scores**2,
            "label": (rng.random(number) < 0.1).astype(int),
            "language": np.where(rng.random(number) < 0.8, "en", "de"),
            "model": "a7",
        }
    ).assign(**columns)
    table.to_parquet(path)
    return str(path)


@pytest.fixture
def before(tmp_path):
    return write(tmp_path / "before.parquet", number=9000)


def test_what_is_steady_ends_with_0(before, tmp_path, capsys):
    assert main(["drift", before, write(tmp_path / "now.parquet", number=9000, seed=1)]) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    quantities = ["scores of LIKELY_TO_REJECT", "lengths", "languages", "base rate"]
    assert [line.split(":")[0] for line in lines] == quantities
    assert all(": steady: " in line for line in lines)
    assert lines[0].endswith("; 8820 and 8820)")
    assert "now.parquet: 9000 comments" in printed.err
    assert "xylophone" not in printed.out + printed.err


def test_what_has_moved_ends_with_1_and_is_named(before, tmp_path, capsys):
    now = write(tmp_path / "now.parquet", shift=0.1, language="en")
    assert main(["drift", before, now]) == 1
    printed = capsys.readouterr()
    assert "languages: moved: en 80%, de 20% before, en 100% now" in printed.out
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("policy drift: moved: scores of LIKELY_TO_REJECT, languages; ")


def test_other_scores_are_compared_where_they_are_named(before, tmp_path, capsys):
    now = write(tmp_path / "now.parquet", seed=1)
    attributes = ["--attribute", "toxicity", "--attribute", "LIKELY_TO_REJECT"]
    assert main(["drift", before, now, *attributes]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("scores of LIKELY_TO_REJECT: ")
    assert "\nscores of TOXICITY: " in printed


def test_few_comments_are_too_few_to_tell(before, tmp_path, capsys):
    assert main(["drift", before, write(tmp_path / "now.parquet", number=40)]) == 0
    assert all(": too few to tell: " in line for line in capsys.readouterr().out.splitlines())


def test_labels_that_stand_for_different_numbers_give_no_base_rate(before, tmp_path, capsys):
    weights = np.where(np.arange(3000) % 2, 1.0, 20.0)
    now = write(tmp_path / "now.parquet", weight=weights)
    assert main(["drift", before, now]) == 0
    printed = capsys.readouterr()
    assert "base rate" not in printed.out
    assert "now.parquet: the base rate is not compared: its labels have weights" in printed.err


def test_scores_of_two_models_are_refused(before, tmp_path, capsys):
    assert main(["drift", before, write(tmp_path / "now.parquet", model="b8")]) == 1
    printed = capsys.readouterr()
    assert "of model a7" in printed.err
    assert "which do not compare" in printed.err
    assert printed.out == ""


def test_languages_of_which_some_are_missing_and_no_words_are_compared_all_the_same(
    tmp_path, capsys
):
    languages = np.where(np.arange(3000) % 3, "en", None)
    tables = [
        write(tmp_path / f"{seed}.parquet", seed=seed, language=languages, text="")
        for seed in (0, 1)
    ]
    assert main(["drift", *tables]) == 0
    printed = capsys.readouterr().out
    assert "languages: steady: en 100% before, en 100% now" in printed
    assert "; 2000 and 2000)" in printed
    assert "lengths" not in printed


def test_what_is_not_understood_is_counted(before, tmp_path, capsys):
    now = write(tmp_path / "now.parquet", decided_at=["yesterday"] * 30 + [None] * 2970)
    assert main(["drift", before, now]) == 0
    said = capsys.readouterr().err
    assert "now.parquet: left out: 30 values of 'decided_at' not understood" in said
