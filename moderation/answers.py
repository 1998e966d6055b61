"""`Kept`: what another scorer answered, by digest of the text, in a file that survives a kill."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from moderation.errors import DataError, OutputError
from moderation.locks import hold

SYNCED: Final = 16
"""Answers written between two syncs: so many are asked for again where the power fails."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The scores of one text, in the order they were asked for."""

    scores: tuple[float | None, ...]
    error: str | None = None
    """Why a score is missing, as the API calls it."""

    @property
    def has_score(self) -> bool:
        return any(score is not None for score in self.scores)


class Kept:
    """The answers so far; each is in the file before the next one is asked for."""

    def __init__(self, path: Path, answers: dict[bytes, Answer], stream: IO[bytes]) -> None:
        self.path = path
        self._answers = answers
        self._stream = stream
        self._unsynced = 0

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, text: str) -> bool:
        return _digest(text) in self._answers

    @property
    def has_score(self) -> bool:
        """Whether any answer has a score."""
        return any(answer.has_score for answer in self._answers.values())

    def get(self, text: str) -> Answer | None:
        """Return the answer on a text, None where there is none yet."""
        return self._answers.get(_digest(text))

    def add(self, text: str, answer: Answer) -> None:
        """
        Keep an answer.

        Raises:
            OutputError: the file cannot be written; what was kept before stays.

        """
        digest = _digest(text)
        _write(self.path, self._stream, _as_line(digest, answer))
        self._answers[digest] = answer
        self._unsynced += 1
        if self._unsynced >= SYNCED:
            self.sync()

    def sync(self) -> None:
        """Wait until the disk has all answers."""
        try:
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._unsynced = 0

    def remove(self) -> None:
        """Delete the file: what is in it is elsewhere by now."""
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def open_kept(path: Path, *, question: Mapping[str, Any]) -> Iterator[Kept]:
    """
    Open a file of answers, or begin one, and hold it against a second process.

    Its first line is what was asked (`question`); then follows a line an answer, with the SHA-256
    of its text. A last line that a killed process did not finish is cut off. Without any answer in
    it, the file goes.

    Raises:
        DataError: the file answers another question, is damaged, or is in use.
        OutputError: it cannot be written.

    """
    _make(path)
    with hold(path, patience=0) as stream:
        if stream is None:
            raise DataError(f"{path}: another process is writing it; wait until that has ended")
        kept = Kept(path, _read(path, stream, question), stream)
        try:
            yield kept
        finally:
            kept.sync()
            if not len(kept):  # which would only be in the way of another question
                kept.remove()


def _make(path: Path) -> None:
    """Make the file where it is missing, for its owner only."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _read(path: Path, stream: IO[bytes], question: Mapping[str, Any]) -> dict[bytes, Answer]:
    """Return the answers in a file, which ends in a whole line afterwards."""
    answers: dict[bytes, Answer] = {}
    whole = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                found = json.loads(line)
                if number == 1:
                    first = dict(found)
                else:
                    _check_question(path, first, question)
                    answers[bytes.fromhex(found["text"])] = _as_answer(found)
            except (ValueError, TypeError, KeyError) as error:
                raise DataError(
                    f"{path}, line {number}: expected an answer, found something else: the file "
                    "is damaged; put a copy of it back, or delete it to begin again"
                ) from error
            whole += len(line)
    os.ftruncate(stream.fileno(), whole if answers else 0)
    if not answers:
        _write(path, stream, question)
    return answers


def _check_question(path: Path, found: Mapping[str, Any], question: Mapping[str, Any]) -> None:
    for name, asked in question.items():
        if found.get(name) != asked:
            raise DataError(
                f"{path}: answers {name} {_show(found.get(name))}, asked is {_show(asked)}; ask as "
                "before, write to another --output, or delete the file to begin again"
            )


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _as_answer(found: Mapping[str, Any]) -> Answer:
    scores = tuple(None if score is None else float(score) for score in found["scores"])
    return Answer(scores, found.get("error"))


def _as_line(digest: bytes, answer: Answer) -> dict[str, Any]:
    line: dict[str, Any] = {"text": digest.hex(), "scores": answer.scores}
    return line if answer.error is None else {**line, "error": answer.error}


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _write(path: Path, stream: IO[bytes], line: Mapping[str, Any]) -> None:
    """Append a line at once: past this, only the machine's end can lose it, not the process's."""
    packed = json.dumps(line).encode() + b"\n"
    try:
        written = os.write(stream.fileno(), packed)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    if written < len(packed):  # the beginning of a line, which the next run cuts off
        raise OutputError(f"{path}: cannot be written (no space left); make room, then run again")
