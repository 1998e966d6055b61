"""Proposes a mapping for a table or JSON from its names and values."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from moderation.comments import Status
from moderation.errors import UnknownFormat
from moderation.parsers.columns import ALIASES, STATUSES
from moderation.parsers.documents import outline
from moderation.parsers.evidence import Part, find_parts, is_moment, is_time
from moderation.parsers.mapped import read_records, spell
from moderation.parsers.mapping import HTML, ISO, MILLISECONDS, PLAIN, SECONDS, TableMapping
from moderation.parsers.notes import Notes
from moderation.parsers.sources import Source
from moderation.parsers.tabular import find_delimiter

SAMPLE_RECORDS = 1000
FEW_VALUES = 12
"""A state has no more values than this."""

_MARKUP = re.compile(r"<(?:p|br|a|b|i|em|strong|div|span|blockquote|ul|li)\b[^>]*>", re.I)
_UNNAMED = re.compile(r"[\W_]+")
# Beside the names that tables have for a field (`columns.ALIASES`).
_HINTS: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "plain", "html", "words", "markdown", "raw", "inhalt", "texte", "texto"),
    "id": ("id", "key", "uid", "uuid", "nr"),
    "parent_id": ("parent", "replyto", "inreplyto", "answerto", "pid"),
    "article_id": ("article", "story", "thread", "url", "link", "page", "topic", "discussion"),
    "article_title": ("title", "headline", "subject"),
    "author": ("author", "user", "username", "name", "nick", "login", "by", "member"),
    "created_at": ("created", "date", "time", "posted", "published", "timestamp", "written", "ts"),
    "positive_votes": ("likes", "upvotes", "ups", "plus", "thumbsup", "recommendations"),
    "negative_votes": ("dislikes", "downvotes", "downs", "minus", "thumbsdown"),
    "rating": ("score", "points", "karma", "rating"),
    "status": ("status", "state", "moderation", "deleted", "removed", "hidden", "spam", "rejected",
               "blocked", "approved", "visible", "published", "online"),
    "removal_reason": ("reason",),
    "highlighted": ("pick", "featured", "highlighted", "selection"),
    "label": ("label", "toxic", "istoxic"),
}  # fmt: skip
_TAKEN_DOWN = frozenset({"deleted", "removed", "hidden", "spam", "rejected", "blocked"})
_SHOWN = frozenset({"approved", "visible", "published", "online"})


@dataclass(frozen=True)
class Guess:
    """A mapping that fits, and what was seen where it points."""

    mapping: TableMapping
    parts: Mapping[str, Part]
    """By field."""
    others: tuple[Part, ...]
    """What no field takes."""
    records: int
    """How many were looked at."""


def guess_mapping(source: Source) -> Guess:
    """
    Return a mapping that reads a table or JSON, from its first records.

    Raises:
        UnknownFormat: it is no table and no JSON, or nothing in it looks like a comment's text.

    """
    kind, path = _find_kind(source)
    records = list(islice(read_records(source, Notes(), kind=kind, path=path), SAMPLE_RECORDS))
    parts = find_parts(records)
    chosen = _choose(parts)
    if "text" not in chosen:
        raise UnknownFormat(
            f"nothing in the first {len(records)} records looks like a comment's text: several "
            "words that differ from record to record"
        )
    time, markup = _find_time(chosen), _find_markup(chosen["text"])
    mapping = TableMapping(
        kind=kind,
        records=path,
        time=time,
        markup=markup,
        fields={name: chosen[name].path for name in ALIASES if name in chosen},
        status=_read_states(chosen.get("status")),
        label=_read_labels(chosen.get("label")),
    )
    taken = {part.path for part in chosen.values()}
    others = tuple(part for part in parts if part.path not in taken)
    return Guess(mapping, chosen, others, len(records))


def _find_kind(source: Source) -> tuple[str, str]:
    """Return the kind of a source, and where in JSON its records are."""
    if source.is_parquet:
        return "parquet", ""
    head = source.head_text().lstrip()
    if head.startswith("["):
        return "json", ""
    if head.startswith("{"):
        return _find_records(head)
    if head.startswith("<") or not (find_delimiter(head) or source.name.lower().endswith(".csv")):
        raise UnknownFormat("no table and no JSON; expected CSV, JSON, JSON Lines or Parquet")
    return "csv", ""


def _find_records(head: str) -> tuple[str, str]:
    """Return whether lines of JSON are records, or what an array in one object holds."""
    first, _, rest = head.partition("\n")
    path = _find_array(head)
    if first.rstrip().endswith("}") and (path is None or rest.lstrip().startswith("{")):
        return "jsonl", ""
    if path is None:
        raise UnknownFormat("a JSON object without an array of records in it")
    return "json", path


def _find_array(head: str) -> str | None:
    """Return the path of the outermost array of objects, that with the most parts."""
    found = Counter(path.partition(".item.")[0] for path in outline(head) if ".item." in path)
    return max(found, key=lambda path: found[path]) if found else None


def _choose(parts: Sequence[Part]) -> dict[str, Part]:
    """Return which part fills which field: each the best that is left for it, if any is."""
    chosen: dict[str, Part] = {}
    left = {part.path: part for part in parts}
    for name, fits in _FITS.items():
        ids = chosen["id"].distinct if "id" in chosen else set[str]()
        rated = {path: fits(part, ids) * _rate_name(name, path) for path, part in left.items()}
        best = max(rated, key=lambda path: rated[path], default=None)
        if best is not None and rated[best] > 0:
            chosen[name] = left.pop(best)
    return chosen


def _rate_name(name: str, path: str) -> float:
    """Return how well a path is called for a field; 0.1 where its name says nothing of it."""
    words = [_UNNAMED.sub("", part).casefold() for part in path.split(".")]
    last = words[-1]
    known = (_UNNAMED.sub("", name), *ALIASES[name])
    if last in known:
        return 10.0 - 0.1 * known.index(last) - 0.5 * len(words)
    hints = _HINTS.get(name, ())
    if last in hints:
        return 5.0 - 0.5 * len(words)
    if any(hint in word for word in words for hint in hints if len(hint) > 2):
        return 2.0 - 0.2 * len(words)
    return 0.1


def _fits_text(part: Part, _: set[str]) -> float:
    texts = part.texts
    if not texts or len(texts) < len(part.values):
        return 0
    worded = sum(" " in text.strip() for text in texts) / len(texts)
    varied = len(set(texts)) / len(texts)
    is_dated = all(is_time(text) for text in texts[:20])
    return 0 if is_dated or worded < 0.3 else worded * varied * min(part.length, 400)


def _fits_id(part: Part, _: set[str]) -> float:
    spelled = [spell(value) for value in part.values]
    if len(set(spelled)) < len(spelled) or any(isinstance(v, bool | float) for v in part.values):
        return 0
    return 1 if max(map(len, spelled)) <= 80 and not any(" " in one for one in spelled) else 0


def _fits_parent(part: Part, ids: set[str]) -> float:
    spelled = [spell(value) for value in part.values]
    shared = sum(one in ids for one in spelled) / len(spelled)
    return shared * (2 if len(set(spelled)) < len(spelled) else 1) if shared > 0.3 else 0


def _fits_name(part: Part, _: set[str]) -> float:
    return 1 if part.length <= 200 and not any(isinstance(v, bool) for v in part.values) else 0


def _fits_time(part: Part, _: set[str]) -> float:
    looked_at = part.values[:50]
    read = (is_time, lambda v: is_moment(v, 1), lambda v: is_moment(v, 1000))
    return 1 if any(all(map(one, looked_at)) for one in read) else 0


def _fits_count(part: Part, _: set[str]) -> float:
    for value in part.values:
        try:
            if isinstance(value, bool) or float(value) != int(float(value)):
                return 0
        except (ValueError, TypeError, OverflowError):
            return 0
    return 1


def _fits_status(part: Part, _: set[str]) -> float:
    if len(part.distinct) > FEW_VALUES:
        return 0
    is_called = _rate_name("status", part.path) > 0.1
    # By any other name several words that are known: one alone may be any word.
    return 1 if _read_states(part) and (is_called or len(part.distinct) > 1) else 0


def _fits_flag(part: Part, _: set[str]) -> float:
    return 1 if {value.casefold() for value in part.distinct} <= {"0", "1", "true", "false"} else 0


def _called(fits: Callable[[Part, set[str]], float], name: str) -> Callable[..., float]:
    """Return a rule for a field that only what is called like it may fill."""
    return lambda part, ids: fits(part, ids) if _rate_name(name, part.path) > 0.1 else 0


_FITS: Mapping[str, Callable[[Part, set[str]], float]] = {
    "text": _fits_text,
    "id": _called(_fits_id, "id"),
    "parent_id": _called(_fits_parent, "parent_id"),
    "created_at": _called(_fits_time, "created_at"),
    "label": _called(_fits_flag, "label"),
    "status": _fits_status,
    "positive_votes": _called(_fits_count, "positive_votes"),
    "negative_votes": _called(_fits_count, "negative_votes"),
    "rating": _called(_fits_count, "rating"),
    "highlighted": _called(_fits_flag, "highlighted"),
    "removal_reason": _called(_fits_name, "removal_reason"),
    "article_title": _called(_fits_name, "article_title"),
    "article_id": _called(_fits_name, "article_id"),
    "author": _called(_fits_name, "author"),
}
"""How well what was seen at a path may be a field, 0 if it may not, in the order of choice."""


def _find_time(chosen: Mapping[str, Part]) -> str:
    values = chosen["created_at"].values[:50] if "created_at" in chosen else []
    if values and all(is_moment(value, 1) for value in values):
        return SECONDS
    if values and all(is_moment(value, 1000) for value in values):
        return MILLISECONDS
    return ISO


def _find_markup(text: Part) -> str:
    return HTML if any(map(_MARKUP.search, text.texts)) else PLAIN


def _read_states(part: Part | None) -> dict[str, Status]:
    """Return which value means which status, none where some of them say nothing."""
    if part is None:
        return {}
    name = _UNNAMED.sub("", part.path.rpartition(".")[2]).casefold().removeprefix("is")
    found: dict[str, Status] = {}
    for value in sorted(part.distinct):
        yes_or_no = {"true": True, "1": True, "false": False, "0": False}.get(value.casefold())
        if (state := STATUSES.get(value.casefold())) is not None:
            found[value] = state
        elif yes_or_no is not None and name in _TAKEN_DOWN:
            found[value] = Status.REMOVED if yes_or_no else Status.PUBLISHED
        elif yes_or_no is not None and name in _SHOWN:
            found[value] = Status.PUBLISHED if yes_or_no else Status.PENDING
        else:
            return {}
    return found


def _read_labels(part: Part | None) -> dict[str, int]:
    if part is None:
        return {}
    return {value: int(value.casefold() in ("1", "true")) for value in sorted(part.distinct)}
