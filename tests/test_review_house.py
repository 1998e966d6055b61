"""What a lead sets for the house, who sits at the desk, and how they are spared."""

from datetime import timedelta

import pytest

from moderation import review
from moderation.errors import ReviewError
from moderation.policy import HOUSE_RULES
from moderation.review import Care, House, Member
from moderation.tables import Person, Role, Setting
from tests.desks import NOON, after

LEAD = Member("lea", Role.LEAD)


def change(session, **changes) -> House:
    return review.change_house(session, changes, changed_by=LEAD, changed_at=NOON)


def sit_down(session, name: str, role: Role = Role.MODERATOR, at=NOON) -> Member:
    return review.sign_in(session, name, default=role, now=at)


# The house


def test_a_new_house_has_its_defaults(session):
    assert review.read_house(session) == House()
    assert House().house_rules == HOUSE_RULES
    assert House().claimed_for == timedelta(minutes=10)


def test_what_a_lead_changes_stays_changed(session):
    rules = ("shouting", "spam")
    changed = change(session, house_rules=rules, second_share=0.2)
    session.commit()
    session.expunge_all()
    assert review.read_house(session) == changed == House(rules, 0.2)
    assert change(session, claim_minutes=3) == House(rules, 0.2, 3)
    setting = session.get(Setting, "claim_minutes")
    assert (setting.changed_by, setting.changed_at) == ("lea", NOON)


def test_a_setting_may_be_put_back_to_none(session):
    change(session, retain_texts_days=30)
    assert change(session, retain_texts_days=None) == House()
    assert review.read_house(session) == House()


def test_a_list_of_rules_is_read_back_as_it_was_set(session):
    """A page gives lists, JSON too; a house has a tuple."""
    assert change(session, house_rules=["a", "b"]) == review.read_house(session)
    assert review.read_house(session).house_rules == ("a", "b")


def test_settings_of_another_version_are_passed_over(session):
    session.add(Setting(name="no_longer_known", value=1, changed_by="lea", changed_at=NOON))
    session.commit()
    assert review.read_house(session) == House()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"house_rules": ()}, "0 house rules; expected 1 to 9: one a digit"),
        ({"house_rules": tuple("abcdefghij")}, "10 house rules; expected 1 to 9"),
        ({"house_rules": ("spam", "Spam")}, "two house rules have the same name"),
        ({"house_rules": ("spam", " spam ")}, "two house rules have the same name"),
        ({"house_rules": ("spam", " ")}, "a name of 1 to 64 characters"),
        ({"house_rules": ("x" * 65,)}, "a name of 1 to 64 characters"),
        ({"second_share": -0.1}, "second_share is -0.1; expected a share from 0 to 1"),
        ({"second_share": 1.1}, "second_share is 1.1; expected"),
        ({"second_share": float("nan")}, "second_share is nan; expected"),
        ({"claim_minutes": 0}, "claim_minutes is 0; expected 1 to a day's 1440"),
        ({"claim_minutes": 1441}, "claim_minutes is 1441; expected"),
        ({"retain_texts_days": 0}, "retain_texts_days is 0; expected 1 to 36500"),
        ({"retain_authors_days": -5}, "retain_authors_days is -5; expected 1 to 36500"),
        ({"retain_texts_days": 10**9}, "retain_texts_days is 1000000000; expected"),
    ],
    ids=str,
)
def test_what_cannot_be_set_is_refused_in_one_line_and_changes_nothing(session, changes, message):
    with pytest.raises(ReviewError, match=message) as refusal:
        change(session, **changes)
    assert "\n" not in str(refusal.value)
    session.commit()
    assert review.read_house(session) == House()


@pytest.mark.parametrize(
    "edge",
    [
        {"house_rules": tuple("abcdefghi")},
        {"house_rules": ("x" * 64,)},
        {"second_share": 0},
        {"second_share": 1},
        {"claim_minutes": 1},
        {"claim_minutes": 1440},
        {"retain_texts_days": 1},
        {"retain_authors_days": 36_500},
    ],
    ids=str,
)
def test_the_edges_of_what_can_be_set_can_be(session, edge):
    assert change(session, **edge) == House(**edge) == review.read_house(session)


@pytest.mark.parametrize("role", [Role.READER, Role.MODERATOR])
def test_only_a_lead_changes_the_house(session, role):
    with pytest.raises(ReviewError, match="only a lead"):
        review.change_house(
            session, {"claim_minutes": 5}, changed_by=Member("ben", role), changed_at=NOON
        )
    assert review.read_house(session) == House()


# People


def test_whoever_sits_down_first_gets_the_default_role_and_keeps_it(session):
    assert sit_down(session, " anna ", Role.LEAD) == Member("anna", Role.LEAD)
    assert sit_down(session, "anna", Role.READER) == Member("anna", Role.LEAD)


@pytest.mark.parametrize(
    ("role", "decides", "leads"),
    [(Role.READER, False, False), (Role.MODERATOR, True, False), (Role.LEAD, True, True)],
)
def test_a_role_says_what_somebody_may_do(role, decides, leads):
    assert (Member("anna", role).decides, Member("anna", role).leads) == (decides, leads)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "type a name first"),
        (" \t", "type a name first"),
        ("x" * 129, "a name of 129 characters; expected at most 128"),
        ("anna\x00", "a name has no control characters"),
        ("anna\nben", "a name has no control characters"),
        ("\ud800", "a name has no control characters"),
        ("policy:7fd7fc78958", "stands for what no person decided; take another name"),
        ("site:coral", "stands for what another system sent; take another name"),
    ],
    ids=ascii,
)
def test_a_name_that_is_none_is_refused(session, name, message):
    with pytest.raises(ReviewError, match=message):
        sit_down(session, name)
    assert review.list_members(session) == []


def test_everybody_is_listed_with_when_they_were_seen(session):
    sit_down(session, "ben", at=NOON)
    sit_down(session, "anna", at=after(1))
    sit_down(session, "ben", at=after(2))
    found = [(member.name, seen_at) for member, seen_at in review.list_members(session)]
    assert found == [("anna", after(1)), ("ben", after(2))]


def test_who_can_give_second_opinions_is_counted(session):
    sit_down(session, "anna", at=after(0))
    sit_down(session, "ben", Role.READER, at=after(9))
    sit_down(session, "lea", Role.LEAD, at=after(5))
    assert review.count_deciding(session, since=after(0)) == 2
    assert review.count_deciding(session, since=after(1)) == 1
    assert review.count_deciding(session, since=after(6)) == 0


def test_somebody_is_found_by_name(session):
    sit_down(session, "anna")
    assert review.find_member(session, " anna ") == Member("anna", Role.MODERATOR)
    assert review.find_member(session, "nobody") is None


def test_a_lead_gives_roles(session):
    sit_down(session, "ben")
    assert review.give_role(session, " ben ", Role.LEAD, given_by=LEAD).leads
    session.commit()
    session.expunge_all()
    assert review.find_member(session, "ben").leads


def test_only_a_lead_gives_roles(session):
    anna = sit_down(session, "anna")
    with pytest.raises(ReviewError, match="only a lead gives roles"):
        review.give_role(session, "anna", Role.LEAD, given_by=anna)


def test_nobody_unknown_gets_a_role(session):
    with pytest.raises(ReviewError, match="nobody of that name has signed in yet"):
        review.give_role(session, "nobody", Role.LEAD, given_by=LEAD)


@pytest.mark.parametrize("role", [Role.READER, Role.MODERATOR])
def test_the_last_lead_stays_one(session, role):
    """Otherwise nobody could give roles ever again."""
    lea = sit_down(session, "lea", Role.LEAD)
    sit_down(session, "ben")
    with pytest.raises(ReviewError, match="the only lead: make somebody else one first"):
        review.give_role(session, "lea", role, given_by=lea)
    review.give_role(session, "lea", Role.LEAD, given_by=lea)
    review.give_role(session, "ben", Role.LEAD, given_by=lea)
    assert not review.give_role(session, "lea", role, given_by=lea).leads


# Care


def test_everybody_is_spared_until_they_say_otherwise(session):
    assert sit_down(session, "anna").care == Care()
    assert (Care().blur, Care().mask, Care().grey) == (True, True, True)


def test_how_somebody_wishes_to_be_spared_is_their_own_and_kept(session):
    sit_down(session, "anna")
    sit_down(session, "ben")
    wish = Care(blur=False, blur_from=0.7, mask=False, break_after=0, severe_in_a_row=2)
    assert review.change_care(session, "anna", wish).care == wish
    session.commit()
    session.expunge_all()
    assert review.find_member(session, "anna").care == wish
    assert sit_down(session, "anna").care == wish
    assert review.find_member(session, "ben").care == Care()


def test_wishes_of_another_version_are_passed_over(session):
    session.add(Person(name="anna", role=Role.LEAD, care={"dim": 3, "blur": False}, seen_at=NOON))
    assert review.find_member(session, "anna").care == Care(blur=False)


def test_nobody_unknown_is_spared(session):
    with pytest.raises(ReviewError, match="nobody of that name has signed in yet"):
        review.change_care(session, "nobody", Care())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"blur_from": 1.1}, "blur_from is 1.1; expected a score from 0 to 1"),
        ({"blur_from": float("nan")}, "blur_from is nan; expected"),
        ({"break_after": -1}, "0 to 480 minutes"),
        ({"break_after": 481}, "0 to 480 minutes"),
        ({"severe_in_a_row": -1}, "0 to 100 comments in a row"),
        ({"severe_in_a_row": 101}, "0 to 100 comments in a row"),
    ],
    ids=str,
)
def test_a_wish_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ReviewError, match=message):
        Care(**wrong)
