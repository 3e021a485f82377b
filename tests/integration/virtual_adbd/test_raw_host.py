"""An old host, spoken byte by byte: 4 KiB messages with checksums, and a host that misbehaves."""

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from harness.virtual.adbd import protocol
from tests.fixtures.bare_phone import BarePhone

OLD_PAYLOAD = 4096


class Host:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def send(self, command: int, arg0: int, arg1: int, data: bytes = b"") -> None:
        head = protocol.pack_header(command, arg0, arg1, data, checksum=True)
        self.socket.sendall(head + data)

    def receive(self) -> tuple[protocol.Header, bytes]:
        raw = self._exactly(protocol.HEADER.size)
        header = protocol.unpack_header(raw)
        data = self._exactly(header.length)
        assert protocol.HEADER.unpack(raw)[4] == sum(data) & 0xFFFFFFFF
        return header, data

    def _exactly(self, count: int) -> bytes:
        data = self.socket.recv(count, socket.MSG_WAITALL) if count else b""
        assert len(data) == count, "the phone hung up"
        return data


@pytest.fixture
def phone(make_bare_phone: Callable[..., BarePhone]) -> BarePhone:
    return make_bare_phone(connect=False)


@pytest.fixture
def host(phone: BarePhone) -> Iterator[Host]:
    host = Host(phone.port)
    host.send(protocol.CNXN, protocol.OLD_VERSION, OLD_PAYLOAD, b"host::\0")
    header, banner = host.receive()
    assert header.command == protocol.CNXN
    assert b"ro.product.model=Bare One;" in banner
    yield host
    host.socket.close()


def test_an_old_host_gets_small_messages_with_checksums(phone: BarePhone, host: Host) -> None:
    host.send(protocol.OPEN, 77, 0, b"exec:seq 5000\0")
    header, _ = host.receive()
    assert (header.command, header.arg1) == (protocol.OKAY, 77)
    remote, output = header.arg0, b""
    while True:
        header, data = host.receive()
        if header.command == protocol.CLSE:
            break
        assert (header.command, header.arg0, header.arg1) == (protocol.WRTE, remote, 77)
        assert len(data) <= OLD_PAYLOAD
        output += data
        host.send(protocol.OKAY, 77, remote)
    assert output == b"".join(b"%d\n" % n for n in range(1, 5001))


def test_nothing_is_sent_before_the_last_is_acknowledged(phone: BarePhone, host: Host) -> None:
    host.send(protocol.OPEN, 5, 0, b"exec:seq 5000\0")
    okay, _ = host.receive()
    first, _ = host.receive()
    assert first.command == protocol.WRTE
    host.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        host.socket.recv(1)
    host.socket.settimeout(20)
    host.send(protocol.OKAY, 5, okay.arg0)
    second, _ = host.receive()
    assert second.command == protocol.WRTE


def test_a_service_that_is_not_there_is_closed_with_local_id_0(host: Host) -> None:
    host.send(protocol.OPEN, 9, 0, b"no-such:\0")
    header, _ = host.receive()
    assert (header.command, header.arg0, header.arg1) == (protocol.CLSE, 0, 9)


def test_messages_for_unknown_streams_are_ignored(host: Host) -> None:
    host.send(protocol.WRTE, 3, 12345, b"x")
    host.send(protocol.OKAY, 3, 12345)
    host.send(protocol.CLSE, 3, 12345)
    host.send(protocol.OPEN, 4, 0, b"exec:echo ok\0")
    header, _ = host.receive()
    assert (header.command, header.arg1) == (protocol.OKAY, 4)


def test_nonsense_breaks_the_connection_and_not_the_daemon(phone: BarePhone, host: Host) -> None:
    host.socket.sendall(os.urandom(24))
    assert host.socket.recv(1) == b""
    again = Host(phone.port)
    again.send(protocol.CNXN, protocol.OLD_VERSION, OLD_PAYLOAD, b"host::\0")
    assert again.receive()[0].command == protocol.CNXN
    again.socket.close()


def test_a_stream_that_nobody_reads_does_not_stop_the_others(phone: BarePhone, host: Host) -> None:
    """A command that doesn't read its input takes what its pipes hold; then the host waits."""
    host.send(protocol.OPEN, 1, 0, b"exec:sleep 60\0")
    sleeper = host.receive()[0].arg0
    acknowledged = 0
    host.socket.settimeout(0.5)
    for _ in range(3000):
        host.send(protocol.WRTE, 1, sleeper, bytes(OLD_PAYLOAD))
        try:
            header, _ = host.receive()
        except TimeoutError:
            break
        assert header.command == protocol.OKAY
        acknowledged += 1
    assert 1 <= acknowledged < 3000
    host.socket.settimeout(20)
    host.send(protocol.OPEN, 2, 0, b"exec:echo fine\0")
    assert host.receive()[0].command == protocol.OKAY
    assert host.receive()[1] == b"fine\n"
