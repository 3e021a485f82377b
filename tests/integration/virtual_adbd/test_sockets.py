"""Forwards, reverse forwards, and services that a phone doesn't have."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator

from tests.fixtures.bare_phone import BarePhone


@contextlib.contextmanager
def echo_server(family: int = socket.AF_INET, address: object = ("127.0.0.1", 0)) -> Iterator[str]:
    """Serve what upper-cases its input; yields its port (or nothing of use for a unix socket)."""
    listener = socket.socket(family)
    listener.bind(address)  # type: ignore[arg-type]
    listener.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    while data := peer.recv(1 << 16):
                        peer.sendall(data.upper())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    name = listener.getsockname()
    try:
        yield str(name[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def talk(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
        sender = threading.Thread(target=peer.sendall, args=(data,))
        sender.start()
        answer = b""
        while len(answer) < len(data):
            part = peer.recv(1 << 16)
            if not part:
                break
            answer += part
        sender.join()
    return answer


def test_forward_to_a_port(plain_phone: BarePhone) -> None:
    with echo_server() as port:
        result = plain_phone.adb("forward", "tcp:0", f"tcp:{port}")
        local = int(result.stdout)
        assert talk(local, b"hello") == b"HELLO"
        data = b"a" * 3_000_000
        assert talk(local, data) == data.upper()
        plain_phone.adb("forward", "--remove", f"tcp:{local}")


def test_forward_to_an_abstract_socket(plain_phone: BarePhone) -> None:
    name = f"vlab-test-{os.getpid()}-{plain_phone.port}"
    with echo_server(socket.AF_UNIX, "\0" + name):
        local = int(plain_phone.adb("forward", "tcp:0", f"localabstract:{name}").stdout)
        assert talk(local, b"abstract") == b"ABSTRACT"
        plain_phone.adb("forward", "--remove", f"tcp:{local}")


def test_forward_to_nothing_is_closed(plain_phone: BarePhone) -> None:
    local = int(plain_phone.adb("forward", "tcp:0", "localabstract:nobody-is-here").stdout)
    assert talk(local, b"x") == b""
    plain_phone.adb("forward", "--remove", f"tcp:{local}")


def test_reverse(plain_phone: BarePhone) -> None:
    with echo_server() as port:
        device_port = int(plain_phone.adb("reverse", "tcp:0", f"tcp:{port}").stdout)
        assert talk(device_port, b"from the phone") == b"FROM THE PHONE"
        data = b"b" * 3_000_000
        assert talk(device_port, data) == data.upper()
        listed = plain_phone.adb("reverse", "--list").stdout.decode().split()
        assert listed[-2:] == [f"tcp:{device_port}", f"tcp:{port}"]
        again = plain_phone.adb("reverse", "--no-rebind", f"tcp:{device_port}", "tcp:1")
        assert again.returncode != 0
        assert plain_phone.adb("reverse", "--remove", f"tcp:{device_port}").returncode == 0
        assert plain_phone.adb("reverse", "--list").stdout.strip() == b""
    missing = plain_phone.adb("reverse", "--remove", f"tcp:{device_port}")
    assert missing.returncode != 0
    assert b"not found" in missing.stderr


def test_reverse_to_a_closed_port_of_the_host(plain_phone: BarePhone) -> None:
    with echo_server() as port:
        pass
    device_port = int(plain_phone.adb("reverse", "tcp:0", f"tcp:{port}").stdout)
    with contextlib.suppress(ConnectionResetError):  # closed before our byte was read
        assert talk(device_port, b"x") == b""
    assert plain_phone.adb("shell", "echo alive").stdout == b"alive\n"


def test_reverses_end_with_the_cable(plain_phone: BarePhone) -> None:
    device_port = int(plain_phone.adb("reverse", "tcp:0", "tcp:1").stdout)
    plain_phone.server.disconnect(plain_phone.address)
    plain_phone.connect()
    assert plain_phone.adb("reverse", "--list").stdout.strip() == b""
    with socket.socket() as free:
        free.bind(("127.0.0.1", device_port))


def test_unknown_services_are_refused_and_harm_nobody(plain_phone: BarePhone) -> None:
    for service in ("jdwp:1", "usb:", "no-such:thing"):
        with socket.create_connection(("127.0.0.1", plain_phone.server.port), timeout=10) as host:
            assert ask(host, f"host:transport:{plain_phone.address}") == b"OKAY"
            assert ask(host, service) == b"FAIL"
    assert plain_phone.adb("shell", "echo alive").stdout == b"alive\n"


def test_root_is_refused_as_on_a_user_build(plain_phone: BarePhone) -> None:
    assert b"cannot run as root" in plain_phone.adb("root").stdout


def ask(host: socket.socket, request: str) -> bytes:
    host.sendall(b"%04x%s" % (len(request), request.encode()))
    return host.recv(4, socket.MSG_WAITALL)
