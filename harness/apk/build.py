"""From ``apk/`` to an installable APK: Maven gathers, javac, dx and aapt2 make, zip and sign pack.

The same sources and tools give the same bytes up to the signature: every entry has one date, and
entries stand in order.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filelock

from harness.apk.large_pages import NotMovableError, with_large_pages
from harness.apk.toolchain import Toolchain
from harness.atomic import whole
from harness.errors import InputError
from harness.paths import cache_root, data_root, in_checkout

ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")
MIN_SDK = 26
VERSION_CODE = 1
VERSION_NAME = "0.1.0"

_NEEDED = ("javac", "java", "mvn", "aapt2", "zipalign", "apksigner", "keytool")
_DATE = (1980, 1, 1, 0, 0, 0)
_ALIAS = "trainer"
_PASSWORD_VARIABLE = "MOBILEASR_KEYSTORE_PASSWORD"  # noqa: S105 - a variable's name


@dataclass(frozen=True)
class Keystore:
    """Whose signature the APK gets.

    Attributes:
        path: A Java keystore.
        alias: Of the key in it.
        password: Of keystore and key.
    """

    path: Path
    alias: str
    password: str


def build_apk(
    out: Path,
    toolchain: Toolchain,
    *,
    keystore: Keystore | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Build, align and sign the APK.

    Args:
        out: The ``.apk`` to write; whole or not at all.
        toolchain: The tools.
        keystore: Who signs; by default a key made once and kept in the cache.
        say: Takes a line of progress.

    Raises:
        InputError: The sources, a tool or the keystore are not there.
        BuildError: A tool failed.
    """
    sources = apk_sources()
    toolchain.require(_NEEDED)
    signer = keystore or default_keystore(toolchain)
    if not signer.path.is_file():
        raise InputError("no such keystore", where=str(signer.path))
    with (
        filelock.FileLock(sources / ".build.lock"),
        tempfile.TemporaryDirectory(prefix="harness-apk-") as name,
    ):
        work = Path(name)
        unsigned = _unsigned(sources, work, toolchain, say)
        say("aligning and signing")
        aligned, signed = work / "aligned.apk", work / "signed.apk"
        toolchain.run("zipalign", "-f", "-p", "4", unsigned, aligned)
        _sign(aligned, signed, signer, toolchain, work)
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole(out) as partial:
            partial.write_bytes(signed.read_bytes())
    return out


def apk_sources() -> Path:
    """Return the folder of the APK's sources, in which Maven may write.

    An installed package may lie where this user cannot write, so its sources are copied to the
    user's cache, one copy a content.

    Raises:
        InputError: They are not here.
    """
    folder = data_root() / "apk"
    if not (folder / "android" / "AndroidManifest.xml").is_file():
        raise InputError(
            "the sources of the APK are not here",
            where=str(folder),
            hint="Install the package anew, or build it in a checkout of the project.",
        )
    return folder if in_checkout() else _copied(folder)


def _copied(folder: Path) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    target = cache_root() / "apk" / f"sources-{digest.hexdigest()[:16]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(target.with_name(f"{target.name}.lock")):
        if not target.is_dir():
            partial = target.with_name(f"{target.name}.{os.getpid()}.part")
            shutil.copytree(folder, partial)
            partial.replace(target)
    return target


def default_keystore(toolchain: Toolchain) -> Keystore:
    """Return the key of this user, made at the first call: updates must have the same signer."""
    folder = cache_root() / "apk"
    folder.mkdir(parents=True, exist_ok=True)
    path, secret = folder / "debug.keystore", folder / "debug.password"
    with filelock.FileLock(folder / ".keystore.lock"):
        if not (path.is_file() and secret.is_file()):
            path.unlink(missing_ok=True)
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_hex(16))
            # keytool reads the password from the file, so that no list of processes shows it
            arguments: list[str | Path] = [
                "-genkeypair",
                "-keystore",
                path,
                "-alias",
                _ALIAS,
                "-keyalg",
                "RSA",
            ]
            arguments += ["-keysize", "3072", "-validity", "10000", "-dname", "CN=MobileASR debug"]
            arguments += ["-storepass:file", secret, "-keypass:file", secret]
            toolchain.run("keytool", *arguments)
    return Keystore(path, _ALIAS, secret.read_text())


def _unsigned(sources: Path, work: Path, tools: Toolchain, say: Callable[[str], None]) -> Path:
    say("gathering libraries")
    tools.run("mvn", "-B", "-q", "-Papk", "-DskipTests", "package", cwd=sources)
    library = sources / "android" / "target" / "lib"
    say("compiling")
    jars = {
        name: _extract(library / f"{name}.aar", "classes.jar", work / f"{name}.jar")
        for name in ("tensorflow-lite", "tensorflow-lite-api")
    }
    jars |= {name: library / f"{name}.jar" for name in ("core", "gson")}
    classes = _compile(sources, work, library / "android-all.jar", list(jars.values()), tools)
    dex = _dex(work, library / "dalvik-dx.jar", [classes, *jars.values()], tools)
    say("packing")
    base = work / "base.apk"
    tools.run(
        *("aapt2", "link", "-I", str(library / "android-all.jar"), "-o", str(base)),
        *("--manifest", str(sources / "android" / "AndroidManifest.xml")),
        *("--version-code", str(VERSION_CODE), "--version-name", VERSION_NAME),
        "--warn-manifest-validation",  # Debian's aapt2 is older than <property> in a service
    )
    return _pack(work / "unsigned.apk", base, dex, library / "tensorflow-lite.aar")


def _extract(archive: Path, name: str, out: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        out.write_bytes(opened.read(name))
    return out


def _compile(sources: Path, work: Path, android: Path, jars: list[Path], tools: Toolchain) -> Path:
    out = work / "classes"
    out.mkdir()
    files = sorted((sources / "android" / "java").rglob("*.java"))
    path = os.pathsep.join(map(str, [android, *jars]))
    tools.run(
        *("javac", "--release", "8", "-Xlint:-options", "-encoding", "UTF-8"),
        *("-cp", path, "-d", str(out), *map(str, files)),
    )
    return out


def _dex(work: Path, dexer: Path, parts: list[Path], tools: Toolchain) -> Path:
    """Turn classes into one ``classes.dex``; module descriptors, which dx cannot read, stay out."""
    merged = work / "dex-input.jar"
    with zipfile.ZipFile(merged, "w") as target:
        for part in parts:
            for name, content in _classes(part):
                target.writestr(zipfile.ZipInfo(name, _DATE), content)
    out = work / "classes.dex"
    tools.run(
        *("java", "-cp", str(dexer), "com.android.dx.command.Main", "--dex"),
        *(f"--min-sdk-version={MIN_SDK}", f"--output={out}", str(merged)),
    )
    return out


def _classes(part: Path) -> list[tuple[str, bytes]]:
    if part.is_dir():
        files = sorted(part.rglob("*.class"))
        return [(path.relative_to(part).as_posix(), path.read_bytes()) for path in files]
    with zipfile.ZipFile(part) as opened:
        names = sorted(
            name
            for name in opened.namelist()
            if name.endswith(".class") and not name.startswith("META-INF/")
        )
        return [(name, opened.read(name)) for name in names if name != "module-info.class"]


def _pack(out: Path, base: Path, dex: Path, aar: Path) -> Path:
    with zipfile.ZipFile(base) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    entries["classes.dex"] = dex.read_bytes()
    with zipfile.ZipFile(aar) as opened:
        for abi in ABIS:
            for name in opened.namelist():
                if name.startswith(f"jni/{abi}/") and name.endswith(".so"):
                    entries[f"lib/{abi}/{Path(name).name}"] = _for_any_page(opened.read(name))
    with zipfile.ZipFile(out, "w") as target:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, _DATE)
            # Android maps resources.arsc as it stands (required from target 30 on)
            stored = name == "resources.arsc"
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            target.writestr(info, entries[name])
    return out


def _for_any_page(library: bytes) -> bytes:
    """Return a library for pages of 16 KB, if it can be without linking it anew."""
    with contextlib.suppress(NotMovableError):  # `harness apk verify` tells which are left
        return with_large_pages(library)
    return library


def _sign(aligned: Path, signed: Path, keystore: Keystore, tools: Toolchain, work: Path) -> None:
    secret = work / "password"
    secret.touch(mode=0o600)
    secret.write_text(keystore.password)
    tools.run(
        *("apksigner", "sign", "--ks", keystore.path, "--ks-key-alias", keystore.alias),
        *("--ks-pass", f"file:{secret}", "--min-sdk-version", str(MIN_SDK)),
        *("--v1-signing-enabled", "false", "--out", signed, aligned),
    )


def given_keystore(path: Path, alias: str, environment: dict[str, str]) -> Keystore:
    """Return a user's own keystore; its password comes from the environment, never the command.

    Raises:
        InputError: There is no such file, or no password.
    """
    if not path.is_file():
        raise InputError("no such keystore", where=str(path))
    password = environment.get(_PASSWORD_VARIABLE)
    if not password:
        raise InputError(
            "no password for the keystore",
            where=_PASSWORD_VARIABLE,
            hint=f"Set the variable {_PASSWORD_VARIABLE} to it.",
        )
    return Keystore(path, alias, password)
