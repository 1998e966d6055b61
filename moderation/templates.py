"""Templates: sentences with a slot for a group of people, read, checked and filled."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from moderation.errors import DataError
from moderation.fairness import PEOPLE
from moderation.metrics import Integers

SLOT = "{term}"
_EXPECTED = f"expected CSV with the columns text, in which {SLOT} stands once, and label, 0 or 1"


@dataclass(frozen=True)
class Template:
    """A sentence with one `SLOT`; `label` is 1 where it deserves removal, whoever it names."""

    text: str
    label: int


@dataclass(frozen=True)
class Filled:
    """Every template with every term, in the order of the templates."""

    texts: list[str]
    labels: Integers
    groups: Integers
    """The number of the template that each text is made of: what a bootstrap draws whole."""
    people: list[str]
    """The group of people that each text mentions."""

    def __len__(self) -> int:
        return len(self.texts)


def read_templates(path: Path) -> list[Template]:
    """
    Return the templates in a CSV file of `text` and `label`.

    Raises:
        DataError: it is missing, or holds anything else.

    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            templates = list(_parse(csv.DictReader(stream, strict=True)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path}: cannot be read ({type(error).__name__}); {_EXPECTED}, such as "
            "data/identity_templates.csv where the project was cloned"
        ) from error
    except DataError as error:
        raise DataError(f"{path}: {error}; {_EXPECTED}") from error
    return templates


def fill(templates: Sequence[Template], identities: Mapping[str, Sequence[str]] = PEOPLE) -> Filled:
    """
    Fill each template with each term of each group.

    >>> fill([Template("{term} sing", 0)], {"women": ["women"], "older": ["pensioners"]}).texts
    ['Women sing', 'Pensioners sing']
    """
    terms = [(group, term) for group, terms in identities.items() for term in terms]
    return Filled(
        texts=[_put(template, term) for template in templates for _, term in terms],
        labels=np.repeat([template.label for template in templates], len(terms)),
        groups=np.repeat(np.arange(len(templates)), len(terms)),
        people=[group for _ in templates for group, _ in terms],
    )


def _put(template: Template, term: str) -> str:
    text = template.text.replace(SLOT, term)
    return text[:1].upper() + text[1:]


def _parse(rows: "csv.DictReader[str]") -> Iterator[Template]:
    if missing := {"text", "label"} - set(rows.fieldnames or ()):
        raise DataError(f"no column {' and '.join(sorted(missing))}")
    seen: set[str] = set()
    for row in rows:
        text, label = row["text"] or "", row["label"]
        if text.count(SLOT) != 1 or label not in ("0", "1"):
            raise DataError(f"line {rows.line_num} is no template")
        if text in seen:
            raise DataError(f"line {rows.line_num} repeats a template")
        seen.add(text)
        yield Template(text, int(label))
    if not seen:
        raise DataError("no template in it")
