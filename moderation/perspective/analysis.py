"""Answers to the requests: scores with their spans, and the languages asked for and found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from moderation.perspective.attributes import AttributeTable
from moderation.perspective.errors import unsupported_languages
from moderation.perspective.requests import AnalyzeRequest, SuggestRequest
from moderation.perspective.spans import find_sentences, to_utf16
from moderation.text import Span

if TYPE_CHECKING:  # explaining needs the compiled loops; answering does not
    from moderation.explanations import Explanation

UNDETERMINED: Final = "und"
"""ISO 639's code for a language that cannot be told."""

ENOUGH_TO_TELL: Final = 40
"""
Characters from which on a text in a language that the model has not learnt is refused.

Of comments with fewer, one in eight and more is not told its language or told a wrong one
(`moderation.languages.SURE`).
"""

Detect: TypeAlias = Callable[[Sequence[str]], Sequence[str]]
"""Tells the language of each text; "und" where it cannot."""
Json: TypeAlias = dict[str, Any]


class Heads(Protocol):
    """A model as the answers need it."""

    @property
    def version(self) -> str: ...

    @property
    def attributes(self) -> tuple[str, ...]:
        """Its heads; the first is the one whose words it explains."""
        ...

    @property
    def languages(self) -> frozenset[str] | None:
        """Those it has learnt from; None where nobody knows: then it takes every one."""
        ...

    def score_even(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return the scores of every head, each on the 50/50 scale."""
        ...

    def explain(self, text: str) -> "Explanation": ...


@dataclass(slots=True)
class Plan:
    """A request that will be answered, and the texts whose scores its answer needs."""

    request: AnalyzeRequest
    heads: tuple[str, ...]
    """The heads of the requested attributes, in their order."""
    detected: str
    sentences: tuple[Span, ...]
    texts: tuple[str, ...] = field(repr=False)
    """The whole text, then its sentences where they are asked for."""


def analyze(
    request: AnalyzeRequest,
    *,
    model: Heads,
    table: AttributeTable,
    detect: Detect,
    words: bool = False,
) -> Json:
    """
    Return the answer of `comments:analyze`.

    The context is taken and not scored: the model reads one text. With `words`, the attributes
    that are the model's own tell what each word adds to the logit: `wordContributions`.

    Raises:
        ApiError: an attribute has no head, or the model has not learnt the language.

    """
    [detected] = detect([request.text])
    plan = plan_analysis(request, table=table, learnt=model.languages, detected=detected)
    own, scores = model.attributes[0], model.score_even(plan.texts)
    explanation = model.explain(request.text) if words and own in plan.heads else None
    return answer_analysis(plan, scores, own=own, explanation=explanation)


def plan_analysis(
    request: AnalyzeRequest,
    *,
    table: AttributeTable,
    learnt: frozenset[str] | None,
    detected: str,
) -> Plan:
    """
    Check what is asked against a model that has learnt these languages; None where nobody knows.

    Raises:
        ApiError: an attribute has no head, or the model has not learnt the language.

    """
    heads = tuple([table.find_head(name) for name in request.requested])
    _check_language(request, detected, learnt=learnt)
    if not request.span_annotations:
        return Plan(request, heads, detected, (), (request.text,))
    text, sentences = request.text, tuple(find_sentences(request.text))
    pieces = (text[span.begin : span.end] for span in sentences)
    return Plan(request, heads, detected, sentences, (text, *pieces))


def answer_analysis(
    plan: Plan,
    scores: Mapping[str, Sequence[float]],
    *,
    own: str = "",
    explanation: "Explanation | None" = None,
) -> Json:
    """
    Return the answer, from each head's scores of the plan's texts.

    An attribute whose summary is below its threshold is left out; where none is left, so is the
    key `attributeScores`, as clients know it.
    """
    request = plan.request
    places = _place_spans(plan)
    told: Json = {}
    for (name, threshold), head in zip(request.requested.items(), plan.heads, strict=True):
        values = scores[head]
        summary = float(values[0])
        if threshold is not None and summary < threshold:
            continue
        told[name] = {
            "spanScores": [
                {"begin": begin, "end": end, "score": _score(float(value))}
                for (begin, end), value in zip(
                    places, values[1:] if plan.sentences else values, strict=True
                )
            ],
            "summaryScore": _score(summary),
        }
        if explanation is not None and head == own:
            told[name]["wordContributions"] = _place_words(request.text, explanation)
    answer: Json = {"attributeScores": told} if told else {}
    answer["languages"] = list(request.languages) or [plan.detected]
    answer["detectedLanguages"] = [plan.detected]
    return _with_token(answer, request.client_token)


def answer_suggestion(request: SuggestRequest, *, detect: Detect) -> Json:
    """Return the answer of `comments:suggestscore`; every language may be taught."""
    answer: Json = {"detectedLanguages": list(detect([request.text]))}
    if request.languages:
        answer["requestedLanguages"] = list(request.languages)
    return _with_token(answer, request.client_token)


def _check_language(
    request: AnalyzeRequest, detected: str, *, learnt: frozenset[str] | None
) -> None:
    """
    Refuse a text that the model cannot judge.

    Of several languages asked for, one that it has learnt is enough. What was not asked for and
    is too short to tell, or cannot be told, is never refused.
    """
    if learnt is None:
        return
    if request.languages:
        refused = not any(_is_learnt(tag, learnt) for tag in request.languages)
    else:
        refused = not _is_learnt(detected, learnt) and _is_enough(request.text)
    if refused:
        raise unsupported_languages(
            next(iter(request.requested)), requested=request.languages, detected=[detected]
        )


@lru_cache(maxsize=1024)
def _is_learnt(tag: str, learnt: frozenset[str]) -> bool:
    """
    Tell whether a language is one of those learnt; a region makes no other, a script does.

    >>> [_is_learnt(tag, frozenset({"hi", "en"})) for tag in ("en-GB", "hi-Latn", "und", "EN")]
    [True, False, True, True]
    """
    language, *rest = tag.lower().split("-")
    if language == UNDETERMINED:
        return True
    if rest and len(rest[0]) == 4 and rest[0].isalpha():
        language = f"{language}-{rest[0]}"
    return language in learnt or any(language == known.lower() for known in learnt)


def _is_enough(text: str) -> bool:
    return len(text.strip()) >= ENOUGH_TO_TELL


def _place_spans(plan: Plan) -> list[tuple[int, int]]:
    """Return begin and end of each span that is scored, in UTF-16 code units."""
    text = plan.request.text
    if not plan.sentences:
        return [(0, to_utf16(text, [len(text)])[0])]
    places = to_utf16(text, [place for span in plan.sentences for place in (span.begin, span.end)])
    return list(zip(places[::2], places[1::2], strict=True))


def _place_words(text: str, explanation: "Explanation") -> list[Json]:
    parts = sorted(explanation.contributions, key=lambda part: part.begin)
    places = to_utf16(text, [place for part in parts for place in (part.begin, part.end)])
    return [
        {"begin": begin, "end": end, "value": part.value}
        for begin, end, part in zip(places[::2], places[1::2], parts, strict=True)
    ]


def _score(value: float) -> Json:
    return {"value": value, "type": "PROBABILITY"}


def _with_token(answer: Json, token: str | None) -> Json:
    if token is not None:
        answer["clientToken"] = token
    return answer
