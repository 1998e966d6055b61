"""The insight page, run by Streamlit's own harness on a real database."""

import html
import re
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from moderation import load_model, review
from moderation.app import insight_page
from moderation.comments import Status
from moderation.database import open_store
from moderation.insight.doubtful import find_doubtful
from moderation.policy import Action, Verdict, propose_policy
from tests.deciding import NOON, Deciding, key, remark
from tests.samples import labelled_comments

SCRIPT = "from moderation.app import insight_page\ninsight_page.show()\n"
REMOVE = Action.REMOVE
HOSTILE = "<img src=x onerror=alert(1)> \u202e=1+1 **bold**"


class Page:
    """The page on a database of its own."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/review.db"
        self.store = open_store(self.url)

    def open(self, tab="Volume", *, name="anna") -> AppTest:
        script = self.folder / "page.py"
        script.write_text(SCRIPT)
        app = AppTest.from_file(str(script), default_timeout=300)
        app.session_state["moderator"] = name
        app.query_params["insight"] = tab
        return app.run()


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.setenv("MODERATION_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MODERATION_MODEL", str(tmp_path / "model.joblib"))
    monkeypatch.setenv("MODERATION_DATABASE_URL", f"sqlite:///{tmp_path}/review.db")
    monkeypatch.delenv("MODERATION_POLICY", raising=False)
    st.cache_resource.clear()
    st.cache_data.clear()
    page = Page(tmp_path)
    yield page
    page.store.engine.dispose()


@pytest.fixture
def scored(page, trained):
    """A page with a model, and samples decided as they are labelled, with its scores."""
    for ending in (".joblib", ".json", ".md"):
        shutil.copy(trained.with_suffix(ending), page.folder / f"model{ending}")
    scorer = load_model(trained)
    [first, *_] = propose_policy(scorer.thresholds, attribute=scorer.attribute).rules
    comments = [replace(c, status=Status.PUBLISHED) for c in labelled_comments()]
    Deciding(page.store, *comments)
    with page.store.writing() as session:
        for number, comment in enumerate(comments):
            is_removed = number < 60
            score = 0.95 if is_removed and number % 3 else 0.05
            verdict = Verdict(first.action, first) if score > 0.9 else review.Evidence().verdict
            review.record_decision(
                session, review.key_of(comment), REMOVE if is_removed else Action.APPROVE,
                decided_by="anna", decided_at=NOON + timedelta(hours=number),
                house_rule=("spam", "hate")[number % 2] if is_removed else None,
                evidence=review.Evidence(score, scorer.version, verdict),
            )  # fmt: skip
    return page


def shown(app: AppTest) -> str:
    """Return the words on the page, without markup."""
    assert not app.exception
    bodies = [element.proto.body for element in app.html if "<style>" not in element.proto.body]
    bodies += [element.value for element in (*app.markdown, *app.code)]
    return html.unescape(re.sub(r"<[^>]*>", " ", "\n".join(bodies)))


def test_with_nothing_decided_it_says_what_to_do(page):
    said = shown(page.open())
    assert "Nothing is decided yet" in said
    assert "on the page **Review**" in said


def test_volume_is_of_everybody_or_of_one(page):
    desk = Deciding(page.store, number=3)
    desk.decide("1", REMOVE)
    desk.decide("2")
    desk.decide("3", by="ben")
    app = page.open()
    assert "Decisions: 3, of which 33.3% are removals" in shown(app)
    assert app.selectbox[0].options == ["everybody", "anna", "ben"]
    assert "Decisions: 1, of which 0.0% are removals" in shown(app.selectbox[0].select("ben").run())


@pytest.mark.parametrize(("name", "limit", "buttons"), [("anna", 9, 3), ("", 9, 0), ("anna", 0, 0)])
def test_exports_are_for_those_who_lead(page, monkeypatch, name, limit, buttons):
    """And of many decisions by the command."""
    monkeypatch.setattr(insight_page, "MOST_DOWNLOADED", limit)
    Deciding(page.store, number=1).decide("1")
    app = page.open(name=name)
    assert len(app.get("download_button")) == buttons
    assert ("python -m moderation.export" in shown(app)) == (limit == 0)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_what_is_downloaded_is_the_export(page, ending):
    Deciding(page.store, remark("1", "=1+1")).decide("1")
    held = insight_page._export(page.store, ending)
    assert {".csv": b"'=1+1", ".jsonl": b'"=1+1"', ".parquet": b"PAR1"}[ending] in held


def test_without_a_model_agreement_says_so(page):
    Deciding(page.store, number=1).decide("1")
    said = shown(page.open("Agreement"))
    assert "There is no model with a threshold here" in said
    assert "No second opinions yet" in said


def test_agreement_with_the_model_is_drawn(scored):
    app = scored.open("Agreement")
    assert "Decided as the model would:" in shown(app)
    assert "Matched by the model:" in shown(app)
    assert len(app.get("vega_lite_chart")) == 2


def test_decisions_without_scores_tell_nothing_of_the_model(page, trained):
    for ending in (".joblib", ".json", ".md"):
        shutil.copy(trained.with_suffix(ending), page.folder / f"model{ending}")
    Deciding(page.store, number=1).decide("1")
    said = shown(page.open("Agreement"))
    assert said.count("None of the decisions was made with a score of the model") == 2
    assert "None of the comments scored by this model was removed" in shown(page.open("Rules"))


def test_second_opinions_are_drawn_and_differences_shown(page):
    desk = Deciding(page.store, remark("1", HOSTILE), *(remark(str(n)) for n in range(2, 41)))
    for n in range(1, 41):
        desk.decide(f"{n}", (Action.APPROVE, REMOVE)[n % 2], second_share=1.0)
        desk.decide(f"{n}", (Action.APPROVE, REMOVE)[n % 2 and n > 1], by="ben")
    app = page.open("Agreement")
    said = shown(app)
    assert "Overall: kappa 0.95" in said
    assert "Where they differ: 1" in said
    assert "removed: spam · anna; approved · ben" in said
    assert "<img src=x onerror=alert(1)>" in said
    assert "<img src=x" not in "".join(element.proto.body for element in app.html)
    assert len(app.get("vega_lite_chart")) == 3


def test_where_all_always_say_the_same_there_is_no_plot_of_kappa(page):
    desk = Deciding(page.store, number=2)
    for id in "12":
        desk.decide(id, second_share=1.0)
        desk.decide(id, by="ben")
    said = shown(page.open("Agreement"))
    assert "Everybody always said the same" in said
    assert "kappa undefined (too few); decided alike: 100% (34% to 100%) of 2." in said


def test_a_difference_that_waits_again_is_counted(page):
    desk = Deciding(page.store, number=2)
    for id in "12":
        desk.decide(id, second_share=1.0)
        desk.decide(id, REMOVE, by="ben")
    desk.reopen("1")
    said = shown(page.open("Agreement"))
    assert "Where they differ: 2" in said
    assert "Not shown, since they wait for review again: 1." in said


def test_many_differences_are_counted(page, monkeypatch):
    monkeypatch.setattr(insight_page, "SHOWN", 1)
    desk = Deciding(page.store, number=2)
    for id in "12":
        desk.decide(id, second_share=1.0)
        desk.decide(id, REMOVE, by="ben")
    assert "The latest 1 of 2." in shown(page.open("Agreement"))


def test_hours_are_drawn_with_the_points_of_the_policy(scored):
    app = scored.open("Hours")
    assert "33.3% (22.7% to 45.9%) of 60 removals would get through" in shown(app)
    assert "The pace is assumed" in shown(app)
    assert len(app.get("vega_lite_chart")) == 1


def test_without_removals_there_are_no_hours_to_weigh(page):
    Deciding(page.store, number=1).decide("1", score=0.2)
    said = shown(page.open("Hours"))
    assert "None of the comments scored by this model was removed yet" in said


def test_rules_are_drawn(scored):
    app = scored.open("Rules")
    assert "the model catches the smallest share of removals for" in shown(app)
    assert "40 were removed" in shown(app)
    assert len(app.get("vega_lite_chart")) == 2


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.75, "The threshold of that model is not known here"), (None, "No rule of the policy has")],
)
def test_rules_say_what_is_missing(page, score, expected):
    Deciding(page.store, number=1).decide("1", REMOVE, score=score)
    assert expected in shown(page.open("Rules"))


def test_a_model_in_use_that_nobody_decided_with_has_caught_nothing(page, scored):
    app = scored.open("Rules")
    with scored.store.writing() as session:
        for comment in labelled_comments(removed=60, kept=0):
            review.reopen(session, review.key_of(comment), decided_by="a", decided_at=NOON)
    assert "was removed for a house rule yet" in shown(app.run())


def contradicting(page, text="Nearly the same words about the old bridge and the ferry"):
    desk = Deciding(page.store, remark("1", text), remark("2", f"{text}!"), remark("3", "others"))
    desk.decide("1", REMOVE)
    desk.decide("2", by="ben")
    desk.decide("3", by="ben")


def test_contradictions_are_shown_side_by_side_and_reopened_by_one_click(page):
    words = "<b>Nearly the same</b> words =1+1 about [the old](bridge)"
    contradicting(page, words)
    app = page.open("Contradictions")
    said = shown(app)
    assert "Nearly the same words, removed here and approved there; the newest 1." in said
    assert "approved · ben" in said
    assert "removed: spam · anna" in said
    assert said.count(words) == 2
    [newer, _] = [button for button in app.button if button.label == "Reopen"]
    assert "It waits for review again." in shown(newer.click().run())
    with page.store.reading() as session:
        assert review.decision_in_force(session, key("2")) is None
        assert review.decision_in_force(session, key("1")) is not None
    assert "No near-duplicates were decided differently" in shown(app.run())


def test_whoever_only_reads_reopens_nothing(page):
    contradicting(page)
    app = page.open("Contradictions", name="")
    assert all(button.disabled for button in app.button if button.label == "Reopen")


def test_doubtful_labels_are_found_on_asking_and_reopened(scored):
    wrong = next(labelled_comments())
    with scored.store.writing() as session:
        before = review.decision_in_force(session, review.key_of(wrong))
        review.record_decision(
            session, review.key_of(wrong), Action.APPROVE, decided_by="ben", decided_at=NOON,
            overrules=before,
        )  # fmt: skip
    app = scored.open("Doubtful labels")
    assert "are in doubt" not in shown(app)
    [look] = [button for button in app.button if button.label == "Look for doubtful labels"]
    said = shown(look.click().run())
    assert "of 200 decisions are in doubt" in said
    assert "approved · ben · by the others: removed with" in said
    [first, *_] = [button for button in app.button if button.label == "Reopen"]
    assert first.key.endswith(review.key_of(wrong))
    first.click().run()
    with scored.store.reading() as session:
        assert review.decision_in_force(session, review.key_of(wrong)) is None
    assert "approved · ben" not in shown(app)


def test_too_few_decisions_are_told_in_words(page):
    Deciding(page.store, number=1).decide("1")
    app = page.open("Doubtful labels")
    [look] = [button for button in app.button if button.label == "Look for doubtful labels"]
    assert "none was removed" in shown(look.click().run())
    with pytest.raises(Exception, match="none was removed"):
        find_doubtful([replace(remark(), label=0)])


def test_whose_decisions_were_all_taken_back_has_none(page):
    desk = Deciding(page.store, number=2)
    desk.decide("1")
    desk.decide("2", by="ben")
    desk.undo(by="ben")
    app = page.open()
    assert "All of these decisions were taken back." in shown(app.selectbox[0].select("ben").run())


def test_of_many_numbers_the_last_are_shown(page, monkeypatch):
    monkeypatch.setattr(insight_page, "MOST_ROWS", 1)
    desk = Deciding(page.store, number=2)
    desk.decide("1", REMOVE)
    desk.decide("2")
    assert "The last 1 of 2 rows." in shown(page.open())


def test_a_pace_that_is_measured_is_told_with_its_origin(page):
    desk = Deciding(page.store, number=22)
    for n in range(1, 23):
        desk.decide(f"{n}", (Action.APPROVE, REMOVE)[n % 2], score=n / 22)
    said = shown(page.open("Hours"))
    assert "At 60 seconds a decision (the median of 21 gaps" in said
    assert "assumed" not in said


def test_decisions_of_a_model_that_was_replaced_count_by_its_own_threshold(scored):
    """Its manifest is kept beside the model in use."""
    version = load_model(scored.folder / "model.joblib").version
    kept = scored.folder / "model.releases" / "kept" / version
    kept.mkdir(parents=True)
    for ending in (".joblib", ".json", ".md"):
        (scored.folder / f"model{ending}").rename(kept / f"model{ending}")
    assert "Matched by the model: " in shown(scored.open("Agreement"))
