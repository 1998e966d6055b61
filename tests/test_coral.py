"""Coral's external moderation phase."""

import hashlib
import hmac

import msgspec
import pytest

from moderation.coral import (
    CODES,
    REJECTION_CODES,
    PhaseRequest,
    answer,
    check_codes,
    is_signed,
)
from moderation.errors import ServiceError
from moderation.policy import HOUSE_RULES, Action, Cause, Rule, Verdict

BODY = b'{"action": "NEW"}'


def sign(secret: str, body: bytes = BODY) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def say(verdict: Verdict) -> dict:
    return msgspec.json.decode(msgspec.json.encode(answer(verdict, codes=CODES)))


@pytest.mark.parametrize(
    ("header", "signed"),
    [
        (sign("old"), True),
        (sign("new"), True),
        (f"{sign('another')}, {sign('new')}", True),
        (sign("another"), False),
        (sign("old", b"{}"), False),
        (sign("old").removeprefix("sha256="), False),
        (sign("old").replace("sha256=", "sha1="), False),
        ("ünlesbar", False),
        ("", False),
        (None, False),
    ],
)
def test_a_body_counts_as_signed_by_any_of_the_secrets(header, signed):
    assert is_signed(BODY, header, secrets=["old", "new"]) is signed


def test_without_secrets_nothing_is_signed():
    assert not is_signed(BODY, sign(""), secrets=[])


HOLDING = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "doubtful")
REMOVING = Rule("LIKELY_TO_REJECT", 0.9, Action.REMOVE, "sure", house_rule="threats")
SPAM = Rule("LIKELY_TO_REJECT", 0.9, Action.REMOVE, "ads", house_rule="spam")
FLAG = {"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict(Action.APPROVE, automatic=True), {}),
        (Verdict(Action.APPROVE, HOLDING, Cause.RULE), {}),
        (Verdict(Action.APPROVE, HOLDING, Cause.RULE, automatic=True), {"status": "APPROVED"}),
        (
            Verdict(Action.HOLD, HOLDING, Cause.RULE),
            {"status": "SYSTEM_WITHHELD", "actions": [FLAG]},
        ),
        (Verdict(Action.HOLD, None, Cause.TOO_SHORT), {"status": "SYSTEM_WITHHELD"}),
        (
            Verdict(Action.REMOVE, SPAM, Cause.RULE),
            {
                "status": "SYSTEM_WITHHELD",
                "actions": [{"actionType": "FLAG", "reason": "COMMENT_DETECTED_SPAM"}],
            },
        ),
        (
            Verdict(Action.REMOVE, REMOVING, Cause.RULE, automatic=True),
            {
                "status": "REJECTED",
                "actions": [FLAG],
                "moderationAction": {
                    "status": "REJECTED",
                    "rejectionReason": {"code": "ABUSIVE"},
                },
            },
        ),
    ],
)
def test_only_what_the_policy_does_by_itself_is_done_in_coral(verdict, said):
    assert say(verdict) == said


def test_every_house_rule_of_the_desk_has_a_code_of_corals():
    assert CODES.keys() == set(HOUSE_RULES)
    assert set(CODES.values()) <= REJECTION_CODES


def test_a_site_names_codes_for_its_own_rules():
    assert check_codes({"adverts": "AD"}) == {**CODES, "adverts": "AD"}
    with pytest.raises(ServiceError, match="'adverts': 'ADVERT' is no rejection code of Coral's"):
        check_codes({"adverts": "ADVERT"})


def test_what_coral_sends_is_read_with_more_than_is_known_of():
    sent = {
        "action": "EDIT",
        "comment": {"body": "<p>Well said.</p>", "parentID": None, "more": 1},
        "author": {"id": "a", "role": "COMMENTER"},
        "story": {"id": "s", "url": "https://news.example/s"},
        "site": {"id": "site-1"},
        "tenantID": "t",
        "tenantDomain": "news.example",
    }
    request = msgspec.json.decode(msgspec.json.encode(sent), type=PhaseRequest)
    assert (request.text, request.site.id) == ("Well said.", "site-1")
