"""What simulations found, as Markdown: policies side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from moderation.desk import DAY, HOUR, Desk
from moderation.past import PastComments
from moderation.shares import Share
from moderation.simulation import Delays, Fate, Simulation

_MEANING: Final = """
Held: a person decides. Audited: acted on unseen, but a person looks later. Got through: of the
approved comments whose label is known, those that were to be removed. Missed: of all comments
labelled as to be removed, those approved unseen. Intervals are 95%. The queue is worked through
likeliest first, as the review desk does.
""".strip().replace("\n", " ")


def report(past: PastComments, found: Mapping[str, Simulation], desk: Desk) -> Iterator[str]:
    """Yield what simulations found, by the name of the policy, as Markdown."""
    simulations = list(found.values())
    yield _introduction(past, simulations[0])
    yield ""
    yield from _compare(found)
    yield ""
    yield _MEANING
    yield from _remarks(past, simulations, desk)
    for name, simulation in found.items():
        yield ""
        yield from _reasons(name, simulation)
    for what, groups in (
        ("section", [simulation.sections for simulation in simulations]),
        ("hour (UTC)", [simulation.hours for simulation in simulations]),
    ):
        if groups[0]:
            yield ""
            yield from _groups(what, list(found), groups)


def _introduction(past: PastComments, found: Simulation) -> str:
    model = f" with scores of model {past.model}" if past.model else ""
    days = "" if found.days is None else f", over {found.days:,.1f} days"
    labelled = len(past) - found.unlabelled
    return (
        f"{len(past):,} comments{model}{days}; what became of {labelled:,} of them "
        f"({labelled / len(past):.1%}) is known."
    )


def _compare(found: Mapping[str, Simulation]) -> Iterator[str]:
    """Yield the table of what each policy does."""
    yield _row("policy", *found)
    yield _row("---", *["---:"] * len(found))
    facts: Sequence[tuple[str, Callable[[Simulation], str]]] = (
        ("version", lambda s: s.policy),
        ("approved unseen", lambda s: _part(s.total.approved, s.total)),
        ("held", lambda s: _part(s.total.held, s.total)),
        ("removed unseen", lambda s: _part(s.total.removed, s.total)),
        ("got through", lambda s: _known(s.total.got_through, s.total.approved)),
        ("missed", lambda s: _known(s.missed)),
        ("wrongly removed", lambda s: _known(s.total.wrongly_removed, s.total.removed)),
        ("audited", lambda s: f"{s.audited:,.0f}"),
        ("moderators' time", _work),
        ("waits of all held: median, 90%, worst", lambda s: _waits(s.delays)),
        ("waits of those to be removed", lambda s: _waits(s.deserving_delays)),
        ("waits of the highest scores without a label", lambda s: _waits(s.likeliest_delays)),
        ("held still when the last comment came", lambda s: _count(s.unfinished)),
    )
    for name, tell in facts:
        yield _row(name, *(tell(simulation) for simulation in found.values()))


def _remarks(past: PastComments, simulations: Sequence[Simulation], desk: Desk) -> Iterator[str]:
    """Yield what to know before believing the numbers."""
    pace = desk.pace
    hours = "" if desk.daily == DAY else f", from {desk.begins:02d} to {desk.ends:02d} o'clock UTC"
    yield (
        f"A decision takes {pace.seconds:g} seconds ({pace.origin}); moderators at once: "
        f"{desk.moderators}{hours}."
    )
    unlabelled = max(simulation.unlabelled_approved for simulation in simulations)
    if unlabelled:
        yield (
            f"Up to {unlabelled:,} of the approved comments have no label: shares are of the "
            "others. If only what an earlier policy held was ever labelled, those are no random "
            "sample; add a column 'weight' that says how many comments each stands for."
        )
    if simulations[0].is_weighted:
        yield "Shares are weighted by 'weight'; numbers of comments, hours and waits are not."
    if untimed := max(simulation.untimed for simulation in simulations):
        yield f"Up to {untimed:,} held comments have no time and are in no wait."


def _reasons(name: str, found: Simulation) -> Iterator[str]:
    """Yield the table of what decided."""
    yield _row(f"what decides in {name}", "action", "comments", "to be removed, of those known")
    yield _row("---", "---", "---:", "---:")
    for reason in found.reasons:
        unseen = " unseen" if reason.automatic else ""
        action = f"{reason.action}{unseen}"
        yield _row(
            reason.rule or reason.cause, action, f"{reason.comments:,}", _known(reason.deserved)
        )


def _groups(what: str, names: Sequence[str], groups: Sequence[Sequence[Fate]]) -> Iterator[str]:
    """Yield a table of groups of comments, with the columns of each policy."""
    columns = ("held", "approved", "removed", "got through")
    several = len(names) > 1
    titles = [f"{column}, {name}" if several else column for name in names for column in columns]
    yield _row(what, "comments", *titles)
    yield _row("---", *["---:"] * (len(titles) + 1))
    others = [{fate.name: fate for fate in fates} for fates in groups]
    for fate in groups[0]:
        cells = [cell for other in others for cell in _cells(other[fate.name])]
        yield _row(fate.name or "none", f"{fate.comments:,}", *cells)


def _cells(fate: Fate) -> Iterator[str]:
    for number in (fate.held, fate.approved, fate.removed):
        yield f"{number:,}"
    yield _known(fate.got_through, fate.approved)


def _row(*cells: str) -> str:
    clean = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(clean)} |"


def _part(number: int, total: Fate) -> str:
    return f"{number:,} ({number / total.comments:.1%})"


def _known(share: Share | None, of: int = 1) -> str:
    """Return a share in words; there is none of no comments."""
    if share is None:
        return "not known" if of else "none"
    return str(share)


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _work(found: Simulation) -> str:
    daily = f" ({found.work / found.days:,.1f} a day)" if found.days and found.days >= 1 else ""
    return f"{found.work:,.1f} hours{daily}"


def _waits(delays: Delays | None) -> str:
    if delays is None:
        return "not known"
    return ", ".join(map(_duration, (delays.median, delays.nine_in_ten, delays.worst)))


def _duration(seconds: float) -> str:
    """
    Return a time as people say it.

    >>> [_duration(seconds) for seconds in (31.4, 90, 7200, 200_000)]
    ['31 s', '1.5 min', '2.0 h', '2.3 days']
    """
    for unit, name in ((DAY, "days"), (HOUR, "h"), (60.0, "min")):
        if seconds >= unit:
            return f"{seconds / unit:,.1f} {name}"
    return f"{seconds:.0f} s"
