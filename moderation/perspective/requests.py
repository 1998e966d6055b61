"""What clients of the Perspective API ask, read from their JSON as protocol buffers read it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moderation.perspective import errors
from moderation.perspective.errors import TEXT_LIMIT
from moderation.perspective.messages import (
    MESSAGES,
    MOST_INT32,
    Fields,
    decode_message,
    read_boolean,
    read_fields,
    read_integer,
    read_map,
    read_number,
    read_string,
    spell_both,
    wrong_value,
)

_TEXT_TYPES: Final = ("TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML")
_SCORE_TYPES: Final = (
    "SCORE_TYPE_UNSPECIFIED", "PROBABILITY", "STD_DEV_SCORE", "PERCENTILE", "RAW",
)  # fmt: skip
_SERVED: Final = _SCORE_TYPES[:2]
MOST_ATTRIBUTES: Final = 100
"""Attributes of one request; the Perspective API had some forty in all."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")
"""What BCP 47 calls a language tag, by its form."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a comment is about or answers: earlier texts, or an article and a parent."""

    entries: tuple[str, ...] = field(default=(), repr=False)
    article: str | None = field(default=None, repr=False)
    parent_comment: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class AnalyzeRequest:
    """
    A text to score. Of strings, an empty one is one that was not sent: None.

    No text is shown where a request is.
    """

    text: str = field(repr=False)
    requested: Mapping[str, float | None]
    """The attributes in their order, with the score from which on each is told (None: always)."""
    languages: tuple[str, ...] = ()
    """Those to score it as; none: the one that is found."""
    do_not_store: bool = False
    span_annotations: bool = False
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class SuggestedSpan:
    """A score for the UTF-16 code units `[begin, end)` of a text."""

    begin: int
    end: int
    value: float


@dataclass(frozen=True, slots=True)
class SuggestedScores:
    """What one attribute's scores should have been; `summary` is None where only spans are told."""

    summary: float | None
    spans: tuple[SuggestedSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class SuggestRequest:
    """Scores that a client says a text should have; at least one attribute."""

    text: str = field(repr=False)
    scores: Mapping[str, SuggestedScores]
    languages: tuple[str, ...] = ()
    do_not_store: bool = False
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None
    context: Context | None = None


_COMMON = (
    "comment", "context", "languages", "do_not_store", "client_token", "session_id", "community_id",
)  # fmt: skip
_ANALYZE = spell_both(*_COMMON, "requested_attributes", "span_annotations")
_SUGGEST = spell_both(*_COMMON, "attribute_scores")
_TEXT_ENTRY = spell_both("text", "type")
_CONTEXT = spell_both("entries", "article_and_parent_comment")
_ARTICLE = spell_both("article", "parent_comment")
_PARAMETERS = spell_both("score_type", "score_threshold")
_SCORES = spell_both("summary_score", "span_scores")
_SCORE = spell_both("value", "type")
_SPAN = spell_both("begin", "end", "score")


def read_analysis(body: bytes) -> AnalyzeRequest:
    """
    Read what `comments:analyze` is sent.

    The rules are those of protocol buffers' JSON (protobuf.dev, "ProtoJSON Format"): names in
    camelCase or snake_case, null is not set, numbers may be strings, enums may be numbers; one
    value stands for a list of one, as Google's servers take it. No body is an empty message.

    Raises:
        ApiError: whatever else is sent.

    """
    fields = read_fields(decode_message(body), _ANALYZE, at="", kind="AnalyzeCommentRequest")
    text, type_ = _read_entry(fields.get("comment"), at="comment")
    context = _read_context(fields.get("context"))
    types, requested = _read_requested(_read_attributes(fields, "requested_attributes"))
    request = AnalyzeRequest(
        text,
        requested,
        _read_languages(fields.get("languages")),
        read_boolean(fields, "do_not_store"),
        read_boolean(fields, "span_annotations"),
        *_read_opaque(fields),
        context,
    )
    _check_comment(text, type_)
    if not requested:
        raise errors.no_requested_attributes()
    for name, score_type in types.items():
        raise errors.unsupported_score_type(score_type, name)
    return request


def read_suggestion(body: bytes) -> SuggestRequest:
    """
    Read what `comments:suggestscore` is sent, by the rules of `read_analysis`.

    Every score must be told, from 0 to 1, and every span with its begin and end within the text.

    Raises:
        ApiError: whatever else is sent.

    """
    fields = read_fields(decode_message(body), _SUGGEST, at="", kind="SuggestCommentScoreRequest")
    text, type_ = _read_entry(fields.get("comment"), at="comment")
    context = _read_context(fields.get("context"))
    languages = _read_languages(fields.get("languages"))
    sent = _read_attributes(fields, "attribute_scores")
    scores = {
        name: _read_scores(value, at=f"attribute_scores[{number}].value")
        for number, (name, value) in enumerate(sent.items())
    }
    do_not_store, opaque = read_boolean(fields, "do_not_store"), _read_opaque(fields)
    _check_comment(text, type_)
    if not scores:
        raise errors.invalid_request("Missing attribute_scores")
    return SuggestRequest(
        text,
        {name: _check_scores(name, read, text) for name, read in scores.items()},
        languages,
        do_not_store,
        *opaque,
        context,
    )


def _check_comment(text: str, type_: str | None) -> None:
    if type_ is None:
        raise errors.unknown_text_type()
    if type_ == "HTML":
        raise errors.html_comment()
    if not text or text.isspace():
        raise errors.comment_empty()
    if len(text) * 4 > TEXT_LIMIT and (length := len(text.encode())) > TEXT_LIMIT:
        raise errors.comment_too_long(length)


def _read_entry(value: Any, *, at: str) -> tuple[str, str | None]:
    """Return a text with its type; None where nobody knows the type."""
    fields = read_fields(value, _TEXT_ENTRY, at=at, kind="TextEntry")
    type_ = fields.get("type", 1)
    known: str | None = None
    if isinstance(type_, str):
        known = type_ if type_ in _TEXT_TYPES else None
    elif type(type_) is int:
        known = _TEXT_TYPES[type_] if 0 <= type_ < len(_TEXT_TYPES) else None
    else:
        raise wrong_value(type_, f"{at}.type", f"{MESSAGES}TextEntry.TextType")
    return read_string(fields, "text", at=at) or "", known


def _read_context(value: Any) -> Context | None:
    if value is None:
        return None
    fields = read_fields(value, _CONTEXT, at="context", kind="Context")
    sent = fields.get("entries", [])
    entries = tuple(
        _read_context_text(entry, at=f"context.entries[{number}]")
        for number, entry in enumerate(sent if isinstance(sent, list) else [sent])
    )
    if "article_and_parent_comment" not in fields:
        return Context(entries)
    at = "context.article_and_parent_comment"
    both = read_fields(
        fields["article_and_parent_comment"], _ARTICLE, at=at, kind="ArticleAndParentComment"
    )
    found = {
        name: _read_context_text(entry, at=f"{at}.{name}") or None for name, entry in both.items()
    }
    if entries:
        raise errors.two_contexts()
    return Context((), found.get("article"), found.get("parent_comment"))


def _read_context_text(value: Any, *, at: str) -> str:
    text, type_ = _read_entry({} if value is None else value, at=at)
    if type_ is None:
        raise errors.unknown_text_type()
    return text


def _read_attributes(fields: Fields, name: str) -> Mapping[str, Any]:
    """Return what is said by attribute; each costs more than its letters."""
    sent = read_map(fields.get(name), name)
    if len(sent) > MOST_ATTRIBUTES:
        raise errors.invalid_request(f"{name}: expected at most {MOST_ATTRIBUTES} attributes")
    return sent


def _read_requested(sent: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, float | None]]:
    """Return the score types that are not served, and the threshold of each attribute."""
    types: dict[str, str] = {}
    thresholds: dict[str, float | None] = {}
    for number, (name, parameters) in enumerate(sent.items()):
        thresholds[name] = None
        if not parameters and (parameters is None or isinstance(parameters, dict)):
            continue
        at = f"requested_attributes[{number}].value"
        fields = read_fields(parameters, _PARAMETERS, at=at, kind="AttributeParameters")
        score_type = _score_type(fields.get("score_type", 1), at=f"{at}.score_type")
        if score_type not in _SERVED:
            types[name] = score_type
        if "score_threshold" in fields:
            thresholds[name] = read_number(fields["score_threshold"], at=f"{at}.score_threshold")
    return types, thresholds


def _read_scores(value: Any, *, at: str) -> Fields:
    """Return what is set of an attribute's scores, each of them by its own fields."""
    fields = read_fields(value, _SCORES, at=at, kind="AttributeScores")
    found: dict[str, Any] = {"spans": []}
    if "summary_score" in fields:
        found["summary"] = _read_score(fields["summary_score"], at=f"{at}.summary_score")
    sent = fields.get("span_scores", [])
    for number, span in enumerate(sent if isinstance(sent, list) else [sent]):
        place = f"{at}.span_scores[{number}]"
        parts = read_fields(span, _SPAN, at=place, kind="SpanScore")
        found["spans"].append(
            {
                name: _read_score(part, at=f"{place}.score")
                if name == "score"
                else read_integer(part, at=f"{place}.{name}")
                for name, part in parts.items()
            }
        )
    return found


def _read_score(value: Any, *, at: str) -> Fields:
    fields = read_fields(value, _SCORE, at=at, kind="Score")
    found: dict[str, Any] = {"type": _score_type(fields.get("type", 1), at=f"{at}.type")}
    if "value" in fields:
        found["value"] = read_number(fields["value"], at=f"{at}.value")
    return found


def _check_scores(name: str, scores: Fields, text: str) -> SuggestedScores:
    """Return the scores of one attribute, where all that they need is told."""
    summary = _check_score(name, scores["summary"]) if "summary" in scores else None
    spans, length = [], _utf16_length(text)
    for span in scores["spans"]:
        if not {"begin", "end", "score"} <= span.keys():
            raise errors.malformed_suggestion(name, "expected begin, end and score of each span")
        if not 0 <= span["begin"] < span["end"] <= length:
            raise errors.malformed_suggestion(name, "expected spans within the text")
        spans.append(SuggestedSpan(span["begin"], span["end"], _check_score(name, span["score"])))
    if summary is None and not spans:
        raise errors.malformed_suggestion(name, "expected a summary_score or span_scores")
    return SuggestedScores(summary, tuple(spans))


def _check_score(name: str, score: Fields) -> float:
    if score["type"] not in _SERVED:
        raise errors.unsupported_score_type(score["type"], name)
    if "value" not in score:
        raise errors.malformed_suggestion(name, "expected the value of each score, 0 and 1 too")
    value: float = score["value"]
    if not 0 <= value <= 1:
        raise errors.malformed_suggestion(name, "expected values from 0 to 1")
    return value


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _read_languages(value: Any) -> tuple[str, ...]:
    """Return tags of languages; one alone stands for a list of one."""
    if value is None:
        return ()
    tags = value if isinstance(value, list) else [value]
    for number, tag in enumerate(tags):
        if not isinstance(tag, str) or not _LANGUAGE.fullmatch(tag):
            raise errors.invalid_value(f"languages[{number}]", "a BCP 47 language tag", tag)
    return tuple(tags)


def _read_opaque(fields: Fields) -> tuple[str | None, str | None, str | None]:
    """Return a client's own strings: its token, its session and its community."""
    return (
        read_string(fields, "client_token"),
        read_string(fields, "session_id"),
        read_string(fields, "community_id"),
    )


def _score_type(value: Any, *, at: str) -> str:
    """Return a score type by its name; one that nobody knows by its number."""
    if isinstance(value, str) and value in _SCORE_TYPES:
        return value
    if type(value) is int and abs(value) <= MOST_INT32:
        return _SCORE_TYPES[value] if 0 <= value < len(_SCORE_TYPES) else str(value)
    raise wrong_value(value, at, f"{MESSAGES}ScoreType")
