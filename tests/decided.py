"""Decisions as columns, made from rows that say only what matters."""

from datetime import UTC, datetime, timedelta

import numpy as np

from moderation.insight.decided import Decided
from moderation.past import Categories

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday


def named(names):
    """Return categories of names in the order in which they appear; None is none."""
    known = list(dict.fromkeys(name for name in names if name is not None))
    codes = [-1 if name is None else known.index(name) for name in names]
    return Categories(np.array(codes, dtype=np.int32), tuple(known))


def make_decided(*rows, **shared):
    """Return decisions; each row is a mapping of what differs from an approval at noon."""
    plain = {"removed": False, "in_force": True, "days": 0.0, "by": "anna", "house_rule": None,
             "score": np.nan, "model": "m1", "rule": None, "weight": 1.0, **shared}  # fmt: skip
    full = [{**plain, **row} for row in rows]

    def column(name):
        return [row[name] for row in full]

    moments = [(NOON + timedelta(days=day)).replace(tzinfo=None) for day in column("days")]
    return Decided(
        removed=np.array(column("removed"), dtype=bool),
        in_force=np.array(column("in_force"), dtype=bool),
        decided_at=np.array(moments, dtype="datetime64[us]"),
        decided_by=named(column("by")),
        house_rules=named(column("house_rule")),
        scores=np.array(column("score"), dtype=float),
        models=named(column("model")),
        rules=named(column("rule")),
        weights=np.array(column("weight"), dtype=float),
    )
