"""Attributes are scored by heads that there are."""

import pytest

from moderation.errors import ModerationError
from moderation.perspective.attributes import AttributeTable
from moderation.perspective.errors import ApiError

HEADS = ("LIKELY_TO_REJECT", "INSULT")


def test_each_head_answers_for_its_own_name_and_the_sites():
    table = AttributeTable(HEADS, {"my-model": "LIKELY_TO_REJECT"})
    assert {name: table.find_head(name) for name in table.names} == {
        "LIKELY_TO_REJECT": "LIKELY_TO_REJECT",
        "INSULT": "INSULT",
        "my-model": "LIKELY_TO_REJECT",
    }


def test_a_site_may_say_what_a_heads_name_means():
    assert AttributeTable(HEADS, {"INSULT": "LIKELY_TO_REJECT"}).find_head("INSULT") == HEADS[0]


@pytest.mark.parametrize("name", ["", "insult", "SPAM", "LIKELY_TO_REJECT "])
def test_what_has_no_head_is_refused(name):
    with pytest.raises(ApiError, match=r"^Unknown requested attribute: "):
        AttributeTable(HEADS).find_head(name)


@pytest.mark.parametrize(
    "site", [{"A": "SPAM"}, {"": "INSULT"}, {"A": "my-model", "my-model": "A"}]
)
def test_a_name_that_means_no_head_is_refused_at_once(site):
    with pytest.raises(ModerationError, match=r"expected .* attributes: LIKELY_TO_REJECT, INSULT$"):
        AttributeTable(HEADS, site)
