"""A model that one process looks after, and those forked from it answer with, in memory once."""

import json
import os
import socket
from typing import IO, Final

from moderation.buffers import release_freed_memory
from moderation.serving import ModelInUse, Outcome, Served, Tell
from moderation.sharing import map_shared, write_shared

_LONGEST: Final = 1 << 16
"""Bytes of a message; it holds a number and one line."""
_NO_ROOM: Final = "there is no room in memory for a new model; the old one goes on answering"
_State = tuple[int, str | None]
"""The number of the model that was handed over, 0 for the first, and the alarm."""


class Giver:
    """
    Looks after the model in the process that forks, and hands a new one to all others.

    They inherit the model that is there when they are forked. Of a later one the tables go to a
    file in memory, and its descriptor to each process by a socket of its own, so that nothing is
    loaded twice and nothing is left behind by a process that is killed. A process that has no room
    for a message gets the newest at a later look.
    """

    def __init__(self, models: ModelInUse, *, tell: Tell) -> None:
        """Take the model in use."""
        self._models, self._tell = models, tell
        self._given: Served | None = models.current
        self._file: IO[bytes] | None = None
        self._state: _State = (0, None)
        self._ends: dict[socket.socket, _State] = {}
        self._theirs: socket.socket | None = None

    def before_fork(self) -> "Taker":
        """Return what the process that is forked next is to ask for its model."""
        self._after_fork()
        ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        self._theirs.setblocking(False)
        self._ends[ours] = self._state
        current = self._given
        assert current is not None
        # Written to by the child, shared memory would be copied page by page: it makes its own.
        current.scorer.release_memory()
        return Taker(self, self._theirs, current, *self._state)

    def look(self) -> Outcome:
        """
        Look for another model, and let all know what came of it; to be called every second or so.

        Where there is no room to hand a model over, the old one stays and it is tried again.
        """
        self._after_fork()
        outcome = self._models.look()
        number, alarm = self._state[0], self._models.alarm
        if self._models.current is not self._given:
            try:
                self._replace_file(write_shared(self._models.current))
            except OSError as error:
                outcome, alarm = Outcome.REFUSED, f"{_NO_ROOM} ({error.strerror})"
                if alarm != self._state[1]:
                    self._tell(alarm)
            else:
                number, self._given = number + 1, self._models.current
        self._state = (number, alarm)
        for end, known in list(self._ends.items()):
            if known != self._state:
                self._send(end)
        return outcome

    def close(self) -> None:
        """Hand over nothing any more; what was handed over stays where it is."""
        self._after_fork()
        for file in (self._file, *self._ends):
            if file is not None:
                file.close()
        self._file = None
        self._ends.clear()

    def let_go(self) -> None:
        """Hold on to nothing: for a process that has inherited this and does not use it."""
        self._theirs = None  # in that process its own: what its taker listens at
        self.close()
        self._given = None
        self._models.let_go()

    def _replace_file(self, file: IO[bytes]) -> None:
        if self._file is not None:
            self._file.close()
        self._file = file

    def _send(self, end: socket.socket) -> None:
        files = [] if self._file is None else [self._file.fileno()]
        try:
            socket.send_fds(end, [json.dumps(self._state).encode()], files)
        except BlockingIOError:
            return
        except OSError:  # its process is gone
            end.close()
            del self._ends[end]
        else:
            self._ends[end] = self._state

    def _after_fork(self) -> None:
        """Close what a child has inherited since: only so is it known when that is gone."""
        if self._theirs is not None:
            self._theirs.close()
            self._theirs = None


class Taker:
    """The model of a forked process: what it inherited, then what it is handed."""

    def __init__(
        self, giver: Giver, end: socket.socket, served: Served, number: int, alarm: str | None
    ) -> None:
        """Take one end of a pair of sockets, and what is inherited."""
        self._end, self._served, self._number, self._alarm = end, served, number, alarm
        self._giver, self._made_in = giver, os.getpid()

    @property
    def current(self) -> Served:
        return self._served

    @property
    def alarm(self) -> str | None:
        return self._alarm

    def look(self) -> Outcome:
        """
        Take what was handed over; to be called every second or so, by one thread.

        Where there is no room for a model, the old one stays, with an alarm, until the next.
        """
        outcome = Outcome.SAME
        while (message := self._receive()) is not None:
            said, files = message
            number, alarm = json.loads(said)
            try:
                if number != self._number:
                    outcome, self._number = Outcome.SWAPPED, number
                    served: Served = map_shared(files[0])
                    served.try_out()
                    self._served = served
                    self._let_go()
            except OSError as error:
                outcome, alarm = Outcome.REFUSED, f"{_NO_ROOM} ({error.strerror})"
            finally:
                for file in files:
                    os.close(file)
            if alarm is not None and alarm != self._alarm:
                outcome = Outcome.REFUSED
            self._alarm = alarm
        return outcome

    def _let_go(self) -> None:
        """Let the inherited model go, which this process would hold on to as its parent did."""
        if os.getpid() != self._made_in:
            self._giver.let_go()
            self._made_in = os.getpid()
        release_freed_memory()

    def _receive(self) -> tuple[bytes, list[int]] | None:
        try:
            said, files, _, _ = socket.recv_fds(self._end, _LONGEST, 1)
        except (BlockingIOError, ConnectionError):
            return None
        return (said, files) if said else None
