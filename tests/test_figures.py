"""The figures of the insight page: valid, in words too, and with all the numbers that are drawn."""

from datetime import date, timedelta

import numpy as np
import pytest

from moderation.agreement import measure_kappa
from moderation.app.figures import (
    GRID,
    INK,
    KEPT,
    QUIET,
    REMOVED,
    draw_caught,
    draw_kappa,
    draw_kappas,
    draw_right,
    draw_savings,
    draw_trends,
    draw_volume,
)
from moderation.desk import ASSUMED, Pace
from moderation.insight.activity import Count, KappaMoment, Moment, Period, Trend
from moderation.insight.hours import save_hours
from moderation.insight.rules import Caught, Right
from moderation.policy import Action
from moderation.shares import Share
from tests.decided import make_decided

MONDAY = date(2026, 3, 2)
HALF = Share(0.5, 0.4, 0.6, 50, 100)
NINTH = Share(1 / 9, 0.05, 0.2, 1, 9)


def drawn(figure):
    """Return the specification, which Altair checks, with the rows of all its data."""
    spec = figure.chart.to_dict()
    return spec, [row for rows in spec["datasets"].values() for row in rows]


def counts():
    return [
        Count(MONDAY, Action.APPROVE, False, 30),
        Count(MONDAY, Action.REMOVE, False, 10),
        Count(MONDAY + timedelta(days=7), Action.REMOVE, True, 60),
    ]


def test_bars_stand_on_each_other_within_a_period():
    figure = draw_volume(counts(), period=Period.WEEK)
    _, rows = drawn(figure)
    assert [(row["low"], row["high"]) for row in rows] == [(0, 30), (30, 40), (0, 60)]
    assert figure.sentence == (
        "Decisions: 100, of which 70.0% are removals. The busiest week began on 09 Mar 2026 with "
        "60."
    )
    assert figure.rows[2] == ("2026-03-09", "removed without a person", "60")


@pytest.mark.parametrize(
    ("period", "day", "end"),
    [
        (Period.DAY, MONDAY, "2026-03-02T21:36"),
        (Period.WEEK, MONDAY, "2026-03-08T07:12"),
        (Period.MONTH, date(2026, 12, 1), "2026-12-28T21:36"),
    ],
)
def test_a_bar_ends_a_little_before_the_next_begins(period, day, end):
    _, [row] = drawn(draw_volume([Count(day, Action.APPROVE, False, 1)], period=period))
    assert row["ends"].startswith(end)


def test_only_what_there_is_has_a_colour_to_explain():
    spec, _ = drawn(draw_volume(counts(), period=Period.WEEK))
    scale = spec["encoding"]["color"]["scale"]
    assert scale["domain"] == ["approved", "removed", "removed without a person"]
    assert len(set(scale["range"])) == 3


def test_trends_say_how_it_stands_and_what_is_not_counted():
    trend = Trend((Moment(MONDAY, NINTH), Moment(MONDAY + timedelta(days=7), HALF)), 3, 2)
    nothing = Trend(())
    figure = draw_trends({"as the model": trend, "others": nothing}, period=Period.WEEK, title="x")
    spec, rows = drawn(figure)
    assert [row["value"] for row in rows] == [pytest.approx(1 / 9), 0.5]
    assert len(spec["layer"]) == 3
    assert figure.sentence == (
        "As the model: 50.0% (40.0% to 60.0%) since 09 Mar 2026. Not counted: 3 had no score, 2 "
        "were scored by a model whose threshold is not known here. Nothing tells yet: others."
    )
    assert figure.rows[0] == ("2026-03-02", "as the model", "11.1% (5.0% to 20.0%)", "9")


def test_kappa_over_time_tells_where_there_is_none():
    some = KappaMoment(MONDAY, measure_kappa([1] * 20 + [0] * 20, [1] * 18 + [0] * 22))
    none = KappaMoment(MONDAY + timedelta(days=7), measure_kappa([0] * 5, [0] * 5))
    figure = draw_kappa([some, none], period=Period.WEEK)
    _, rows = drawn(figure)
    assert [row["value"] for row in rows if "pairs" in row] == [pytest.approx(0.9)]
    assert "everybody said the same" in figure.sentence
    assert figure.rows[1][1:] == ("undefined (too few)", "100% (57% to 100%)", "5")


def test_kappas_by_name_say_which_are_too_few():
    kappas = {
        "anna and ben": measure_kappa([1, 0] * 20, [1, 0] * 20),
        "ben and clara": measure_kappa([1, 0], [1, 1]),
        "clara and dan": measure_kappa([], []),
    }
    figure = draw_kappas(kappas, title="two moderators")
    _, rows = drawn(figure)
    assert [row["name"] for row in rows] == ["anna and ben", "ben and clara"]
    assert figure.sentence.endswith("2 of 3 have too few comments to say much.")
    assert figure.rows[2] == ("clara and dan", "undefined (too few)", "", "0")


def savings(*, days, pace, points):
    scores = np.linspace(0, 1, 11).tolist()
    rows = [{"score": s, "removed": s > 0.4, "days": i * days / 10} for i, s in enumerate(scores)]
    return save_hours(make_decided(*rows), points, pace=pace)


def test_hours_are_those_of_a_week_with_the_lowest_point_in_words():
    figure = draw_savings(
        savings(days=70, pace=Pace(3600, "measured"), points={"sure": 0.9, "first": 0.5})
    )
    spec, rows = drawn(figure)
    assert {row["name"]: row["hours"] for row in rows if "name" in row} == {
        "sure": pytest.approx(0.9),
        "first": pytest.approx(0.5),
    }
    assert len(spec["layer"]) == 5
    assert figure.sentence.startswith(
        "At 3600 seconds a decision (measured), not reading what scores below 0.500 (first) saves "
        "0.5 hours a week, and 0.0% (0.0% to 39.0%) of 6 removals would get through."
    )
    assert figure.columns[1] == "hours a week"


def test_less_than_a_week_is_told_as_it_is():
    figure = draw_savings(savings(days=3, pace=ASSUMED, points={}))
    spec, _ = drawn(figure)
    assert figure.columns[1] == "hours"
    assert figure.sentence == "At 30 seconds a decision, over 11 decided comments."
    assert len(spec["layer"]) == 3


def test_rules_name_the_worst_and_the_most_frequent():
    caught = draw_caught([Caught("spam", HALF), Caught("hate", NINTH)], threshold=0.25)
    right = draw_right([Right("one in two: X at or above 0.25, hold", HALF), Right("b", NINTH)])
    assert "smallest share of removals for “hate”: 11.1% (5.0% to 20.0%) of 9." in caught.sentence
    assert "“one in two: X at or above 0.25, hold” fired: 50.0%" in right.sentence
    for figure in (caught, right):
        _, rows = drawn(figure)
        assert [row["value"] for row in rows] == [0.5, pytest.approx(1 / 9)]
        assert len(figure.rows) == 2


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("colour", "least"), [(REMOVED, 3), (KEPT, 3), ("#64748b", 3), (INK, 4.5), (QUIET, 4.5)]
)
def test_colours_are_dark_enough(colour, least):
    """WCAG 2.2: 3 for what is drawn and 4.5 for words, on the app's ground."""
    ground = luminance("#fbfaf8")
    assert (ground + 0.05) / (luminance(colour) + 0.05) >= least
    assert luminance(GRID) > luminance(colour)
