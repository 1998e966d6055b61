"""
One reader under atheris: `python -m tests.fuzzing.target NAME FOLDER [libFuzzer's options]`.

`tests.fuzzing` starts it, with samples in FOLDER. A process that runs it ends at the first finding.
"""

import resource
import sys


def main(arguments: list[str]) -> None:
    """Fuzz the reader that is named first until libFuzzer has had enough."""
    import atheris

    with atheris.instrument_imports(include=["moderation.parsers", "moderation.text"]):
        from tests.fuzzing.targets import MEMORY_BYTES, check

    name, *options = arguments
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    atheris.Setup([sys.argv[0], *options], lambda data: check(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
