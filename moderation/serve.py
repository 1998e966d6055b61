"""`python -m moderation.serve`: answers other systems that ask for a score or send decisions."""

import argparse
import contextlib
import ipaddress
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from moderation.arguments import COMPILING, read_count, run, say
from moderation.errors import MissingPackage, ServiceError
from moderation.handover import Giver
from moderation.kernels import announce_compiling
from moderation.settings import Settings, read_settings

MOST_WORKERS: Final = 256
NO_KEYS: Final = (
    "there is no API key yet, so only this machine is served; "
    "make one with: python -m moderation.keys create NAME --scope score"
)


def build_parser(settings: Settings) -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.serve",
        description="Serve a model over HTTP: as the Perspective API did, as OpenAI's moderation "
        "endpoint, as Coral's external moderation phase, and in an API of its own. Without API "
        "keys only this machine is served.",
    )
    parser.add_argument(
        "--model", type=Path, default=settings.model, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address; default: %(default)s")
    parser.add_argument(
        "--port", type=_read_port, default=8000, metavar="N", help="default: %(default)s"
    )
    parser.add_argument(
        "--workers",
        type=_read_workers,
        default=1,
        metavar="N",
        help="processes that answer; default: %(default)s",
    )
    return parser


def _read_workers(given: str) -> int:
    if 0 < (number := read_count(given)) <= MOST_WORKERS:
        return number
    raise argparse.ArgumentTypeError(
        f"{number} processes; expected 1 to {MOST_WORKERS}, best as many as there are cores"
    )


def _read_port(given: str) -> int:
    if (port := read_count(given)) < 1 << 16:
        return port
    raise argparse.ArgumentTypeError(f"{port} is no port; expected 0 to 65535")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    settings = read_settings()
    args = build_parser(settings).parse_args(argv)
    return run("serve", lambda: serve(args, settings))


def serve(args: argparse.Namespace, settings: Settings) -> None:
    """
    Serve until a signal ends it.

    Raises:
        ServiceError: it is to be open to other machines and there is no key.
        ModelError: there is no model that can be used.
        MissingPackage: the packages of the service are not installed.

    """
    for each in (signal.SIGTERM, signal.SIGINT):  # compiling would not let go for an exception
        signal.signal(each, signal.SIG_DFL)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    announce_compiling(lambda: say(COMPILING))
    with _sharing_metrics(args.workers) as shared:
        create_app, open_service, listening_options, workers = _import_service()
        workers.open_socket(args.host, args.port).close()  # said before the work, if not
        service = open_service(settings, model=args.model, shared=shared, tell=say)
        _check_address(args.host, has_keys=not service.gate.keyring.is_empty)
        say(f"model {service.served.version}: {', '.join(service.served.attributes)}")
        listening = workers.open_socket(args.host, args.port)
        host = f"[{args.host}]" if ":" in args.host else args.host
        say(f"http://{host}:{listening.getsockname()[1]}/docs tells what can be asked")
        giver = Giver(service.models, tell=say)

        def hand_over() -> None:
            service.models = giver.before_fork()

        workers.serve(
            lambda: create_app(service),
            sockets=[listening],
            tell=say,
            workers=args.workers,
            before_fork=hand_over,
            every_second=giver.look,
            options=listening_options(service.configuration.limits),
        )


@contextlib.contextmanager
def _sharing_metrics(workers: int) -> Iterator[str | None]:
    """Return the folder through which several processes' metrics add up, if there are several."""
    if workers == 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="moderation-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read when prometheus_client is imported
        yield folder


def _import_service() -> tuple[Any, Any, Any, Any]:
    """
    Return what serves, which has packages of its own.

    Raises:
        MissingPackage: one of them is not installed.

    """
    try:
        from moderation.service import workers
        from moderation.service.app import create_app
        from moderation.service.connections import listening_options
        from moderation.service.opening import open_service
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"serving needs {error.name}; install it with: pip install 'moderation[service]'"
        ) from error
    return create_app, open_service, listening_options, workers


def _check_address(host: str, *, has_keys: bool) -> None:
    """
    Say that only this machine is served where there is no key.

    Raises:
        ServiceError: there is none, and others could reach the address.

    """
    if has_keys:
        return
    if not is_loopback(host):
        raise ServiceError(f"--host {host}: others could ask without a key; {NO_KEYS}")
    say(NO_KEYS)


def is_loopback(host: str) -> bool:
    """
    Tell whether an address can only be reached from this machine.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "a.example")]
    [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    sys.exit(main())
