"""What a phone's shell may do: read from its answers, and what is missing is said, not invented."""

from harness.devices.capabilities import KNOWN, checks, parse_probe, probe_command
from harness.results.model import CapabilitiesRecord

GOOD = "".join(f"{name}=1\n" for name in KNOWN)
VALUES = "stat_bytes=812\nclock_ticks=100\npage=16384\nkernel=5.10.1-android12\ntoybox=0.8.4\n"


def test_what_is_not_named_does_not_work() -> None:
    found = parse_probe("write=1\r\nmeminfo=1\r\nstat_bytes=\r\npage=4096\r\n")
    assert {name for name, it_does in found.can.items() if it_does} == {"write", "meminfo"}
    assert set(found.can) == set(KNOWN)
    assert found.said == {"page": "4096"}, "an empty answer is no value"
    assert parse_probe("battery_proto=0801\nown_pss_proto=08\n").said == {}


def test_an_answer_that_is_none_of_ours_is_nothing() -> None:
    for text in ("", "sh: syntax error\n", "write\n=1\nwrite=yes\n", "\0\n\xff=1\n"):
        assert not any(parse_probe(text).can.values()), text


def test_the_command_tries_everything_that_is_known() -> None:
    command = probe_command("/data/local/tmp/mobileasr", "/proc")
    for name in KNOWN:
        assert name in command


def test_paths_are_quoted() -> None:
    command = probe_command("/data/it's", "/dev/$(reboot)")
    assert "cd '/data/it'\\''s'" in command or 'cd "/data/it\'s"' in command or "'\"'\"'" in command
    assert "'/dev/$(reboot)'/stat" in command


def test_the_doctor_names_what_is_lost() -> None:
    assert [check.outcome for check in checks("S", parse_probe(GOOD + VALUES))] == ["ok"]
    (only,) = checks("S", parse_probe(GOOD + VALUES))
    assert only.detail == "19 of 19 work (page 16384, kernel 5.10.1-android12, toybox 0.8.4)"
    some = parse_probe(GOOD.replace("pressure=1\n", "").replace("sha256sum=1\n", ""))
    problem, rest = checks("S", some)
    assert (problem.name, problem.outcome) == ("capability sha256sum", "problem")
    assert rest.outcome == "info"
    assert "pressure: The kernel's own figures" in rest.detail
    assert {check.outcome for check in checks("S", CapabilitiesRecord())} == {
        "problem",
        "warning",
        "info",
    }
