"""Phone paths never lead out of the phone's folder."""

import errno
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.virtual.phone import PhoneSpec
from harness.virtual.root import open_root
from harness.virtual.root.paths import resolve

BOTH = pytest.mark.parametrize("foreign_root", [True, False])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "phone"
    (root / "data/local/tmp").mkdir(parents=True)
    (root / "storage/emulated/0").mkdir(parents=True)
    (root / "sdcard").symlink_to("storage/emulated/0")
    return root


@BOTH
@pytest.mark.parametrize(
    ("path", "want"),
    [
        ("/", ""),
        ("", ""),
        ("/data/local/tmp/x", "data/local/tmp/x"),
        ("data//local/./tmp/", "data/local/tmp"),
        ("/data/local/../y", "data/y"),
        ("/sdcard/a", "storage/emulated/0/a"),
        ("/sdcard/../b", "storage/emulated/b"),
        ("/no/such/folder", "no/such/folder"),
    ],
)
def test_plain_ways(root: Path, foreign_root: bool, path: str, want: str) -> None:
    assert resolve(root, path, follow=True, foreign_root=foreign_root) == root / want


@BOTH
@pytest.mark.parametrize("path", ["..", "/../etc/passwd", "/data/../../x", "/sdcard/../../../../x"])
def test_no_way_above(root: Path, foreign_root: bool, path: str) -> None:
    with pytest.raises(PermissionError):
        resolve(root, path, follow=True, foreign_root=foreign_root)


def test_absolute_links(root: Path, tmp_path: Path) -> None:
    (root / "out").symlink_to(tmp_path)
    (root / "own").symlink_to(root / "data")
    (root / "data/etc").symlink_to("/data/local")
    # processes without a root of their own would reach the host's file
    with pytest.raises(PermissionError):
        resolve(root, "/out/x", follow=True, foreign_root=True)
    assert resolve(root, "/own/x", follow=True, foreign_root=True) == root / "data/x"
    # those with one cannot
    inside = resolve(root, "/out/x", follow=True, foreign_root=False)
    assert inside == root / str(tmp_path)[1:] / "x"
    assert resolve(root, "/data/etc", follow=True, foreign_root=False) == root / "data/local"


@BOTH
def test_the_last_link_is_followed_on_demand(root: Path, foreign_root: bool) -> None:
    link = resolve(root, "/sdcard", follow=False, foreign_root=foreign_root)
    assert link == root / "sdcard"


@BOTH
def test_loops_end(root: Path, foreign_root: bool) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links") as caught:
        resolve(root, "/a", follow=True, foreign_root=foreign_root)
    assert caught.value.errno == errno.ELOOP


def test_host_paths_of_the_phone(root: Path) -> None:
    path = f"{root}/data/x"
    assert resolve(root, path, follow=True, foreign_root=True) == root / "data/x"
    assert resolve(root, path, follow=True, foreign_root=False) == root / path[1:]
    beside = f"{root}-other/x"  # begins alike, lies elsewhere
    assert resolve(root, beside, follow=True, foreign_root=True) == root / beside[1:]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.sampled_from(["..", ".", "data", "sdcard", "up", "abs", "x", ""]), max_size=8
    ),
    foreign_root=st.booleans(),
)
def test_whatever_the_path(root: Path, parts: list[str], foreign_root: bool) -> None:
    for name, target in (("up", "../../.."), ("abs", "/etc")):
        if not (root / "data" / name).is_symlink():
            (root / "data" / name).symlink_to(target)
    try:
        host = resolve(root, "/".join(parts), follow=True, foreign_root=foreign_root)
    except OSError:
        return
    assert host == root or root in host.parents


def test_the_way_back(tmp_path: Path) -> None:
    phone = open_root(PhoneSpec("P", tmp_path / "p"))
    assert phone.phone_path(phone.root_dir / "data/x") == "/data/x"
    assert phone.phone_path(phone.root_dir) == "/"
    assert phone.process_path("/data/x") == f"{phone.root_dir}/data/x"
    assert phone.process_path("/") == str(phone.root_dir)
    with pytest.raises(PermissionError):
        phone.phone_path(tmp_path / "elsewhere")
