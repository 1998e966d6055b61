"""Comments as HTML in which nothing a reader wrote is markup; pure."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from moderation.comments import Comment, Status
from moderation.explanations import Contribution

MARKED_WORDS = 8
"""More marks than this say nothing any more."""
FAINTEST = 0.15
"""Contributions to the logit below it are not worth a mark."""

STYLE = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 3rem; }
button:not(:disabled) kbd { opacity: 1; }
@media (max-width: 1000px) {
  .st-key-desk [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
    flex-direction: column; }
  .st-key-desk [data-testid="stColumn"] { width: 100%; min-width: 100%; }
  .st-key-desk [data-testid="stColumn"]:has(.st-key-actions),
  .st-key-desk [data-testid="stVerticalBlock"]:has(> * > .st-key-actions) { display: contents; }
  .st-key-desk :has(> .st-key-actions) { position: sticky; bottom: 0; z-index: 2;
    background: #fbfaf8; border-top: 1px solid #d6d3cd; padding: .6rem 0; }
}
.mod-comment { border: 1px solid #d6d3cd; border-radius: 10px; padding: .9rem 1.1rem;
  background: #fff; margin: 0 0 .6rem 0; }
.mod-comment.around { background: transparent; border-style: dashed; padding: .55rem .9rem; }
.mod-comment.around .mod-text { font-size: .95rem; color: #4b5563; max-height: 9rem; }
.mod-comment.focus { border-left: 6px solid #0f766e; box-shadow: 0 1px 6px rgb(0 0 0 / 8%); }
.mod-head { font-size: .88rem; color: #57534e; margin-bottom: .35rem; display: flex;
  gap: .1rem .9rem; flex-wrap: wrap; }
.mod-head > * { overflow-wrap: anywhere; }
.mod-head b { color: #1f2937; }
.mod-text { font-size: 1.12rem; line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: isolate; color: #1f2937; max-height: 26rem; overflow-y: auto; }
.mod-text mark { color: inherit; border-radius: 3px; padding: 0 .1em;
  border-bottom: 2px solid #c2410c; }
.mod-unseen { unicode-bidi: isolate; }
.mod-unseen::before { content: attr(title); font-size: .72em; color: #57534e;
  border: 1px dotted #78716c; border-radius: 3px; padding: 0 .2em; margin: 0 .1em; }
.mod-gone { font-style: italic; color: #57534e; }
.mod-title { font-size: 1.25rem; font-weight: 600; color: #1f2937; overflow-wrap: anywhere;
  margin-bottom: .6rem; }
.mod-quiet { font-size: .9rem; color: #57534e; overflow-wrap: anywhere; }
.mod-list { font-size: .92rem; color: #1f2937; margin: 0; padding-left: 1.1rem;
  overflow-wrap: anywhere; white-space: pre-line; }
.mod-list li { margin-bottom: .4rem; }
.mod-notice { border-radius: 8px; padding: .7rem 1rem; color: #1f2937; background: #fff7ed;
  border: 1px solid #fdba74; overflow-wrap: anywhere; }
.mod-notice.error { background: #fef2f2; border-color: #fca5a5; }
.mod-notice.done { background: #f0fdfa; border-color: #5eead4; }
</style>
"""

# Characters that are not seen and change what is: embeddings, overrides and isolates of the
# writing direction, spaces without width. Joiners are left alone: emoji and Persian need them.
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff]")


def escape(text: str) -> str:
    """
    Return text as HTML that shows it as it is, what cannot be seen of it by its code point.

    >>> escape("<b>")
    '&lt;b&gt;'
    """
    return _UNSEEN.sub(
        lambda unseen: (
            f'<span class="mod-unseen" title="U+{ord(unseen[0]):04X}">{unseen[0]}</span>'
        ),
        html.escape(text.encode("utf-8", "replace").decode("utf-8")),
    )


def comment_card(comment: Comment, *, role: str, contributions: Sequence[Contribution] = ()) -> str:
    """Return a comment as a card; `role` is "focus" or "around"."""
    body = '<div class="mod-text mod-gone">Its words are not known.</div>'
    if comment.text is not None:
        body = f'<div class="mod-text" dir="auto">{mark_words(comment.text, contributions)}</div>'
    head = "".join(f"<span>{fact}</span>" for fact in _facts(comment))
    return (
        f'<div class="mod-comment {role}" data-comment="{html.escape(comment.id)}">'
        f'<div class="mod-head">{head}</div>{body}</div>'
    )


def mark_words(text: str, contributions: Sequence[Contribution]) -> str:
    """
    Return the text with the words that raised its score marked, the strongest most.

    >>> mark_words("a <b> c", [Contribution(2, 5, 1.0)])
    'a <mark style="background:rgb(251 146 60 / 55%)" title="+1.00">&lt;b&gt;</mark> c'
    """
    raising = sorted((c for c in contributions if c.value >= FAINTEST), key=lambda c: -c.value)
    chosen = sorted(raising[:MARKED_WORDS], key=lambda c: c.begin)
    strongest = max((part.value for part in chosen), default=1.0)
    pieces, at = [], 0
    for part in chosen:
        shade = round(55 * part.value / strongest)
        pieces.append(escape(text[at : part.begin]))
        read_as = f", read as {html.escape(part.plain)}" if part.plain else ""
        pieces.append(
            f'<mark style="background:rgb(251 146 60 / {shade}%)" '
            f'title="{part.value:+.2f}{read_as}">{escape(text[part.begin : part.end])}</mark>'
        )
        at = part.end
    return "".join(pieces) + escape(text[at:])


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


def bullets(lines: Iterable[str]) -> str:
    """Return lines as a list."""
    return f'<ul class="mod-list">{"".join(f"<li>{escape(line)}</li>" for line in lines)}</ul>'


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
