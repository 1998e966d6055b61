"""`Gate`: who may ask for what, by API key, scope and quota."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_plus

from moderation.keys import Key, Keyring, Scope
from moderation.perspective import errors
from moderation.quota import Quota
from moderation.service.asking import Asked
from moderation.service.refusals import more_than_quota, quota_used_up

ANYBODY: Final = Key(
    name="anybody",
    digest="",
    scopes=frozenset(Scope),
    per_minute=None,
    created_at=datetime.min.replace(tzinfo=UTC),
    revoked_at=None,
)
"""Whoever asks where no key was ever made: only this machine can."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
"""Names by which this machine reaches itself; no page elsewhere makes a browser send them."""

_BEARER: Final = b"bearer "


@dataclass(frozen=True)
class Gate:
    """Lets requests through that bring a key with the scope they need."""

    keyring: Keyring
    quota: Quota
    clock: Callable[[], float]
    per_minute: int | None
    """The quota of keys that have none of their own."""

    def admit(self, asked: Asked, scope: Scope) -> Key:
        """
        Return the key of who asks.

        A key comes as `key` in the query, as `X-Goog-Api-Key`, or as a bearer token.

        Raises:
            ApiError: there is no key, or it is unknown, revoked or without the scope; or, where
                there are no keys at all, the request was not sent to this machine by its own name.

        """
        token = find_token(asked)
        if self.keyring.is_empty:
            return _admit_anybody(asked)
        if token is None:
            raise errors.key_missing()
        key = self._find(token)
        if not key.allows(scope):
            raise errors.key_blocked(scope)
        return key

    def _find(self, token: str) -> Key:
        key = self.keyring.find(token)
        if key is None or key.is_revoked:
            raise errors.key_invalid()
        return key

    def check(self, asked: Asked) -> None:
        """
        Refuse a key that is no good where none is needed: clients try their key so.

        Raises:
            ApiError: the key is unknown or revoked.

        """
        token = find_token(asked)
        if token is not None and not self.keyring.is_empty:
            self._find(token)

    def charge(self, asked: Asked, key: Key, comments: int = 1) -> None:
        """
        Count comments towards a key's quota.

        Raises:
            ApiError: it is used up; says how many seconds to wait. Or no waiting would help: there
                are more of them than it has for a whole minute.

        """
        per_minute = self.per_minute if key.per_minute is None else key.per_minute
        if per_minute is None:
            return
        if comments > per_minute:
            raise more_than_quota(comments, per_minute)
        wait = self.quota.take(key.name, per_minute=per_minute, units=comments, now=self.clock())
        if wait > 0:
            raise quota_used_up(key.name, per_minute, wait=wait, docs=f"{asked.root}docs")


def find_token(asked: Asked) -> str | None:
    """Return the key that a request brings; what is in a header goes before the address."""
    for name, value in asked.scope["headers"]:
        if name == b"x-goog-api-key":
            return str(value.decode("latin-1"))
        if name == b"authorization" and value[:7].lower() == _BEARER:
            return str(value[7:].strip().decode("latin-1"))
    query: bytes = asked.scope["query_string"]
    if b"key=" in query:
        for part in query.split(b"&"):
            if part.startswith(b"key="):
                return unquote_plus(part[4:].decode("latin-1"))
    return None


def _admit_anybody(asked: Asked) -> Key:
    """
    Let in whoever is on this machine.

    Raises:
        ApiError: the request was sent to another name: a page of another site may be behind it,
            whose address was made to lead here.

    """
    host = asked.header(b"host") or ""
    if host not in LOOPBACK and host.rsplit(":", 1)[0] not in LOOPBACK:
        raise errors.key_missing()
    return ANYBODY
