"""Comments in a store, decided in few words."""

from datetime import UTC, datetime, timedelta

from moderation import review
from moderation.comments import Comment
from moderation.policy import Action, Rule, Verdict
from moderation.review import Evidence

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RULE = Rule("LIKELY_TO_REJECT", 0.5, Action.HOLD, "one in two")


def remark(id="1", text="a quiet remark", **facts) -> Comment:
    return Comment(id, text, "csv", **{"article_id": "https://courier.example/bridge", **facts})


def key(id="1") -> str:
    return review.key_of(remark(id))


class Deciding:
    """A store with comments 1 to `comments`, or those given; each act is a minute later."""

    def __init__(self, store, *comments, number=0) -> None:
        self.store = store
        self.minutes = 0
        many = [*comments, *(remark(str(n)) for n in range(1, number + 1))]
        with store.writing() as session:
            review.add_comments(session, many, added_at=NOON)

    def _now(self):
        self.minutes += 1
        return NOON + timedelta(minutes=self.minutes)

    def decide(self, id="1", action=Action.APPROVE, *, by="anna", score=None, **more):
        """Record a decision and return its number."""
        rule = "spam" if action is Action.REMOVE else None
        verdict = Verdict(RULE.action, RULE) if score and score >= 0.5 else Verdict(Action.APPROVE)
        seen = Evidence(score, "m1" if score is not None else None, verdict)
        facts = {"house_rule": rule, "evidence": seen, **more}
        with self.store.writing() as session:
            decision = review.record_decision(
                session, key(id), action, decided_by=by, decided_at=self._now(), **facts
            )
            return decision.id

    def overrule(self, id="1", action=Action.REMOVE, *, by="ben"):
        with self.store.writing() as session:
            before = review.decision_in_force(session, key(id))
            review.record_decision(
                session, key(id), action, decided_by=by, decided_at=self._now(),
                house_rule="hate" if action is Action.REMOVE else None, overrules=before,
            )  # fmt: skip

    def undo(self, *, by="anna"):
        with self.store.writing() as session:
            review.undo(session, decided_by=by, decided_at=self._now())

    def reopen(self, id="1", *, by="anna"):
        with self.store.writing() as session:
            review.reopen(session, key(id), decided_by=by, decided_at=self._now())
