"""Requests as no client should send them, and as some do: bytes for a socket, from a seed."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

MARK = "quokka"
"""Stands in every text, address and header that is sent, and nowhere else."""
TEXT = f"The {MARK} at the harbour was late again."
LEVELS = 100_000

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"
BODIES: dict[str, tuple[str, Any]] = {
    ANALYZE: (
        "score",
        {
            "comment": {"text": TEXT, "type": "PLAIN_TEXT"},
            "context": {"entries": [{"text": TEXT}]},
            "requestedAttributes": {"LIKELY_TO_REJECT": {"scoreThreshold": 0.1}},
            "languages": ["en"],
            "doNotStore": False,
            "spanAnnotations": True,
            "clientToken": MARK,
        },
    ),
    SUGGEST: (
        "label",
        {
            "comment": {"text": TEXT},
            "context": {"entries": [{"text": json.dumps({"Coral_comment_id": MARK})}]},
            "attributeScores": {
                "LIKELY_TO_REJECT": {
                    "summaryScore": {"value": 1, "type": "PROBABILITY"},
                    "spanScores": [{"begin": 0, "end": 3, "score": {"value": 0.5}}],
                }
            },
            "communityId": f"Coral:{MARK}",
        },
    ),
    "/v1/score": (
        "score",
        {"comments": [{"text": TEXT, "id": MARK, "section": MARK}], "explain": True},
    ),
    "/v1/decisions": (
        "label",
        {
            "decisions": [
                {
                    "id": MARK,
                    "text": TEXT,
                    "action": "remove",
                    "rule": "spam",
                    "author": MARK,
                    "decided_by": "ines",
                    "created_at": "2026-01-31T12:00:00+01:00",
                }
            ]
        },
    ),
    "/v1/moderations": ("score", {"input": [TEXT, {"type": "text", "text": TEXT}], "model": MARK}),
    "/coral": (
        "score",
        {
            "action": "NEW",
            "comment": {"body": f"<p>{TEXT}</p>", "parentID": None},
            "author": {"id": MARK},
            "site": {"id": MARK},
        },
    ),
}
"""A good body for each address, and the scope that it needs."""

OTHER_VALUES: list[Any] = [
    None, True, -1, 0.5, 1e308, 2**63, 10**30, "", " ", MARK, MARK * 20_000, [], {}, [[]], [None],
    {"": None}, [{}] * 300, {str(each): each for each in range(300)}, "\ud800", "a\0b", "\uffff",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "NaN", "1e400", "en-" * 100,
]  # fmt: skip
ODD_NUMBERS = (
    "1e400", "-1e400", "1e-400", "9" * 400, "-" + "9" * 400, "9" * 5000, "0." + "1" * 5000, "-0",
    "01", "1.", ".5", "0x1F", "NaN", "-Infinity", "1e", "1_000", str(2**63), str(2**64), "1e308",
)  # fmt: skip
NOT_UTF8 = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80")
METHODS = (
    "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "",
    "QUOKKA", "POST POST", "\0", "G" * 70_000,
)  # fmt: skip


@dataclass(frozen=True)
class Malformed:
    """Bytes to send at once on a connection of their own."""

    kind: str
    data: bytes
    is_cut: bool = False
    """Whether the client then goes away in the middle: nobody is answered."""


@dataclass(frozen=True)
class Maker:
    """Makes requests from a seed, with the keys of a service."""

    keys: Mapping[str, str]
    random: Random

    def make(self, number: int) -> Iterator[Malformed]:
        """Yield so many requests, each kind as often as the others."""
        kinds: list[tuple[str, Callable[[], bytes | Malformed]]] = [
            (name.removeprefix("make_"), getattr(self, name))
            for name in sorted(vars(type(self)))
            if name.startswith("make_")
        ]
        for place in range(number):
            kind, make = kinds[place % len(kinds)]
            made = make()
            yield made if isinstance(made, Malformed) else Malformed(kind, made)

    # JSON

    def make_truncated_json(self) -> bytes:
        path, body = self._good()
        return self.post(path, body[: self.random.randrange(len(body))])

    def make_other_type(self) -> bytes:
        path = self.random.choice([*BODIES])
        body = json.loads(json.dumps(BODIES[path][1]))
        holder, name = self.random.choice(list(_places(body)))
        holder[name] = self.random.choice(OTHER_VALUES)
        return self.post(path, json.dumps(body).encode())

    def make_nested(self) -> bytes:
        path, body = self._good()
        opening = self.random.choice([b"[", b'{"a":', b'{"comment":', b'[{"comments":'])
        return self.post(path, self._replace_value(body, opening * LEVELS))

    def make_odd_number(self) -> bytes:
        path, body = self._good()
        number = self.random.choice(ODD_NUMBERS).encode()
        return self.post(path, self._replace_value(body, number))

    def make_not_utf8(self) -> bytes:
        path, body = self._good()
        at = body.index(MARK.encode()) + self.random.randrange(len(MARK))
        return self.post(path, body[:at] + self.random.choice(NOT_UTF8) + body[at:])

    def make_escape(self) -> bytes:
        path, body = self._good()
        escapes = (
            rb"\ud800",
            rb"\udc00\ud800",
            rb"\u0000",
            rb"\u00",
            rb"\x41",
            b"\0",
            b"\n",
            rb"\"",
        )
        at = body.index(MARK.encode())
        return self.post(path, body[:at] + self.random.choice(escapes) + body[at:])

    def make_equal_names(self) -> bytes:
        path, body = self._good()
        inside = body.strip()[1:-1]
        return self.post(path, b"{" + b",".join([inside] * self.random.randrange(2, 50)) + b"}")

    # Bodies

    def make_wrong_length(self) -> Malformed:
        path, body = self._good()
        told = self.random.choice(
            ["abc", "-1", "+5", "0x10", "1e3", "9" * 400, "18446744073709551617", "", "5, 6", "3",
             str(len(body) - 2), str(10**9), f"{len(body)}\r\nContent-Length: 1"]
        )  # fmt: skip
        return Malformed("wrong_length", self.request("POST", path, body, {"Content-Length": told}))

    def make_too_short(self) -> Malformed:
        path, body = self._good()
        sent = self.post(path, body)
        return Malformed("too_short", sent[: -self.random.randrange(1, len(body))], is_cut=True)

    def make_chunks(self) -> bytes:
        path, body = self._good()
        size = b"%x" % len(body)
        chunked = self.random.choice(
            [
                b"zz\r\n" + body,
                b"-1\r\n" + body + b"\r\n0\r\n\r\n",
                b"f" * 400 + b"\r\n",
                size + b"\n" + body + b"\n0\n\n",
                b"%x\r\n" % (len(body) - 3) + body + b"\r\n0\r\n\r\n",
                size + b";" + MARK.encode() * 20_000 + b"\r\n" + body + b"\r\n0\r\n\r\n",
                size + b"\r\n" + body + b"\r\n0\r\n" + b"x: y\r\n" * 30_000 + b"\r\n",
                b"".join(b"1\r\n%c\r\n" % each for each in body) + b"0\r\n\r\n",
            ]
        )
        return self.request("POST", path, chunked, {"Transfer-Encoding": "chunked"})

    def make_cut_chunks(self) -> Malformed:
        path, body = self._good()
        chunked = b"%x\r\n" % (len(body) * 2) + body
        sent = self.request("POST", path, chunked, {"Transfer-Encoding": "chunked"})
        return Malformed("cut_chunks", sent, is_cut=True)

    def make_two_lengths(self) -> bytes:
        path, body = self._good()
        coding = self.random.choice(
            ["chunked", "identity", "gzip, chunked", "chunked, chunked", ","]
        )
        both = {"Transfer-Encoding": coding, "Content-Length": str(len(body))}
        return self.request("POST", path, body, both)

    def make_bomb(self) -> bytes:
        path, _ = self._good()
        packing, body = self.random.choice(BOMBS)
        return self.request("POST", path, body, {"Content-Encoding": packing})

    def make_batch(self) -> bytes:
        path, inner = self._good()
        part = (
            f"--b\r\nContent-Type: application/http\r\nContent-ID: <{MARK}>\r\n\r\n"
            f"POST {path}?key={self.keys['admin']} HTTP/1.1\r\nContent-Length: 5\r\n\r\n"
        ).encode() + inner + b"\r\n"  # fmt: skip
        body = bytearray(part * self.random.randrange(1, 5) + b"--b--")
        for _ in range(self.random.randrange(1, 4)):
            at = self.random.randrange(len(body))
            body[at : at + self.random.randrange(3)] = self._noise(2)
        odd = ["", "*=utf-16''b", "*0*=bogus'x'b", "=" + "b" * 2000, "=\xff", "=b; boundary=c"]
        boundary = "=b" if self.random.random() < 0.8 else self.random.choice(odd)
        headers = {"Content-Type": f"multipart/mixed; boundary{boundary}"}
        return self.request("POST", "/batch", bytes(body), headers)

    # Heads

    def make_long_head(self) -> bytes:
        path, body = self._good()
        sent = self.random.choice(
            [
                {"X-Long": MARK * 20_000},
                {f"X-{number}": MARK for number in range(10_000)},
                {MARK * 20_000: "x"},
                {"Cookie": "a=b; " * 20_000},
            ]
        )
        return self.request("POST", path, body, sent)

    def make_odd_header(self) -> bytes:
        path, body = self._good()
        line = self.random.choice(
            [b"no colon", b": no name", b"a b: c", b"X: \0", b"X: \xff\xfe", b"X:\n folded",
             b" X: y", b"X: y\rZ: w", b"X\xe9: y", b"Host: other", b"Expect: 100-continue",
             b"Expect: tea",
             b"Connection: upgrade\r\nUpgrade: h2c", b"Connection: upgrade\r\nUpgrade: websocket",
             b"X-Goog-Api-Key: \xff", b"Authorization: Bearer", b"Authorization: Basic \xff",
             b"Content-Encoding: gzip, gzip", b"Content-Type: \xff", b"Transfer-Encoding: chunked"]
        )  # fmt: skip
        head, _, rest = self.post(path, body).partition(b"\r\n")
        return head + b"\r\n" + line + b"\r\n" + rest

    def make_odd_path(self) -> bytes:
        path = self.random.choice(
            ["/%00", "/v1/models/%00", "/v1/models/%ff%fe", "/v1/models/%ed%a0%80", "/v1/models/%",
             "/" + "a" * 65_536, "/v1/models/" + "b" * 60_000, "//", "/../..", "/v1/score/",
             "*", "", "http://[::1/", "http://host.example:99999/", "/\xff", "/\0", "/ /",
             "/v1/score#x", f"/{MARK}", f"{ANALYZE}?" + "a=b&" * 15_000,
             f"{ANALYZE}?fields=" + "a(" * 900,
             f"{ANALYZE}?fields=" + "*," * 900 + "*", f"{ANALYZE}?key=%ff&key=",
             f"{ANALYZE}?%00=%00",
             "/$discovery/rest?version=" + "9" * 5000, "/docs?x=%", "/openapi.json?" + MARK]
        )  # fmt: skip
        method = self.random.choice(["GET", "POST"])
        return self.request(method, path, b"", {}, key=False)

    def make_other_method(self) -> bytes:
        path, body = self._good()
        path = self.random.choice([path, "/healthz", "/docs", "/batch", "/v1/models/x", "/nowhere"])
        return self.request(self.random.choice(METHODS), path, body, {})

    def make_odd_version(self) -> bytes:
        path, body = self._good()
        version = self.random.choice(
            ["HTTP/0.9", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/1.1 x", "ICE/1.0"]
        )
        return self.post(path, body).replace(b"HTTP/1.1", version.encode(), 1)

    # All of it

    def make_noise(self) -> bytes:
        return self._noise(self.random.randrange(1, 2000)) + b"\r\n\r\n"

    def make_flipped(self) -> Malformed:
        path, body = self._good()
        sent = bytearray(self.post(path, body))
        for _ in range(self.random.randrange(1, 6)):
            sent[self.random.randrange(len(sent))] = self.random.randrange(256)
        return Malformed("flipped", bytes(sent), is_cut=True)

    def make_pipeline(self) -> bytes:
        sent = []
        for _ in range(self.random.choice([2, 5, 60, 500])):
            path, body = self._good()
            good = self.post(path, body).replace(b"Connection: close\r\n", b"")
            sent.append(good if self.random.random() < 0.9 else self._noise(30))
        return b"".join([*sent, self.post("/nowhere", b"")])

    # Parts

    def post(self, path: str, body: bytes) -> bytes:
        return self.request("POST", path, body, {})

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], *, key: bool = True
    ) -> bytes:
        """Return a request whose headers are as they should be where nothing else is given."""
        scope = BODIES[path][0] if path in BODIES else "admin"
        lines = {"Host": "localhost", "Connection": "close"}
        if key:
            lines["X-Goog-Api-Key"] = self.keys[scope]
        if not {"Content-Length", "Transfer-Encoding"} & headers.keys():
            lines["Content-Length"] = str(len(body))
        told = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **headers}.items())
        return f"{method} {path} HTTP/1.1\r\n{told}\r\n".encode("latin-1") + body

    def _good(self) -> tuple[str, bytes]:
        path = self.random.choice([*BODIES])
        return path, json.dumps(BODIES[path][1]).encode()

    def _noise(self, length: int) -> bytes:
        return self.random.randbytes(length)

    def _replace_value(self, body: bytes, value: bytes) -> bytes:
        """Return JSON with something in the place of one of its values."""
        read = json.loads(body)
        holder, name = self.random.choice(list(_places(read)))
        holder[name] = "HERE"
        return json.dumps(read).encode().replace(b'"HERE"', value, 1)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a value in JSON, as what holds it and its name or number there."""
    names = value.keys() if isinstance(value, dict) else range(len(value))
    for name in names:
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


_ZEROS = b"0" * 10_000_000
BOMBS = [
    ("gzip", gzip.compress(_ZEROS)),
    ("deflate", zlib.compress(_ZEROS)),
    ("br", b"\x5b\xff\xff\xbf\x3f" + b"\xff" * 100),
    ("zstd", b"\x28\xb5\x2f\xfd" + b"\0" * 100),
    ("gzip, gzip", gzip.compress(gzip.compress(_ZEROS))),
]
