"""What the values of exports mean."""

from datetime import UTC, datetime

import pytest

from moderation.comments import Status
from moderation.parsers.notes import Notes
from moderation.parsers.values import read_moment, read_number, read_state

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1714564800, 1714564800.0, "1714564800", "1714564800.0", "2024-05-01T12:00:00Z",
        "2024-05-01T14:00:00+02:00", "2024-05-01 12:00:00", " 2024-05-01T12:00:00.000000000Z ",
    ],
)  # fmt: skip
def test_times_are_utc_however_they_are_spelled(value):
    assert read_moment(value, Notes()) == NOON


@pytest.mark.parametrize("value", [None, "", "0001-01-01T00:00:00Z"])
def test_a_time_that_is_not_told_is_not_counted(value):
    notes = Notes()
    assert read_moment(value, notes) is None
    assert not notes.left_out


@pytest.mark.parametrize(
    "value",
    ["noon", "2024-13-01", 1e20, -1e20, float("nan"), float("inf"), "9" * 30,
     "9999-12-31T23:59:59-01:00"],
)  # fmt: skip
def test_what_is_no_time_is_counted(value):
    notes = Notes()
    assert read_moment(value, notes) is None
    assert notes.left_out == {"times that are not understood": 1}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0, 0), (-3, -3), (2.0, 2), (2.5, None), (None, None), (2**63 - 1, 2**63 - 1),
        (2**63, None), (1e300, None), (float("inf"), None), (float("nan"), None),
    ],
)  # fmt: skip
def test_a_number_is_whole_and_fits_a_table_or_is_unknown(value, number):
    assert read_number(value) == number


def test_a_state_that_nobody_knows_is_no_status():
    """It teaches nothing; a guess would."""
    notes, states = Notes(), {"ok": Status.PUBLISHED}
    assert [read_state(state, states, notes) for state in ("ok", "OK", 1, None)] == [
        Status.PUBLISHED, None, None, None,
    ]  # fmt: skip
    assert notes.left_out == {"comments in a state that is not known": 2}
