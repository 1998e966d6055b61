"""`python -m moderation.parse`: what it prints, writes, refuses and leaves behind."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moderation.parse import main
from moderation.parsers import read_comments
from moderation.parsers.pages import TAKEN_FOR_ARTICLE
from tests.packing import Warc, make_tar, make_zip

SECRET = "zanzibar"
TABLE = f"id,text,label,topic\n1,{SECRET} one,0,ferries\n2,{SECRET} two,1,bridges\n"
PAGES = Path(__file__).parent / "pages"
COMMAND = [sys.executable, "-m", "moderation.parse"]
ITEM = '<li class="cmt-normal" id="comment_{0}"><h3>Comment number {0}.</h3><p class="cmt-text">'


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"id": ["1", "2"], "text": [f"{SECRET} one", "two"]}), stream)
    return stream.getvalue()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "comments.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    return status, *capsys.readouterr()


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.split("\n") if line]


def test_comments_go_to_standard_output_and_what_was_found_to_standard_error(table, capsys):
    status, output, errors = run(capsys, table)
    assert status == 0
    assert [row["text"] for row in rows(output)] == [f"{SECRET} one", f"{SECRET} two"]
    assert errors == f"{table}: csv, 2 comments, 1 labelled 1 and 1 labelled 0\n"


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz", "jsonl", "jsonl.gz"])
def test_a_file_is_written_by_its_ending(ending, table, tmp_path, capsys):
    output = tmp_path / f"out.{ending}"
    assert run(capsys, table, "-o", output)[:2] == (0, "")
    written = list(read_comments(output))
    assert [c.text for c in written] == [f"{SECRET} one", f"{SECRET} two"]
    assert [(c.label, c.extra["topic"]) for c in written] == [(0, "ferries"), (1, "bridges")]


def test_several_inputs_become_one_table_with_the_columns_of_the_first(table, tmp_path, capsys):
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "three", "mood": "glad", "topic": "bread"}\n', encoding="utf-8")
    empty = tmp_path / "page.txt"
    empty.write_text("A page without comments.", encoding="utf-8")
    status, output, errors = run(capsys, empty, table, other)
    assert [(row["source"], row["topic"]) for row in rows(output)][1:] == [
        ("csv", "bridges"),
        ("jsonl", "bread"),
    ]
    assert errors.splitlines() == [
        f"{empty}: page_without_comments, no comments found; {TAKEN_FOR_ARTICLE}",
        f"{table}: csv, 2 comments, 1 labelled 1 and 1 labelled 0",
        f"{other}: the first table lacks, so not written: mood",
        f"{other}: jsonl, 1 comment",
    ]
    assert status == 0


def test_what_a_page_says_of_itself_is_said(capsys):
    page = PAGES / "bbc_text" / "unindented.txt"
    _, output, errors = run(capsys, page)
    facts = "bbc_text, 3 comments, 1 removed; page 1 of 2, not the whole discussion"
    assert errors == f"{page}: {facts}\n"
    assert len(rows(output)) == 3
    answer = PAGES / "bbc_module" / "answer.json"
    assert "; 2 of the article's 35" in run(capsys, answer)[2]


def test_options_say_what_the_input_does_not(tmp_path, capsys):
    path = tmp_path / "comments"
    path.write_bytes("nr;Volltext;weg\n1;Grüße;1\n".encode("cp1252"))
    status, output, _ = run(
        *(capsys, path, "--format", "csv", "--encoding", "cp1252", "--article", "ferry"),
        *("--column", "text=Volltext", "--column", "label=weg", "--column", "id=nr"),
        *("--captured-at", "2026-01-14T12:30"),
    )
    [row] = rows(output)
    assert (status, row["id"], row["text"], row["label"]) == (0, "1", "Grüße", 1)
    assert (row["article_id"], row["captured_at"]) == ("ferry", "2026-01-14T12:30:00Z")


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["x.csv", "--format", "nonsense"], ["x.csv", "--column", "text"]),
        *(["x.csv", "--column", "=a"], ["x.csv", "--captured-at", "noon"], ["--nonsense"]),
    ],
)
def test_bad_usage_is_exit_status_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err.startswith("usage: python -m moderation.parse")


REFUSED = {
    "empty.csv": (b"", "the file is empty"),
    "blank.txt": (b" \n\t\n", "the file is empty"),
    "empty.csv.gz": (gzip.compress(b""), "the file is empty"),
    "image.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01", "binary data"),
    "cut.csv.gz": (gzip.compress(TABLE.encode())[:-9], "is cut off"),
    "damaged.csv.gz": (gzip.compress(TABLE.encode())[:-8] + b"\0" * 8, "damaged gzip"),
    "no_text.csv": (TABLE.replace("text", "words").encode(), "no text column among"),
    "headless.csv": (f"{SECRET} is far away,and so,am I\n".encode() * 3, "no text column"),
    "twice.csv": (TABLE.replace("topic", "text").encode(), "two columns are called 'text'"),
    "open.csv": ((TABLE + f'3,"{SECRET},0,\n').encode(), "is a quotation mark left open?"),
    "label.csv": (f"text,label\na,1\n{SECRET},{SECRET} x\n".encode(), "row 2: the label is of"),
    "status.csv": (f"text,status\na,{SECRET} was here\n".encode(), "row 1: the status of"),
    "late.csv": (b"text,label\n" + b"words,1\n" * 3000 + b"words,7\n", "row 3001: the label"),
    "cut.parquet": (parquet()[:-20], "damaged or incomplete Parquet"),
    "malformed.jsonl": (f'{{"text": "{SECRET}"\n'.encode(), "line 1: malformed JSON"),
    "array.json": (f'[{{"text": "{SECRET}"}}]'.encode(), "a JSON array"),
    "settings.json": (f'{{"name": "a", "message": "{SECRET}"}}'.encode(), "no text column"),
    "encoding.csv": (b"text\n" + b"words " * 20_000 + b"\n\xe9t\xe9\n", "does not belong to utf-8"),
    "damaged.html": (f"{SECRET} ünïcödé".encode()[:-1], "repair it, or say which encoding"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("ending", ["csv", "jsonl.gz", "parquet"])
def test_a_refusal_is_one_line_and_leaves_nothing(name, ending, tmp_path, capfd):
    """No output, no temporary file, and not a word of the comments."""
    content, message = REFUSED[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    path = tmp_path / "in" / name
    path.write_bytes(content)
    assert main([str(path), "-o", str(tmp_path / "out" / f"out.{ending}")]) == 1
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    assert errors.startswith(f"parse: {path}: ")
    assert message in errors
    assert SECRET not in errors
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv"], "missing.csv: no such file"),
        (["empty"], "empty: a folder without pages or tables"),
        (["comments.csv", "--encoding", "hex"], "no encoding is called 'hex'"),
        (["comments.csv", "--column", "words=x"], "no field is called 'words'"),
        (["comments.csv", "--column", "text=x"], "no column 'x' in comments.csv; it has 'id'"),
        (["comments.csv", "--format", "jsonl"], "line 1: malformed JSON"),
        (["comments.csv", "--format", "parquet"], "damaged or incomplete Parquet"),
        (["comments.csv", "--format", "bbc"], "no page of the bbc formats is recognised in it"),
        (["comments.csv", "--format", "bbc_module_json"], "breaks off or is malformed"),
        (["comments.csv", "missing.csv"], "missing.csv: no such file"),
        (["comments.csv", "-o", "out.txt"], "out.txt: unknown ending; expected one of .parquet"),
        (["comments.csv", "--join", "-o", "out.txt"], "out.txt: unknown ending"),
        (
            ["comments.csv", "-o", "missing/out.csv"],
            "missing/out.csv: cannot be written: there is no",
        ),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    arguments, message, table, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    output = [] if "-o" in arguments else ["-o", "out.csv"]
    status, _, errors = run(capsys, *arguments, *output)
    assert status == 1
    assert message in errors.splitlines()[-1]
    assert SECRET not in errors
    assert sorted(tmp_path.iterdir()) == [table, tmp_path / "empty"]


def test_an_output_that_was_there_is_kept_when_the_run_fails(table, tmp_path, capsys):
    output = tmp_path / "out.csv"
    output.write_text("what was there", encoding="utf-8")
    table.write_text(TABLE + "3,words,7,\n", encoding="utf-8")
    assert run(capsys, table, "-o", output)[0] == 1
    assert output.read_text(encoding="utf-8") == "what was there"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["comments.csv", "out.csv"]


def test_an_input_is_not_overwritten_by_the_output(table, capsys):
    before = table.read_bytes()
    status, _, errors = run(capsys, table, "-o", table)
    assert (status, table.read_bytes()) == (1, before)
    assert "is an input, too; name another output" in errors


@pytest.mark.parametrize(
    "content",
    [TABLE.encode(), gzip.compress(TABLE.encode()), parquet()],
    ids=["plain", "packed", "parquet"],
)
def test_standard_input_is_read_as_it_comes(content):
    done = subprocess.run([*COMMAND, "-"], input=content, capture_output=True, check=True)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr.startswith(b"standard input: ")


def test_an_empty_standard_input_is_refused():
    done = subprocess.run([*COMMAND, "-"], input=b"", capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr == b"parse: standard input: the file is empty; expected comments\n"


def test_a_reader_that_leaves_is_no_error():
    """`parse comments.csv | head`"""
    content = "id,text\n" + "1,some words\n" * 100_000
    command = f"{' '.join(COMMAND)} - | head -n 1"
    done = subprocess.run(command, shell=True, input=content, capture_output=True, text=True)
    assert done.stdout.count("\n") == 1
    assert "Error" not in done.stderr


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl.gz"])
def test_ctrl_c_leaves_nothing(ending, tmp_path):
    command = [*COMMAND, "-", "-o", str(tmp_path / f"out.{ending}")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write(b"id,text\n" + b"1,some words\n" * 20_000)
        running.stdin.flush()
        deadline = time.monotonic() + 30
        while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list(tmp_path.iterdir()), "it is at work"
        running.send_signal(signal.SIGINT)
        errors = running.stderr.read()
        running.stdin.close()
    assert running.returncode == 130
    assert b"parse: interrupted; nothing was written" in errors.splitlines()
    assert list(tmp_path.iterdir()) == []


def make_site(folder: Path) -> None:
    """A folder with two tables, a broken one, an archive, and what is no comments."""
    (folder / "deep").mkdir(parents=True)
    (folder / "b.csv").write_text(TABLE, encoding="utf-8")
    (folder / "a.jsonl").write_text('{"text": "three", "mood": "glad"}\n', encoding="utf-8")
    (folder / "broken.csv").write_text("text,label\nwords,1\nwords,7\n", encoding="utf-8")
    (folder / "deep" / "settings.json").write_text('{"name": "x"}', encoding="utf-8")
    files = {"x.csv": b"id,text,mood\n9,four,sad\n", "y.html": ITEM.format(1).encode() + b"five"}
    (folder / "deep" / "site.zip").write_bytes(make_zip({**files, "logo.png": b"x"}))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    make_site(tmp_path / "site")
    return tmp_path / "site"


def test_a_folder_is_summed_up_in_a_table(site, tmp_path, capsys):
    """What cannot be read is left out whole and said; no column of any file is lost."""
    output = tmp_path / "out.jsonl"
    status, _, errors = run(capsys, site, "-o", output)
    written = [(row["text"], row["mood"]) for row in rows(output.read_text(encoding="utf-8"))]
    assert written == [
        ("three", "glad"), (f"{SECRET} one", None), (f"{SECRET} two", None), ("four", "sad"),
        ("five", None),
    ]  # fmt: skip
    assert status == 1
    first, *table, total, last = errors.splitlines()
    assert first == f"not read: {site}/broken.csv: row 2: the label is '7', expected 0 or 1; " + (
        "words such as 'removed' are a status: --column status=NAME"
    )
    assert [line.split()[1:6] for line in table[1:]] == [
        ["jsonl", "1", "1", "0", "1"],
        ["csv", "1", "2", "0", "2"],
        ["-", "1", "row", "2:", "the"],
        ["-", "1", "1", "of", "no"],
        ["csv", "1", "1", "0", "1"],
        ["bbc_module", "1", "1", "0", "1"],
        ["-", "1", "1", "of", "the"],
    ]
    assert total == (
        "5 comments in 4 files of 3 formats: 0 removed, 5 with words; 3 files not read, "
        "of them 1 that should have been"
    )
    assert last.startswith("parse: 1 of the files could not be read whole and were left out")


@pytest.mark.parametrize(
    ("content", "format_name"),
    [
        ('<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel></channel></rss>', "wordpress"),
        ('<disqus xmlns="http://disqus.com"></disqus>', "disqus"),
        ('{"version": 1, "comments": [], "commenters": []}', "commento"),
        (
            '{"@context": "https://www.w3.org/ns/activitystreams", "type": "OrderedCollection", '
            '"orderedItems": []}',
            "activitypub",
        ),
        ('{"comments": ""}', "bbc_module_json"),
        ("id,text\n", "csv"),
        ("<p>A page.</p>", "page_without_comments"),
    ],
    ids=["wordpress", "disqus", "commento", "activitypub", "bbc", "table", "page"],
)
def test_a_file_of_a_known_kind_without_comments_is_no_failure(
    content, format_name, tmp_path, capsys
):
    path = tmp_path / "export"
    path.write_text(content, encoding="utf-8")
    status, output, errors = run(capsys, path)
    assert (status, output) == (0, "")
    assert errors == f"{path}: {format_name}, no comments found\n"


def test_what_in_a_folder_is_not_read_is_counted_with_its_cause(tmp_path, capsys):
    """None of it is opened: a pipe would wait for ever, a device never end."""
    folder = tmp_path / "site"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.csv", ".a.csv", "logo.PNG", "notes", "keys.json", "deep/b.csv"):
        (folder / name).write_text(TABLE, encoding="utf-8")
    (folder / "empty.csv").touch()
    os.mkfifo(folder / "pipe.csv")
    (folder / "zero.csv").symlink_to("/dev/zero")
    (folder / "gone.csv").symlink_to("nowhere")
    (folder / "round").symlink_to(folder)
    status, output, errors = run(capsys, folder)
    assert (status, len(rows(output))) == (0, 4)
    [odd] = [line for line in errors.splitlines() if f"{folder.name}/  " in line]
    _, format_name, number, why = odd.split(maxsplit=3)
    assert (format_name, number) == ("-", "8")
    assert set(why.split("; ")) == {
        *("1 of other kinds", "1 of the desk's own", "1 of the kind .png"),
        *("1 that are links to folders", "1 that are links to nothing"),
        *("2 that are pipes, sockets or devices", "1 that the system keeps for itself"),
    }
    assert "1 that are empty or no text" in errors


@pytest.mark.parametrize("several", [False, True], ids=["alone", "beside another"])
def test_a_pipe_or_device_is_never_opened(several, table, tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe")
    for odd in (tmp_path / "pipe", Path("/dev/zero")):
        status, output, errors = run(capsys, odd, *([table] if several else []))
        assert (status, len(rows(output))) == (1, 2 * several)
        assert f"{odd}: a pipe, socket or device; expected a file" in errors


def test_what_a_shell_passes_as_a_pipe_is_read():
    command = f"{sys.executable} -m moderation.parse <(printf 'id,text\n1,words\n')"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert [row["text"] for row in rows(done.stdout)] == ["words"]


def test_a_name_with_line_ends_and_controls_stays_on_its_line(tmp_path, capsys):
    good, bad = tmp_path / "two\nlines\x1b[31m.csv", tmp_path / "two\nmore.csv"
    good.write_text(TABLE, encoding="utf-8")
    bad.write_text("text,label\nwords,7\n", encoding="utf-8")
    for arguments in ([good], [bad], [bad, good], [tmp_path]):
        _, _, errors = run(capsys, *arguments)
        assert all(line.isprintable() for line in errors.splitlines())
        for path, shown in ((good, "two\\nlines\\x1b[31m.csv"), (bad, "two\\nmore.csv")):
            is_read = path in arguments or tmp_path in arguments
            assert (shown in errors) == is_read


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_several_processes_write_the_same_as_one(ending, site, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("moderation.harvest.SMALL_BYTES", 0)
    (site / "broken.csv").unlink()
    outputs = [tmp_path / f"{jobs}.{ending}" for jobs in (1, 2)]
    said = []
    for jobs, output in enumerate(outputs, 1):
        status, _, errors = run(capsys, site, "--jobs", jobs, "-o", output)
        assert status == 0
        said.append(errors.rpartition("\r")[2])  # behind the progress, where there was time for it
    assert said[0] == said[1]
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_file_that_is_named_and_cannot_be_read_does_not_stop_the_others(table, tmp_path, capsys):
    broken = tmp_path / "broken.csv"
    broken.write_text("text,label\nwords,7\n", encoding="utf-8")
    other = tmp_path / "settings.json"
    other.write_text('{"name": "x"}', encoding="utf-8")
    status, output, errors = run(capsys, broken, table, other)
    assert (status, len(rows(output))) == (1, 2)
    assert errors.splitlines()[-1].startswith("parse: 2 of the files could not be read whole")
    assert f"not read: {other}: no text column" in errors


def test_where_no_file_can_be_read_nothing_is_written(tmp_path, capsys):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("text,label\nwords,7\n", encoding="utf-8")
    output = tmp_path / "out" / "out.csv"
    output.parent.mkdir()
    status, _, errors = run(capsys, tmp_path / "a.csv", tmp_path / "b.csv", "-o", output)
    assert (status, list(output.parent.iterdir())) == (1, [])
    assert errors.splitlines()[-1] == "parse: none of 2 files could be read"


FILES = {"a.csv": TABLE.encode(), "b.csv": TABLE.encode() * 400, "c.csv": TABLE.encode()}


@pytest.mark.parametrize(
    ("archive", "limit"),
    [
        (make_tar(FILES), ["--max-members", "2"]),
        (make_tar(FILES), ["--max-size", "20K"]),
        (make_zip(FILES), ["--max-size", "20K"]),
        (make_zip({"a.csv": TABLE.encode(), "b.csv": TABLE.encode() * 400}), ["--max-size", "20K"]),
        (make_tar(FILES)[:2048], []),
    ],
    ids=["tar members", "tar size", "zip size", "zip size in the last", "damage"],
)
def test_of_an_archive_that_is_refused_nothing_is_kept(archive, limit, table, tmp_path, capsys):
    """Not what came before the limit, either: a part of it would look like all there is."""
    path = tmp_path / "site"
    path.write_bytes(archive)
    status, output, errors = run(capsys, path, table, *limit)
    assert (status, len(rows(output))) == (1, 2)
    assert errors.count(f"not read: {path}: ") == 1
    assert errors.splitlines()[-1].startswith("parse: 1 of the files could not be read whole")
    status, output, errors = run(capsys, path, *limit)
    assert (status, output) == (1, "")


def test_captures_of_a_web_archive_are_joined(tmp_path, capsys):
    removed = "This comment was removed because it broke the house rules."
    warc = Warc()
    for hour, words in ((8, "some words"), (20, removed)):
        page = f"{ITEM.format(1)}{words}</p></li>{ITEM.format(2)}more</p></li>".encode()
        warc.add("https://courier.example/ferry", f"2026-01-14T{hour:02}:00:00Z", page)
    (tmp_path / "site.warc").write_bytes(warc.finish())
    status, output, errors = run(capsys, "--join", tmp_path / "site.warc")
    assert status == 0
    assert [(row["text"], row["label"]) for row in rows(output)] == [("some words", 1), ("more", 0)]
    assert "joined 2 captures of 1 articles: 1 comments removed and 1 kept" in errors


def test_ctrl_c_ends_the_processes_that_read(tmp_path):
    """They are at work on files that never end."""
    pipes = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in pipes:
        path.write_text("id,text\n" + "1,some words\n" * 400_000, encoding="utf-8")
    command = [*COMMAND, *map(str, pipes), "-o", str(tmp_path / "out.csv"), "--jobs", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:
        deadline = time.monotonic() + 60
        while len(children := find_children(running.pid)) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        assert running.stderr is not None
        errors = running.stderr.read()
    assert running.returncode == 130
    assert b"parse: interrupted; nothing was written" in errors.splitlines()
    assert b"Traceback" not in errors
    assert sorted(tmp_path.iterdir()) == pipes
    deadline = time.monotonic() + 60
    while any(map(is_running, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(is_running, children))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def find_children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except FileNotFoundError:
        return []


def test_captures_are_joined_and_tables_are_not(table, tmp_path, capsys):
    for minute, words in enumerate(["some words", "This comment is awaiting moderation."]):
        page = f"<title>Ferry</title>{ITEM.format(1)}{words}</p></li>{ITEM.format(2)}b</p></li>"
        (tmp_path / f"ferry-20260114T120{minute}Z.html").write_text(page, encoding="utf-8")
    pages = sorted(tmp_path.glob("*.html"))
    status, output, errors = run(capsys, "--join", *reversed(pages), table)
    [row] = rows(output)
    assert (status, row["id"], row["label"], row["status"]) == (0, "2", 0, "published")
    assert errors.splitlines()[3:] == [
        "joined 2 captures of 1 articles: 0 comments removed and 1 kept",
        "not labelled: 1 pending when last seen",
        "not joined: 2 rows of tables, which carry their outcome themselves",
    ]


def test_what_was_parsed_may_be_joined_later(tmp_path, capsys):
    """Each capture to a file of its own on its day, all of them joined in the end."""
    removed = "This comment was removed because it broke the house rules."
    for minute, words in enumerate(["some words", removed]):
        page = tmp_path / f"ferry-20260114T120{minute}Z.html"
        page.write_text(f"<title>Ferry</title>{ITEM.format(1)}{words}</p></li>", encoding="utf-8")
        run(capsys, page, "-o", page.with_suffix(".csv"))
    _, output, _ = run(capsys, "--join", *sorted(tmp_path.glob("*.csv")))
    assert [(row["text"], row["label"]) for row in rows(output)] == [("some words", 1)]


def test_the_memory_does_not_grow_with_the_table(tmp_path):
    """Reading and writing together: a hundred megabytes in, bounded in between."""
    path = tmp_path / "comments.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(b"text,topic\n" + b"a sentence of some words. " * 40 + b",x\n")
        stream.write((b"a sentence of some words. " * 40 + b",x\n") * 100_000)
    child = (
        "import resource, sys, moderation.parse as parse\n"
        "usage = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = usage()\n"
        "status = parse.main([sys.argv[1], '-o', sys.argv[2]])\n"
        "print(status, usage() - before)\n"
    )
    command = [sys.executable, "-c", child, str(path), str(tmp_path / "out.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, kilobytes = map(int, done.stdout.split())
    assert status == 0
    assert kilobytes < 60_000


def test_the_command_tells_how_it_is_used():
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    for option in ("--format", "--encoding", "--column", "--article", "--captured-at", "--join"):
        assert option in done.stdout
    assert os.linesep in done.stdout
