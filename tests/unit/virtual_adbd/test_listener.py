"""The port of a phone."""

import asyncio
import socket

import pytest

from harness.virtual.adbd.listener import EMULATOR_PORTS, Listener


class Caught(asyncio.Protocol):
    """Notes how each connection was made."""

    no_delay: list[int]

    def __init__(self, no_delay: list[int]) -> None:
        self.no_delay = no_delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("socket")
        self.no_delay.append(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        transport.close()


async def reached(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    await reader.read()
    writer.close()
    return True


def test_it_refuses_and_listens_again_on_its_own_port() -> None:
    async def body() -> None:
        no_delay: list[int] = []
        listener = Listener(lambda: Caught(no_delay))
        port = listener.bind("127.0.0.1", 0)
        assert not await reached(port)
        for _ in range(2):
            await listener.listen()
            await listener.listen()
            assert await reached(port)
            listener.refuse()
            listener.refuse()
            assert not await reached(port)
            with pytest.raises(OSError, match="in use"):
                Listener(asyncio.Protocol).bind("127.0.0.1", port)
        listener.close()
        listener.close()
        assert no_delay == [1, 1]  # else each answer of the phone takes 40 ms
        await listener.listen()
        assert not await reached(port)

    asyncio.run(body())


def test_emulators_ports_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="5556"):
        Listener(asyncio.Protocol).bind("127.0.0.1", 5556)
    assert 5555 in EMULATOR_PORTS
    assert 5585 in EMULATOR_PORTS
