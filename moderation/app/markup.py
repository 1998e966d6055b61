"""Comments as HTML in which nothing a reader wrote is markup; pure."""

import html
from collections.abc import Iterable, Sequence
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
@media (max-width: 1000px) {
  .st-key-desk [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
    flex-direction: column; }
  .st-key-desk [data-testid="stColumn"] { width: 100%; min-width: 100%; }
}
.mod-comment { border: 1px solid #d6d3cd; border-radius: 10px; padding: .9rem 1.1rem;
  background: #fff; margin: 0 0 .6rem 0; }
.mod-comment.around { background: transparent; border-style: dashed; padding: .55rem .9rem; }
.mod-comment.around .mod-text { font-size: .95rem; color: #4b5563; }
.mod-comment.focus { border-left: 6px solid #0f766e; box-shadow: 0 1px 6px rgb(0 0 0 / 8%); }
.mod-head { font-size: .88rem; color: #57534e; margin-bottom: .35rem; display: flex; gap: .9rem;
  flex-wrap: wrap; }
.mod-head b { color: #1f2937; }
.mod-text { font-size: 1.12rem; line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: isolate; color: #1f2937; max-height: 26rem; overflow-y: auto; }
.mod-text mark { color: inherit; border-radius: 3px; padding: 0 .1em;
  border-bottom: 2px solid #c2410c; }
.mod-gone { font-style: italic; color: #57534e; }
.mod-title { font-size: 1.25rem; font-weight: 600; color: #1f2937; overflow-wrap: anywhere; }
.mod-quiet { font-size: .9rem; color: #57534e; overflow-wrap: anywhere; }
.mod-list { font-size: .92rem; color: #1f2937; margin: 0; padding-left: 1.1rem; }
</style>
"""


def comment_card(comment: Comment, *, role: str, contributions: Sequence[Contribution] = ()) -> str:
    """Return a comment as a card; `role` is "focus" or "around"."""
    body = '<div class="mod-text mod-gone">Removed; its words are not known.</div>'
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
        pieces.append(html.escape(text[at : part.begin]))
        pieces.append(
            f'<mark style="background:rgb(251 146 60 / {shade}%)" title="{part.value:+.2f}">'
            f"{html.escape(text[part.begin : part.end])}</mark>"
        )
        at = part.end
    return "".join(pieces) + html.escape(text[at:])


def title_line(comment: Comment) -> str:
    """Return the article a comment stands under."""
    title = comment.article_title or comment.article_id or "An article without a title"
    return f'<div class="mod-title">{html.escape(title)}</div>'


def quiet(text: str) -> str:
    """Return a remark."""
    return f'<div class="mod-quiet">{html.escape(text)}</div>'


def bullets(lines: Iterable[str]) -> str:
    """Return lines as a list."""
    return f'<ul class="mod-list">{"".join(f"<li>{html.escape(line)}</li>" for line in lines)}</ul>'


def show_time(moment: datetime) -> str:
    """
    Return a time as it is shown everywhere.

    >>> show_time(datetime(2026, 1, 14, 12, 30, tzinfo=UTC))
    '14 Jan 2026 12:30 UTC'
    """
    return f"{moment.astimezone(UTC):%d %b %Y %H:%M} UTC".lstrip("0")


def escape_markdown(text: str) -> str:
    r"""
    Return text that Streamlit's Markdown shows as it is.

    >>> escape_markdown("a_b *c*")
    'a\\_b \\*c\\*'
    """
    return "".join(f"\\{char}" if char in r"\`*_{}[]()<>#+-.!|~$:&" else char for char in text)


def _facts(comment: Comment) -> Iterable[str]:
    if comment.number is not None:
        yield f"#{comment.number}"
    if comment.author is not None:
        yield f"<b>{html.escape(comment.author)}</b>"
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
    if comment.status is not Status.PUBLISHED:
        yield f"<b>{html.escape(str(comment.status))}</b>"
    if comment.removal_reason is not None:
        yield html.escape(comment.removal_reason)
