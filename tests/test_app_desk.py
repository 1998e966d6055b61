"""The review desk's queue, bulk actions, settings and people, by Streamlit's own harness."""

from datetime import timedelta
from uuid import uuid4

import pytest
import streamlit as st

from moderation import review
from moderation.app import breaks, people
from moderation.app.state import now
from moderation.database import open_store
from moderation.parsers import read_comments
from moderation.policy import Action
from moderation.review import Order
from moderation.tables import Role
from tests.apps import focus, press, shown

COPIES = "id,text,author,article_id,created_at\n" + "".join(
    f"{number},buy a lantern at the harbour market today{'!' * number},seller,a,"
    f"2026-03-0{number}T12:00Z\n"
    for number in range(1, 4)
)
OTHERS = COPIES + (
    "8,a remark about the ferry timetable,reader,b,2026-03-08T12:00Z\n"
    "9,the museum opens again in spring,reader,b,2026-03-09T12:00Z\n"
)


def button(app, label: str):
    [found] = [one for one in app.button if one.label == label]
    return found


def drawn(app) -> str:
    """Return the markup on the page, without style sheets."""
    bodies = (element.proto.body for element in app.html)
    return "".join(body for body in bodies if "<style>" not in body)


def members(desk) -> dict[str, Role]:
    with open_store(desk.url).reading() as session:
        return {member.name: member.role for member, _ in review.list_members(session)}


def work(desk, name: str, role: Role = Role.MODERATOR) -> None:
    """Let somebody else sit down at the desk."""
    with open_store(desk.url).writing() as session:
        review.sign_in(session, name, default=role, now=now())


# The queue


def test_back_goes_to_the_one_before_and_stays_at_the_first(desk):
    desk.put("table.csv", OTHERS)
    app = desk.open()
    first = focus(app)
    assert focus(press(app, "Back")) == first
    second = focus(press(app, "Next"))
    assert second != first
    assert focus(press(app, "Back")) == first


def test_after_the_last_of_the_list_the_skipped_ones_come_again(desk):
    desk.put("table.csv", OTHERS)
    app = desk.open()
    seen = [focus(app)]
    for _ in range(4):
        seen.append(focus(press(app, "Next")))
    assert len(set(seen)) == 5
    assert focus(press(app, "Next")) == seen[0]


def test_another_order_makes_another_list(desk):
    desk.put("table.csv", OTHERS)
    app = desk.open()
    assert "likeliest to break the rules first" in shown(app)
    for order in [*list(Order)[1:], Order.LIKELIEST]:
        app = press(app, "Another order")
        assert f"{order} first" in shown(app)
    app.selectbox(key="queue-order").select(str(Order.OLDEST)).run()
    assert focus(app) == "1"


def test_filters_limit_the_list_and_say_when_nothing_matches(desk):
    desk.put("table.csv", OTHERS)
    app = desk.open()
    app.text_input(key="filter-words").set_value("FERRY").run()
    assert focus(app) == "8"
    assert "1 of 1" in shown(app)
    app.text_input(key="filter-words").set_value("zeppelin").run()
    assert "Nothing that waits matches the filters" in shown(app)
    app.text_input(key="filter-words").set_value("").run()
    app.selectbox(key="filter-article").select("b").run()
    assert "1 of 2" in shown(app)


def test_what_arrives_waits_behind_a_counter(desk, monkeypatch):
    monkeypatch.setattr("moderation.app.worklist.COUNTED_AGAIN_AFTER", timedelta(0))
    desk.put("table.csv")
    app = desk.open()
    assert "1 of 2" in shown(app)
    desk.put("second.csv", OTHERS.replace(",a,", ",c,"))
    app.run()
    assert "1 of 2" in shown(app)
    app = press(app.run(), "Take in 5 new")
    assert "1 of 7" in shown(app)


def test_a_comment_on_another_screen_is_not_shown(desk):
    desk.put("table.csv")
    first = desk.open()
    second = desk.open()
    second.text_input(key="moderator").set_value("ben").run()
    press(second, "Next")
    assert focus(second) != focus(first)


# Labels that other systems sent


def send(desk, *values: tuple[str, float], **facts) -> None:
    """Say of the first comment of the table what another system would."""
    with open_store(desk.url).writing() as session:
        [comment] = [c for c in read_comments(desk.data / "table.csv") if c.id == "1"]
        labels = [
            review.SentLabel(
                id=str(uuid4()), comment=comment, attribute=attribute, value=value,
                removes=attribute == "LIKELY_TO_REJECT", sent_by="coral <b>", received_at=now(),
                **facts,
            )
            for attribute, value in values
        ]  # fmt: skip
        review.record_labels(session, labels, recorded_at=now())


def test_what_other_systems_said_of_a_comment_is_on_its_card(desk):
    desk.put("table.csv")
    app = desk.open()
    assert "Sent by other systems" not in shown(app)
    send(desk, ("INSULT", 0.9), community="site/<i>letters", token="comment:1")
    app.run()
    assert "Sent by other systems" in shown(app)
    line = "INSULT 0.9, from coral &lt;b&gt; (site/&lt;i&gt;letters, comment:1) · "
    assert line in drawn(app)
    send(desk, *[("THREAT", 0.25)] * 10)
    assert shown(app.run()).count("THREAT 0.25, from coral <b> · ") == 10
    assert "And 1 before these." in shown(app)


def test_a_blind_second_opinion_is_not_told_what_other_systems_said(desk):
    desk.put("table.csv")
    desk.open()  # reads the table
    [comment] = [c for c in read_comments(desk.data / "table.csv") if c.id == "1"]
    with open_store(desk.url).writing() as session:
        facts = {"decided_by": "anna", "decided_at": now(), "second_share": 1.0}
        review.record_decision(session, review.key_of(comment), Action.APPROVE, **facts)
    send(desk, ("INSULT", 0.9), ("LIKELY_TO_REJECT", 0.0))
    app = desk.open()
    seen = set()
    for _ in range(2):
        seen.add(focus(app))
        assert "Sent by other systems" not in shown(app)
        app = press(app, "Next")
    assert seen == {"1", "2"}


# Acting


def test_remove_asks_for_the_digit_and_the_rule_removes(desk):
    desk.put("table.csv")
    app = press(desk.open(), "Remove")
    assert "press the digit of the rule" in shown(app)
    app = press(app, "Remove")
    assert "press the digit of the rule" not in shown(app)
    press(press(app, "Remove"), "threats")
    assert desk.decisions() == [("remove", "moderator", "threats")]


def test_what_is_handed_on_comes_first_for_another_with_its_note(desk):
    desk.put("table.csv", OTHERS)
    app = desk.open()
    handed = focus(app)
    app = press(app, "Hand on")
    app.text_area[0].set_value("is this a quotation?")
    app = press(app, "Hand it on")
    assert focus(app) != handed
    second = desk.open()
    second.text_input(key="moderator").set_value("ben").run()
    assert focus(second) == handed
    assert "Handed on by moderator: is this a quotation?" in shown(second)
    assert focus(press(app, "Undo")) == handed


def test_handing_on_without_a_note_is_refused(desk):
    desk.put("table.csv")
    app = press(desk.open(), "Hand on")
    assert "write a note" in shown(press(app, "Hand it on"))
    assert desk.decisions() == []


def test_focus_hides_the_rest_and_help_shows_the_keys(desk):
    desk.put("table.csv")
    app = press(desk.open(), "Help ?")
    assert "hand it to a second moderator" in shown(app)
    app = press(app, "Focus")
    assert "Another order" not in [one.label for one in app.button]
    assert "Another order" in [one.label for one in press(app, "Focus").button]


def test_near_duplicates_are_decided_alike_and_undone_as_one(desk):
    desk.put("table.csv", OTHERS)
    app = desk.open()
    [alike] = [box for box in app.checkbox if "near-duplicates" in box.label]
    assert alike.label == "Decide its 2 near-duplicates alike"
    alike.check().run()
    app = press(app, "spam")
    assert "3 removed: spam" in shown(app)
    assert desk.count_waiting() == 2
    assert "3 comments wait again" in shown(press(app, "Undo"))
    assert desk.count_waiting() == 5


def test_how_like_comments_were_decided_is_shown(desk):
    desk.put("table.csv", COPIES)
    app = press(desk.open(), "spam")
    assert "Decided before, in like words" in shown(app)
    assert "alike · removed: spam · moderator" in shown(app)
    assert "0 approved, 1 removed, 1 waiting" in shown(app)


def test_a_second_opinion_is_blind(desk):
    """Whoever gives it sees neither the first decision nor its history."""
    desk.put("table.csv")
    app = desk.open()
    work(desk, "ben")
    with open_store(desk.url).writing() as session:
        lead = review.find_member(session, "moderator")
        review.change_house(session, {"second_share": 1.0}, changed_by=lead, changed_at=now())
    app = press(app.run(), "hate")
    assert focus(app) == "2"
    second = desk.open()
    second.text_input(key="moderator").set_value("ben").run()
    assert focus(second) == "1"
    assert "moderator ·" not in shown(second)
    press(second, "Approve")
    with open_store(desk.url).reading() as session:
        told = [(d.kind.value, d.action) for d, _ in review.recent_decisions(session, limit=9)]
    assert told == [("opinion", Action.APPROVE), ("decision", Action.REMOVE)]


# Care


def test_high_scores_are_blurred_until_asked_for(scored):
    scored.put("table.csv")
    app = scored.open()
    with open_store(scored.url).writing() as session:
        review.change_care(session, "moderator", review.Care(blur_from=0.0))
    people.forget_member()
    app = scored.open()
    assert "mod-blurred" in drawn(app)
    app = press(app, "Show")
    assert "mod-blurred" not in drawn(app)


def test_a_break_is_suggested_after_the_minutes_that_were_chosen(desk, monkeypatch):
    desk.put("table.csv")
    app = desk.open()
    moments = iter([now() + timedelta(minutes=4 * step) for step in range(1, 40)])
    monkeypatch.setattr(breaks, "now", lambda: next(moments))
    for _ in range(11):
        app.run()
    assert "You have read comments for" not in shown(app)
    for _ in range(2):
        app.run()
    assert "You have read comments for" in shown(app)
    monkeypatch.setattr(breaks, "now", lambda: now() + timedelta(hours=9))
    assert "You have read comments for" not in shown(app.run())


# Many at once


def test_near_duplicates_are_offered_with_their_count(desk):
    desk.put("table.csv", OTHERS)
    desk.open()
    app = desk.open("bulk_page")
    assert "3 comments that wait" in shown(app)
    app.text_input[0].set_value("an advertisement").run()
    app = press(app, "Remove 3 comments")
    assert "3 removed: personal abuse." in shown(app)
    assert desk.count_waiting() == 2
    assert "3 comments wait again" in shown(press(app, "Undo the last bulk action"))


@pytest.mark.parametrize(
    ("way", "typed", "count"), [("an author", "reader", 2), ("a search", "lantern", 3)]
)
def test_an_author_or_a_search_is_decided_at_once(desk, way, typed, count):
    desk.put("table.csv", OTHERS)
    desk.open()
    app = desk.open("bulk_page")
    app.radio[0].set_value(way).run()
    assert "Say which" in shown(app)
    app.text_input[0].set_value(typed).run()
    app = press(app, f"Approve {count} comments")
    assert f"{count} approved." in shown(app)
    assert "Nothing that waits matches." in shown(app)


def test_a_range_of_scores_is_sampled_before(scored):
    rows = "".join(f"{n},a remark about the ferry number {n},a\n" for n in range(30))
    scored.put("table.csv", f"id,text,article_id\n{rows}")
    scored.open()
    app = scored.open("bulk_page")
    app.radio[0].set_value("a score range").run()
    app.slider[0].set_range(0, 100).run()
    assert "30 comments that wait" in shown(app)
    assert "20 of them, drawn at random:" in shown(app)


def test_without_near_duplicates_it_says_so(desk):
    desk.put("table.csv")
    desk.open()
    assert "No two comments that wait are nearly the same." in shown(desk.open("bulk_page"))


# Settings


def test_the_rules_of_the_house_are_named_by_a_lead(desk):
    desk.put("table.csv")
    desk.open()
    app = desk.open("settings_page")
    app.text_area[0].set_value("rude\nnot true\n\n")
    [save] = [one for one in app.button if one.key == "save-house"]
    save.click().run()
    app = press(desk.open(), "not true")
    assert desk.decisions() == [("remove", "moderator", "not true")]


def test_settings_that_cannot_be_are_refused_in_one_line(desk):
    desk.open()
    app = desk.open("settings_page")
    app.text_area[0].set_value("rude\nRude")
    [save] = [one for one in app.button if one.key == "save-house"]
    assert "two house rules have the same name" in shown(save.click().run())


def test_care_is_kept_for_each(desk):
    desk.open()
    app = desk.open("settings_page")
    app.checkbox[0].uncheck()
    [save] = [one for one in app.button if one.key == "save-care"]
    assert "Saved." in shown(save.click().run())
    with open_store(desk.url).reading() as session:
        assert not review.find_member(session, "moderator").care.blur


def test_a_lead_gives_roles(desk):
    desk.open()
    work(desk, "ben", Role.READER)
    app = desk.open("settings_page").run()
    app.selectbox(key=f"role-ben-{Role.READER}").select(Role.MODERATOR).run()
    assert "ben: moderator." in shown(app)
    assert members(desk) == {"ben": Role.MODERATOR, "moderator": Role.LEAD}


# People


class User(dict):
    """Somebody as Streamlit tells of them."""

    is_logged_in = True


def sign_in(monkeypatch, **facts) -> None:
    monkeypatch.setattr(people.st, "user", User(is_logged_in=True, **facts))


def test_who_signs_in_reads_only_until_a_lead_says_otherwise(desk, monkeypatch):
    sign_in(monkeypatch, email="ben@courier.example")
    desk.put("table.csv")
    app = desk.open()
    assert "You may read." in shown(app)
    assert button(app, "Approve").disabled
    assert "Bulk actions are for those who lead." in shown(desk.open("bulk_page"))
    assert "Set by those who lead." in shown(desk.open("settings_page"))
    assert members(desk) == {"ben@courier.example": Role.READER}


def test_the_settings_name_who_leads(desk, monkeypatch):
    monkeypatch.setenv("MODERATION_LEADS", "anna@courier.example, carl@courier.example")
    sign_in(monkeypatch, email="anna@courier.example", email_verified=True)
    desk.put("table.csv")
    press(desk.open(), "Approve")
    assert desk.decisions() == [("approve", "anna@courier.example", None)]


def test_an_address_that_nobody_has_checked_is_nobody(desk, monkeypatch):
    sign_in(monkeypatch, email="anna@courier.example", email_verified=False)
    desk.put("table.csv")
    assert button(desk.open(), "Approve").disabled
    assert members(desk) == {}


def test_who_is_not_signed_in_sees_the_way_in_and_no_comment(desk, monkeypatch):
    user = User(is_logged_in=False)
    user.is_logged_in = False
    monkeypatch.setattr(st, "user", user)
    desk.put("table.csv")
    app = desk.open()
    assert [one.label for one in app.button] == ["Sign in"]
    assert focus(app) is None


# Policies


def test_the_rules_of_a_policy_file_are_shown(scored, monkeypatch):
    path = scored.folder / "policy.toml"
    path.write_text(
        'otherwise = "approve"\n[[rule]]\nname = "look"\nattribute = "LIKELY_TO_REJECT"\n'
        'threshold = 0.0\naction = "hold"\n'
    )
    monkeypatch.setenv("MODERATION_POLICY", str(path))
    scored.put("table.csv")
    assert "Rule “look” on LIKELY_TO_REJECT: 0% and above" in shown(scored.open())


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("otherwise = 3\n", "Policy not used"),
        (
            'otherwise = "hold"\n[[rule]]\nname = "a"\nattribute = "COLOUR"\nthreshold = 0.5\n'
            'action = "hold"\n',
            "the model does not score COLOUR",
        ),
        (
            'otherwise = "hold"\n[[rule]]\nname = "a"\nattribute = "LIKELY_TO_REJECT"\n'
            'point = "maximum recall @ precision >= 0.9"\naction = "hold"\n',
            "has no threshold yet",
        ),
    ],
)
def test_a_policy_with_mistakes_is_said_and_review_goes_on(scored, monkeypatch, policy, message):
    path = scored.folder / "policy.toml"
    path.write_text(policy)
    monkeypatch.setenv("MODERATION_POLICY", str(path))
    scored.put("table.csv")
    app = scored.open()
    assert message in shown(app)
    assert focus(app) is not None
