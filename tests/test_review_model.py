"""Any sequence of what three moderators do, against a plain model: stacks of actions."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from moderation import review
from moderation.comments import Status
from moderation.errors import ReviewError
from moderation.policy import Action
from moderation.review import key_of
from moderation.tables import Decision, Kind, StoredComment
from tests.desks import (
    act,
    act_on_all,
    add,
    check_chain,
    hand_on,
    open_desk,
    read_held,
    read_history,
    remark,
    reopen,
    take_back,
)

IDS = "1234"
"""All but the last are there from the beginning."""
MODERATORS = st.sampled_from(["anna", "ben", "carl"])
COMMENTS = st.sampled_from(IDS)
ACTIONS = st.sampled_from([Action.APPROVE, Action.REMOVE])
STATUSES = st.sampled_from([Status.PUBLISHED, Status.PENDING, Status.REMOVED])


@dataclass
class Deed:
    """An action that nobody has taken back."""

    id: int
    by: str
    kind: Kind
    action: Action
    bulk: int | None = None


@dataclass
class Shadow:
    """What is known of one comment: its words, and what was done about them and still stands."""

    words: int = 0
    status: Status = Status.PUBLISHED
    deeds: list[Deed] = field(default_factory=list)
    opinions: dict[int, Deed] = field(default_factory=dict)
    """By the decision that they are on."""
    wanted: int | None = None
    """The decision on which an opinion is wanted."""

    @property
    def open(self) -> bool:
        return self.status is not Status.REMOVED

    @property
    def force(self) -> Deed | None:
        top = self.deeds[-1] if self.deeds else None
        return top if top and top.kind is Kind.DECISION else None

    @property
    def waits(self) -> bool:
        return self.open and self.force is None

    @property
    def handed_on(self) -> Deed | None:
        top = self.deeds[-1] if self.deeds else None
        return top if self.waits and top and top.kind is Kind.ESCALATION else None

    def undoable(self, moderator: str) -> list[Deed]:
        """Return what a moderator may take back on this comment."""
        found = [deed for deed in self.deeds[-1:] if deed.by == moderator]
        if found and found[0].kind is Kind.ESCALATION and not self.open:
            found = []
        if self.force and self.wanted is None and self.force.id in self.opinions:
            opinion = self.opinions[self.force.id]
            found += [opinion] if opinion.by == moderator else []
        return found


class Desk(RuleBasedStateMachine):
    """Does everything twice, at a desk and in the shadows, and compares."""

    @initialize(short=st.booleans())
    def open(self, short):
        """Open an empty desk; sessions are those of a click each, or one for all."""
        self.desk = open_desk()
        self.sessions = self.desk.__enter__()
        self.session = self.sessions()
        self.short = short
        self.shadows = {id: Shadow() for id in IDS[:-1]}
        add(self.session, *(remark(id, "0.0 words") for id in self.shadows))
        self.done()

    def teardown(self):
        if hasattr(self, "desk"):
            self.session.close()
            self.desk.__exit__(None, None, None)

    def done(self) -> None:
        self.session.commit()
        if self.short:
            self.session.close()
            self.session = self.sessions()

    def refused(self, do, *args, **facts) -> None:
        """Check that something is refused, and that it leaves nothing."""
        before = len(read_history(self.session))
        with pytest.raises(ReviewError):
            do(self.session, *args, **facts)
        self.session.rollback()
        assert len(read_history(self.session)) == before

    @rule(id=COMMENTS, words=st.integers(0, 2), status=STATUSES)
    def add(self, id, words, status):
        add(self.session, remark(id, f"0.{words} words", status=status))
        shadow = self.shadows.setdefault(id, Shadow(words))
        if shadow.words != words:
            shadow.deeds, shadow.opinions, shadow.wanted = [], {}, None
        shadow.words, shadow.status = words, status
        self.done()

    @rule(id=COMMENTS, by=MODERATORS, action=ACTIONS, drawn=st.booleans())
    def decide(self, id, by, action, drawn):
        shadow = self.shadows.get(id)
        if shadow is None:
            return self.refused(act, id, action, by=by)
        share = 1.0 if drawn else 0.0
        if shadow.wanted is not None:
            if shadow.force.by == by:
                return self.refused(act, id, action, by=by)
            row = act(self.session, id, action, by=by, second_share=share)
            assert (row.kind, row.opinion_on_id) == (Kind.OPINION, shadow.wanted)
            shadow.opinions[shadow.wanted] = Deed(row.id, by, Kind.OPINION, action)
            shadow.wanted = None
        elif not shadow.waits or (shadow.handed_on and shadow.handed_on.by == by):
            return self.refused(act, id, action, by=by)
        else:
            row = act(self.session, id, action, by=by, second_share=share)
            assert (row.kind, row.overrules_id) == (Kind.DECISION, None)
            shadow.deeds.append(Deed(row.id, by, Kind.DECISION, action))
            shadow.wanted = row.id if drawn else None
        self.done()

    @rule(id=COMMENTS, by=MODERATORS, action=ACTIONS)
    def overrule(self, id, by, action):
        seen = review.decision_in_force(self.session, key_of(remark(id)))
        if seen is None:
            return
        row = act(self.session, id, action, by=by, overrules=seen, second_share=1.0)
        shadow = self.shadows[id]
        assert row.overrules_id == shadow.force.id
        shadow.deeds.append(Deed(row.id, by, Kind.DECISION, action))
        shadow.wanted = None
        self.done()

    @rule(id=COMMENTS, by=MODERATORS)
    def hand_on(self, id, by):
        shadow = self.shadows.get(id)
        if not shadow or not shadow.waits or (shadow.handed_on and shadow.handed_on.by == by):
            return self.refused(hand_on, id, by=by)
        row = hand_on(self.session, id, by=by)
        shadow.deeds.append(Deed(row.id, by, Kind.ESCALATION, Action.HOLD))
        self.done()

    @rule(id=COMMENTS, by=MODERATORS)
    def reopen(self, id, by):
        shadow = self.shadows.get(id)
        if not shadow or not shadow.force or not shadow.open:
            return self.refused(reopen, id, by=by)
        row = reopen(self.session, id, by=by)
        shadow.deeds.append(Deed(row.id, by, Kind.REOPENING, Action.HOLD))
        shadow.wanted = None
        self.done()

    @rule(ids=st.sets(COMMENTS, min_size=2), by=MODERATORS, action=ACTIONS)
    def decide_many(self, ids, by, action):
        ids = "".join(sorted(ids))
        chosen = [
            shadow
            for id in ids
            if (shadow := self.shadows.get(id)) and shadow.waits and not shadow.handed_on
        ]
        if not chosen:
            return self.refused(act_on_all, ids, action, by=by)
        bulk = act_on_all(self.session, ids, action, by=by)
        assert bulk.comments == len(chosen)
        query = select(Decision).where(Decision.bulk_id == bulk.id)
        rows = {row.comment_key: row for row in self.session.scalars(query)}
        for id in ids:
            if self.shadows.get(id) in chosen:
                deed = Deed(rows[key_of(remark(id))].id, by, Kind.DECISION, action, bulk.id)
                self.shadows[id].deeds.append(deed)
        self.done()

    @rule(by=MODERATORS)
    def take_back(self, by):
        own = [deed for shadow in self.shadows.values() for deed in shadow.undoable(by)]
        last = max(own, key=lambda deed: deed.id, default=None)
        undone = [deed for deed in own if deed is last or (deed.bulk and deed.bulk == last.bulk)]
        rows = take_back(self.session, by=by)
        assert {row.undoes_id for row in rows} == {deed.id for deed in undone}
        for deed in undone:
            self.forget(deed)
        told = {id: shadow.force for id, shadow in self.shadows.items()}
        for row in rows:
            id = next(id for id in told if key_of(remark(id)) == row.comment_key)
            assert row.action is (told[id].action if told[id] else Action.HOLD)
        self.done()

    def forget(self, deed: Deed) -> None:
        for shadow in self.shadows.values():
            if shadow.deeds and shadow.deeds[-1] is deed:
                shadow.deeds.pop()
                shadow.wanted = None
            for first, opinion in list(shadow.opinions.items()):
                if opinion is deed:
                    del shadow.opinions[first]
                    shadow.wanted = first

    @invariant()
    def everything_agrees(self):
        if not hasattr(self, "shadows"):
            return
        held = read_held(self.session)
        assert held.keys() == {
            id for id, one in self.shadows.items() if one.waits or one.wanted is not None
        }
        for id, shadow in self.shadows.items():
            self.check_force(id, shadow)
            if id in held:
                top = shadow.handed_on
                assert held[id].opinion_on_id == shadow.wanted
                assert held[id].escalation_id == (top.id if top else None)
                first = shadow.force if shadow.wanted else top
                assert held[id].not_for == (first.by if first else None)

    def check_force(self, id: str, shadow: Shadow) -> None:
        query = select(StoredComment.decision_id).where(StoredComment.source_id == id)
        force = self.session.scalar(query)
        assert force == (shadow.force.id if shadow.force else None)

    @invariant()
    def the_history_tells_the_same(self):
        """Of the rows alone: what nobody took back is what the shadows say, and more is sealed."""
        if not hasattr(self, "shadows"):
            return
        history = read_history(self.session)
        undone = {row.undoes_id for row in history}
        standing = {row.id for row in history if row.kind is not Kind.UNDO} - undone
        for shadow in self.shadows.values():
            assert {deed.id for deed in shadow.deeds} <= standing
        for row in history:
            if row.undoes_id is not None:
                taken = next(one for one in history if one.id == row.undoes_id)
                assert (taken.decided_by, taken.comment_key) == (row.decided_by, row.comment_key)
        check_chain(self.session)

    @invariant()
    def what_can_be_undone_is_told_before(self):
        for by in ("anna", "ben", "carl") if hasattr(self, "shadows") else ():
            own = [deed.id for one in self.shadows.values() for deed in one.undoable(by)]
            told = review.last_undoable(self.session, decided_by=by)
            assert (told and told.id) == max(own, default=None)

    @invariant()
    def labels_are_those_of_the_decisions_in_force(self):
        if hasattr(self, "shadows"):
            labels = {one.id: one.label for one in review.decided_comments(self.session)}
            assert labels == {
                id: int(shadow.force.action is Action.REMOVE)
                for id, shadow in self.shadows.items()
                if shadow.force
            }


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
