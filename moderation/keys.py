"""`python -m moderation.keys`: API keys of the service: made, listed, revoked, and found."""

import argparse
import base64
import contextlib
import hmac
import json
import math
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from moderation.arguments import read_count, run, say
from moderation.errors import KeysError, OutputError
from moderation.locks import hold
from moderation.settings import read_settings

PREFIX: Final = "mod_"
"""What every key begins with: people and scanners of repositories know it by that."""
LOOKED_AGAIN_AFTER: Final = 0.5
"""Seconds after which a keyring looks whether its file was changed."""

_RANDOM_BYTES: Final = 32
_LENGTH: Final = len(PREFIX) + math.ceil(_RANDOM_BYTES * 8 / 6)
_FORMAT: Final = 1
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Tell = Callable[[str], None]
"""What takes a line that somebody is to read."""
_Stamp = tuple[int, int, int] | None
"""What changes when a file does; None for one that is not there."""


class Scope(StrEnum):
    """What a key may be used for."""

    SCORE = "score"
    LABEL = "label"
    ADMIN = "admin"
    """Everything, what others may too."""


@dataclass(frozen=True)
class Key:
    """
    A key as it is stored: its digest, never itself.

    The digest is one SHA-256. A slow hash with a salt protects what people think up, which can be
    guessed and tried; there are 2**256 keys, and nobody tries them, however fast the hash is.
    """

    name: str
    digest: str
    """SHA-256 of the key, in hexadecimal."""
    scopes: frozenset[Scope]
    per_minute: int | None
    """How many comments may be sent with it in a minute; None for as many as come."""
    created_at: datetime
    revoked_at: datetime | None = None

    @property
    def is_revoked(self) -> bool:
        return self.revoked_at is not None

    def allows(self, scope: Scope) -> bool:
        """Tell whether it may be used for something; a revoked one may for nothing."""
        return not self.is_revoked and (scope in self.scopes or Scope.ADMIN in self.scopes)


class Keyring:
    """
    The keys of a file, found by what a client sends; follows the file while it changes.

    A file that is not there holds no keys. Is it damaged or gone later, the last good keys stay,
    and `tell` gets one line, once for each such change.
    """

    def __init__(
        self, path: Path, *, tell: Tell, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Read the keys; `clock` gives seconds.

        Raises:
            KeysError: the file cannot be read, or is damaged.

        """
        self._path, self._tell, self._clock = path, tell, clock
        self._stamp = _stamp(path)
        self._keys = _by_digest(read_keys(path))
        self._due = clock() + LOOKED_AGAIN_AFTER

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever made: a revoked one was."""
        if self._clock() >= self._due:
            self._follow()
        return not self._keys

    def find(self, token: str) -> Key | None:
        """
        Return the key that a client sent, also a revoked one; None for what never was a key.

        What is looked up is a digest: how long it takes tells nothing of the keys there are, since
        nobody can choose what a digest begins with. The comparison takes the same time always.
        """
        if self._clock() >= self._due:
            self._follow()
        if len(token) != _LENGTH:
            return None
        digest = _digest(token)
        key = self._keys.get(digest)
        return key if key is not None and hmac.compare_digest(key.digest, digest) else None

    def _follow(self) -> None:
        self._due = self._clock() + LOOKED_AGAIN_AFTER
        if (stamp := _stamp(self._path)) == self._stamp:
            return
        self._stamp = stamp
        try:
            if stamp is None:
                raise KeysError(f"{self._path}: no longer there; put it back")
            self._keys = _by_digest(read_keys(self._path))
        except KeysError as error:
            self._tell(f"{error}; until then the keys read last are in force")


def read_keys(path: Path) -> tuple[Key, ...]:
    """
    Return the keys of a file, in the order they were made; none where there is no file.

    Raises:
        KeysError: it cannot be read, or is damaged.

    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise KeysError(f"{path}: cannot be read ({error.strerror}); let us read it") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "no JSON") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise _damaged(path, f"no key file of format {_FORMAT}")
    try:
        keys = tuple(map(_read_key, found["keys"]))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, "a key that lacks something") from error
    if len({key.name for key in keys}) < len(keys) or len(_by_digest(keys)) < len(keys):
        raise _damaged(path, "the same key twice")
    return keys


def create_key(
    path: Path,
    name: str,
    *,
    scopes: frozenset[Scope],
    per_minute: int | None = None,
    at: datetime,
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """
    Add a key to a file, and return it: it is stored nowhere.

    Raises:
        KeysError: a name that is taken (of a revoked key, too) or cannot be one, no scope, no
            share of a minute, or a damaged file.
        OutputError: the file cannot be written.

    """
    if not _NAME.fullmatch(name):
        raise KeysError(
            "a key's name was expected to be 1 to 64 letters, digits, dots and dashes, such as "
            "coral or newsletter-2"
        )
    if not scopes:
        raise KeysError(f"{name}: no scope; choose among {', '.join(Scope)}")
    if per_minute is not None and per_minute < 1:
        raise KeysError(f"{name}: {per_minute} a minute; expected 1 or more, or no limit at all")
    token = PREFIX + _as_text(randomness(_RANDOM_BYTES))
    with _changing(path) as keys:
        if name in keys:
            raise KeysError(f"{name}: there is, or was, a key of this name; choose another")
        keys[name] = Key(name, _digest(token), scopes, per_minute, at)
    return token


def revoke_key(path: Path, name: str, *, at: datetime) -> None:
    """
    Let a key be good for nothing from now on; one that is revoked already stays as it is.

    Raises:
        KeysError: there is no such key, or the file is damaged.
        OutputError: the file cannot be written.

    """
    with _changing(path) as keys:
        if name not in keys:
            raise KeysError(f"{path}: no key of this name; see: python -m moderation.keys list")
        if not keys[name].is_revoked:
            keys[name] = replace(keys[name], revoked_at=at)


# The file


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[dict[str, Key]]:
    """Give the keys by name to be changed, and write them; nobody else changes them meanwhile."""
    with hold(path.with_name(f"{path.name}.lock")) as held:
        if held is None:
            raise KeysError(f"{path}: another process is changing it; try again")
        keys = {key.name: key for key in read_keys(path)}
        yield keys
        _write(path, list(keys.values()))


def _write(path: Path, keys: Sequence[Key]) -> None:
    body = json.dumps({"format": _FORMAT, "keys": list(map(_as_json, keys))}, indent=2)
    try:
        # Made for its owner alone, and so it stays when it is renamed.
        number, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with open(number, "w", encoding="utf-8") as stream:
                stream.write(f"{body}\n")
                stream.flush()
                os.fsync(stream.fileno())
                _give_to_owner(stream.fileno(), path)
            Path(aside).replace(path)
        except OSError:
            Path(aside).unlink()
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _give_to_owner(number: int, path: Path) -> None:
    """Leave the file to whoever has it: a service that cannot read it misses a revocation."""
    with contextlib.suppress(FileNotFoundError):
        owner = path.stat()
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(number, owner.st_uid, owner.st_gid)


def _as_json(key: Key) -> dict[str, Any]:
    return asdict(key) | {
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
    }


def _read_key(found: Mapping[str, Any]) -> Key:
    per_minute = found["per_minute"]
    revoked_at = found["revoked_at"]
    if not (_NAME.fullmatch(found["name"]) and _DIGEST.fullmatch(found["digest"])):
        raise ValueError
    if per_minute is not None and not (type(per_minute) is int and per_minute > 0):
        raise ValueError
    return Key(
        name=found["name"],
        digest=found["digest"],
        scopes=frozenset(map(Scope, found["scopes"])),
        per_minute=per_minute,
        created_at=datetime.fromisoformat(found["created_at"]),
        revoked_at=None if revoked_at is None else datetime.fromisoformat(revoked_at),
    )


def _damaged(path: Path, found: str) -> KeysError:
    return KeysError(
        f"{path}: found {found}, expected what python -m moderation.keys wrote; restore the file, "
        "or delete it and make new keys"
    )


def _by_digest(keys: Sequence[Key]) -> dict[str, Key]:
    return {key.digest: key for key in keys}


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _as_text(random: bytes) -> str:
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


# The command


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.keys",
        description="Make, list and revoke the API keys of the moderation service. A running "
        "service knows of it within a second.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make a key and print it, this once")
    create.add_argument("name", metavar="NAME", help="who it is for: letters, digits, dots, dashes")
    create.add_argument(
        "--scope", action="append", default=[], type=_read_scope, metavar="SCOPE",
        help="what it may be used for: score, label, or admin for everything; may be repeated; "
        "default: score",
    )  # fmt: skip
    create.add_argument(
        "--per-minute", type=read_count, metavar="N",
        help="how many comments may be sent with it in a minute; default: as many as come",
    )  # fmt: skip
    listing = commands.add_parser("list", help="print all keys, revoked ones too")
    revoke = commands.add_parser("revoke", help="let a key be good for nothing from now on")
    revoke.add_argument("name", metavar="NAME")
    for command in (create, listing, revoke):
        command.add_argument(
            "--file", type=Path, metavar="FILE", help="default: MODERATION_KEYS, or data/keys.json"
        )
    return parser


def _read_scope(given: str) -> Scope:
    try:
        return Scope(given)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"there is no scope {given!r}; choose among {', '.join(Scope)}"
        ) from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    args = build_parser().parse_args(argv)
    path = args.file or read_settings().keys
    return run("keys", lambda: _COMMANDS[args.command](args, path, datetime.now(UTC)))


def _create(args: argparse.Namespace, path: Path, now: datetime) -> None:
    scopes = frozenset(args.scope or [Scope.SCORE])
    token = create_key(path, args.name, scopes=scopes, per_minute=args.per_minute, at=now)
    say(f"{args.name}: may {', '.join(sorted(scopes))}; shown this once, {path} has its SHA-256")
    print(token)


def _list(args: argparse.Namespace, path: Path, now: datetime) -> None:
    keys = read_keys(path)
    if not keys:
        say(f"{path}: no key yet; make one with: python -m moderation.keys create NAME")
    for key in keys:
        quota = "no limit" if key.per_minute is None else f"{key.per_minute} a minute"
        state = f"created {key.created_at:%Y-%m-%d}"
        if key.revoked_at is not None:
            state += f", revoked {key.revoked_at:%Y-%m-%d}"
        print(f"{key.name}\t{','.join(sorted(key.scopes))}\t{quota}\t{state}")


def _revoke(args: argparse.Namespace, path: Path, now: datetime) -> None:
    revoke_key(path, args.name, at=now)
    say(f"{args.name}: revoked")


_COMMANDS: Final = {"create": _create, "list": _list, "revoke": _revoke}

if __name__ == "__main__":
    sys.exit(main())
