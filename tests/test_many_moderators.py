"""Eight moderators in eight processes: nobody gets another's comment, and none is lost."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from moderation import review
from moderation.comments import Comment
from moderation.database import Store, open_store
from moderation.errors import ReviewError
from moderation.policy import Action
from moderation.review.audit import Account, follow
from moderation.tables import Chain, Decision, Held, StoredComment
from tests.desks import HOLD_HALF, FakeScorer
from tests.processes import PROCESSES
from tests.thoroughness import repeat

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODERATORS = ("anna", "ben", "clara", "dora", "emil", "fatma", "greta", "hugo")
EACH = repeat(150, thoroughly=500)


def fill(store: Store, comments: int) -> None:
    texts = (f"remark number {n}" for n in range(comments))
    with store.writing() as session:
        review.add_comments(
            session,
            (Comment(str(n), text, "csv", article_id="bridge") for n, text in enumerate(texts)),
            added_at=NOON,
        )


def work(address: str, moderator: str, comments: int) -> list[str]:
    """Claim and decide so many comments, as the app does it, and return their keys."""
    store = open_store(address)
    mine: list[str] = []
    keys: tuple[str, ...] = ()
    while len(mine) < comments:
        now = NOON + timedelta(seconds=len(mine))
        with store.writing() as session:
            key = review.claim_next(session, keys, moderator=moderator, now=now)
        if key is None:  # all of the list are decided, or on somebody's screen
            with store.reading() as session:
                keys = review.list_waiting(session, None, moderator=moderator, now=now).keys
            continue
        keys = keys[keys.index(key) + 1 :]
        action = Action.REMOVE if len(mine) % 3 == 0 else Action.APPROVE
        with store.writing() as session:
            review.record_decision(
                session, key, action, house_rule="spam", decided_by=moderator, decided_at=now
            )
        mine.append(key)
    store.engine.dispose()
    return mine


@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_eight_moderators_decide_each_comment_once(address):
    store = open_store(address)
    fill(store, len(MODERATORS) * EACH)
    with ProcessPoolExecutor(len(MODERATORS), PROCESSES) as pool:
        count = len(MODERATORS)
        done = list(pool.map(work, [address] * count, MODERATORS, [EACH] * count))
    with store.reading() as session:
        rows = session.execute(select(Decision.comment_key, Decision.decided_by)).all()
        decided = dict(rows)
        assert decided == {
            key: name for name, keys in zip(MODERATORS, done, strict=True) for key in keys
        }
        assert len(rows) == len(decided) == len(MODERATORS) * EACH
        assert Counter(decided.values()) == dict.fromkeys(MODERATORS, EACH)
        assert session.scalar(select(func.count()).select_from(Held)) == 0
        in_force = select(func.count()).where(StoredComment.decision_id.is_not(None))
        assert session.scalar(in_force) == len(rows)
        assert session.scalar(select(Chain.last_id)) == len(rows)
        assert list(follow(session, Account())) == []
    store.engine.dispose()


def decide_all(address: str, moderator: str) -> tuple[int, int]:
    """Decide on every comment without asking who has it; return (recorded, refused)."""
    store = open_store(address)
    with store.reading() as session:
        keys = sorted(session.scalars(select(StoredComment.key)))
    refusals = []
    for key in keys:
        try:
            with store.writing() as session:
                review.record_decision(
                    session, key, Action.APPROVE, decided_by=moderator, decided_at=NOON
                )
        except ReviewError as refusal:
            refusals.append(str(refusal))
    store.engine.dispose()
    told = [refusal for refusal in refusals if "chose to approve that comment before" in refusal]
    return len(keys) - len(refusals), len(told)


@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_of_those_who_decide_the_same_comment_all_but_one_are_told(address):
    store = open_store(address)
    fill(store, 50)
    with ProcessPoolExecutor(4, PROCESSES) as pool:
        told = list(pool.map(decide_all, [address] * 4, MODERATORS[:4]))
    assert sum(recorded for recorded, _ in told) == 50
    assert sum(refused for _, refused in told) == 150
    with store.reading() as session:
        assert list(follow(session, Account())) == []
    store.engine.dispose()


def judge_over_and_over(address: str, name: str) -> int:
    """Give what waits the verdicts of one model after the other."""
    store = open_store(address)
    judged = 0
    for turn in range(10):
        with store.writing() as session:
            model = FakeScorer(f"{name} {turn}")
            judged += review.judge_waiting(session, model, HOLD_HALF, limit=200)
    store.engine.dispose()
    return judged


def decide_and_take_back(address: str, name: str, some: slice) -> int:
    """Decide on some of what waits at once, and take it back."""
    store = open_store(address)
    facts = {"decided_by": name, "decided_at": NOON}
    taken_back = 0
    with store.reading() as session:
        keys = sorted(session.scalars(select(StoredComment.key)))[some]
    for _ in range(10):
        with store.writing() as session:
            review.decide_bulk(session, keys, Action.APPROVE, chosen_by="all", **facts)
        with store.writing() as session:
            taken_back += len(review.undo(session, **facts))
    store.engine.dispose()
    return taken_back


@pytest.mark.parametrize("address", ["sqlite", "postgresql"], indirect=True)
def test_models_that_judge_and_moderators_that_decide_never_wait_for_each_other_for_ever(address):
    store = open_store(address)
    with store.writing() as session:
        comments = (Comment(str(n), f"0.{n} remark", "csv") for n in range(500))
        review.add_comments(session, comments, added_at=NOON)
    with ProcessPoolExecutor(4, PROCESSES) as pool:
        judged = [pool.submit(judge_over_and_over, address, name) for name in ("one", "two")]
        decided = [
            pool.submit(decide_and_take_back, address, name, some)
            for name, some in (("anna", slice(250)), ("ben", slice(250, 500)))
        ]
        assert all(future.result() > 0 for future in judged)
        assert [future.result() for future in decided] == [2500, 2500]
    with store.reading() as session:
        assert review.count_waiting(session) == 500
        assert list(follow(session, Account())) == []
    store.engine.dispose()
