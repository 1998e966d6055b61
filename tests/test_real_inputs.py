"""The real pages and corpora beside the repository, of which nothing is copied here."""

import gzip
import io
import re
from collections import Counter
from pathlib import Path

import pytest

from moderation.comments import Comment, Status
from moderation.parse import main
from moderation.parsers import Reading, read_comments

SEEDS = {"000": 0, "001": 0, "002": 20, "003": 0, "004": 0}
ENDINGS = ["txt", "csv", "html", "jsonl", ""]
ROW = re.compile(r"^\| `(\w+)\.csv\.gz` \| (\d+) \| ([\d.]+|–) \|", re.M)


def seed(folder: Path, number: str) -> Path:
    [path] = folder.glob(f"{number}_*.txt")
    return path


@pytest.fixture
def thread(seeds: Path) -> list[Comment]:
    return list(read_comments(seed(seeds, "002")))


@pytest.mark.parametrize(("number", "count"), SEEDS.items())
def test_the_seeds_have_as_many_comments_as_a_person_counts(number, count, seeds, capsys):
    assert main([str(seed(seeds, number))]) == 0
    output, errors = capsys.readouterr()
    assert output.count("\n") == count
    assert ("no comments found" in errors) is (count == 0)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("number", [number for number, count in SEEDS.items() if not count])
def test_an_article_has_no_comments_whatever_its_file_is_called(number, ending, seeds, tmp_path):
    """Named as a table it is refused; it never yields any."""
    path = tmp_path / f"page.{ending}"
    path.write_bytes(seed(seeds, number).read_bytes())
    assert main([str(path), "-o", str(tmp_path / "out.jsonl")]) == (ending == "csv")
    assert not (tmp_path / "out.jsonl").exists() or not (tmp_path / "out.jsonl").read_bytes()


def test_the_thread_is_numbered_37_to_18_in_page_order(thread):
    assert [comment.number for comment in thread] == list(range(37, 17, -1))
    assert [comment.id for comment in thread] == [str(n) for n in range(37, 17, -1)]


def test_number_30_is_removed_without_words_and_with_its_reason(thread):
    removed = [comment for comment in thread if comment.status is not Status.PUBLISHED]
    assert [(c.number, c.text, c.status) for c in removed] == [(30, None, Status.REMOVED)]
    assert removed[0].removal_reason == (
        "This comment was removed because the moderators found it broke the house rules."
    )


def test_no_rating_is_shown_and_none_is_read(thread):
    shown = {(c.rating, c.positive_votes, c.negative_votes) for c in thread}
    assert shown == {(None, None, None)}


def test_number_18_answers_number_16(thread):
    assert [(c.number, c.parent_id) for c in thread if c.parent_id] == [(18, "16")]


def test_paragraphs_and_lines_are_kept(thread):
    """As often as the page leaves a line free within a comment, counted by hand."""
    paragraphs = {c.number: c.text.count("\n\n") + 1 for c in thread if c.text}
    assert {n: count for n, count in paragraphs.items() if count > 1} == {
        **{37: 3, 35: 2, 29: 2, 27: 3, 23: 3, 22: 2},
    }
    lines = {c.number: len(c.text.split("\n")) for c in thread if c.text}
    assert (lines[37], lines[34], lines[31], lines[21]) == (6, 2, 3, 2)


def test_no_furniture_of_the_page_is_inside_a_comment(thread):
    furniture = re.compile(
        r"rate this|comment number|page \d|more asia|bbc ©|content of external sites|"
        r"up-to-date web browser|jump to|house rules|explain\.|•|^\s|\s$|[^\S\n]{2}",
        re.IGNORECASE,
    )
    assert [c.number for c in thread if c.text and furniture.search(c.text)] == []


def test_the_page_says_that_it_is_not_the_whole_thread(seeds):
    reading: Reading = read_comments(seed(seeds, "002"), format="bbc")
    headline = seed(seeds, "002").read_text(encoding="utf-8").split("\n")[0]
    assert {comment.article_title for comment in reading} == {headline}
    assert (reading.notes.page, reading.notes.pages) == (1, 2)
    assert "page 1 of 2, not the whole discussion" in reading.summary()
    assert not reading.notes.left_out


@pytest.mark.parametrize("change", ["crlf", "flush", "utf-16", "packed"])
def test_the_thread_reads_the_same_saved_in_other_ways(change, thread, seeds, tmp_path):
    text = seed(seeds, "002").read_text(encoding="utf-8")
    flush = "\n".join(line.strip() for line in text.split("\n"))
    content = {
        "crlf": text.replace("\n", "\r\n").encode(),
        "flush": flush.encode(),
        "utf-16": text.encode("utf-16"),
        "packed": gzip.compress(text.encode()),
    }[change]
    assert list(read_comments(io.BytesIO(content))) == thread


@pytest.mark.corpora
def test_every_corpus_reads_as_it_is(corpora):
    """Rows and share of positives are those of the README beside them."""
    told = {
        name: (int(rows), None if share == "–" else float(share))
        for name, rows, share in ROW.findall((corpora / "README.md").read_text(encoding="utf-8"))
    }
    found = {}
    for path in sorted(corpora.glob("*.csv.gz")):
        reading = read_comments(path)
        labels = Counter(comment.label for comment in reading)
        assert not reading.notes.left_out
        assert reading.with_text == reading.count
        share = None if labels[None] else round(labels[1] / reading.count, 3)
        found[path.name.removesuffix(".csv.gz")] = (reading.count, share)
    assert found == told


@pytest.mark.corpora
def test_the_german_newspaper_has_removals_votes_times_and_threads(corpora):
    comments = list(read_comments(corpora / "standard_de.csv.gz"))
    ids = {comment.id for comment in comments}
    assert all((c.status is Status.REMOVED) == (c.label == 1) for c in comments)
    assert all(c.created_at and c.author and c.article_id for c in comments)
    assert all(c.positive_votes is not None and c.negative_votes is not None for c in comments)
    assert sum(c.parent_id in ids for c in comments) > 2000
    assert all("headline" in c.extra for c in comments)
