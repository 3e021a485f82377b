"""The two things a farm says to an adb server: here's a phone, and it's gone.

Source of the messages: AOSP ``packages/modules/adb/docs/dev/services.md``.
"""

from __future__ import annotations

import asyncio

_TIMEOUT_S = 20.0


class AdbServerError(RuntimeError):
    """The adb server isn't there or refused."""


async def ask(host: str, port: int, service: str) -> str:
    """Send one host request and return the text of its answer.

    Raises:
        AdbServerError: No server, or it failed the request.
    """
    try:
        return await asyncio.wait_for(_ask(host, port, service), _TIMEOUT_S)
    except asyncio.TimeoutError:
        raise AdbServerError(f"adb server {host}:{port} did not answer {service!r}") from None
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:
        raise AdbServerError(f"adb server {host}:{port}: {error}") from error


async def _ask(host: str, port: int, service: str) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"{len(service.encode()):04x}{service}".encode())
        status = await reader.readexactly(4)
        length = int(await reader.readexactly(4), 16)
        text = (await reader.readexactly(length)).decode("utf-8", "replace")
    finally:
        writer.close()
    if status != b"OKAY":
        raise AdbServerError(f"adb server {host}:{port} failed {service!r}: {text}")
    return text


async def connect(host: str, port: int, address: str) -> None:
    """Make the server list a phone, and wait until it's usable.

    Raises:
        AdbServerError: It couldn't.
    """
    answer = await ask(host, port, f"host:connect:{address}")
    if not answer.startswith(("connected to", "already connected")):
        raise AdbServerError(f"adb server {host}:{port}: {answer.strip()}")
    deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
    while True:
        try:
            state = await ask(host, port, f"host-serial:{address}:get-state")
        except AdbServerError as error:
            state = str(error)
        if state == "device":
            return
        if asyncio.get_running_loop().time() > deadline:
            raise AdbServerError(f"{address} stays {state}")
        await asyncio.sleep(0.02)


async def disconnect(host: str, port: int, address: str) -> None:
    """Make the server forget a phone.

    Raises:
        AdbServerError: It couldn't.
    """
    await ask(host, port, f"host:disconnect:{address}")
