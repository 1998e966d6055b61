"""The pages of the review desk, run by Streamlit's own harness on a real model and database."""

import os
import re
import shutil

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from moderation import review
from moderation.app import state
from moderation.app.worklist import Work
from moderation.database import open_store
from moderation.policy import HOUSE_RULES, Action
from tests.apps import PAGE, TABLE, focus, press, shown


def test_it_opens_on_the_likeliest_comment_with_score_rule_and_actions(scored):
    shutil.copy(PAGE, scored.put("table.csv").parent)
    app = scored.open()
    labels = [button.label for button in app.button]
    first = ["Approve", "Remove", "Undo", "Next", "Back", *HOUSE_RULES]
    last = ["Hand on", "Show", "Focus", "Help ?", "Another order", "Nothing new"]
    assert sorted(labels) == sorted([*first, *last])
    assert re.search(r"\d+%.*likely to be removed.*\d+%.*on the 50/50 scale", shown(app))
    assert re.search(r"Rule “[\w ]+” on LIKELY_TO_REJECT: \d+% and above|No rule fires", shown(app))
    assert "Parking charges" in shown(app)
    assert scored.count_waiting() == 35  # 33 with words on the page, 2 in the table


def test_without_a_model_it_says_what_to_run_and_review_goes_on(desk):
    desk.put("table.csv")
    app = desk.open()
    assert f"make one with: python -m moderation.train --out {desk.model}" in shown(app)
    assert "This comment has no score." in shown(app)
    press(app, "Approve")
    assert desk.decisions() == [("approve", "moderator", None)]


def test_a_tampered_model_is_refused_and_review_goes_on(scored):
    scored.put("table.csv")
    scored.model.write_bytes(scored.model.read_bytes() + b" ")
    app = scored.open()
    assert "its SHA-256 is" in shown(app)
    assert focus(app) == "1"


def test_a_model_trained_while_the_app_runs_is_taken_up(scored, tmp_path):
    scored.put("table.csv")
    aside = scored.model.rename(tmp_path / "aside.joblib")
    app = scored.open()
    assert "This comment has no score." in shown(app)
    aside.rename(scored.model)
    assert "likely to be removed" in shown(app.run())


@pytest.mark.parametrize("there", [False, True])
def test_without_data_it_says_where_comments_go(desk, there):
    """The default database lies in the data folder, which is therefore there, but empty."""
    if there:
        desk.data.mkdir()
    app = desk.open()
    assert "No comments yet" in shown(app)
    assert f"Put saved pages or exports into the folder `{desk.data}`" in shown(app)
    assert desk.count_waiting() == 0


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_read(desk):
    desk.put("broken.csv", "id,colour\n1,red\n")
    desk.put("table.csv")
    app = desk.open()
    assert desk.count_waiting() == 2
    assert "Files not read: 1" in [expander.label for expander in app.expander]
    assert "broken.csv" in shown(app)


def test_files_that_are_new_or_changed_are_read_without_a_restart(desk):
    path = desk.put("table.csv")
    app = desk.open()
    desk.put("second.csv", TABLE.replace(",a,", ",b,"))
    app.run()
    assert desk.count_waiting() == 4
    desk.put("table.csv", f"{TABLE}3,a third,a,\n")
    os.utime(path, ns=(1, 1))
    app.run()
    assert desk.count_waiting() == 5


def test_after_a_restart_nothing_waits_twice(desk):
    desk.put("table.csv")
    press(desk.open(), "Approve")
    st.cache_resource.clear()
    desk.open()
    assert desk.count_waiting() == 1


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////dev/null/review.db", "its folder cannot be made"),
        ("oracle+cx_oracle://anna:tulip@host/x", "not a database address"),
        ("review.db", "not a database address"),
    ],
)
@pytest.mark.parametrize("page", ["", "add_page", "model_page"])
def test_a_database_out_of_reach_is_said_on_every_page(desk, monkeypatch, page, url, message):
    monkeypatch.setenv("MODERATION_DATABASE_URL", url)
    app = desk.open(page)
    assert message in shown(app)
    assert "tulip" not in shown(app)
    assert not app.button


def test_a_database_that_goes_away_is_said_in_words(desk):
    desk.put("table.csv")
    app = desk.open()
    desk.database.unlink()
    press(app, "Approve")
    assert "the database does not answer" in shown(app)
    assert str(desk.database) in shown(app)


def test_a_session_of_removing_undoing_approving_and_skipping(desk):
    desk.put("table.csv")
    app = desk.open()
    press(app, "spam")
    assert (focus(app), desk.count_waiting()) == ("2", 1)
    press(app, "Undo")
    assert (focus(app), desk.count_waiting()) == ("1", 2)
    press(app, "Next")
    assert (focus(app), desk.count_waiting()) == ("2", 2)
    press(app, "Approve")
    assert (focus(app), desk.count_waiting()) == ("1", 1)
    told = [(action, rule) for action, _, rule in desk.decisions()]
    assert told == [("remove", "spam"), ("hold", None), ("approve", None)]


def test_the_history_of_a_comment_is_beside_it(desk):
    desk.put("table.csv")
    app = press(press(desk.open(), "off topic"), "Undo")
    assert re.search(r"undone, now waiting · moderator · .* UTC", shown(app))
    assert "#1 “a quiet remark”\nremoved: off topic · moderator" in shown(app)


def test_with_everything_decided_it_says_so_and_can_undo(desk):
    desk.put("table.csv")
    app = press(press(desk.open(), "Approve"), "Approve")
    assert "Nothing waits for you" in shown(app)
    assert [button.label for button in app.button] == ["Undo"]
    assert focus(press(app, "Undo")) == "2"


def test_what_is_edited_after_a_decision_comes_back_with_a_remark(desk):
    desk.put("table.csv")
    app = press(desk.open(), "Approve")
    desk.put("table.csv", TABLE.replace("a quiet remark", "an advertisement"))
    os.utime(desk.data / "table.csv", ns=(1, 1))
    press(app, "Approve")
    assert focus(app) == "1"
    assert "Its words have changed since the last one." in shown(app)


def test_the_second_of_two_is_told_and_overwrites_nothing(desk):
    """A claim ends after some minutes: two may then decide the same comment all the same."""
    desk.put("table.csv")
    app = desk.open()
    with open_store(desk.url).writing() as session:
        [first] = review.list_keys(
            session, None, moderator="anna", filters=review.Filters(words="quiet"), limit=9
        )
        review.record_decision(
            session, first, Action.REMOVE, decided_by="anna", decided_at=state.now(),
            house_rule="hate",
        )  # fmt: skip
    press(app, "Approve")
    assert "not recorded: anna chose to remove that comment before" in shown(app)
    assert desk.decisions() == [("remove", "anna", "hate")]
    assert focus(app) == "2"


def test_an_empty_name_decides_nothing(desk):
    desk.put("table.csv")
    app = desk.open()
    app.text_input(key="moderator").set_value("  ").run()
    assert "Type your name on the left to decide." in shown(app)
    assert {b.label for b in app.button if not b.disabled} == {
        "Next",
        "Back",
        "Show",
        "Focus",
        "Help ?",
        "Another order",
    }


def test_the_moderator_may_be_set_by_the_environment(desk, monkeypatch):
    monkeypatch.setenv("MODERATION_MODERATOR", "anna")
    desk.put("table.csv")
    press(desk.open(), "Approve")
    assert desk.decisions() == [("approve", "anna", None)]


def test_a_deep_or_wide_thread_is_shown_in_part(desk):
    """Comment 29 ends a chain of 30 replies; 171 others answer the first."""
    label = {29: ""}
    rows = [f"{n},remark {n},{n - 1 if n < 30 else 0},{label.get(n, 0)}" for n in range(200)]
    desk.put("table.csv", "\n".join(["id,text,parent_id,label", *rows]))
    app = desk.open()
    assert focus(app) == "29"
    body = next(h.proto.body for h in app.html if 'focus"' in h.proto.body)
    assert re.findall(r'data-comment="(\d+)"', body) == ["27", "28", "29"]
    assert [expander.label for expander in app.expander] == ["197 more in this thread", "Filters"]
    assert "The first 100 of 197." in shown(app)


def test_the_model_page_shows_the_card_and_its_plots(scored):
    app = scored.open("model_page")
    assert "likely to take down" in shown(app)
    assert "ROC-AUC" in shown(app)
    assert "![" not in shown(app)


def test_the_model_page_without_a_model_says_what_to_run(desk):
    app = desk.open("model_page")
    assert "No model" in shown(app)
    assert [code.value for code in app.code] == ["python -m moderation.train"]


def test_the_model_page_without_a_card_says_so(scored):
    scored.model.with_suffix(".md").unlink()
    assert "The model has no card" in shown(scored.open("model_page"))


def upload(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    return app.file_uploader[0].set_value([(n, body, "text/plain") for n, body in files]).run()


def test_an_uploaded_page_is_shown_then_waits(scored):
    app = upload(scored.open("add_page"), (PAGE.name, PAGE.read_bytes()))
    assert "35 comments, 1 pending, 1 removed" in shown(app)
    assert "#34 notabot77" in " ".join(shown(app).split())
    press(app, "Add 35 comments")
    assert "35 new, 0 updated, 0 known already; 33 in the queue now." in shown(app)
    assert not app.button
    assert "notabot77" not in shown(app)
    scored.open()
    assert scored.count_waiting() == 33


def test_an_upload_made_twice_is_known_already(desk):
    app = desk.open("add_page")
    for _ in range(2):
        press(upload(app, ("table.csv", TABLE.encode())), "Add 2 comments")
    assert "0 new, 0 updated, 2 known already; 2 in the queue now." in shown(app)


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("empty.html", b"", "empty.html: the file is empty"),
        ("picture.html", bytes(range(256)) * 9, "picture.html"),
        ("colours.csv", b"id,colour\n1,red\n", "no text column"),
        ("broken.gz", b"\x1f\x8b\x08broken", "broken.gz"),
        ("story.html", b"<html><body><p>No comments.</p></body></html>", "no comments found"),
    ],
)
def test_an_upload_without_comments_is_said_and_the_others_are_read(desk, name, body, message):
    app = upload(desk.open("add_page"), (name, body), ("table.csv", TABLE.encode()))
    assert message in shown(app)
    assert [button.label for button in app.button] == ["Add 2 comments"]


def test_of_a_long_upload_the_beginning_is_shown(desk):
    rows = "".join(f"{n},remark {n},a\n" for n in range(150))
    app = upload(desk.open("add_page"), ("long.csv", f"id,text,article_id\n{rows}".encode()))
    assert "The first 100 of 150:" in shown(app)
    assert "remark 99" in shown(app)
    assert "remark 100" not in shown(app)


def test_columns_of_an_upload_can_be_named(desk):
    table = b"Kommentartext,Zustand\na ferry,approved\na lantern,pending\n"
    app = upload(desk.open("add_page"), ("odd.csv", table))
    assert "no text column" in shown(app)
    app.text_input[0].set_value("Kommentartext")
    app.text_input[1].set_value("Zustand")
    assert "2 comments, 1 pending" in shown(app.run())


def test_a_button_of_an_earlier_showing_acts_on_nothing():
    """A quick key may press a button that was drawn before its comment was decided and undone."""
    work = Work()
    work.turn_to("a comment")
    turn = work.turn
    assert work.shows("a comment", turn)
    work.turn_to(None)
    work.turn_to("a comment")
    assert not work.shows("a comment", turn)


def test_buttons_of_each_showing_have_keys_of_their_own(scored):
    scored.put("table.csv")
    app = scored.open()
    before = [button.key for button in app.button if button.label == "Approve"]
    again = press(press(app, "Approve"), "Undo")
    assert focus(again) is not None
    assert [button.key for button in again.button if button.label == "Approve"] != before
