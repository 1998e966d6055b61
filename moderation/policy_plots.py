"""The figures of a simulation, as PNG bytes: what a policy trades, when and where."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from moderation.guarantees import Kept
from moderation.metrics import clopper_pearson
from moderation.plots import (
    DPI,
    INK,
    KEPT,
    MARKS,
    QUIET,
    REMOVED,
    SIZE,
    as_png,
    dress,
    make_axes,
    printable_label,
)
from moderation.policy import Action, ErrorLimit
from moderation.settling import Settled, Unsettled
from moderation.shares import Share
from moderation.simulation import Delays, Fate, Simulation
from moderation.trade_offs import Trade

STEPS = 400
"""Thresholds drawn at the most."""
HELD = "#eab308"
COLOURS = (REMOVED, KEPT)
"""Of a policy, and of the one it is compared with."""
MOST_SECTIONS = 12
_DAY = 86_400.0
_TIMES = {
    1: "1 s", 10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 6 * 3600: "6 h",
    _DAY: "1 day", 7 * _DAY: "1 week", 30 * _DAY: "30 days", 365 * _DAY: "1 year",
}  # fmt: skip

Simulations = Mapping[str, Simulation]
"""One or two, by the policy's name."""


def draw_trade_off(curves: Mapping[str, Sequence[Trade]], simulations: Simulations) -> bytes:
    """Draw what gets through over moderators' hours; each policy is marked where it is."""
    days = next(iter(simulations.values())).days or 0.0
    per, unit = (days, "hours a day") if days >= 1 else (1.0, "hours")
    axes = make_axes(
        "What moderators' time buys", f"{unit} of moderators' time",
        "passes unseen, of what is to be removed",
    )  # fmt: skip
    for (name, found), mark, colour in zip(simulations.items(), MARKS, COLOURS, strict=False):
        curve = curves.get(name, ())
        hours = [trade.work / per for trade in curve]
        missed = np.array([_ends(trade.missed) for trade in curve]).reshape(-1, 3)
        axes.plot(hours, missed[:, 1], color=colour, lw=2)
        axes.fill_between(hours, missed[:, 0], missed[:, 2], color=colour, alpha=0.15, lw=0)
        if found.missed is not None:
            at = found.work / per, found.missed.value
            label = f"{printable_label(name)}: {at[0]:,.1f} {unit}, {at[1]:.1%} unseen"
            axes.plot(*at, mark, ms=9, mfc="white", mec=colour, mew=2, label=label, zorder=5,
                      clip_on=False)  # fmt: skip
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="best")
    return as_png(axes)


def draw_hours(simulations: Simulations) -> bytes:
    """Draw how many comments come in each hour of the day, and what becomes of them."""
    figure = Figure(figsize=(SIZE[0], SIZE[1] if len(simulations) == 1 else 6.6), dpi=DPI)
    for place, (name, found) in enumerate(simulations.items(), start=1):
        axes = figure.add_subplot(len(simulations), 1, place)
        is_last, days = place == len(simulations), max(found.days or 1.0, 1.0)
        title = f"The hours of a day: {printable_label(name)}"
        dress(axes, title, "hour of the day (UTC)" * is_last, "comments an hour")
        below = np.zeros(len(found.hours))
        for fate, colour, label in _FATES:
            number = np.array([getattr(hour, fate) for hour in found.hours]) / days
            axes.bar(range(len(below)), number, 0.8, below, color=colour, label=label)
            below += number
        axes.set_xticks(range(0, 24, 2), [f"{hour:02d}" for hour in range(0, 24, 2)])
        axes.set(xlim=(-0.6, 23.6), ylim=(0, max(below.max() * 1.18, 1e-9)))
        axes.grid(False, axis="x")
        axes.legend(frameon=False, loc="upper left", ncols=3, fontsize=9)
    return as_png(axes)


_FATES = (
    ("approved", KEPT, "approved unseen"),
    ("held", HELD, "held"),
    ("removed", REMOVED, "removed unseen"),
)


def draw_sections(simulations: Simulations) -> bytes:
    """Draw what is held in each section, and what gets through there with its interval."""
    names = _largest_sections(next(iter(simulations.values())))
    figure = Figure(figsize=(SIZE[0] + 1, 1.5 + 0.42 * max(len(names), 3)), dpi=DPI)
    left, right = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    dress(left, "What is held", "of the section's comments", "")
    dress(right, "What got through", "to be removed, of those approved unseen", "")
    height = 0.7 / len(simulations)
    for place, ((name, found), colour) in enumerate(
        zip(simulations.items(), COLOURS, strict=False)
    ):
        sections = {fate.name: fate for fate in found.sections}
        at = np.arange(len(names)) + height * (place - (len(simulations) - 1) / 2)
        held = [_share_held(sections.get(section)) for section in names]
        left.barh(at, held, height * 0.9, color=colour, label=printable_label(name))
        _draw_shares(right, at.tolist(), [sections.get(section) for section in names], colour)
    labels = [_name_section(name) for name in names]
    for axes, ticks in ((left, labels), (right, [""] * len(labels))):
        axes.set_yticks(range(len(names)), ticks)
        axes.set_ylim(len(names) - 0.4 + 0.9 * (len(simulations) > 1), -0.6)  # room for a legend
        axes.grid(False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(_percent))
        axes.set_xlim(left=0)
    if len(simulations) > 1:
        left.legend(frameon=False, fontsize=9, loc="lower left", ncols=2)
    return as_png(left)


def draw_delays(simulations: Simulations) -> bytes:
    """Draw which share of the held comments is decided within how long."""
    axes = make_axes("How long held comments wait", "from the comment to the decision",
                     "decided by then")  # fmt: skip
    found = list(_find_delays(simulations))
    longest = max((delays.worst for *_, delays in found), default=1.0)
    shortest = min((delays.quantiles[0] for *_, delays in found), default=1.0)
    for label, colour, style, delays in found:
        axes.step(delays.quantiles, np.linspace(0, 1, len(delays.quantiles)), style, color=colour,
                  lw=2, label=label, where="post")  # fmt: skip
    axes.set_xscale("log")
    ticks = [time for time in _TIMES if shortest / 10 <= time <= longest * 4]
    axes.set_xticks(ticks, [_TIMES[time] for time in ticks])
    axes.minorticks_off()
    axes.set(xlim=(shortest * 0.8, longest * 1.3), ylim=(0, 1.03))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    if found:
        axes.legend(framealpha=0.9, edgecolor="none", loc="best", fontsize=9)
    return as_png(axes)


def _find_delays(simulations: Simulations) -> Iterator[tuple[str, str, str, Delays]]:
    for (name, found), colour in zip(simulations.items(), COLOURS, strict=False):
        known = (
            ("all held", "-", found.delays),
            ("to be removed", "--", found.deserving_delays),
            ("highest scores without a label", ":", found.likeliest_delays),
        )
        for what, style, delays in known:
            if delays is not None:
                yield f"{printable_label(name)}: {what}", colour, style, delays


def _percent(share: float, _: int | None) -> str:
    return f"{100 * share:.4g}%"


def _ends(share: Share) -> tuple[float, float, float]:
    return share.low, share.value, share.high


def _largest_sections(found: Simulation) -> list[str | None]:
    return [fate.name for fate in found.sections[:MOST_SECTIONS]]


def _name_section(name: str | None) -> str:
    return "no section" if name is None else printable_label(name)


def _share_held(fate: Fate | None) -> float:
    return fate.held / fate.comments if fate else 0.0


def _draw_shares(
    axes: Axes, heights: Sequence[float], fates: Sequence[Fate | None], colour: str
) -> None:
    """Draw intervals, and in words where nothing approved has a label."""
    for height, fate in zip(heights, fates, strict=True):
        if fate is None or fate.got_through is None:
            axes.annotate("no labels", (0, height), xytext=(4, 0), textcoords="offset points",
                          va="center", color=QUIET, fontsize=8)  # fmt: skip
            continue
        low, value, high = _ends(fate.got_through)
        axes.plot([low, high], [height, height], color=colour, lw=1.5)
        axes.plot([value], [height], "o", ms=5, mfc="white", mec=colour, mew=1.6)


def draw_promises(settled: Sequence[Settled | Unsettled]) -> bytes | None:
    """
    Draw for each promise about errors how they grow with what is acted on.

    Where it was settled is marked. None where there is no such promise.
    """
    drawn = [one for one in settled if one.curve is not None and len(one.curve.acted)]
    if not drawn:
        return None
    figure = Figure(figsize=(SIZE[0], 3.4 * len(drawn) + 0.4), dpi=DPI)
    for place, one in enumerate(drawn, start=1):
        axes = figure.add_subplot(len(drawn), 1, place)
        where = "" if one.at.override is None else f" (override {one.at.override + 1})"
        across = "share of comments acted on without a person" if place == len(drawn) else ""
        dress(axes, f"{printable_label(one.at.name)}{where}", across, "wrong, of those acted on")
        _draw_promise(axes, one)
    return as_png(axes)


def _draw_promise(axes: Axes, one: Settled | Unsettled) -> None:
    promise, curve = one.rule.goal, one.curve
    assert isinstance(promise, ErrorLimit)
    assert curve is not None
    shown = np.unique(np.linspace(0, len(curve.acted) - 1, STEPS).astype(int))
    acted, errors = curve.acted[shown], curve.errors[shown]
    doubt = 1 - promise.confidence
    upper = [
        clopper_pearson(wrong, of, doubt=doubt)[1]
        for wrong, of in zip(errors.tolist(), acted.tolist(), strict=True)
    ]
    share = acted / curve.labels
    axes.plot(share, errors / acted, color=REMOVED, lw=2, label="in the labels")
    axes.fill_between(share, errors / acted, upper, color=REMOVED, alpha=0.15, lw=0,
                      label=f"at most, with {promise.confidence:.0%} confidence")  # fmt: skip
    axes.axhline(
        promise.error, color=QUIET, ls="--", lw=1, label=f"promise: {100 * promise.error:.3g}%"
    )
    if isinstance(one, Settled) and isinstance(one.found, Kept):
        at = one.found.acted / curve.labels, one.found.errors / one.found.acted
        side = "below" if one.rule.action is Action.APPROVE else "at or above"
        axes.plot(*at, MARKS[0], ms=9, mfc="white", mec=INK, mew=1.8, zorder=5,
                  label=f"settled: {side} {one.found.threshold:.4f}")  # fmt: skip
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set(xlim=(0, 1), ylim=(0, min(1.0, 5 * promise.error)))
    axes.legend(frameon=False, loc="upper left", fontsize=9)
