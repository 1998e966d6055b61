"""Comments as HTML in which nothing a reader wrote is markup; pure."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from moderation.comments import Comment, Status
from moderation.explanations import Contribution
from moderation.policy import Action, Cause, ScoreScale, Verdict
from moderation.text import Span

MARKED_WORDS = 8
"""More marks than this say nothing any more."""
FAINTEST = 0.15
"""Contributions to the logit below it are not worth a mark."""

_PROPOSED = {Action.APPROVE: "approve", Action.HOLD: "look at it", Action.REMOVE: "remove"}
_CAUSES = {
    Cause.RULE: "A rule fires.",
    Cause.NO_RULE: "No rule fires.",
    Cause.DISAGREEMENT: "Rules disagree about it.",
    Cause.NO_SCORE: "There is no score to go by.",
    Cause.TOO_SHORT: "It is too short to go by its score.",
    Cause.LANGUAGE: "The model does not know its language.",
}
_EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]+")
# Characters that are not seen and change what is: embeddings, overrides and isolates of the
# writing direction, spaces without width. Joiners are left alone: emoji and Persian need them.
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff]")


def escape(text: str) -> str:
    """
    Return text as HTML that shows it as it is, what cannot be seen of it by its code point.

    >>> escape("<b>")
    '&lt;b&gt;'
    """
    shown = _UNSEEN.sub(
        lambda unseen: (
            f'<span class="mod-unseen" title="U+{ord(unseen[0]):04X}">{unseen[0]}</span>'
        ),
        html.escape(text.encode("utf-8", "replace").decode("utf-8")),
    )
    return _EMOJI.sub(lambda emoji: f'<span class="mod-emoji">{emoji[0]}</span>', shown)


def comment_card(
    comment: Comment,
    *,
    role: str,
    contributions: Sequence[Contribution] = (),
    abusive: Sequence[Span] = (),
    blurred: bool = False,
    grey: bool = False,
) -> str:
    """
    Return a comment as a card; `role` is "focus", "around" (small), or "alone".

    Of `abusive` words only the first letter is shown; a `blurred` text can be pointed at, and not
    read by anybody, with the eyes or otherwise, until it is drawn without.
    """
    classes = f"mod-text{' mod-blurred' if blurred else ''}{' mod-grey' if grey else ''}"
    body = '<div class="mod-text mod-gone">Its words are not known.</div>'
    if comment.text is not None:
        words = mark_words(comment.text, contributions, abusive=abusive)
        hidden = ' aria-hidden="true"' if blurred else ""
        body = f'<div class="{classes}" dir="auto" tabindex="0"{hidden}>{words}</div>'
    head = "".join(f"<span>{fact}</span>" for fact in _facts(comment))
    return (
        f'<div class="mod-comment {role}" data-comment="{html.escape(comment.id)}">'
        f'<div class="mod-head">{head}</div>{body}</div>'
    )


def mark_words(
    text: str, contributions: Sequence[Contribution], *, abusive: Sequence[Span] = ()
) -> str:
    """
    Return the text with the words that moved its score marked, the strongest most.

    >>> mark_words("a <b> c", [Contribution(2, 5, 1.0)])
    'a <mark class="raised" style="--shade:55%" title="+1.00">&lt;b&gt;</mark> c'
    """
    chosen = sorted(_worth_marking(contributions), key=lambda part: part.begin)
    strongest = max((abs(part.value) for part in chosen), default=1.0)
    shown = mask(text, abusive)
    pieces, at = [], 0
    for part in chosen:
        way = "raised" if part.value > 0 else "lowered"
        shade = round(55 * abs(part.value) / strongest)
        read_as = f", read as {html.escape(part.plain)}" if part.plain and not abusive else ""
        pieces.append(escape(shown[at : part.begin]))
        pieces.append(
            f'<mark class="{way}" style="--shade:{shade}%" title="{part.value:+.2f}{read_as}">'
            f"{escape(shown[part.begin : part.end])}</mark>"
        )
        at = part.end
    return "".join(pieces) + escape(shown[at:])


def _worth_marking(contributions: Sequence[Contribution]) -> list[Contribution]:
    """Return the words that raised the score most, and half as many that lowered it."""
    raising = sorted((c for c in contributions if c.value >= FAINTEST), key=lambda c: -c.value)
    lowering = sorted((c for c in contributions if c.value <= -FAINTEST), key=lambda c: c.value)
    return [*raising[:MARKED_WORDS], *lowering[: MARKED_WORDS // 2]]


def mask(text: str, abusive: Sequence[Span]) -> str:
    """
    Return a text as long as it was, of what is abusive in it only the first letters.

    >>> mask("a quiet remark", [Span(2, 7)])
    'a q•••• remark'
    """
    letters = list(text)
    for span in abusive:
        for place in range(span.begin + 1, span.end):
            if letters[place].isalnum():
                letters[place] = "•"
    return "".join(letters)


def title_line(title: str) -> str:
    """Return a heading."""
    return f'<div class="mod-title" role="heading" aria-level="1"><bdi>{escape(title)}</bdi></div>'


def article_line(comment: Comment) -> str:
    """Return the article a comment stands under as a heading."""
    return title_line(comment.article_title or comment.article_id or "An article without a title")


def quiet(text: str) -> str:
    """Return a remark."""
    return f'<div class="mod-quiet">{escape(text)}</div>'


def notice(text: str, *, tone: str) -> str:
    """
    Return a message in a box; `tone` is "error", "warning" or "done".

    Streamlit's own boxes take Markdown, in which addresses become links and "--out" a dash even
    behind backslashes.
    """
    return f'<div class="mod-notice {tone}" role="alert">{escape(text)}</div>'


def scores(score: float, even: float | None) -> str:
    """Return a score as P(removal) and on the 50/50 scale."""
    shown = f"<span><b>{score:.0%}</b> <small>likely to be removed</small></span>"
    if even is not None:
        title = "as if half of all comments were removed: comparable between models"
        shown += f'<span title="{title}"><b>{even:.0%}</b> <small>on the 50/50 scale</small></span>'
    return f'<div class="mod-scores">{shown}</div>'


def verdict_line(verdict: Verdict) -> str:
    """Return what the policy proposes, with the rule that fired."""
    badge = f'<span class="mod-badge {verdict.action}">{_PROPOSED[verdict.action]}</span>'
    if verdict.rule is None:
        return f'<p class="mod-quiet">{badge} {escape(_CAUSES[verdict.cause])}</p>'
    rule, threshold = verdict.rule, f"{verdict.rule.settled_threshold:.0%}"
    about = f"Rule “{rule.name}” on {rule.attribute}: {threshold} and above"
    if rule.action is Action.APPROVE:
        about = f"Rule “{rule.name}” on {rule.attribute}: below {threshold}"
    if rule.scale is ScoreScale.EVEN:
        about += " on the 50/50 scale"
    return f'<p class="mod-quiet">{badge} {escape(about)}</p>'


def would_pass(text: str, enough: Sequence[Contribution], *, abusive: Sequence[Span] = ()) -> str:
    """Return without which words the policy would approve a comment; nothing where there are none.

    >>> would_pass("a quiet remark", [Contribution(2, 7, 1.0)])
    '<div class="mod-quiet">Would pass without “quiet”.</div>'
    """
    if not enough:
        return ""
    shown = mask(text, abusive)
    words = ", ".join(f"“{escape(shown[part.begin : part.end])}”" for part in enough)
    return f'<div class="mod-quiet">Would pass without {words}.</div>'


def remove_because(asked: bool) -> str:
    """Return what stands over the rules of the house, loud where a digit is waited for."""
    if asked:
        return notice("Remove: press the digit of the rule it breaks.", tone="error")
    return quiet("Remove, because of")


def part(title: str) -> str:
    """Return a small heading within a column."""
    return f'<div class="mod-part" role="heading" aria-level="2">{escape(title)}</div>'


def person(name: str, seen_at: datetime) -> str:
    """Return somebody at the desk with when they were last seen."""
    return (
        f'<div class="mod-quiet"><b><bdi>{escape(name)}</bdi></b> · '
        f"last seen {show_time(seen_at)}</div>"
    )


def as_label(name: str) -> str:
    """
    Return a name for a label, in which Streamlit reads Markdown.

    >>> as_label("**anna** [x](y)")
    'anna xy'
    """
    return "".join(letter for letter in name if letter.isalnum() or letter in "@.- ")


def keys(meanings: Mapping[str, str]) -> str:
    """Return what each key does."""
    rows = (
        f"<dt><kbd>{html.escape(key)}</kbd></dt><dd>{escape(meaning)}</dd>"
        for key, meaning in meanings.items()
    )
    return f'<dl class="mod-keys">{"".join(rows)}</dl>'


def bullets(lines: Iterable[str]) -> str:
    """Return lines as a list."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="mod-list">{items}</ul>' if items else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first cell of a row says what it is about."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in others)
        + "</tr>"
        for first, *others in rows
    )
    return f'<table class="mod-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def heading(text: str) -> str:
    """Return the heading of a part of a page."""
    return f'<div class="mod-heading" role="heading" aria-level="2">{escape(text)}</div>'


def shorten(text: str, *, length: int) -> str:
    """
    Return the beginning of a text on one line.

    >>> shorten("one two\\nthree", length=9)
    'one two …'
    """
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def show_time(moment: datetime) -> str:
    """
    Return a time as it is shown everywhere.

    >>> show_time(datetime(2026, 1, 14, 12, 30, tzinfo=UTC))
    '14 Jan 2026 12:30 UTC'
    """
    return f"{moment.astimezone(UTC):%d %b %Y %H:%M} UTC".lstrip("0")


def _facts(comment: Comment) -> Iterator[str]:
    if comment.number is not None:
        yield f"#{comment.number}"
    if comment.author is not None:
        yield f"<b><bdi>{escape(comment.author)}</bdi></b>"
    if comment.created_at is not None:
        yield show_time(comment.created_at)
    if comment.positive_votes is not None:
        yield f"▲ {comment.positive_votes}"
    if comment.negative_votes is not None:
        yield f"▼ {comment.negative_votes}"
    if comment.rating is not None:
        yield f"rating {comment.rating:+d}"
    if comment.highlighted:
        yield "editors' pick"
    if comment.status not in (None, Status.PUBLISHED):
        yield f"<b>{escape(str(comment.status))}</b>"
    if comment.removal_reason is not None:
        yield f"<bdi>{escape(comment.removal_reason)}</bdi>"
