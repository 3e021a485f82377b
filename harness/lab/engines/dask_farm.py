"""Calls to workers over dask.distributed; the only module that imports it (extra ``[farm]``).

Long calls are dask tasks that may run on one worker only; short ones go to its event loop. What a
task runs is always `Host`'s method: dask decides nothing, it carries.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any, Final

from dask import config
from distributed import Client, Worker, get_worker
from distributed import TimeoutError as WaitedTooLong

from harness.errors import InputError, NoPhoneError
from harness.lab.engines.host import Host
from harness.lab.engines.wire import (
    FabricLostError,
    NotHereError,
    WorkerFailedError,
    WorkerGoneError,
)

_PREFIX: Final = "mobileasr"
_CONNECT_S: Final = 15.0
_LOOK_S: Final = 1.0
_SPARE_THREADS: Final = 32
"""For phones that are plugged in later; a phone takes one as long as it has an order."""
_SETTINGS: Final = {
    # a lab waits for phones for hours; nothing of that is a sign of trouble
    "distributed.admin.tick.limit": "1h",
    "distributed.comm.timeouts.connect": "10s",
}


class UnreachableError(NoPhoneError):
    """The scheduler does not answer, so there is no phone to be had."""


class DaskFabric:
    """See `harness.lab.engines.wire.Fabric`.

    Args:
        scheduler: Address of the dask scheduler: ``tcp://host:8786``.

    Raises:
        InputError: The address is not one.
        UnreachableError: Nobody answers there.
    """

    def __init__(self, scheduler: str) -> None:
        _check(scheduler)
        quiet()
        try:
            self._client = Client(
                scheduler, timeout=_CONNECT_S, set_as_default=False, name=f"{_PREFIX}-lab"
            )
        except (OSError, ValueError, TypeError) as error:
            raise UnreachableError(
                f"no dask scheduler answers at {scheduler}: {error or type(error).__name__}\n"
                "  Start one on a host that all others reach: dask scheduler"
            ) from error
        self._lock = threading.Lock()
        self._addresses: dict[str, str] = {}

    def workers(self) -> frozenset[str]:
        """See `Fabric`."""
        try:
            # not `scheduler_info`, which repeats what it last heard when nobody answers
            asked = self._client.sync(
                self._client.scheduler.identity, n_workers=-1, callback_timeout=_CONNECT_S
            )
            workers = asked["workers"]
        except Exception as error:  # dask raises whatever its transport did
            raise FabricLostError(f"the dask scheduler does not answer: {error}") from error
        named = {str(worker["id"]): address for address, worker in workers.items()}
        addresses = {name: at for name, at in named.items() if name.startswith(f"{_PREFIX}-")}
        with self._lock:
            self._addresses = addresses
        return frozenset(addresses)

    def call(self, worker: str, method: str, *values: Any, long: bool = False) -> Any:
        """See `Fabric`."""
        with self._lock:
            address = self._addresses.get(worker)
        if address is None:
            raise WorkerGoneError(f"{worker} is gone")
        try:
            answer = (
                self._long(worker, address, method, values)
                if long
                else self._client.run(_short, worker, method, values, workers=[address])[address]
            )
        except WorkerGoneError:
            raise
        except Exception as error:  # dask raises whatever its transport did
            if worker not in self.workers():
                raise WorkerGoneError(f"{worker} is gone: {error}") from error
            raise WorkerFailedError(f"{worker}: {type(error).__name__}: {error}") from error
        good, value = answer
        if good is None:
            raise WorkerGoneError(f"{worker}: {value}")
        if not good:
            raise WorkerFailedError(f"{worker}: {value}")
        return value

    def close(self) -> None:
        """See `Fabric`."""
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)

    def _long(self, worker: str, address: str, method: str, values: tuple[Any, ...]) -> Any:
        key = f"{method}-{secrets.token_hex(8)}"
        future = self._client.submit(
            _task,
            worker,
            method,
            values,
            key=key,
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        try:
            while True:
                with contextlib.suppress(WaitedTooLong):
                    return future.result(timeout=_LOOK_S)
                with self._lock:
                    there = self._addresses.get(worker) == address
                if not there:
                    raise WorkerGoneError(f"{worker} is gone")
        finally:
            future.release()


async def _short(worker: str, method: str, values: tuple[Any, ...], dask_worker: Any) -> Any:
    return await asyncio.to_thread(_do, dask_worker, worker, method, values)


def _task(worker: str, method: str, values: tuple[Any, ...]) -> Any:
    return _do(get_worker(), worker, method, values)


def _do(here: Any, worker: str, method: str, values: tuple[Any, ...]) -> tuple[bool | None, Any]:
    """Call a method; what it raises comes back in words: not every error survives a pickle."""
    if here.name != worker:
        return None, "meant for a worker that was here before"
    try:
        return True, getattr(here.mobileasr, method)(*values)
    except NotHereError as error:
        return None, str(error)
    except Exception as error:  # noqa: BLE001 - the outermost of a call: told to its caller
        return False, f"{type(error).__name__}: {error}"


def serve(scheduler: str, host: Host, *, listen: str | None, ready: Callable[[str], None]) -> None:
    """Offer a host's phones at a scheduler, until interrupted.

    Args:
        scheduler: Address of the dask scheduler.
        host: The phones.
        listen: Address of this host at which others reach it; None for dask's own choice.
        ready: Told the worker's name once it is known there.

    Raises:
        InputError: The address is not one.
        UnreachableError: Nobody answers there, or not any more.
    """
    _check(scheduler)
    quiet()
    name = f"{_PREFIX}-{socket.gethostname()}-{secrets.token_hex(4)}"
    threads = 2 * len(host.hello().phones) + _SPARE_THREADS

    async def main() -> None:
        worker = Worker(
            scheduler,
            name=name,
            nthreads=threads,
            memory_limit=0,
            host=listen,
            dashboard=False,
            death_timeout=_CONNECT_S,
        )
        worker.mobileasr = host
        try:
            await worker
        except (OSError, asyncio.TimeoutError, RuntimeError) as error:
            raise UnreachableError(
                f"no dask scheduler answers at {scheduler}: {error or type(error).__name__}\n"
                "  Start one on a host that all others reach: dask scheduler"
            ) from error
        over = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, over.set)
        ready(name)
        ends = [asyncio.ensure_future(over.wait()), asyncio.ensure_future(worker.finished())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        lost = not over.is_set()
        # Attempts end and release their phones while their coordinators can still be told.
        await asyncio.to_thread(host.close)
        await worker.close(executor_wait=False)
        ends[0].cancel()
        if lost:
            raise UnreachableError(f"the dask scheduler at {scheduler} is gone")

    with config.set(_SETTINGS):
        asyncio.run(main())


def quiet() -> None:
    """Keep dask's own log to errors: what matters of it is told by us."""
    for name in ("distributed", "distributed.worker", "distributed.core", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _check(scheduler: str) -> None:
    kind, _, rest = scheduler.partition("://")
    if kind not in ("tcp", "tls", "ws", "wss") or ":" not in rest:
        raise InputError(
            f"{scheduler!r} is not the address of a dask scheduler",
            where="--scheduler",
            hint="Write tcp://host:8786, as `dask scheduler` prints it.",
        )
