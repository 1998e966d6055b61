"""Keeping the old API's scores: asked at its quota, kept through every end, read by passport."""

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest

from moderation import capture, old_api
from moderation.capture import ENDS, main
from moderation.old_api import MOST_AT_ONCE
from moderation.passport import main as passport
from tests.conftest import REPOSITORY
from tests.perspectives import ENGLISH_ONLY, GERMAN, KEY, LONG, UNKNOWN, score_of, serve_old_api
from tests.samples import labelled_comments

FAST = ("--per-minute", "6000000")
COLUMN = "perspective_TOXICITY"
HEADER = "id,text,section\n"
TEXTS = [f"remark number {number}" for number in range(200)]


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setenv("MODERATION_PERSPECTIVE_KEY", KEY)
    with serve_old_api() as api:
        yield api


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(HEADER + "a,the ferry,news\nb,the ferry,sport\nc,,news\nd,the dog,\n")
    return path


@pytest.fixture
def many(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("text\n" + "\n".join(TEXTS) + "\n")
    return path


@pytest.fixture
def quick(monkeypatch):
    """Let failures be waited for no time at all."""
    monkeypatch.setattr(old_api, "FIRST_PAUSE", 0.0)


def command(api, source, out, *options):
    return [str(source), "-o", str(out), "--endpoint", api.address, *FAST, *options]


def run(api, source, out, *options):
    return main(command(api, source, out, *options))


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl", "csv.gz"])
def test_each_text_is_asked_once_and_all_columns_are_kept(api, table, tmp_path, ending, capsys):
    out = tmp_path / f"out.{ending}"
    assert run(api, table, out) == 0
    read = {"parquet": pd.read_parquet, "jsonl": lambda path: pd.read_json(path, lines=True)}
    frame = read.get(ending, pd.read_csv)(out)
    assert frame["id"].tolist() == ["a", "b", "c", "d"]
    assert frame["section"].tolist()[:3] == ["news", "sport", "news"]
    ferry, dog = score_of("the ferry"), score_of("the dog")
    assert frame[COLUMN].dropna().tolist() == pytest.approx([ferry, ferry, dog])
    assert frame[COLUMN].isna().tolist() == [False, False, True, False]
    assert api.asked == Counter(["the ferry", "the dog"])
    assert not out.with_name(f"{out.name}.progress").exists()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{out}: 4 comments, 3 with all scores" in printed.err
    assert "not scored: 1 without words" in printed.err
    assert "2 texts to ask about, at 6e+06 a minute: a minute at most" in printed.err


def test_what_is_sent_is_never_to_be_stored_there(api, table, tmp_path):
    assert run(api, table, tmp_path / "out.csv", "--languages", "en, de") == 0
    assert [request["doNotStore"] for request in api.requests] == [True, True]
    assert [request["languages"] for request in api.requests] == [["en", "de"]] * 2


def test_every_attribute_is_a_column(api, table, tmp_path):
    out = tmp_path / "out.csv"
    assert run(api, table, out, "--attributes", "toxicity, INSULT,insult") == 0
    frame = pd.read_csv(out).set_index("id")
    assert list(frame)[-2:] == [COLUMN, "perspective_INSULT"]
    assert frame.loc["d", "perspective_INSULT"] == pytest.approx(score_of("the dog", "INSULT"))
    assert len(api.requests) == 2


def test_what_has_no_score_is_counted_by_its_cause(api, tmp_path, capsys):
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text(f'text\nthe ferry\ndie {GERMAN}\n"a {LONG}"\n"b {LONG}"\n', encoding="utf-8")
    assert run(api, table, out, "--attributes", f"TOXICITY,{ENGLISH_ONLY}") == 0
    said = capsys.readouterr().err
    assert f"{out}: 4 comments, 1 with all scores" in said
    assert "not scored: 2 COMMENT_TOO_LONG" in said
    assert f"not scored: 1 LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE, without {ENGLISH_ONLY}" in said
    frame = pd.read_csv(out)
    assert frame[COLUMN].isna().tolist() == [False, False, True, True]
    assert frame[f"perspective_{ENGLISH_ONLY}"].isna().tolist() == [False, True, True, True]


def test_columns_called_like_the_scores_are_replaced_and_said(api, tmp_path, capsys):
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text(f"text,{COLUMN}\nthe ferry,7\n")
    assert run(api, table, out) == 0
    assert pd.read_csv(out)[COLUMN].tolist() == pytest.approx([score_of("the ferry")])
    assert f"replaced the input's columns {COLUMN}" in capsys.readouterr().err


def test_several_inputs_have_the_columns_of_all(api, table, tmp_path):
    more, out = tmp_path / "more.csv", tmp_path / "out.parquet"
    more.write_text("text,desk\nthe dog,night\nthe lantern,day\n")
    assert main([str(table), *command(api, more, out)]) == 0
    frame = pd.read_parquet(out)
    assert len(frame) == 6
    assert frame["section"].tolist()[:2] == ["news", "sport"]
    assert frame["desk"].tolist()[-2:] == ["night", "day"]
    assert set(api.asked.values()) == {1}


def test_scores_that_no_comment_has_are_a_column_of_numbers_all_the_same(api, tmp_path):
    table, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    table.write_text(f'text\n"a {LONG}"\n')
    assert run(api, table, out) == 0
    assert str(pq.read_schema(out).field(COLUMN).type) == "double"


def test_a_table_that_is_there_is_not_written_over(api, many, tmp_path, capsys):
    """When the old API has ended, nobody can ask it again."""
    out = tmp_path / "out.csv"
    assert run(api, many, out) == 0
    before, asked = out.read_bytes(), sum(api.asked.values())
    assert run(api, many, out, "--attributes", "INSULT") == 1
    assert "name another output" in capsys.readouterr().err
    assert (out.read_bytes(), sum(api.asked.values())) == (before, asked)


def test_a_sample_is_the_same_for_a_seed_and_another_for_another(api, many, tmp_path, capsys):
    drawn = []
    for number, seed in enumerate(("1", "1", "2")):
        out = tmp_path / f"out{number}.csv"
        assert run(api, many, out, "--sample", "20", "--seed", seed) == 0
        drawn.append(pd.read_csv(out)["text"].tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(len(set(texts)) == 20 and set(texts) < set(TEXTS) for texts in drawn)
    assert drawn[0] == [text for text in TEXTS if text in drawn[0]]  # in the table's order
    assert "chosen: 20 of 200 comments with words" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "number"), [("--limit", 2), ("--sample", 7)])
def test_comments_without_words_are_not_among_those_chosen(api, table, tmp_path, option, number):
    out = tmp_path / "out.csv"
    assert run(api, table, out, option, str(number)) == 0
    frame = pd.read_csv(out)
    assert frame["id"].tolist() == {"--limit": ["a", "b"], "--sample": ["a", "b", "d"]}[option]
    assert frame[COLUMN].notna().all()


def test_texts_are_asked_about_in_an_order_of_chance(api, many, tmp_path):
    """So that what was asked when the API ends is a sample."""
    assert run(api, many, tmp_path / "out.csv") == 0
    order = [request["comment"]["text"] for request in api.requests]
    assert sorted(order) == sorted(TEXTS)
    assert set(order[:100]) != set(TEXTS[:100])


def test_throttling_failures_and_cuts_are_waited_out(api, many, tmp_path, quick):
    api.faults.extend([None, 429, "cut", 500, None, (503, {"Retry-After": "0"}), "cut", 502, 429])
    out = tmp_path / "out.csv"
    assert run(api, many, out) == 0
    assert api.asked == Counter(TEXTS)
    assert pd.read_csv(out)[COLUMN].tolist() == pytest.approx([score_of(t) for t in TEXTS])


def test_after_too_many_failures_it_ends_and_goes_on_where_it_stood(
    api, many, tmp_path, quick, capsys
):
    out = tmp_path / "out.csv"
    api.faults.extend([None] * 50 + [500] * 100)
    assert run(api, many, out) == 1
    said = capsys.readouterr().err
    assert "capture: the Perspective API failed 20 times in a row, the last time with 500" in said
    assert "answers are kept" in said
    assert not out.exists()
    api.faults.clear()
    assert run(api, many, out) == 0
    assert f"{out}.progress: answers on 50 of 200 texts" in capsys.readouterr().err
    assert api.asked == Counter(TEXTS)
    assert len(pd.read_csv(out)) == 200


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--attributes", "INSULT", "answers attributes TOXICITY, asked is INSULT"),
        ("--endpoint", "https://api.example.org", "answers endpoint http://127.0.0.1"),
        ("--languages", "en", "answers languages"),
    ],
)
def test_another_question_is_not_mixed_with_the_one_begun(
    api, many, tmp_path, quick, capsys, option, value, told
):
    api.faults.extend([None] * 3 + [500] * 100)
    assert run(api, many, tmp_path / "out.csv") == 1
    sent = len(api.requests)
    assert run(api, many, tmp_path / "out.csv", option, value) == 1
    assert told in capsys.readouterr().err
    assert len(api.requests) == sent


def test_what_was_kept_makes_a_table_when_the_api_has_ended(
    api, many, tmp_path, quick, capsys, monkeypatch
):
    out = tmp_path / "out.csv"
    api.faults.extend([None] * 30 + [500] * 100)
    assert run(api, many, out) == 1
    monkeypatch.delenv("MODERATION_PERSPECTIVE_KEY")
    assert run(api, many, out, "--finish") == 0
    assert pd.read_csv(out)[COLUMN].notna().sum() == 30
    assert "not scored: 170 not asked about" in capsys.readouterr().err
    assert not (tmp_path / "out.csv.progress").exists()


def test_nothing_kept_makes_no_table(api, many, tmp_path, capsys):
    assert run(api, many, tmp_path / "out.csv", "--finish") == 1
    assert "so no answer is kept; run without --finish" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [many]


def start(api, source, out, *options):
    words = [str(source), "-o", str(out), "--endpoint", api.address, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "moderation.capture", *words],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("answered", [1, 60, 150])
def test_killed_and_run_again_it_asks_each_text_twice_at_most(api, many, tmp_path, answered):
    out, reached = tmp_path / "out.csv", threading.Event()
    api.before_answer = lambda: api.asked.total() >= answered and reached.set()
    process = start(api, many, out, "--per-minute", "6000")
    assert reached.wait(60)
    process.kill()
    process.communicate()
    assert not out.exists()
    with (tmp_path / "out.csv.progress").open("a") as cut:
        cut.write('{"text": "0')  # what a kill in the middle of a line leaves
    api.before_answer = None
    assert run(api, many, out) == 0
    assert set(api.asked) == set(TEXTS)
    assert max(api.asked.values()) <= 2
    assert api.asked.total() <= len(TEXTS) + MOST_AT_ONCE
    assert pd.read_csv(out)[COLUMN].tolist() == pytest.approx([score_of(t) for t in TEXTS])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many.csv", "out.csv"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_what_is_kept(api, many, tmp_path, ending):
    reached = threading.Event()
    api.before_answer = lambda: len(api.asked) > 20 and reached.set()
    process = start(api, many, tmp_path / "out.csv", "--per-minute", "6000")
    assert reached.wait(60)
    process.send_signal(ending)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "answers are kept" in said
    assert "capture: interrupted; run the same command again to go on" in said
    assert (tmp_path / "out.csv.progress").exists()


def test_neither_key_nor_texts_are_in_what_is_said_or_kept(api, many, tmp_path, quick, capsys):
    api.faults.extend([None] * 5 + [500] * 100)
    assert run(api, many, tmp_path / "out.csv") == 1
    kept, said = (tmp_path / "out.csv.progress").read_text(), capsys.readouterr().err
    for secret in (KEY, "remark number"):
        assert secret not in kept + said
    assert len(kept.splitlines()) == 6
    assert len(json.loads(kept.splitlines()[1])["text"]) == 64


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "no key of the Perspective API; set the environment's MODERATION_PERSPECTIVE_KEY"),
        ("another-key", "refuses the key (API_KEY_INVALID)"),
        ("two keys", "MODERATION_PERSPECTIVE_KEY is no key"),
    ],
)
def test_a_key_that_does_not_serve_is_said_in_one_line(
    api, table, tmp_path, monkeypatch, capsys, key, told
):
    monkeypatch.setenv("MODERATION_PERSPECTIVE_KEY", key)
    assert run(api, table, tmp_path / "out.csv") == 1
    said = capsys.readouterr().err
    assert told in said
    assert not key or key not in said


def test_an_attribute_that_the_api_does_not_know_is_said_after_one_request(
    api, many, tmp_path, capsys
):
    assert run(api, many, tmp_path / "out.csv", "--attributes", UNKNOWN, "--per-minute", "60") == 1
    assert "check --attributes" in capsys.readouterr().err
    assert len(api.requests) <= 2
    assert run(api, many, tmp_path / "out.csv", "--limit", "5") == 0  # nothing is in its way


@pytest.mark.parametrize(
    ("out", "options", "told"),
    [
        ("out.txt", (), "unknown ending"),
        ("none/out.csv", (), "there is no folder"),
        ("in.csv", (), "is an input, too"),
        ("out.csv", ("--endpoint", "http://api.example.org"), "the key would travel readable"),
        ("out.csv", ("--limit", "0"), "0 comments are chosen"),
    ],
)
def test_what_cannot_end_well_is_refused_before_a_request(
    api, table, tmp_path, capsys, out, options, told
):
    assert run(api, table, tmp_path / out, *options) == 1
    assert told in capsys.readouterr().err
    assert api.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_comments_without_words_alone_are_refused(api, tmp_path, capsys):
    (tmp_path / "in.csv").write_text("id,text\na,\n")
    assert run(api, tmp_path / "in.csv", tmp_path / "out.csv") == 1
    assert "none of 1 comments has words" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["", ",", "TOXI CITY", "a;b"])
def test_a_list_of_names_that_is_none_is_refused(given, capsys):
    with pytest.raises(SystemExit):
        main(["in.csv", "-o", "out.csv", "--attributes", given])
    assert "is no list of names" in capsys.readouterr().err


def test_the_end_of_the_api_is_told_where_it_comes_too_early(capsys):
    """Of a million comments at the usual quota, in December 2026."""
    capture._warn_of_end(1_000_000, 60, now=datetime(2026, 12, 31, tzinfo=UTC))
    assert "time is left for 86,400: choose so many by chance" in capsys.readouterr().err
    capture._warn_of_end(86_400, 60, now=datetime(2026, 12, 31, tzinfo=UTC))
    assert capsys.readouterr().err == ""
    capture._warn_of_end(1, 60, now=ENDS)
    assert "time is left for 0" in capsys.readouterr().err


def test_google_is_warned_of_and_asked_by_default(api, table, tmp_path, monkeypatch, capsys):
    asked = []

    def send(client, url, **rest):
        asked.append(url)
        raise httpx.ConnectError("no network in tests")

    monkeypatch.setattr(httpx.Client, "post", send)
    monkeypatch.setattr(old_api, "PATIENCE", 1)
    monkeypatch.setattr(capture, "ENDS", datetime(2020, 1, 1, tzinfo=UTC))
    assert main([str(table), "-o", str(tmp_path / "out.csv"), *FAST]) == 1
    said = capsys.readouterr().err
    assert "the Perspective API ends before that" in said
    assert "the last time with ConnectError" in said
    google = "https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze"
    assert set(asked) == {google}


def test_without_the_package_for_http_it_says_which_to_install(
    api, table, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert run(api, table, tmp_path / "out.csv") == 1
    assert "pip install 'moderation[service]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("minutes", "shown"), [(0, "a minute at most"), (1.5, "2 min"), (1441, "1 d 0 h")]
)
def test_times_are_shown_in_two_units(minutes, shown):
    assert capture.show_minutes(minutes) == shown


def test_passport_reads_the_table(api, tmp_path, capsys):
    table, out = tmp_path / "in.csv", tmp_path / "old.parquet"
    comments = labelled_comments(removed=400, kept=400)
    pd.DataFrame({"text": [comment.text for comment in comments]}).to_csv(table, index=False)
    assert run(api, table, out) == 0
    options = ["--threshold", "0.2", "--threshold", "0.5"]
    assert passport([str(REPOSITORY / "models/base.joblib"), str(out), *options]) == 0
    assert f"comments with an old score in '{COLUMN}'" in capsys.readouterr().out
