"""The model on the workers: it travels once to each, and is verified there before it is read."""

import tempfile
from pathlib import Path
from typing import Any

from distributed import Client, WorkerPlugin

from moderation.artifacts import load_model
from moderation.distributed.versions import digest_code
from moderation.errors import ClusterError, ModelNotFound
from moderation.scorer import Scorer

_LOADED: dict[str, Scorer] = {}
"""The models of this process, by SHA-256; threads of one worker share them."""


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
        self.name = f"moderation-model-{sha256[:12]}"

    def setup(self, worker: Any) -> None:
        """Verify and load the model; a worker that cannot does not begin."""
        if self.code != digest_code():
            raise ClusterError("another version of moderation than the client's: install the same")
        if self.sha256 in _LOADED:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.joblib"
            path.write_bytes(self.body)
            path.with_suffix(".json").write_bytes(self.facts)
            _LOADED[self.sha256] = load_model(path).without_terms()


def send_model(client: Client, path: Path, sha256: str) -> None:
    """
    Send a model to all workers there are, and to those that join later.

    Raises:
        ModelError: a worker refused it.

    """
    client.register_plugin(ModelOnWorkers(path, sha256))


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
