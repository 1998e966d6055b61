"""Labelled comments: labels from captures or tables, duplicates, fingerprint, grouped splits."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from moderation.captures import JoinReport, article_key, is_capture, join_captures
from moderation.comments import Comment, Status, find_root
from moderation.errors import DataError
from moderation.frames import LABEL, TEXT

GROUP = "group"

NOTHING_LABELLED = (
    "no labelled comment with words; expected a table with 'label' or 'status' (or name the "
    "column: --column status=NAME), or two captures of each page"
)
MIN_OF_EACH_CLASS = 20
"""Below it no split leaves enough of both classes to learn from and to measure on."""
MIN_ARTICLES = 10
"""With fewer articles than this, threads rather than articles are kept whole."""
MOST_PARTS = 5
"""A fifth is set aside for measuring, and each of five folds in turn for choosing."""
BALANCED_GROUPS = 2000
"""Up to so many groups, folds are balanced by class too; with more, chance sees to it."""

Indices = np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass
class GatherReport:
    """How a data set came about: what was read, joined, merged and left out."""

    comments: int = 0
    joined: JoinReport = field(default_factory=JoinReport)
    left_out: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    """Copies of a text that were merged into one."""
    contradictions: int = 0
    """Texts that were both removed and kept; the more frequent outcome counts."""
    undecided: int = 0
    """Texts left out because they were removed as often as kept."""

    def lines(self) -> Iterator[str]:
        """Yield what to tell the user."""
        yield from self.joined.lines()
        for cause, number in self.left_out.most_common():
            yield f"not labelled: {number} {cause}"
        if self.duplicates:
            yield f"merged {self.duplicates} copies of the same text"
        if self.contradictions:
            yield (
                f"{self.contradictions} texts were both removed and kept: the more frequent "
                f"outcome counts, and {self.undecided} without one were left out"
            )


@dataclass(frozen=True)
class Dataset:
    """Labelled texts in a data frame with the columns `text`, `label` (0/1) and `group`."""

    frame: pd.DataFrame
    base_rate: float
    """Share of removals before copies were merged: what the site lives with."""
    grouped_by: str = "article"

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def texts(self) -> list[str]:
        return self.frame[TEXT].tolist()

    @property
    def labels(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return self.frame[LABEL].to_numpy(dtype=np.int64)

    @property
    def groups(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Numbers of the articles or threads, which splits keep whole."""
        return pd.factorize(self.frame[GROUP])[0].astype(np.int64)

    @property
    def removed(self) -> int:
        return int(self.labels.sum())

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all rows: the same comments give the same one, however they are stored."""
        digest = hashlib.sha256()
        for text, label, group in self.frame[[TEXT, LABEL, GROUP]].itertuples(index=False):
            digest.update(f"{len(text)}:{label}:{group}:".encode())
            digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def take(self, rows: Indices) -> "Dataset":
        """Return some of the rows."""
        return replace(self, frame=self.frame.iloc[rows].reset_index(drop=True))


@dataclass(frozen=True)
class Split:
    """A part to learn from and a part to measure on."""

    train: Dataset
    test: Dataset


def gather(comments: Iterable[Comment], report: GatherReport) -> Dataset:
    """
    Return the labelled comments among those given.

    Pages are joined with their other captures; of tables, `label` counts, else `status`.
    """
    labelled = pd.DataFrame(
        [_row(comment, thread) for comment, thread in _labelled(comments, report)],
        columns=[TEXT, LABEL, "article", "thread"],
    )
    by_article = labelled["article"].nunique() >= MIN_ARTICLES
    threads = labelled["thread"]
    labelled[GROUP] = labelled["article"].fillna(threads) if by_article else threads
    grouped_by = "article" if by_article else "thread"
    if labelled[GROUP].is_unique:
        grouped_by = "comment"
    base_rate = float(labelled[LABEL].mean()) if len(labelled) else 0.0
    return Dataset(labelled[[TEXT, LABEL, GROUP]], base_rate, grouped_by)


def merge_copies(dataset: Dataset, report: GatherReport) -> Dataset:
    """
    Return each text once, with the outcome that most of its copies had.

    A copy in the part that is measured would be known already from the part that is learnt.
    """
    frame = dataset.frame
    same = frame[TEXT].map(fold)
    outcome = frame[LABEL].groupby(same).transform("mean")
    first = ~same.duplicated()
    report.duplicates += int((~first).sum())
    report.contradictions += int((first & (outcome > 0) & (outcome < 1)).sum())
    report.undecided += int((first & (outcome == 0.5)).sum())
    merged = frame[first & (outcome != 0.5)].copy()
    merged[LABEL] = (outcome[merged.index] > 0.5).astype("int64")
    return replace(dataset, frame=merged.reset_index(drop=True))


def fold(text: str) -> str:
    """
    Return what copies of a text have in common: their words, however they are spaced or cased.

    >>> fold("The  FERRY\\n") == fold("the ferry")
    True
    """
    return " ".join(text.split()).casefold()


def leave_out(dataset: Dataset, texts: Iterable[str]) -> Dataset:
    """Return the rows that are no copies of the texts; the site's base rate stays."""
    folded = {fold(text) for text in texts}
    return dataset.take(np.flatnonzero(~dataset.frame[TEXT].map(fold).isin(folded)))


def find_threads(comments: Sequence[Comment]) -> list[str]:
    """Return for each comment what tells its thread from others, also those of other articles."""
    parents = {_place(c, c.id): c.parent_id and _place(c, c.parent_id) for c in comments}
    return [find_root(_place(comment, comment.id), parents) for comment in comments]


def check_trainable(dataset: Dataset) -> None:
    """
    Refuse data that nothing can be learnt from.

    Raises:
        DataError: no labelled text, one class only, or too few of one.

    """
    removed, kept = dataset.removed, len(dataset) - dataset.removed
    if not len(dataset):
        raise DataError(NOTHING_LABELLED)
    for name, number in (("removed", removed), ("kept", kept)):
        if not number:
            raise DataError(
                f"all {len(dataset)} labelled comments are of one class: none was {name}; "
                "add comments of the other outcome"
            )
        if number < MIN_OF_EACH_CLASS:
            raise DataError(
                f"only {number} of {len(dataset)} labelled comments were {name}; "
                f"expected at least {MIN_OF_EACH_CLASS}: add older ones"
            )


def usable_parts(dataset: Dataset) -> int:
    """Return into how many parts the data can be split with both classes in each, at most 5."""
    labels, groups = dataset.labels, dataset.groups
    return min(MOST_PARTS, *(len(set(groups[labels == outcome])) for outcome in (0, 1)))


def split(dataset: Dataset, *, parts: int, seed: int) -> Split:
    """
    Set one part of several aside for measuring, no group in both.

    Of the parts, the one whose share of removals is most like the whole's: where a few articles
    hold most removals, another would measure at a rate that the site never sees.
    """
    share = dataset.labels.mean()
    learn, measure = min(
        folds(dataset, parts=parts, seed=seed),
        key=lambda rows: abs(dataset.labels[rows[1]].mean() - share),
    )
    return Split(dataset.take(learn), dataset.take(measure))


def folds(dataset: Dataset, *, parts: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """
    Yield (rows to learn from, rows to measure on) for each part: groups whole, both classes in.

    Raises:
        DataError: too few groups hold removals, or keepers, to put some into every part.

    """
    labels, groups = dataset.labels, dataset.groups
    if parts < 2:
        raise DataError(
            f"the comments of one outcome all stand in one {dataset.grouped_by}; expected "
            "several, to learn from some and measure on others: add more articles"
        )
    splitter = (
        StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
        if len(set(groups)) <= BALANCED_GROUPS
        else GroupKFold(parts, shuffle=True, random_state=seed)
    )
    for learn, measure in splitter.split(labels, labels, groups):
        if any(len(set(labels[part])) < 2 for part in (learn, measure)):
            raise DataError(
                f"removals are so uneven over {dataset.grouped_by}s that a part without any "
                "came about; add more data or try another --seed"
            )
        yield learn, measure


def _labelled(comments: Iterable[Comment], report: GatherReport) -> Iterator[tuple[Comment, str]]:
    """Yield labelled comments with the top of their thread."""
    captured: list[Comment] = []
    rows: list[Comment] = []
    for comment in comments:
        report.comments += 1
        (captured if is_capture(comment) and comment.label is None else rows).append(comment)
    labelled = [*rows, *join_captures(captured, report.joined)]
    for comment, thread in zip(labelled, find_threads(labelled), strict=True):
        if (cause := why_unlabelled(comment)) is not None:
            report.left_out[cause] += 1
            continue
        yield comment, thread


def _place(comment: Comment, comment_id: str) -> str:
    """Return an id that is the comment's among those of all articles."""
    return f"{article_key(comment)}/{comment_id}"


def why_unlabelled(comment: Comment) -> str | None:
    """Return what keeps a comment from teaching anything, or None."""
    if comment.label is None and comment.status is None:
        return "without a label or a status"
    if comment.label is None and comment.status not in (Status.PUBLISHED, Status.REMOVED):
        return f"{comment.status}"
    if comment.text is None:
        return "without words"
    return None if comment.text.strip() else "with an empty text"


def outcome_of(comment: Comment) -> int:
    """Return 1 for what was removed, or labelled so, and 0 for what was kept."""
    return int(comment.status is Status.REMOVED if comment.label is None else comment.label)


def _row(comment: Comment, thread: str) -> tuple[str, int, str | None, str]:
    on_article = comment.article_id or comment.article_title
    return (
        str(comment.text),
        outcome_of(comment),
        article_key(comment) if on_article else None,
        thread,
    )
