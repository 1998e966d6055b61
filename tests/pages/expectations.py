"""Compares what is read from a page in these folders with the `NAME.expected.json` beside it."""

import json
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from moderation.comments import Comment
from moderation.parsers import Reading

PAGES = Path(__file__).parent


def find_pages(folder: str) -> list[Path]:
    """Return the pages of a folder; adding a case is adding a page and its expectation."""
    return sorted(page for page in (PAGES / folder).iterdir() if ".expected" not in page.suffixes)


def expected(page: Path) -> dict[str, Any]:
    """Return what a page should give, with the fields of every comment that it does not name."""
    told = json.loads(page.with_suffix(".expected.json").read_text(encoding="utf-8"))
    usual = {field.name: None for field in fields(Comment)}
    usual |= {"status": "published", "highlighted": False, "extra": {}, "source": told["format"]}
    of_all = told.pop("of_all", {})
    told["comments"] = [{**usual, **of_all, **comment} for comment in told["comments"]]
    return {"page": None, "pages": None, "total": None, "left_out": {}, **told}


def found(reading: Reading) -> dict[str, Any]:
    """Return what was read, in the terms of the expectation."""
    comments = [{name: _plain(value) for name, value in asdict(c).items()} for c in reading]
    notes = reading.notes
    return {
        "format": reading.format,
        "page": notes.page,
        "pages": notes.pages,
        "total": notes.total,
        "left_out": dict(notes.left_out),
        "comments": comments,
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
