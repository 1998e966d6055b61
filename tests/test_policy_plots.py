"""The figures of a simulation: drawn for one policy and two, the same bytes each time."""

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from moderation.desk import Desk, Pace
from moderation.past import Categories, PastComments
from moderation.policy import Action, Policy, Rule
from moderation.policy_plots import draw_delays, draw_hours, draw_sections, draw_trade_off
from moderation.simulation import simulate
from moderation.trade_offs import trade_off
from moderation.verdicts import decide_all

NUMBER = 400
DESK = Desk(Pace(600.0), begins=8, ends=18)
STRICT, LENIENT = (Policy((Rule("LIKELY_TO_REJECT", at, Action.HOLD),)) for at in (0.3, 0.6))


@pytest.fixture(scope="module")
def past():
    rng = np.random.default_rng(0)
    scores = rng.random(NUMBER)
    days = rng.integers(0, 5 * 86_400, NUMBER).astype("timedelta64[s]")
    names = ("city", "$arts$ & a name that is much too long for a figure", "sport")
    return PastComments(
        scores={"LIKELY_TO_REJECT": scores},
        labels=np.where(rng.random(NUMBER) < 0.3, -1, rng.random(NUMBER) < scores).astype(np.int8),
        weights=np.ones(NUMBER),
        characters=np.full(NUMBER, -1, dtype=np.int32),
        created_at=np.datetime64("2026-01-14", "us") + days,
        sections=Categories(rng.integers(-1, 3, NUMBER).astype(np.int32), names),
    )


def run(past, *policies):
    """Return simulations and curves, by name."""
    named = {f"policy {number}": policy for number, policy in enumerate(policies)}
    found = {
        name: simulate(past, decide_all(past, policy), desk=DESK) for name, policy in named.items()
    }
    return found, {name: list(trade_off(past, policy, desk=DESK)) for name, policy in named.items()}


def draw_all(past, *policies):
    found, curves = run(past, *policies)
    return (
        draw_trade_off(curves, found),
        draw_hours(found),
        draw_sections(found),
        draw_delays(found),
    )


@pytest.mark.parametrize("policies", [(STRICT,), (STRICT, LENIENT)])
def test_every_figure_is_drawn_and_the_same_each_time(policies, past):
    pictures = draw_all(past, *policies)
    assert pictures == draw_all(past, *policies)
    for picture in pictures:
        pixels = imread(io.BytesIO(picture))[..., :3]
        assert min(pixels.shape[:2]) > 300
        assert 0.01 < (pixels.min(axis=2) < 0.95).mean() < 0.7


def test_another_policy_is_seen_in_every_figure(past):
    for one, two in zip(draw_all(past, STRICT), draw_all(past, STRICT, LENIENT), strict=True):
        assert one != two


def test_little_is_drawn_where_little_is_known(past):
    """One comment, no label, and a policy that approves nothing."""
    few = past.take(np.array([0]))
    few = replace(few, labels=np.array([-1], dtype=np.int8))
    policy = Policy((), otherwise=Action.APPROVE)
    for picture in draw_all(few, policy):
        assert picture.startswith(b"\x89PNG")
