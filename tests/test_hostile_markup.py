"""XML and HTML made to fill the machine, or to look outside the file: refused, or read at once."""

import contextlib
import multiprocessing as mp
import resource
import socket
import threading
from collections.abc import Iterator

import pytest

from moderation.errors import ParseError
from moderation.parsers import Limits, read_comments
from moderation.text import ATTRIBUTES

HEAD = '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">'
POST = (
    '<post dsq:id="{}"><message>{}</message><isDeleted>false</isDeleted>'
    "<isSpam>false</isSpam></post>"
)
DECLARATION = '<?xml version="1.0"?>'
ITEM = '<div itemscope itemtype="http://schema.org/Comment"><p itemprop="text">{}'
LEVELS = 100_000
LAUGHS = "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">'
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
SQUARE = f'<!ENTITY a "{"x" * 50_000}">'
GROWS = "declares more than 0 entities"
DEEP = "nested thousands deep"
ENDLESS = "without the end of a record"


def export(message: str, *, head: str = HEAD, declared: str = "") -> str:
    prolog = f"<!DOCTYPE disqus [{declared}]>" if declared else ""
    return f"{DECLARATION}{prolog}{head}{POST.format(1, message)}</disqus>"


def attributes(number: int) -> str:
    return " ".join(f'a{each}="1"' for each in range(number))


REFUSED = {
    "billion laughs": (export("&j;", declared=f'<!ENTITY a "ha">{LAUGHS}'), GROWS),
    "billion laughs in an attribute": (
        export("", head=HEAD[:-1] + ' x="&j;">', declared=f'<!ENTITY a "ha">{LAUGHS}'),
        GROWS,
    ),
    "quadratic growth": (export("&a;" * 100_000, declared=SQUARE), GROWS),
    "parameter entities": (export("", declared="<!ENTITY % p \"<!ENTITY a 'x'>\"> %p;"), GROWS),
    "attributes by default": (
        export("", declared=f'<!ATTLIST post x CDATA "{"x" * 50_000}">'),
        GROWS,
    ),
    "declared behind a remark": (
        export("&a;", declared='<!-- ]><disqus xmlns="http://disqus.com"> --><!ENTITY a "x">'),
        GROWS,
    ),
    "in UTF-7": (
        export("&a;", declared=SQUARE).replace('"1.0"', '"1.0" encoding="UTF-7"'),
        GROWS,
    ),
    "deep": (export("<a>" * LEVELS), DEEP),
    "deep outside": (f"{HEAD}{POST.format(1, '')}{'<a>' * LEVELS}", DEEP),
    "wide": (f"{HEAD}{'<a/>' * 1_200_000}", ENDLESS),
    "a long attribute": (export("").replace("<post", f'<post x="{"y" * 20_000_000}"'), ENDLESS),
    "a long text": (export("y" * 20_000_000), ENDLESS),
    "HTML deep": (ITEM.format("<b>" * LEVELS), DEEP),
    "HTML items deep": (ITEM.format("x") * LEVELS, DEEP),
    "HTML many attributes": (
        ITEM.format("x").replace("<div", f"<div {attributes(LEVELS)}"),
        f"more than {ATTRIBUTES} attributes",
    ),
    "HTML many attributes behind what looks like quotes": (
        f'<p ="><!--><script/x></script>{ITEM.format("x")}<b {attributes(LEVELS)}>',
        f"more than {ATTRIBUTES} attributes",
    ),
}
READ = {
    "HTML deep in a message": (export(f"<![CDATA[{'<b>' * LEVELS}x]]>"), ["x"]),
    "a message of tags that never end": (export(f"<![CDATA[{'<a' * 500_000}]]>"), [""]),
    "a message of remarks that never end": (export(f"<![CDATA[{'<!--' * 500_000}]]>"), [""]),
    "a message of many attributes": (
        export(f"<![CDATA[x<b {attributes(LEVELS)}>y</b>]]>"),
        ["xy"],
    ),
    "many attributes": (export("x").replace("<post", f"<post {attributes(LEVELS)}"), ["x"]),
    "many namespaces": (
        export("x").replace("<post", "<post " + attributes(LEVELS).replace("a", "xmlns:a")),
        ["x"],
    ),
    "an encoding that is not the file's": (
        export("é").replace('"1.0"', '"1.0" encoding="UTF-16"'),
        ["é"],
    ),
    "HTML a long attribute": (
        ITEM.format("x").replace("<div", f'<div x="{"y" * 10_000_000}"'),
        ["x"],
    ),
    "HTML texts in texts": (ITEM.format("x ") * 500, ["x"] * 500),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_made_to_fill_the_machine_is_refused_in_one_line(name):
    text, message = REFUSED[name]
    with pytest.raises(ParseError, match=message) as refusal:
        list(read_comments(text.encode()))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", READ)
def test_what_only_looks_dangerous_is_read(name):
    text, words = READ[name]
    assert [comment.text for comment in read_comments(text.encode())] == words


def test_a_bomb_in_utf16_is_one_too():
    text = export("&j;", declared=f'<!ENTITY a "ha">{LAUGHS}').replace(
        '"1.0"', '"1.0" encoding="UTF-16"'
    )
    with pytest.raises(ParseError, match=GROWS):
        list(read_comments(text.encode("utf-16")))


def test_entities_may_be_allowed_and_still_do_not_grow_without_end():
    """The limit is for files that are trusted to declare a few; libxml2 stops what explodes."""
    allowed = Limits(entities=20)
    [comment] = read_comments(export("&a;", declared='<!ENTITY a "tea">').encode(), limits=allowed)
    assert comment.text == "tea"
    bomb = export("&j;", declared=f'<!ENTITY a "ha">{LAUGHS}')
    with pytest.raises(ParseError, match="grow without end"):
        list(read_comments(bomb.encode(), limits=allowed))


@pytest.fixture
def listener() -> Iterator[tuple[str, list[object]]]:
    """An address on this machine, and who called there."""
    callers: list[object] = []

    def answer(server: socket.socket) -> None:
        while True:
            try:
                connection, caller = server.accept()
            except OSError:
                return
            callers.append(caller)
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/secret.dtd", callers
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("entities", [0, 9], ids=["usual limits", "entities allowed"])
@pytest.mark.parametrize("place", ["file", "network"])
@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE disqus SYSTEM "{}">',
        '<!DOCTYPE disqus PUBLIC "-//X//Y" "{}">',
        '<!DOCTYPE disqus [<!ENTITY a SYSTEM "{}">]>',
        '<!DOCTYPE disqus [<!ENTITY % a SYSTEM "{}"> %a;]>',
        '<?xml-stylesheet href="{}"?>',
    ],
    ids=["document type", "public", "entity", "parameter entity", "style sheet"],
)
def test_nothing_outside_the_file_is_read(prolog, place, entities, tmp_path, listener):
    secret = tmp_path / "secret.dtd"
    secret.write_text("quokka<!ENTITY a 'quokka'>")
    before = sorted(tmp_path.iterdir())
    address, callers = listener
    target = secret.as_uri() if place == "file" else address
    text = prolog.format(target) + export("x&a;").removeprefix(DECLARATION)
    said = []
    try:
        said += [c.text for c in read_comments(text.encode(), limits=Limits(entities=entities))]
    except ParseError as refusal:
        said.append(str(refusal))
    assert "quokka" not in "".join(said)
    assert callers == []
    assert sorted(tmp_path.iterdir()) == before


def test_includes_are_words_and_nothing_else(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("quokka")
    namespace = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
    include = f'<xi:include {namespace} parse="text" href="{secret}"/>'
    [comment] = read_comments(export(f"before {include} after").encode())
    assert comment.text == "before after"


def test_bombs_fit_into_little_memory():
    """Refused is not enough: what is refused must not have filled the machine before."""
    with mp.get_context("spawn").Pool(1) as apart:
        assert apart.apply(_memory_of_bombs) < 500


def _memory_of_bombs() -> float:
    """Return by how many MB a process grows that is given all of them."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text, _ in [*REFUSED.values(), *READ.values()]:
        with contextlib.suppress(ParseError):
            list(read_comments(text.encode()))
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
