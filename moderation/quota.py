"""Counts what each key may send in a minute, for several processes forked from one."""

import fcntl
import math
import mmap
import os
import tempfile
import threading
import weakref
from hashlib import sha256
from typing import Final

MINUTE: Final = 60.0

_NAME_BYTES: Final = 16
_NOBODY: Final = bytes(_NAME_BYTES)
_ROUNDING: Final = 1e-6
"""Seconds by which sums of times may be off."""


class Quota:
    """
    What is left of each key's minute, shared by this process and all that are forked from it.

    A key has a bucket that holds what it may send in a minute, is full at first, and fills evenly:
    who waited may send a whole minute's worth at once, and in any 60 seconds at most twice as much
    goes through, as with the windows that the Perspective API counts in; but who sends too much
    waits for the next unit, not for the next minute. It is the generic cell rate algorithm (ITU-T
    I.371): all that is stored of a bucket is the moment at which it will be full again.

    A process that is killed at any moment takes no one along: the system takes its lock from it,
    and that moment is a single number of eight bytes, which is written whole or not at all.
    """

    def __init__(self, slots: int = 1024) -> None:
        """
        Make room for keys that send within the same minute; to be called before the fork.

        Raises:
            ValueError: room for none.

        """
        if slots < 1:
            raise ValueError(f"slots={slots}: expected 1 or more")
        self._slots = slots
        names = slots * _NAME_BYTES
        self._memory = memoryview(mmap.mmap(-1, names + 8 * slots))
        self._names = self._memory[:names]
        self._full_at = self._memory[names:].cast("d")
        # Locks of this kind (POSIX) belong to a process, so children do not share the parent's;
        # threads of one process do share it, and need another.
        with tempfile.TemporaryFile() as stream:
            self._lock = os.dup(stream.fileno())
        weakref.finalize(self, os.close, self._lock)
        self._threads = threading.Lock()
        self._known: dict[str, tuple[int, bytes]] = {}

    def take(self, name: str, *, per_minute: int, units: int = 1, now: float) -> float:
        """
        Take units from a key's minute; return the seconds to wait, 0 where they were granted.

        What is not granted takes nothing. `math.inf` for more units than the whole minute has:
        no waiting helps. `now` is in seconds by a clock that all processes share and that never
        goes back: `time.monotonic` is one on Linux and macOS.

        Raises:
            ValueError: `per_minute` or `units` below 1.

        """
        if per_minute < 1 or units < 1:
            raise ValueError(f"{units} units of {per_minute} a minute: expected 1 or more of each")
        if units > per_minute:
            return math.inf
        with self._threads:
            fcntl.lockf(self._lock, fcntl.LOCK_EX)
            try:
                slot, wait = self._find(name, now)
                return wait or self._take_from(slot, units * MINUTE / per_minute, now)
            finally:
                fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def _take_from(self, slot: int, seconds: float, now: float) -> float:
        # A moment further off than a minute is another clock's, before a restart of it.
        full_at = min(max(self._full_at[slot], now), now + MINUTE) + seconds
        wait = full_at - now - MINUTE
        if wait > _ROUNDING:
            return wait
        self._full_at[slot] = full_at
        return 0.0

    def _find(self, name: str, now: float) -> tuple[int, float]:
        """Return a key's slot, or the seconds until there is one for it: all are in use."""
        slot, digest = self._known.get(name) or (0, _digest(name))
        if self._name_at(slot) != digest:
            slot, wait = self._search(digest, now)
            if wait > 0:
                return slot, wait
        self._known[name] = slot, digest
        return slot, 0.0

    def _search(self, digest: bytes, now: float) -> tuple[int, float]:
        """
        Return the slot of a key, or one that becomes its own.

        Slots are given out in order. A bucket that is full again says nothing of its key, so its
        slot can be another's.
        """
        for slot in range(self._slots):
            found = self._name_at(slot)
            if found == digest:
                return slot, 0.0
            if found == _NOBODY:
                break
        else:
            slot = min(range(self._slots), key=lambda each: self._full_at[each])
            if (wait := self._full_at[slot] - now) > 0:
                return slot, min(wait, MINUTE)
        # Killed between the two lines, a process leaves a slot whose bucket is full.
        self._full_at[slot] = 0.0
        begin = slot * _NAME_BYTES
        self._names[begin : begin + _NAME_BYTES] = digest
        return slot, 0.0

    def _name_at(self, slot: int) -> memoryview:
        return self._names[slot * _NAME_BYTES : (slot + 1) * _NAME_BYTES]


def _digest(name: str) -> bytes:
    return sha256(name.encode("utf-8", "surrogatepass")).digest()[:_NAME_BYTES]
