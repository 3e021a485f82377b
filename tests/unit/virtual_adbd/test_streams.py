"""Flow control of one stream, without a network."""

import asyncio

import pytest

from harness.virtual.adbd.streams import Bytes, Stream, StreamClosed


class Wire:
    """A connection that writes down what it is told to send."""

    max_payload = 10

    def __init__(self) -> None:
        self.sent: list[str | bytes] = []

    def send_okay(self, stream: Stream) -> None:
        self.sent.append("OKAY")

    def send_write(self, stream: Stream, parts: tuple[Bytes, ...]) -> None:
        self.sent.append(b"".join(parts))

    def send_close(self, stream: Stream) -> None:
        self.sent.append("CLSE")


def test_one_message_at_a_time() -> None:
    async def body() -> None:
        wire = Wire()
        stream = Stream(wire, 1, 2)
        stream.accept()
        writing = asyncio.ensure_future(stream.write(b"0123456789", b"abcdefghij", b"XYZ"))
        for sent in (b"0123456789", b"abcdefghij", b"XYZ"):
            await asyncio.sleep(0)
            assert wire.sent[-1] == sent
            stream.on_okay()
            await asyncio.sleep(0)
        await writing
        assert wire.sent == ["OKAY", b"0123456789", b"abcdefghij", b"XYZ"]

    asyncio.run(body())


def test_a_writer_is_told_of_the_end() -> None:
    async def body() -> None:
        stream = Stream(Wire(), 1, 2)
        stream.accept()
        await stream.write(b"first")
        writing = asyncio.ensure_future(stream.write(b"second"))
        await asyncio.sleep(0)
        stream.on_end()
        with pytest.raises(StreamClosed):
            await writing

    asyncio.run(body())


def test_what_came_before_the_end_is_read() -> None:
    async def body() -> None:
        stream = Stream(Wire(), 1, 2)
        stream.accept()
        stream.on_data(bytearray(b"hello"))
        stream.on_end()
        assert stream.buffered == 5
        assert await stream.read(2) == b"he"
        assert await stream.read_exactly(3) == b"llo"
        assert await stream.read() == b""
        with pytest.raises(StreamClosed):
            await stream.read_exactly(1)

    asyncio.run(body())


def test_acknowledgements_wait_while_too_much_is_unread() -> None:
    async def body() -> None:
        wire = Wire()
        stream = Stream(wire, 1, 2)
        stream.accept()
        mib = 1 << 20
        for _ in range(5):
            stream.on_data(bytearray(mib))
        assert wire.sent.count("OKAY") == 1 + 4
        await stream.read()
        assert wire.sent.count("OKAY") == 1 + 5

    asyncio.run(body())


def test_reads_may_cross_messages() -> None:
    async def body() -> None:
        stream = Stream(Wire(), 1, 2)
        stream.accept()
        reading = asyncio.ensure_future(stream.read_exactly(6))
        for part in (b"ab", b"", b"cde", b"fgh"):
            await asyncio.sleep(0)
            stream.on_data(bytearray(part))
        assert await reading == b"abcdef"
        assert await stream.read() == b"gh"

    asyncio.run(body())


def test_close_is_sent_once() -> None:
    wire = Wire()
    stream = Stream(wire, 1, 2)
    stream.close()
    stream.close()
    assert wire.sent == ["CLSE"]
