"""The sample archive keeps what its README promises."""

import re
from collections import Counter
from pathlib import Path

import pytest

from moderation import read_comments
from moderation.captures import JoinReport, join_captures
from moderation.comments import Comment
from moderation.policy import HOUSE_RULES
from tests.conftest import REPOSITORY

ARCHIVE = sorted((REPOSITORY / "data" / "archive").glob("*.html"))
INBOX = sorted((REPOSITORY / "data" / "inbox").glob("*.html"))


@pytest.fixture(scope="module")
def archive() -> list[Comment]:
    return [comment for page in ARCHIVE for comment in read_comments(page)]


@pytest.fixture(scope="module")
def joined(archive) -> tuple[JoinReport, list[Comment]]:
    report = JoinReport()
    return report, list(join_captures(archive, report))


def test_every_article_is_there_twice_with_its_address_and_time(archive):
    captures = {(comment.article_id, comment.captured_at) for comment in archive}
    counted = Counter(article for article, _ in captures)
    assert len(counted) >= 24
    assert set(counted.values()) == {2}
    assert all(captured_at is not None for _, captured_at in captures)


def test_there_are_enough_comments_and_removals(archive, joined):
    report, labelled = joined
    assert len({(comment.article_id, comment.id) for comment in archive}) >= 900
    assert report.removed / len(labelled) >= 0.12
    assert report.edited > 0


def test_the_subjects_differ():
    sections = {str(next(read_comments(page)).article_id).split("/")[-2] for page in ARCHIVE}
    assert {"sport", "politics", "science", "food", "transport"} <= sections
    assert len(sections) >= 12


def test_each_removal_names_a_house_rule(joined):
    reasons = Counter(c.removal_reason for c in joined[1] if c.status == "removed")
    rules = {str(reason).removesuffix(".").rpartition(": ")[2] for reason in reasons}
    assert rules == set(HOUSE_RULES) - {"other"}


def test_comments_stand_in_threads(archive):
    assert sum(comment.parent_id is not None for comment in archive) / len(archive) > 0.3


@pytest.mark.parametrize("trait", [len, lambda text: text.count("!"), str.isupper])
def test_form_alone_does_not_tell_the_classes_apart(joined, trait):
    """Means of length, exclamation and shouting differ by less than half a deviation."""
    kept = [trait(c.text) for c in joined[1] if not c.label]
    removed = [trait(c.text) for c in joined[1] if c.label]
    mean = sum(kept + removed) / len(kept + removed)
    deviation = (sum((value - mean) ** 2 for value in kept + removed) / len(kept + removed)) ** 0.5
    assert abs(sum(kept) / len(kept) - sum(removed) / len(removed)) <= max(deviation / 2, 0.01)


def test_no_text_is_there_twice(joined):
    texts = Counter(" ".join(str(c.text).split()).casefold() for c in joined[1])
    assert [number for number in texts.values() if number > 2] == []


def test_the_inbox_waits(archive):
    """Seen once: nobody knows yet what becomes of them."""
    comments = [comment for page in INBOX for comment in read_comments(page)]
    assert len(INBOX) == 3
    assert not {c.article_id for c in comments} & {c.article_id for c in archive}


def test_the_readme_states_the_true_counts(archive, joined):
    stated = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    inbox = {c.id for page in INBOX for c in read_comments(page)}
    whole = {(c.article_id, c.id) for c in archive}
    assert f"| {len(whole):,}, of which {joined[0].removed} were seen and then removed |" in stated
    assert f"| {len(inbox)} |" in stated


def test_links_and_numbers_are_reserved_ones():
    """RFC 2606 for addresses, Ofcom's drama range for telephone numbers: nobody is reached."""
    for page in (*ARCHIVE, *INBOX):
        text = Path(page).read_text(encoding="utf-8")
        links = re.findall(r"https?://([\w.-]+)", text)
        assert [link for link in links if not link.endswith("example")] == []
        numbers = re.findall(r"\b0\d{4} ?\d{3} ?\d{3}\b", text)
        assert [number for number in numbers if not number.startswith("01632")] == []
