"""`Repeating`: work that a thread does again and again while the service runs."""

import logging
import threading
from collections.abc import Callable
from typing import Self

log = logging.getLogger("moderation.service")


class Repeating:
    """Calls `work` every `seconds`; an error is told by its class, and the next call comes."""

    def __init__(self, work: Callable[[], None], *, seconds: float, name: str) -> None:
        self._work, self._seconds, self._name = work, seconds, name
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until the call that is underway has ended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self._work()
            except Exception as error:
                # What an error says may quote a comment.
                log.error("%s: %s; trying again", self._name, type(error).__name__)
