"""The figures of the insight page, each with a sentence that says what is seen and its numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

import altair as alt
import pandas as pd

from moderation.agreement import Kappa
from moderation.desk import ASSUMED
from moderation.insight.activity import Count, KappaMoment, Period, Trend
from moderation.insight.hours import Saving, Savings
from moderation.insight.rules import Caught, Right
from moderation.policy import Action
from moderation.shares import Share

# Those of the model card: dark enough on the page's ground (5:1 and more), and told apart without
# red and green, also by lightness; what several lines are is said at their marks as well.
REMOVED, KEPT, INK, QUIET, GRID = "#c2410c", "#0f766e", "#1f2937", "#57534e", "#e5e7eb"
HEIGHT: Final = 320
ROW_HEIGHT: Final = 46
TICKS: Final = 10
_SHAPES: Final = ("circle", "square", "diamond")


Chart: TypeAlias = alt.Chart | alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Figure:
    """A plot with what is to be seen in it, in words and in numbers."""

    chart: Chart
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def draw_volume(counts: Sequence[Count], *, period: Period) -> Figure:
    """Draw how many comments were approved and removed in each period, as stacked bars."""
    there = {(count.action, count.automatic) for count in counts}
    colours = {_name_kind(*kind): colour for kind, colour in _KINDS.items() if kind in there}
    chart = (
        alt.Chart(pd.DataFrame(_stack(counts, period)))
        .mark_rect()
        .encode(
            x=_time((count.begins for count in counts), period),
            x2="ends:T",
            y=alt.Y("low:Q", title="decisions", axis=alt.Axis(format=",.0f", tickMinStep=1)),
            y2="high:Q",
            color=_colour("what", colours),
            tooltip=[
                _since(period),
                alt.Tooltip("what:N", title="what"),
                alt.Tooltip("decisions:Q", title="decisions", format=","),
            ],
        )
    )
    return Figure(
        _finish(chart),
        _say_volume(counts, period),
        (f"{period} from", "what", "decisions"),
        tuple(
            (f"{c.begins}", _name_kind(c.action, c.automatic), f"{c.decisions:,}") for c in counts
        ),
    )


def draw_trends(trends: Mapping[str, Trend], *, period: Period, title: str) -> Figure:
    """Draw shares over time with their intervals; of one or two, by name."""
    rows = [
        {
            "what": name,
            "day": moment.begins,
            "begins": _moment(moment.begins),
            **_share(moment.share),
        }
        for name, trend in trends.items()
        for moment in trend.moments
    ]
    colours = dict(zip(trends, (KEPT, REMOVED), strict=False))
    base = alt.Chart(pd.DataFrame(rows).drop(columns="day")).encode(
        x=_time((row["day"] for row in rows), period), color=_colour("what", colours)
    )
    band = base.mark_area(opacity=0.15).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(strokeWidth=2.5).encode(y=_percent("value", title))
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        y="value:Q",
        shape=alt.Shape(
            "what:N", scale=alt.Scale(domain=list(trends), range=list(_SHAPES[: len(trends)]))
        ),
        tooltip=[
            _since(period),
            alt.Tooltip("what:N", title="what"),
            *_SHARE_TOOLTIPS,
        ],
    )  # fmt: skip
    return Figure(
        _finish(alt.layer(band, line, points)),
        " ".join(_say_trend(name, trend) for name, trend in trends.items()),
        (f"{period} from", "what", "share", "of"),
        tuple(
            (f"{moment.begins}", name, _in_words(moment.share), f"{moment.share.of:,}")
            for name, trend in trends.items()
            for moment in trend.moments
        ),
    )


def draw_kappa(moments: Sequence[KappaMoment], *, period: Period) -> Figure:
    """Draw kappa of second opinions over time with its interval, where it is defined."""
    known = [moment for moment in moments if moment.kappa.value is not None]
    rows = [
        {
            "begins": _moment(moment.begins),
            "value": moment.kappa.value,
            "low": moment.kappa.low,
            "high": moment.kappa.high,
            "pairs": moment.kappa.pairs,
            "said": str(moment.kappa),
        }
        for moment in known
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        x=_time((moment.begins for moment in known), period)
    )
    bars = base.mark_rule(color=KEPT, strokeWidth=2).encode(y=_kappa_axis("low"), y2="high:Q")
    points = base.mark_point(filled=True, size=70, color=KEPT, opacity=1).encode(
        y="value:Q",
        tooltip=[
            _since(period),
            alt.Tooltip("said:N", title="kappa"),
            alt.Tooltip("pairs:Q", title="comments decided twice", format=","),
        ],
    )
    undefined = len(moments) - len(known)
    return Figure(
        _finish(alt.layer(_rule_at(0), bars, points)),
        "1 is always alike, 0 as often as by chance."
        + f" In {undefined} {period}s everybody said the same, and there is none."
        * bool(undefined),
        (f"{period} from", "kappa", "decided alike", "comments decided twice"),
        tuple((f"{moment.begins}", *describe_kappa(moment.kappa)) for moment in moments),
    )


def draw_kappas(kappas: Mapping[str, Kappa], *, title: str) -> Figure:
    """Draw kappa with its interval for each of several pairs of people, or house rules."""
    known = {name: kappa for name, kappa in kappas.items() if kappa.value is not None}
    rows = [
        {"name": name, "value": kappa.value, "low": kappa.low, "high": kappa.high,
         "pairs": kappa.pairs, "said": str(kappa)}
        for name, kappa in known.items()
    ]  # fmt: skip
    tooltips = [
        alt.Tooltip("name:N", title=title),
        alt.Tooltip("said:N", title="kappa"),
        alt.Tooltip("pairs:Q", title="comments decided twice", format=","),
    ]
    chart = _dots(rows, title, _scale(-0.2, 1.0), "Cohen's kappa, with 95% intervals", tooltips)
    few = sum(not kappa.is_enough for kappa in kappas.values())
    return Figure(
        chart,
        "1 is always alike, 0 as often as by chance."
        + (f" {few} of {len(kappas)} have too few comments to say much." if few else ""),
        (title, "kappa", "decided alike", "comments decided twice"),
        tuple((name, *describe_kappa(kappa)) for name, kappa in kappas.items()),
    )


def draw_savings(savings: Savings) -> Figure:
    """Draw what would get through over the hours that a threshold saves, points marked."""
    weeks = savings.days / 7
    per, unit = (weeks, "hours a week") if weeks >= 1 else (1.0, "hours")
    told = [saving for saving in savings.curve if saving.missed is not None]
    curve = alt.Chart(pd.DataFrame([_saving(one, per) for one in told])).encode(
        x=alt.X("hours:Q", title=f"{unit} of moderators' time saved", axis=alt.Axis(format=","))
    )
    band = curve.mark_area(opacity=0.15, color=REMOVED).encode(y="low:Q", y2="high:Q")
    line = curve.mark_line(color=REMOVED, strokeWidth=2.5).encode(
        y=_percent("value", "removals that would get through")
    )
    touched = curve.mark_point(size=90, opacity=0).encode(y="value:Q", tooltip=_saving_tips(unit))
    marked = {name: one for name, one in savings.points.items() if one.missed is not None}
    return Figure(
        _finish(alt.layer(band, line, touched, *_mark(marked, per, unit))),
        _say_savings(marked, savings, per, unit),
        ("threshold", unit, "comments below", "removals that would get through", "of"),
        tuple(
            (
                f"{one.threshold:.3f}",
                f"{one.hours / per:,.1f}",
                f"{one.below:,}",
                *((_in_words(one.missed), f"{one.missed.of:,}") if one.missed else ("", "")),
            )
            for one in savings.curve
        ),
    )


def draw_caught(caught: Sequence[Caught], *, threshold: float) -> Figure:
    """Draw for each house rule which share of its removals the model catches."""
    shares = {one.house_rule: one.share for one in caught}
    axis = "removals caught, with 95% intervals"
    least = min(shares.items(), key=lambda pair: pair[1].value)
    return _draw_shares(
        shares, "house rule", axis,
        f"At or above {threshold:.3f} the model catches the smallest share of removals for "
        f"“{least[0]}”: {_in_words(least[1])} of {least[1].of:,}.",
    )  # fmt: skip


def draw_right(right: Sequence[Right]) -> Figure:
    """Draw for each rule of the policy how much of what it fired on was removed."""
    shares = {one.rule: one.removed for one in right}
    axis = "share removed, with 95% intervals"
    most, of = next(iter(shares.items()))
    return _draw_shares(
        shares, "rule of the policy", axis,
        f"Most was decided where “{most}” fired: {_in_words(of)} of {of.of:,} were removed.",
    )  # fmt: skip


def describe_kappa(kappa: Kappa) -> tuple[str, str, str]:
    """Return kappa, how much was decided alike, and of how many, in words."""
    share = kappa.share
    alike = "" if share is None else f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"
    few = "" if kappa.is_enough else " (too few)"
    return f"{kappa}{few}", alike, f"{kappa.pairs:,}"


_KINDS: Final = {
    (Action.APPROVE, False): KEPT,
    (Action.REMOVE, False): REMOVED,
    (Action.APPROVE, True): "#64748b",
    (Action.REMOVE, True): INK,
}
"""The colours of what is done, and whether without a person."""
_TENTHS: Final = tuple(share / 10 for share in range(0, 11, 2))
_DAY: Final = "utcyearmonthdate"
_SHARE_TOOLTIPS: Final = [
    alt.Tooltip("value:Q", title="share", format=".1%"),
    alt.Tooltip("low:Q", title="at least", format=".1%"),
    alt.Tooltip("high:Q", title="at most", format=".1%"),
    alt.Tooltip("of:Q", title="of", format=","),
]


def _stack(counts: Sequence[Count], period: Period) -> list[dict[str, Any]]:
    """Return a bar for each count, on top of the one before of the same period."""
    bars: list[dict[str, Any]] = []
    for count in counts:
        on_top = bool(bars) and bars[-1]["begins"] == _moment(count.begins)
        low = bars[-1]["high"] if on_top else 0
        bars.append(
            {
                "what": _name_kind(count.action, count.automatic),
                "begins": _moment(count.begins),
                "ends": _end(count.begins, period, share=0.9),
                "low": low,
                "high": low + count.decisions,
                "decisions": count.decisions,
            }
        )
    return bars


def _mark(marked: Mapping[str, Saving], per: float, unit: str) -> list[alt.Chart]:
    """Return the operating points of a curve with their names."""
    if not marked:
        return []
    at = pd.DataFrame([{"name": name, **_saving(one, per)} for name, one in marked.items()])
    points = alt.Chart(at).encode(x="hours:Q", y="value:Q")
    tooltips = [alt.Tooltip("name:N", title="operating point"), *_saving_tips(unit)]
    return [
        points.mark_point(
            stroke=INK, shape="diamond", strokeWidth=2.5, fill="white", size=130, opacity=1
        ).encode(tooltip=tooltips),
        points.mark_text(align="right", dx=-12, dy=-10, color=INK, fontSize=13).encode(
            text="name:N"
        ),
    ]


def _draw_shares(shares: Mapping[str, Share], title: str, axis: str, sentence: str) -> Figure:
    rows = [{"name": name, **_share(share)} for name, share in shares.items()]
    tooltips = [alt.Tooltip("name:N", title=title), *_SHARE_TOOLTIPS]
    return Figure(
        _dots(rows, title, _scale(0, 1), axis, tooltips, format="%", ticks=_TENTHS),
        sentence,
        (title, "share", "of"),
        tuple((name, _in_words(share), f"{share.of:,}") for name, share in shares.items()),
    )


def _dots(
    rows: list[dict[str, Any]],
    title: str,
    scale: alt.Scale,
    axis: str,
    tooltips: list[alt.Tooltip],
    *,
    format: str = ".1f",
    ticks: Sequence[float] = (-0.2, 0, 0.2, 0.4, 0.6, 0.8, 1),
) -> Chart:
    """Return a row for each name: a dot with its interval."""
    base = alt.Chart(pd.DataFrame(rows)).encode(
        y=alt.Y(
            "name:N",
            title=None,
            sort=None,
            axis=alt.Axis(
                labelExpr="split(datum.label, ': ')",
                labelLimit=250,
                domain=False,
                ticks=False,
                labelPadding=10,
            ),
        )
    )
    axes = alt.Axis(format=format, values=list(ticks))
    across = alt.X("low:Q", title=axis, scale=scale, axis=axes)
    bars = base.mark_rule(color=KEPT, strokeWidth=2.5).encode(x=across, x2="high:Q")
    dots = base.mark_point(filled=True, size=110, color=KEPT, opacity=1).encode(
        x="value:Q", tooltip=tooltips
    )
    return _finish(alt.layer(bars, dots), height=ROW_HEIGHT * len(rows) + 64)


def _finish(chart: Chart, *, height: int = HEIGHT) -> Chart:
    """Return a chart as all of them look: no frame, a light grid, words dark enough to read."""
    finished: Chart = (
        chart.properties(height=height, background="transparent")
        .configure(font="'Source Sans', sans-serif")
        .configure_view(stroke=None)
        .configure_axis(
            gridColor=GRID, labelColor=QUIET, titleColor=INK, labelFontSize=12, titleFontSize=13,
            titleFontWeight="normal", titlePadding=10, domainColor=QUIET, tickColor=QUIET,
        )
        .configure_legend(
            orient="top", title=None, labelColor=INK, labelFontSize=13, labelLimit=330,
            symbolOpacity=1, columns=2,
        )
    )  # fmt: skip
    return finished


def _time(days: Iterable[date], period: Period) -> alt.X:
    """Return an axis of days in UTC: as local ones they would be those before in America."""
    known = sorted(set(days))
    every = len(known) // TICKS + 1
    values = [_as_vega(day) for day in known[::every]]
    axis = alt.Axis(grid=False, labelOverlap=True, values=values, format="%-d %b %Y")
    title = f"{period} from (UTC)" if period is not Period.DAY else "day (UTC)"
    return alt.X("begins:T", title=title, scale=alt.Scale(type="utc"), axis=axis)


def _as_vega(day: date) -> alt.DateTime:
    return alt.DateTime(year=day.year, month=day.month, date=day.day, utc=True)


def _since(period: Period) -> alt.Tooltip:
    return alt.Tooltip("begins:T", title=f"{period} from", format="%d %b %Y", timeUnit=_DAY)


def _percent(field: str, title: str) -> alt.Y:
    axis = alt.Axis(format="%", values=list(_TENTHS))
    return alt.Y(f"{field}:Q", title=title, scale=_scale(0, 1), axis=axis)


def _kappa_axis(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title="Cohen's kappa", scale=_scale(-0.2, 1.0))


def _scale(low: float, high: float) -> alt.Scale:
    return alt.Scale(domain=[low, high], clamp=True, nice=False)


def _colour(field: str, colours: Mapping[str, str]) -> alt.Color:
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{field}:N", scale=scale)


def _rule_at(value: float) -> alt.Chart:
    rule = alt.Chart(pd.DataFrame([{"value": value}]))
    drawn: alt.Chart = rule.mark_rule(color=QUIET, strokeDash=[5, 4]).encode(y="value:Q")
    return drawn


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _end(day: date, period: Period, *, share: float) -> datetime:
    """Return where a bar ends: a little before the next one begins."""
    days = {Period.DAY: 1, Period.WEEK: 7}.get(period)
    if days is None:
        later = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        days = (later - day).days
    return _moment(day) + timedelta(days=days) * share


def _name_kind(action: Action, automatic: bool) -> str:
    done = "removed" if action is Action.REMOVE else "approved"
    return f"{done} without a person" if automatic else done


def _share(share: Share) -> dict[str, Any]:
    return {"value": share.value, "low": share.low, "high": share.high, "of": share.of}


def _saving(saving: Saving, per: float) -> dict[str, Any]:
    assert saving.missed is not None
    return {
        "threshold": saving.threshold,
        "hours": saving.hours / per,
        "below": saving.below,
        **_share(saving.missed),
    }


def _saving_tips(unit: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("threshold:Q", title="threshold", format=".3f"),
        alt.Tooltip("hours:Q", title=f"{unit} saved", format=",.1f"),
        alt.Tooltip("below:Q", title="decided comments below", format=","),
        alt.Tooltip("value:Q", title="would get through", format=".1%"),
        alt.Tooltip("low:Q", title="at least", format=".1%"),
        alt.Tooltip("high:Q", title="at most", format=".1%"),
        alt.Tooltip("of:Q", title="of removals", format=","),
    ]


def _in_words(share: Share) -> str:
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%})"


def _say_volume(counts: Sequence[Count], period: Period) -> str:
    total = sum(count.decisions for count in counts)
    removed = sum(count.decisions for count in counts if count.action is Action.REMOVE)
    busiest = max(_sums(counts).items(), key=lambda pair: pair[1])
    return (
        f"Decisions: {total:,}, of which {removed / total:.1%} are removals. The busiest {period} "
        f"began on {busiest[0]:%d %b %Y} with {busiest[1]:,}."
    )


def _sums(counts: Iterable[Count]) -> dict[date, int]:
    sums: dict[date, int] = {}
    for count in counts:
        sums[count.begins] = sums.get(count.begins, 0) + count.decisions
    return sums


def _say_trend(name: str, trend: Trend) -> str:
    if not trend.moments:
        return f"Nothing tells yet: {name}."
    last = trend.moments[-1]
    left_out = [
        f"{number:,} {cause}"
        for number, cause in (
            (trend.unscored, "had no score"),
            (trend.without_threshold, "were scored by a model whose threshold is not known here"),
        )
        if number
    ]
    said = f"{name[:1].upper()}{name[1:]}: {_in_words(last.share)} since {last.begins:%d %b %Y}."
    return said + (f" Not counted: {', '.join(left_out)}." if left_out else "")


def _say_savings(marked: Mapping[str, Saving], savings: Savings, per: float, unit: str) -> str:
    pace = f"At {savings.pace.seconds:.0f} seconds a decision"
    if savings.pace != ASSUMED:
        pace += f" ({savings.pace.origin})"
    if not marked:
        return f"{pace}, over {savings.comments:,} decided comments."
    name, one = min(marked.items(), key=lambda pair: pair[1].threshold)
    assert one.missed is not None
    return (
        f"{pace}, not reading what scores below {one.threshold:.3f} ({name}) saves "
        f"{one.hours / per:,.1f} {unit}, and {_in_words(one.missed)} of {one.missed.of:,} removals "
        f"would get through. Over {savings.comments:,} decided comments; what nobody decided is "
        "not in it."
    )
