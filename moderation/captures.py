"""Joins captures of a page: words and votes from the earlier one, removals from the later one."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from moderation.comments import Comment, Status

# What readers see, on pages or by the interfaces that fill them: a removed comment is there without
# its words, and a published one says nothing yet. Exports carry words and outcome in one row.
PAGE_SOURCES = frozenset(
    {
        *("bbc_dna", "bbc_dna_text", "bbc_module", "bbc_text", "bbc_api", "bbc_containers"),
        *("guardian", "schema_org"),
    }
)


@dataclass
class JoinReport:
    """What became of the comments of several captures; each cause is a number of comments."""

    articles: int = 0
    captures: int = 0
    removed: int = 0
    """Seen with words, then removed: labelled."""
    kept: int = 0
    """Seen with words, and published still in the last capture: labelled."""
    untimed: int = 0
    """Articles with several captures of which one does not tell its time."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Comments without a label, by cause."""
    edited: int = 0
    """Labelled comments whose words changed before the outcome was seen."""
    restored: int = 0
    """Kept comments that an earlier capture showed as removed."""

    def lines(self) -> Iterator[str]:
        """Yield what to tell the user."""
        if not self.articles:
            return
        yield (
            f"joined {self.captures} captures of {self.articles} articles: "
            f"{self.removed} comments removed and {self.kept} kept"
        )
        if self.edited or self.restored:
            yield f"of these, {self.edited} edited and {self.restored} restored in between"
        if self.untimed:
            yield (
                f"articles of which captures tell no time, taken in the order given: "
                f"{self.untimed}; put the time into the files' names"
            )
        for cause, number in self.left_out.most_common():
            yield f"not labelled: {number} {cause}"


def is_capture(comment: Comment) -> bool:
    """Tell whether a comment comes from a page, whose outcome only a later capture tells."""
    return comment.source in PAGE_SOURCES


def join_captures(comments: Iterable[Comment], report: JoinReport) -> Iterator[Comment]:
    """
    Yield one labelled comment for each that was seen with words and again later.

    Words and votes are those of the last capture with words before the outcome was seen: both
    classes are taken as they stood at an earlier moment, so that votes do not tell the outcome.
    `status`, `removal_reason` and `label` are those of the outcome.

    Captures are of one page when they have the article's address, or else its title, in common;
    a comment is the same by its id, or by its number where one capture shows no ids. Captures
    without a time keep the order in which they come.
    """
    for captures in _by_article(comments).values():
        report.articles += 1
        report.captures += len(captures)
        report.untimed += len(captures) > 1 and any(not c.captured_at for c in captures)
        for seen in _histories(captures):
            if (labelled := _label(seen, report)) is not None:
                yield labelled


def latest_states(comments: Iterable[Comment]) -> Iterator[Comment]:
    """
    Yield each comment once, as last seen, with the last words of it that are known.

    Comments of pages have the label that their captures tell, if any; those joined already, and
    the rows of tables, keep theirs.
    """
    pages: list[Comment] = []
    rows: list[Comment] = []
    for comment in comments:
        (pages if is_capture(comment) and comment.label is None else rows).append(comment)
    yield from rows
    for captures in _by_article(pages).values():
        for seen in _histories(captures):
            known = [comment.text for comment in seen if comment.text is not None]
            labelled = _label(seen, JoinReport())
            yield replace(
                seen[-1],
                text=known[-1] if known else None,
                label=labelled.label if labelled else None,
            )


def article_key(comment: Comment) -> str:
    """Return what tells a comment's article from others: its address, else its title."""
    return comment.article_id or f"title:{comment.article_title or ''}"


@dataclass
class _Capture:
    captured_at: datetime | None
    comments: dict[str, Comment] = field(default_factory=dict)

    def agrees_with(self, other: "_Capture") -> bool:
        """Tell whether what both show of the same comments is the same."""
        return all(
            (comment.status, comment.text) == (again.status, again.text)
            for same, comment in self.comments.items()
            if (again := other.comments.get(same)) is not None
        )


def _by_article(comments: Iterable[Comment]) -> dict[str, list[_Capture]]:
    """Group comments by article, then by capture, captures in order of time."""
    addresses = _title_addresses(comments := list(comments))
    articles: dict[str, list[Comment]] = {}
    for comment in comments:
        if (address := addresses.get(article_key(comment))) is not None:
            comment = replace(comment, article_id=address)
        articles.setdefault(article_key(comment), []).append(comment)
    return {key: _captures(_with_ids(found)) for key, found in articles.items()}


def _captures(comments: Iterable[Comment]) -> list[_Capture]:
    """Return captures in order of time, those without one last; a page given twice is one."""
    by_time: dict[datetime | None, list[_Capture]] = {}
    for comment in comments:
        pages = by_time.setdefault(comment.captured_at, [_Capture(comment.captured_at)])
        if comment.id in pages[-1].comments:  # seen again: another page begins
            pages.append(_Capture(comment.captured_at))
        pages[-1].comments[comment.id] = comment
    latest = datetime.max.replace(tzinfo=UTC)
    ordered: list[_Capture] = []
    for moment in sorted(by_time, key=lambda moment: moment or latest):
        page, *others = by_time[moment]
        ordered.append(page)
        for other in others:
            if moment is not None and other.agrees_with(page):
                page.comments.update(other.comments)
            else:
                page = other
                ordered.append(page)
    return ordered


def _title_addresses(comments: list[Comment]) -> dict[str, str]:
    """Map the key of a title to the address that another capture of the article tells."""
    known: dict[str, set[str]] = {}
    for comment in comments:
        if comment.article_id and comment.article_title:
            known.setdefault(f"title:{comment.article_title}", set()).add(comment.article_id)
    return {title: addresses.pop() for title, addresses in known.items() if len(addresses) == 1}


def _with_ids(comments: list[Comment]) -> Iterator[Comment]:
    """Yield comments of pages that show numbers only with the ids that another capture tells."""
    ids = {
        str(comment.number): comment.id
        for comment in comments
        if comment.number is not None and comment.id != str(comment.number)
    }
    for comment in comments:
        if comment.number is not None and comment.id == str(comment.number):
            parent = comment.parent_id
            yield replace(
                comment,
                id=ids.get(comment.id, comment.id),
                parent_id=parent and ids.get(parent, parent),
            )
        else:
            yield comment


def _histories(captures: list[_Capture]) -> list[list[Comment]]:
    """Return what was seen of each comment, earliest first, in the order of first appearance."""
    seen: dict[str, list[Comment]] = {}
    for capture in captures:
        for same, comment in capture.comments.items():
            seen.setdefault(same, []).append(comment)
    return list(seen.values())


def _label(seen: list[Comment], report: JoinReport) -> Comment | None:
    ending = _find_ending(seen)
    outcome = seen[ending]
    earlier = [comment for comment in seen[:ending] if comment.text is not None]
    if outcome.status not in (Status.PUBLISHED, Status.REMOVED):
        report.left_out[f"{outcome.status} when last seen"] += 1
    elif earlier:
        return _joined(earlier[-1], outcome, seen, report)
    elif outcome.status is Status.REMOVED:
        report.left_out["removed before their words were captured"] += 1
    elif len(seen) == 1:
        report.left_out["seen in one capture only: what became of them is not known"] += 1
    else:
        report.left_out["seen with words in the last capture only"] += 1
    return None


def _find_ending(seen: list[Comment]) -> int:
    """Return which capture shows the outcome: the first of a lasting removal, else the last."""
    ending = len(seen) - 1
    if seen[ending].status is Status.REMOVED:
        while ending and seen[ending - 1].status is Status.REMOVED:
            ending -= 1
    return ending


def _joined(words: Comment, outcome: Comment, seen: list[Comment], report: JoinReport) -> Comment:
    was_removed = outcome.status is Status.REMOVED
    report.removed += was_removed
    report.kept += not was_removed
    report.edited += any(other.text not in (None, words.text) for other in seen)
    report.restored += not was_removed and any(c.status is Status.REMOVED for c in seen)
    return replace(
        words,
        status=outcome.status,
        removal_reason=outcome.removal_reason,
        label=int(was_removed),
    )
