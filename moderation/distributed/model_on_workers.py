"""The model on the workers: it travels once to each, and is verified there before it is read."""

import contextlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from distributed import Client, WorkerPlugin

from moderation.artifacts import load_model
from moderation.distributed.versions import digest_code
from moderation.errors import ClusterError, ModelNotFound
from moderation.scorer import Scorer

_LOADED: dict[str, Scorer] = {}
"""The models of this process, by SHA-256; threads of one worker share them."""
_USERS: Counter[str] = Counter()
"""How many runs use each of them."""


class ModelOnWorkers(WorkerPlugin):
    """
    Gives each worker the files of a model when it joins, those too that take a dead one's place.

    `load_model` reads them there: it checks the SHA-256 before anything is unpickled.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        """Take a model's path here and the SHA-256 that it has to have everywhere."""
        try:
            self.body = path.read_bytes()
            self.facts = path.with_suffix(".json").read_bytes()
        except OSError as error:
            raise ModelNotFound(f"{path}: cannot be read ({error.strerror})") from error
        self.sha256 = sha256
        self.code = digest_code()
        self.name = f"moderation-model-{sha256[:12]}-{uuid4().hex[:12]}"

    def setup(self, worker: Any) -> None:
        """Verify and load the model; a worker that cannot does not begin."""
        if self.code != digest_code():
            raise ClusterError("another version of moderation than the client's: install the same")
        _USERS[self.sha256] += 1
        if self.sha256 in _LOADED:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.joblib"
            path.write_bytes(self.body)
            path.with_suffix(".json").write_bytes(self.facts)
            _LOADED[self.sha256] = load_model(path).without_terms()

    def teardown(self, worker: Any) -> None:
        """Forget the model where no other run uses it."""
        _USERS[self.sha256] -= 1
        if not _USERS[self.sha256]:
            _LOADED.pop(self.sha256, None)


@contextlib.contextmanager
def sending_model(client: Client, path: Path, sha256: str) -> Iterator[None]:
    """
    Send a model to all workers there are, and to those that join; they forget it at the end.

    Raises:
        ModelError: a worker refused it.

    """
    plugin = ModelOnWorkers(path, sha256)
    client.register_plugin(plugin)
    is_lost = False
    try:
        yield
    except ClusterError:  # nobody may be there to be asked
        is_lost = True
        raise
    finally:
        if not is_lost:
            client.unregister_worker_plugin(plugin.name)


def find_scorer(sha256: str) -> Scorer:
    """
    Return the model that was sent to this worker.

    Raises:
        ClusterError: none was.

    """
    try:
        return _LOADED[sha256]
    except KeyError:
        raise ClusterError(
            f"a worker without model {sha256[:12]}: it did not load when the worker began; "
            "see the worker's log"
        ) from None
