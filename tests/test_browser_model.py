"""A lead trains, compares, uses the new model and goes back, in real headless Chromium."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from moderation import review
from moderation.artifacts import read_manifest
from moderation.comments import Status
from moderation.database import open_store
from moderation.policy import Action
from tests.browsers import RESTING, open_desk, serve
from tests.samples import labelled_comments

pytestmark = pytest.mark.browser


def decide_on(url: str, comments) -> None:
    """Store comments, the first of which waits, and decide on the others."""
    with open_store(url).writing() as session:
        for place, comment in enumerate(comments):
            asked = replace(comment, status=Status.PENDING)
            review.add_comments(session, [asked], added_at=datetime.now(UTC))
            removed = comment.status is Status.REMOVED
            if place:
                review.record_decision(
                    session, review.key_of(asked), Action.REMOVE if removed else Action.APPROVE,
                    decided_by="ben", decided_at=datetime.now(UTC),
                    house_rule="spam" if removed else None,
                )  # fmt: skip


def press(page, name: str, *, then: str) -> None:
    page.get_by_role("button", name=name).click()
    page.get_by_text(then).wait_for()
    page.wait_for_selector(RESTING)


def score(page, server) -> str:
    """Return the score that the review page shows for the comment that waits."""
    open_desk(page, server, "/?moderator=anna")
    return page.locator(".mod-scores b").first.inner_text()


def test_a_lead_trains_uses_the_new_model_and_goes_back(page, trained, tmp_path, monkeypatch):
    """The tab is closed while it trains; other pages score with the model in use at once."""
    monkeypatch.setenv("MODERATION_BASE", "none")
    shutil.copytree(trained.parent, tmp_path / "models")
    model = tmp_path / "models" / trained.name
    (tmp_path / "data").mkdir()
    decide_on(f"sqlite:///{tmp_path}/review.db", labelled_comments(removed=120, kept=280))
    with serve(tmp_path, data=tmp_path / "data", model=model) as server:
        before, old = score(page, server), read_manifest(model).version
        open_desk(page, server, "/model?moderator=anna")
        press(page, "Train a new model", then="Begun by anna")
        page.goto("about:blank")
        open_desk(page, server, "/model?moderator=anna")
        press(page, "Use the new model", then="is in use now")
        new = read_manifest(model).version
        assert new != old
        assert page.get_by_text(f"{new} put in use instead of {old} · anna").is_visible()
        assert score(page, server) != before
        open_desk(page, server, "/model?moderator=anna")
        press(page, f"Go back to model {old}", then="is in use again")
        assert score(page, server) == before
    assert read_manifest(model).version == old
