"""Labels, copies, refusals and splits."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from moderation.comments import Comment, Status
from moderation.datasets import (
    Dataset,
    GatherReport,
    check_trainable,
    folds,
    gather,
    leave_out,
    merge_copies,
    split,
    usable_parts,
)
from moderation.errors import DataError
from tests.samples import labelled_comments

REMOVED, PUBLISHED = Status.REMOVED, Status.PUBLISHED


def row(number, text="a ferry", status=PUBLISHED, **fields):
    return Comment(str(number), text, "csv", status, **fields)


@pytest.mark.parametrize(
    ("comment", "label"),
    [
        (row(1), 0),
        (row(1, status=REMOVED), 1),
        (row(1, status=REMOVED, label=0), 0),
        (row(1, label=1), 1),
        (row(1, status=Status.PENDING, label=1), 1),
    ],
)
def test_a_label_counts_before_the_status(comment, label):
    assert gather([comment], GatherReport()).labels.tolist() == [label]


@pytest.mark.parametrize(
    ("comment", "cause"),
    [
        (row(1, status=Status.PENDING), "pending"),
        (row(1, status=Status.WITHDRAWN), "withdrawn"),
        (row(1, text=None, status=REMOVED), "without words"),
        (row(1, text=" \n"), "with an empty text"),
    ],
)
def test_what_has_no_label_is_left_out_and_counted(comment, cause):
    report = GatherReport()
    assert len(gather([comment], report)) == 0
    assert report.left_out == {cause: 1}


def test_two_captures_label_a_comment_with_its_earlier_words():
    early = datetime(2026, 1, 1, tzinfo=UTC)
    seen = replace(row(1), source="bbc_module", article_id="a", captured_at=early)
    gone = replace(seen, text=None, status=REMOVED, captured_at=early.replace(day=4))
    report = GatherReport()
    dataset = gather([gone, seen], report)
    assert (dataset.texts, dataset.labels.tolist(), report.joined.removed) == (["a ferry"], [1], 1)


def test_copies_become_one_text_with_the_outcome_most_of_them_had():
    texts = [("Same  words", 1), ("same words", 1), ("same words ", 0), ("tie", 1), ("tie", 0)]
    comments = [row(n, text, label=label) for n, (text, label) in enumerate(texts)]
    report = GatherReport()
    merged = merge_copies(gather(comments, report), report)
    assert (merged.texts, merged.labels.tolist()) == (["Same  words"], [1])
    assert (report.duplicates, report.contradictions, report.undecided) == (3, 2, 1)


def test_the_base_rate_counts_copies():
    """A site lives with every copy of its spam; only learning needs each text once."""
    comments = [row(n, "buy now", REMOVED) for n in range(9)] + [row(10, "the ferry")]
    report = GatherReport()
    merged = merge_copies(gather(comments, report), report)
    assert (len(merged), merged.base_rate) == (2, 0.9)


@pytest.mark.parametrize(
    ("removed", "kept", "message"),
    [
        (0, 0, "no labelled comment with words"),
        (0, 50, "all 50 .* one class: none was removed"),
        (50, 0, "all 50 .* one class: none was kept"),
        (7, 50, "only 7 of 57 .* were removed; expected at least 20"),
        (50, 19, "only 19 of 69 .* were kept; expected at least 20"),
    ],
)
def test_data_that_teach_nothing_are_refused_in_words(removed, kept, message):
    dataset = gather(labelled_comments(removed=removed, kept=kept), GatherReport())
    with pytest.raises(DataError, match=message):
        check_trainable(dataset)


def test_no_article_stands_on_both_sides_of_the_split():
    dataset = gather(labelled_comments(), GatherReport())
    parts = split(dataset, parts=5, seed=3)
    learned, measured = (set(part.frame["group"]) for part in (parts.train, parts.test))
    assert dataset.grouped_by == "article"
    assert not learned & measured
    assert len(parts.train) + len(parts.test) == len(dataset)


def test_without_articles_a_thread_is_kept_whole():
    """Replies quote what they answer: apart, they would tell on each other."""
    tops = [row(n, f"top {n}", label=n % 2) for n in range(40)]
    replies = [row(f"r{n}", f"reply {n}", parent_id=str(n), label=n % 2) for n in range(40)]
    dataset = gather([*tops, *replies], GatherReport())
    assert dataset.grouped_by == "thread"
    assert dataset.groups[:40].tolist() == dataset.groups[40:].tolist()


def test_folds_cover_every_row_once_and_are_seeded():
    dataset = gather(labelled_comments(), GatherReport())
    measured = [part for _, part in folds(dataset, parts=5, seed=1)]
    again = [part for _, part in folds(dataset, parts=5, seed=1)]
    other = [part for _, part in folds(dataset, parts=5, seed=2)]
    assert sorted(np.concatenate(measured)) == list(range(len(dataset)))
    assert all((a == b).all() for a, b in zip(measured, again, strict=True))
    assert any(a.tolist() != b.tolist() for a, b in zip(measured, other, strict=True))


def test_many_groups_are_split_quickly_and_evenly():
    dataset = gather(labelled_comments(removed=3000, kept=9000, articles=12000), GatherReport())
    shares = [dataset.labels[part].mean() for _, part in folds(dataset, parts=5, seed=0)]
    assert dataset.grouped_by == "comment"
    assert max(shares) - min(shares) < 0.05


def test_fewer_articles_with_removals_mean_fewer_parts_and_one_is_refused():
    few = [row(n, f"t {n}", article_id=str(n % 12), label=int(n % 12 < 3)) for n in range(240)]
    assert usable_parts(gather(few, GatherReport())) == 3
    one = [row(n, f"t {n}", article_id=str(n % 12), label=int(n % 12 < 1)) for n in range(240)]
    dataset = gather(one, GatherReport())
    with pytest.raises(DataError, match="all stand in one article"):
        split(dataset, parts=usable_parts(dataset), seed=0)


def test_the_fingerprint_changes_with_any_text_label_or_group():
    base = [row(1, "one", article_id="a", label=0)]
    prints = {
        gather([changed], GatherReport()).fingerprint
        for changed in (
            base[0],
            replace(base[0], text="two"),
            replace(base[0], label=1),
            replace(base[0], article_id="b", id="2"),
        )
    }
    assert len(prints) == 4
    assert gather(base, GatherReport()).fingerprint in prints


def test_the_part_set_aside_has_a_share_of_removals_like_the_whole():
    """Three articles hold most removals here, as in real archives: parts differ widely."""
    sizes = [(60, 40), (50, 30), (40, 20), *[(20, 1)] * 12]
    comments = [
        row(f"{page}-{n}", f"text {page} {n}", article_id=str(page), label=int(n < removed))
        for page, (size, removed) in enumerate(sizes)
        for n in range(size)
    ]
    dataset = gather(comments, GatherReport())
    shares = [dataset.labels[part].mean() for _, part in folds(dataset, parts=5, seed=0)]
    chosen = split(dataset, parts=5, seed=0).test.labels.mean()
    overall = dataset.labels.mean()
    assert abs(chosen - overall) == min(abs(share - overall) for share in shares)
    assert max(shares) - min(shares) > 0.2


def test_a_table_without_labels_teaches_nothing_and_is_counted():
    """Read as kept, one forgotten file would cancel what the removals teach."""
    known = list(labelled_comments())
    silent = [row(f"s{n}", str(comment.text), None) for n, comment in enumerate(known)]
    report = GatherReport()
    dataset = gather([*known, *silent], report)
    assert (len(dataset), dataset.removed) == (200, 60)
    assert report.left_out == {"without a label or a status": 200}


def test_copies_of_what_is_left_out_go_too_and_the_base_rate_stays():
    frame = pd.DataFrame({"text": ["a", "B  c", "d"], "label": [1, 0, 0], "group": ["x"] * 3})
    left = leave_out(Dataset(frame, 0.02), ["b C", "e"])
    assert left.texts == ["a", "d"]
    assert left.base_rate == 0.02
