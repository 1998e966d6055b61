"""Records of XML exports: what stands around them, what breaks them, and what they leave behind."""

from collections.abc import Iterator

import pytest

from moderation.errors import ParseError
from moderation.parsers import read_comments
from moderation.parsers.notes import Notes
from moderation.parsers.sources import open_source
from moderation.parsers.xml_records import find_root, read_records, read_word

HEAD = '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">\n'
POST = (
    '<post dsq:id="{}"><message>{}</message><isDeleted>false</isDeleted>'
    "<isSpam>false</isSpam></post>\n"
)
ITEM = "<item><title>{}</title>{}</item>"
WXR = '<rss xmlns:wp="http://wordpress.org/export/1.1/"><channel>{}</channel></rss>'
COMMENT = (
    "<wp:comment><wp:comment_id>{}</wp:comment_id><wp:comment_content>{}</wp:comment_content>"
    "<wp:comment_approved>1</wp:comment_approved></wp:comment>"
)


def words(text: str) -> Iterator[str]:
    """Yield the words of the records `a` in `list`."""
    with open_source(text.encode()) as source:
        for _, record in read_records(source, {"a": "list"}, Notes()):
            yield read_word(record.fields, "")


@pytest.mark.parametrize("before", ["\n", " \r\n\t", "\ufeff", "\ufeff\ufeff\n", "\n\ufeff"])
@pytest.mark.parametrize("declared", ['<?xml version="1.0" encoding="UTF-8"?>\n', ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_is_blank_before_the_declaration_does_no_harm(before, declared, encoding):
    export = before + declared + HEAD + POST.format(1, "words") + "</disqus>"
    assert [comment.text for comment in read_comments(export.encode(encoding))] == ["words"]


def test_lines_are_counted_with_those_before_the_declaration():
    with pytest.raises(ParseError, match="line 5: malformed"):
        list(words('\n\n<?xml version="1.0"?>\n<list>\n<a></b></list>'))


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("<rss>", "<rss>"),
        (
            '\ufeff <?xml version="1.0"?>\n<!-- <no> --><?x?><rss a="1"\n b="2">',
            '<rss a="1"\n b="2">',
        ),
        ('<!DOCTYPE rss PUBLIC "a>" "b"><!-- x --><rss>', "<rss>"),
        ("<!DOCTYPE rss [<!ENTITY a ']>'> <!-- ]> -->]><rss>", "<rss>"),
        ("words <rss>", None),
        ("<!-- <rss>", None),
        ("<rss", None),
        ("", None),
    ],
)
def test_the_first_tag_of_an_xml_text(text, root):
    assert find_root(text) == root


def test_records_stand_in_their_parent_and_nowhere_else():
    text = "<list><a>1</a><b><a>no</a></b><a>2<a>no</a></a>x<a> 3 </a></list>"
    assert list(words(text)) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<list>\n<a>1</a>\n<a>2", "line 3: the XML is cut off"),
        ("<list>\n<a>1</a>\n<a>2</b></list>", "line 3: malformed XML"),
        ("<list>\n<a>1</a>\n<a>2 & 3</a></list>", "line 3: malformed XML"),
        ("<list>\n<a>1</a>\n<a>&nbsp;</a></list>", "line 3: malformed XML"),
        ("<list>\n<a>1</a>\n<x:a>2</x:a></list>", "line 3: malformed XML"),
        ("<list>\n<a>1</a></list>\n<list/>", "line 3: malformed XML"),
    ],
    ids=["cut off", "crossed", "not escaped", "unknown entity", "unknown prefix", "two roots"],
)
def test_what_precedes_a_fault_is_read_and_its_line_is_named(text, message):
    found = words(text)
    assert next(found) == "1"
    with pytest.raises(ParseError, match=message):
        list(found)


@pytest.mark.parametrize("text", ["plain words", "{}", "<", "  <!-- only a remark -->"])
def test_what_is_no_xml_is_refused(text):
    with pytest.raises(ParseError, match="no element at its beginning"):
        list(words(text))


def test_control_characters_are_counted_and_read_as_spaces():
    """Exporters write what readers pasted, which XML 1.0 does not allow in any spelling."""
    message = POST.format(1, "a\x00b\x0bc")
    reading = read_comments(f"{HEAD}{message}</disqus>".encode())
    assert [comment.text for comment in reading] == ["a b c"]
    assert reading.notes.left_out["control characters, which XML does not allow"] == 2


def test_bytes_of_another_encoding_are_named():
    body = f"{HEAD}{POST.format(1, 'x' * 70_000)}".encode() + b"\xff</disqus>"
    with pytest.raises(ParseError.__base__, match="byte 0xff does not belong to utf-8"):
        list(read_comments(body))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_an_export_may_have_any_encoding(encoding):
    text = f'<?xml version="1.0" encoding="windows-1252"?>{HEAD}{POST.format(1, "café €")}</disqus>'
    [comment] = read_comments(text.encode(encoding))
    assert comment.text == "café €"


def test_text_around_remarks_and_marked_sections_is_whole():
    body = "a<!-- not this -->b<![CDATA[<b>c</b>]]>d<?nor this?>e"
    [comment] = read_comments(f"{HEAD}{POST.format(1, body)}</disqus>".encode())
    assert comment.text == "abcde"


def test_the_fields_of_an_item_hold_for_all_its_comments():
    """The item's own fields are forgotten after its first comments: chunks are shorter than it."""
    comments = "".join(COMMENT.format(number, "word " * 100) for number in range(500))
    text = WXR.format(ITEM.format("One", comments) + ITEM.format("Two", COMMENT.format(500, "x")))
    read = list(read_comments(text.encode()))
    assert [comment.id for comment in read] == [str(number) for number in range(501)]
    assert [comment.article_title for comment in read] == ["One"] * 500 + ["Two"]


@pytest.mark.parametrize("place", ["posts", "items", "comments of one item"])
def test_the_tree_is_cleared_behind_the_reader(place):
    """Memory does not grow with the file."""
    record = "<a>x</a>" * 100
    text, parents = {
        "posts": (f"<list>{record * 300}</list>", {"a": "list"}),
        "items": (f"<c>{f'<list>{record}</list>' * 300}</c>", {"a": "list", "list": "c"}),
        "comments of one item": (f"<c><list>{record * 300}</list></c>", {"a": "list"}),
    }[place]
    held = []
    with open_source(text.encode()) as source:
        for place, (element, _) in enumerate(read_records(source, parents, Notes())):
            if place % 1000 == 0:
                held.append(sum(1 for _ in element.getroottree().iter()))
    assert len(held) >= 30
    assert max(held) < 15_000 < len(text) // 8, "as many as two chunks of 64 kB have, not all"
