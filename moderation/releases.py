"""Models that take each other's place on disk, so that none is lost and each can come back.

Beside a model NAME.joblib lies the folder NAME.releases::

    candidate/NAME.joblib, ...    the model trained last, which waits to be looked at
    kept/VERSION/NAME.joblib, ... every model that was put in use here, or replaced, whole
    changes.jsonl                 who put which model in use, and when; lines are only added
    underway.json                 a change that was begun; absent otherwise

A model is put in use in this order: both models are in `kept`, `underway.json` says what is to be
done, the files are copied to their place one by one, a line is added to `changes.jsonl`, and
`underway.json` goes. A process that is killed in between leaves `underway.json`: who comes next
does it again from `kept` (`settle`). This holds for processes that end, not for power that fails.
"""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from moderation.artifacts import Manifest, load_model, put_in_place, read_manifest
from moderation.errors import ModelError, ModelNotFound, ModelTampered, OutputError
from moderation.locks import hold
from moderation.scorer import Scorer

_ASIDE: Final = ".aside."


class Kind(StrEnum):
    """How a model came into use."""

    PROMOTED = "promoted"
    WENT_BACK = "went back"


@dataclass(frozen=True)
class Change:
    """A model that took another's place."""

    kind: Kind
    by: str
    at: datetime
    before: str | None
    """Version of the model that was in use; None where there was none that could be read."""
    after: str


@dataclass(frozen=True)
class Journal:
    """The changes so far, earliest first, and how many lines of the file could not be read."""

    changes: tuple[Change, ...]
    unreadable: int = 0


@dataclass(frozen=True)
class Release:
    """A model on disk."""

    version: str
    path: Path
    saved_at: datetime
    """When its file was written; copies keep it."""
    comments: int | None
    removed: int | None
    """What it learnt from or was measured on, as its manifest has it."""
    in_use: bool = False


def candidate_of(in_use: Path) -> Path:
    """Return where a model is saved that may take the place of the one in use."""
    return folder_of(in_use) / "candidate" / in_use.name


def folder_of(in_use: Path) -> Path:
    """Return the folder of a model's releases."""
    return in_use.parent / f"{in_use.stem}.releases"


def promote(candidate: Path, in_use: Path, *, version: str, by: str, at: datetime) -> Change:
    """
    Keep the model in use, and put another in its place.

    What is there and cannot be a model (its file is not the one its manifest describes) is lost.
    `version` is that of the model that was looked at: another one by now is refused.

    Raises:
        ModelError: no such model, one that cannot be loaded here, or another than was looked at.
        OutputError: a file cannot be written.

    """
    with changing(in_use):
        if (found := read_manifest(candidate).version) != version:
            raise ModelError(
                f"not put in use: the new model is {found} by now, not {version}, which you "
                "looked at; look at it first"
            )
        if version == _version_at(in_use):
            raise ModelError(f"model {version} is in use already")
        _keep(candidate, in_use)
        change = Change(Kind.PROMOTED, by, at, _version_at(in_use), version)
        _put_in_use(change, in_use)
        if candidate == candidate_of(in_use):
            shutil.rmtree(candidate.parent)
    return change


def roll_back(in_use: Path, *, version: str, by: str, at: datetime) -> Change:
    """
    Put the model back that was in use before; the one in use is kept, and can be promoted again.

    `version` is that of the model which is expected to come back (`previous`).

    Raises:
        ModelError: there is none before, or another one, or it cannot be loaded here.
        OutputError: a file cannot be written.

    """
    with changing(in_use):
        before = previous(in_use)
        if before is None or before.version != version:
            raise ModelError(
                f"not gone back: model {version} is not the one that was in use before; look at "
                "what is in use now"
            )
        change = Change(Kind.WENT_BACK, by, at, _version_at(in_use), version)
        _put_in_use(change, in_use)
    return change


def discard(in_use: Path, *, version: str) -> None:
    """
    Delete the candidate, unless it is another one by now than was looked at.

    Raises:
        ModelError: it is another one, or there is none.
        OutputError: it cannot be deleted.

    """
    candidate = candidate_of(in_use)
    with changing(in_use):
        if read_manifest(candidate).version != version:
            raise ModelError("not discarded: the new model is another one by now; look at it first")
        shutil.rmtree(candidate.parent)


def load_in_use(in_use: Path) -> Scorer:
    """
    Return the scorer of the model in use; waits for a change that is underway, or finishes it.

    Raises:
        ModelError: as `load_model` does.

    """
    settle(in_use)
    try:
        return load_model(in_use)
    except ModelError:  # a change may have begun since
        settle(in_use)
        return load_model(in_use)


def settle(in_use: Path) -> None:
    """
    Wait for a change that is underway; one whose process was killed is finished.

    Raises:
        ModelError: somebody is at it for a long time, or what was begun cannot be read.
        OutputError: a file cannot be written.

    """
    if _underway_of(in_use).exists():
        with changing(in_use):
            pass


@contextlib.contextmanager
def changing(in_use: Path) -> Iterator[None]:
    """
    Let nobody else change models while the block runs; what was begun before is finished first.

    Raises:
        ModelError: somebody is at it for a long time, or what was begun cannot be read.
        OutputError: a file cannot be written.

    """
    folder = folder_of(in_use)
    with hold(folder / "changes.lock") as held, _writing(folder):
        if held is None:
            raise ModelError(f"{folder}: another process is changing the model; try again")
        for left in folder.glob(f"{_ASIDE}*"):
            shutil.rmtree(left)
        _resume(in_use)
        yield


def find_candidate(in_use: Path) -> Release | None:
    """Return the model that waits to be looked at, if there is one that can be read."""
    return _describe(candidate_of(in_use))


def previous(in_use: Path) -> Release | None:
    """
    Return the model that `roll_back` puts back: the one whose place was taken, if it is kept.

    Going back twice goes back two models. One that was trained in place of the model in use, by
    hand, counts as having taken its place.
    """
    line: list[str] = []
    for change in read_journal(in_use).changes:
        _add(line, change.before)
        if change.kind is Kind.WENT_BACK and change.after in line:
            while line[-1] != change.after:
                line.pop()
        _add(line, change.after)
    now = _version_at(in_use)
    _add(line, now)
    kept = (_describe(_kept(version, in_use)) for version in reversed(line) if version != now)
    return next((release for release in kept if release is not None), None)


def list_releases(in_use: Path) -> list[Release]:
    """Return the model in use, if any, then those kept, the one written last first."""
    now = _version_at(in_use)
    folders = sorted(_kept("", in_use).parent.glob(f"*/{in_use.name}"))
    kept = [release for path in folders if (release := _describe(path)) and release.version != now]
    found = [*([_describe(in_use, in_use=True)] if now else []), *sorted(kept, key=_newest_first)]
    return [release for release in found if release is not None]


def read_journal(in_use: Path) -> Journal:
    """Return who put which model in use, and when."""
    try:
        lines = _journal_of(in_use).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return Journal(())
    changes, unreadable = [], 0
    for line in lines:
        try:
            changes.append(_read_change(line))
        except (ValueError, TypeError, LookupError):
            unreadable += 1
    return Journal(tuple(changes), unreadable)


# The steps of a change


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error


def _resume(in_use: Path) -> None:
    underway = _underway_of(in_use)
    if not underway.exists():
        return
    try:
        change = _read_change(underway.read_text(encoding="utf-8"))
    except (ValueError, TypeError, LookupError) as error:
        raise ModelError(f"{underway}: says no change that can be read; delete it") from error
    _copy_in_place(change.after, in_use)
    if change not in read_journal(in_use).changes:
        _write_down(change, in_use)
    underway.unlink()


def _put_in_use(change: Change, in_use: Path) -> None:
    """Put a kept model in use; it is loaded first, and so is the one it replaces kept."""
    load_model(_kept(change.after, in_use))
    if change.before is not None:
        _keep(in_use, in_use)
    with _aside(in_use) as aside:
        (aside / "underway.json").write_text(_as_line(change), encoding="utf-8")
        (aside / "underway.json").replace(_underway_of(in_use))
    _resume(in_use)


def _keep(path: Path, in_use: Path) -> None:
    """Copy a model to where models are kept, as a whole or not at all."""
    with _aside(in_use) as aside:
        manifest = _copy(path, aside / "whole")
        kept = _kept(manifest.version, in_use).parent
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            (aside / "whole").replace(kept)


def _copy_in_place(version: str, in_use: Path) -> None:
    with _aside(in_use) as aside:
        _copy(_kept(version, in_use), aside / "whole")
        put_in_place(aside / "whole", in_use)


def _copy(path: Path, folder: Path) -> Manifest:
    """Copy a model into a new folder; a card or plots that it lacks are left out."""
    folder.mkdir()
    for name in (path.name, f"{path.stem}.json", f"{path.stem}.md"):
        if (path.parent / name).exists():
            shutil.copy2(path.parent / name, folder / name)
    if path.with_suffix("").is_dir():
        shutil.copytree(path.with_suffix(""), folder / path.stem)
    return _check_digest(folder / path.name)


def _check_digest(path: Path) -> Manifest:
    """Return the manifest of a model whose file is the one it describes, else refuse it."""
    manifest = read_manifest(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != manifest.facts["sha256"]:
        raise ModelTampered(f"{path.name}: not the file that its manifest describes; train again")
    return manifest


@contextlib.contextmanager
def _aside(in_use: Path) -> Iterator[Path]:
    """Make a folder in which files are made ready; one that a killed process left goes later."""
    with tempfile.TemporaryDirectory(dir=folder_of(in_use), prefix=_ASIDE) as folder:
        yield Path(folder)


def _write_down(change: Change, in_use: Path) -> None:
    """Add a line; after half a line, which a killed process may leave, on a line of its own."""
    path = _journal_of(in_use)
    with path.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, 2)
            if stream.read() != b"\n":
                stream.write(b"\n")
        stream.write(f"{_as_line(change)}\n".encode())


# What is on disk


def _kept(version: str, in_use: Path) -> Path:
    return folder_of(in_use) / "kept" / version / in_use.name


def _journal_of(in_use: Path) -> Path:
    return folder_of(in_use) / "changes.jsonl"


def _underway_of(in_use: Path) -> Path:
    return folder_of(in_use) / "underway.json"


def _version_at(path: Path) -> str | None:
    """Return the version of a model that is whole, or None."""
    try:
        return _check_digest(path).version
    except (ModelError, OSError):
        return None


def _describe(path: Path, *, in_use: bool = False) -> Release | None:
    try:
        manifest, changed = read_manifest(path), path.stat().st_mtime
    except (ModelNotFound, OSError):
        return None
    data = manifest.facts["training_data"]
    return Release(
        version=manifest.version,
        path=path,
        saved_at=datetime.fromtimestamp(changed, UTC),
        comments=data.get("comments"),
        removed=data.get("removed"),
        in_use=in_use,
    )


def _newest_first(release: Release) -> tuple[float, str]:
    return -release.saved_at.timestamp(), release.version


def _add(line: list[str], version: str | None) -> None:
    if version is not None and line[-1:] != [version]:
        line.append(version)


def _as_line(change: Change) -> str:
    return json.dumps(asdict(change) | {"at": change.at.isoformat()}, ensure_ascii=False)


def _read_change(line: str) -> Change:
    found = json.loads(line)
    return Change(
        kind=Kind(found["kind"]),
        by=str(found["by"]),
        at=datetime.fromisoformat(found["at"]),
        before=found["before"],
        after=str(found["after"]),
    )
