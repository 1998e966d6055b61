"""Comments decided by keyboard alone, in headless Chromium, against what the store says."""

import random
from dataclasses import dataclass, field

import pytest

from moderation import review
from moderation.database import open_store
from moderation.policy import HOUSE_RULES
from tests.browsers import RESTING, Server, focus, open_desk, press, serve
from tests.samples import labelled_comments
from tests.thoroughness import repeat

pytestmark = pytest.mark.browser

REVIEWED = repeat(60, thoroughly=200)
COMMENTS = REVIEWED + 20
Row = tuple[str, str, str, str | None]
"""A row of the history: (comment's id, kind, action, house rule)."""


@dataclass
class Expected:
    """What the history is to say, worked out from what was on screen at each key."""

    rows: list[Row] = field(default_factory=list)
    undoable: list[str] = field(default_factory=list)

    def press(self, keys: str, shown: str) -> None:
        if keys == "f":
            self._decide(shown, "approve", None)
        elif keys[-1].isdigit():
            self._decide(shown, "remove", HOUSE_RULES[int(keys[-1]) - 1])
        elif keys == "u" and self.undoable:
            self.rows.append((self.undoable.pop(), "undo", "hold", None))

    def _decide(self, shown: str, action: str, rule: str | None) -> None:
        self.rows.append((shown, "decision", action, rule))
        self.undoable.append(shown)


@pytest.fixture(scope="module")
def desk(chromium, trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    (folder / "data").mkdir()
    comments = labelled_comments(removed=COMMENTS // 3, kept=COMMENTS - COMMENTS // 3)
    rows = [f"{comment.id},{comment.text},{comment.article_id}" for comment in comments]
    table = "\n".join(["id,text,article_id", *rows])
    (folder / "data" / "table.csv").write_text(table, encoding="utf-8")
    with serve(folder, data=folder / "data", model=trained) as server:
        yield server


def read_history(server: Server) -> list[Row]:
    with open_store(server.database).reading() as session:
        recent = review.recent_decisions(session, limit=10_000)
    return [(c.id, d.kind.value, d.action.value, d.house_rule) for d, c in reversed(recent)]


def choose_keys(dice: random.Random, undoable: int) -> str:
    """Return what is pressed next; as many undos as a bad morning has."""
    choices = ["f"] * 9 + ["d1", "d4", "d7", "2", "5"] + ["j"] * 3 + ["k"]
    return dice.choice([*choices, *(["u", "u"] if undoable else [])])


def press_and_wait(page, keys: str) -> str:
    """Press keys and return the comment on screen when the last one was pressed."""
    if keys[0] == "d":
        page.keyboard.press("d")
        page.get_by_text("press the digit of the rule").wait_for()
        page.wait_for_selector(RESTING)
    shown = focus(page)
    press(page, keys[-1])
    return shown


def test_a_morning_by_keyboard_alone(page, desk):
    """Approved, removed, passed over, gone back to, undone: each is in the store once, as meant."""
    open_desk(page, desk, "/?moderator=anna")
    expected, dice = Expected(), random.Random(6)
    while len(expected.undoable) < REVIEWED:
        keys = choose_keys(dice, len(expected.undoable))
        expected.press(keys, press_and_wait(page, keys))
    assert read_history(desk) == expected.rows
    assert len(set(expected.undoable)) == REVIEWED
    with open_store(desk.database).reading() as session:
        assert review.count_waiting(session) == COMMENTS - REVIEWED
