"""Where tables lie: files, folders and fsspec addresses, listed, opened and put in place."""

import contextlib
import errno
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
import pyarrow.fs as pafs
from fsspec.implementations.local import LocalFileSystem

from moderation.errors import MissingPackage, ModerationError, OutputError, SourceError

CHUNK = 1 << 20
_CREDENTIALS = re.compile(r"(?<=//)[^/@]*@")
_LEFT = re.compile(r"\..+\.[0-9a-z_]{8}\.part")


def mask(address: str) -> str:
    """
    Return an address for a message, without the name and password that it may carry.

    >>> mask("ftp://ann:secret@files.example/archive")
    'ftp://***@files.example/archive'
    """
    return _CREDENTIALS.sub("***@", address)


@dataclass(frozen=True)
class Place:
    """A file or folder on any file system that fsspec knows; what it is called shows no secret."""

    address: str = field(repr=False)
    system: Any = field(repr=False, compare=False)
    path: str

    @property
    def is_local(self) -> bool:
        return isinstance(self.system, LocalFileSystem)

    def show(self, path: str | None = None) -> str:
        """Return what messages call a file of this file system, or the place itself."""
        if path is None:
            return mask(self.address)
        return path if self.is_local else mask(str(self.system.unstrip_protocol(path)))

    def join(self, name: str) -> str:
        """Return the path of a file in this folder."""
        return f"{self.path.rstrip('/')}/{name}"

    def holds(self, other: "Place") -> bool:
        """Tell whether another place is this one or lies in it."""
        same = type(self.system) is type(other.system)
        return same and PurePosixPath(other.path).is_relative_to(self.path)


def find_place(address: str) -> Place:
    """
    Return the place that a path or an fsspec address names; credentials come from where it looks.

    Raises:
        MissingPackage: its kind needs a package that is not installed.
        SourceError: there is no such kind of address.

    """
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        kind = address.partition("://")[0]
        raise MissingPackage(
            f"{mask(address)}: reading {kind}:// needs another package: "
            "pip install 'moderation[scale]' for s3://, or what fsspec asks for"
        ) from error
    except ValueError as error:
        raise SourceError(
            f"{mask(address)}: not an address that fsspec knows; expected a path, or s3://..."
        ) from error
    return Place(address, system, path)


def find_tables(place: Place) -> list[str]:
    """
    Return the Parquet file at a place, or the ones in a folder and below, in order of name.

    Files and folders whose names begin with a dot or an underscore are no tables, as elsewhere.

    Raises:
        SourceError: there is none, or the place cannot be reached.

    """
    with reaching(place.show()):
        place.system.invalidate_cache()
        if place.system.isfile(place.path):
            return [place.path]
        below = [path for path in place.system.find(place.path) if _is_table(place, path)]
        if not below and not place.system.exists(place.path):
            raise SourceError(f"{place.show()}: no such file or folder; name a Parquet one")
    if not below:
        raise SourceError(f"{place.show()}: no Parquet file; expected one, or a folder with some")
    return sorted(below)


def _is_table(place: Place, path: str) -> bool:
    names = PurePosixPath(path).relative_to(place.path).parts
    return names[-1].endswith(".parquet") and not any(name[0] in "._" for name in names)


def measure(place: Place, path: str) -> int:
    """Return the size of a file in bytes."""
    with reaching(place.show(path)):
        return int(place.system.size(path))


@contextlib.contextmanager
def open_file(place: Place, path: str) -> Iterator[Any]:
    """Open a file for Arrow, closed afterwards; errors of Arrow and of the file system pass."""
    system = pafs.LocalFileSystem() if place.is_local else None
    system = system or pafs.PyFileSystem(pafs.FSSpecHandler(place.system))
    with system.open_input_file(path) as stream:
        yield stream


def read_text(place: Place, name: str) -> str | None:
    """
    Return what a file of a folder says; None where there is none.

    Raises:
        SourceError: it cannot be read.

    """
    path = place.join(name)
    with reaching(place.show(path)):
        try:
            return str(place.system.cat_file(path).decode())
        except FileNotFoundError:
            return None


def prepare_folder(place: Place) -> None:
    """
    Make the folder of an output, and remove what writers that were killed have left in it.

    Raises:
        OutputError: it cannot be made.

    """
    with reaching(place.show(), OutputError):
        place.system.makedirs(place.path, exist_ok=True)
        for path in Path(place.path).iterdir() if place.is_local else ():
            if _LEFT.fullmatch(path.name):
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def putting(place: Place, name: str) -> Iterator[Path]:
    """
    Give a file to write to, which is put in place when all went well and removed otherwise.

    Beside the place where that is a folder here; other file systems show a file when it is whole.

    Raises:
        OutputError: it cannot be written.

    """
    path = place.join(name)
    with contextlib.ExitStack() as cleanup, reaching(place.show(path), OutputError):
        folder = place.path if place.is_local else None
        handle, written = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
        os.close(handle)
        aside = Path(written)
        cleanup.callback(aside.unlink, missing_ok=True)
        yield aside
        if place.is_local:
            aside.chmod(0o644)
            aside.replace(path)
        else:
            place.system.put_file(str(aside), path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file here."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_file(place: Place, path: str) -> str:
    """
    Return the SHA-256 of a file of any file system.

    Raises:
        SourceError: it cannot be read.

    """
    whole = hashlib.sha256()
    with reaching(place.show(path)), place.system.open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


@contextlib.contextmanager
def reaching(name: str, kind: type[ModerationError] = SourceError) -> Iterator[None]:
    """Say of which file something failed, in words that carry no part of a request."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, _remote_errors()):
            raise
        verb = "written" if kind is OutputError else "read"
        raise kind(f"{name}: cannot be {verb} ({_reason(error)})") from None


def _remote_errors() -> tuple[type[BaseException], ...]:
    """Return what file systems raise; botocore's own errors only where it is in use."""
    botocore = sys.modules.get("botocore.exceptions")
    return (OSError, botocore.BotoCoreError, botocore.ClientError) if botocore else (OSError,)


def _reason(error: BaseException) -> str:
    """Return what is to be known of an error; its own words may quote a request."""
    number = getattr(error, "errno", None) or 0
    return os.strerror(number) if number in errno.errorcode else type(error).__name__
