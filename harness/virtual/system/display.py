"""The screen: its size, and what ``wm``, ``dumpsys display``, ``screencap`` and others say of it.

There is no picture: a screen shot is black, and no frame is ever drawn.
"""

from __future__ import annotations

import functools
import re
import struct
import zlib

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.call import Call
from harness.virtual.system.phone_files import save
from harness.virtual.system.power import PowerService
from harness.virtual.system.service import Answers, System
from harness.virtual.system.settings import Settings

WIDTH, HEIGHT, DENSITY = 1080, 2400, 420
_ID = 4619827259835644672
_REFRESH_NS = 16_666_666
_LATENCY_LINES = 127
_RGBA_8888 = 1
_SRGB = 1
_FAILED = 255
# Words of ``wm`` that set what isn't modelled, and print nothing.
_SILENT = frozenset(
    """
    dismiss-keyguard fixed-to-user-rotation overscan scaling screen-capture set-fix-to-user-rotation
    set-ignore-orientation-request set-letterbox-style set-user-rotation
    """.split()  # noqa: SIM905 - a table of words
)


class Display:
    """The one display.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._sdk = system.sdk
        self._settings = system.get(Settings)
        self._power = system.get(PowerService)
        self._activity = system.get(ActivityCommands)
        self._apps = system.apps
        self._uptime_s = system.accountant.uptime_s
        self._override: dict[str, str] = {}
        self.answers = Answers(
            commands={"screencap": self.screencap, "wm": lambda call: self.wm(call, call.args)},
            cmd={"display": self._command, "window": self.wm},
            dumps={
                "SurfaceFlinger": self._surface_flinger,
                "display": self._dump,
                "gfxinfo": self._graphics,
            },
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels as apps see them."""
        width, _, height = self._override.get("size", f"{WIDTH}x{HEIGHT}").partition("x")
        return int(width), int(height)

    @property
    def density(self) -> int:
        """Dots an inch as apps see them."""
        return int(self._override.get("density", DENSITY))

    @property
    def rotation(self) -> int:
        """Quarter turns: 0 to 3."""
        text = self._settings.get("system", "user_rotation") or "0"
        return int(text) if text in ("0", "1", "2", "3") else 0

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height in pixels as the screen is turned."""
        width, height = self.size
        return (height, width) if self.rotation % 2 else (width, height)

    def wm(self, call: Call, words: list[str]) -> int:
        """Carry out ``wm``. Source: AOSP ``WindowManagerShellCommand``."""
        what, *rest = [word for word in words if word not in ("-d", "0")] or [""]
        if what in ("size", "density"):
            return self._measure(call, what, rest)
        if what in ("user-rotation", "set-user-rotation"):
            return self._rotate(call, what, rest)
        if what == "get-ignore-orientation-request":
            call.print("ignoreOrientationRequest false for displayId=0")
        elif what not in _SILENT or (what == "overscan" and self._sdk >= 30):
            return call.unknown(what)
        return 0

    def _measure(self, call: Call, what: str, rest: list[str]) -> int:
        if rest:
            if rest[0] == "reset":
                self._override.pop(what, None)
                return 0
            if not re.fullmatch(
                r"[1-9]\d{1,4}x[1-9]\d{1,4}" if what == "size" else r"\d+", rest[0]
            ):
                call.error(f"Error: bad {'size' if what == 'size' else 'number'} {rest[0]}")
                return _FAILED
            if what == "density" and int(rest[0]) < 72:
                call.error("Error: density must be >= 72")
                return _FAILED
            self._override[what] = rest[0]
            return 0
        physical = f"{WIDTH}x{HEIGHT}" if what == "size" else DENSITY
        call.print(f"Physical {what}: {physical}")
        if what in self._override:
            call.print(f"Override {what}: {self._override[what]}")
        return 0

    def _rotate(self, call: Call, what: str, rest: list[str]) -> int:
        locked = self._settings.get("system", "accelerometer_rotation") == "0"
        if not rest:
            if what == "user-rotation":
                call.print(f"lock {self.rotation}" if locked else "free")
            return 0
        if rest[0] not in ("free", "lock"):
            call.error(f"Error: argument needs to be either -d, free or lock, not {rest[0]}")
            return _FAILED
        self._settings.put("system", "accelerometer_rotation", str(int(rest[0] == "free")))
        if rest[0] == "lock" and rest[1:]:
            self._settings.put("system", "user_rotation", rest[1])
        return 0

    def _command(self, call: Call, words: list[str]) -> int:
        """Carry out ``cmd display``."""
        verb = words[0] if words else ""
        if verb == "get-displays":
            call.print("Displays:\nDisplay id 0: DisplayInfo{\"Built-in Screen\", displayId 0, "
                       f"real {WIDTH} x {HEIGHT}, rotation {self.rotation}, "
                       f"state {self._state}, type INTERNAL}}, isValid=true")  # fmt: skip
        elif verb == "get-brightness":
            level = self._settings.get("system", "screen_brightness") or "128"
            call.print(str(round(int(level) / 255, 3)))
        elif verb == "set-brightness" and len(words) > 1:
            try:
                self._settings.put("system", "screen_brightness", str(round(float(words[1]) * 255)))
            except ValueError:
                call.error("Error: brightness should be a number between 0 and 1")
                return _FAILED
        else:
            return call.unknown(verb)
        return 0

    @property
    def _state(self) -> str:
        return "ON" if self._power.screen_on else "OFF"

    def _dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys display``."""
        del args
        width, height = self.shown_size
        frame, state = f"Rect(0, 0 - {width}, {height})", self._state
        unique = f"local:{_ID}"
        call.print(
            "DISPLAY MANAGER (dumpsys display)\n"
            "  mSafeMode=false\n"
            f"  mGlobalDisplayState={state}\n"
            "  mViewports=[DisplayViewport{type=INTERNAL, valid=true, isActive=true, displayId=0, "
            f"uniqueId='{unique}', physicalPort=0, orientation={self.rotation}, "
            f"logicalFrame={frame}, physicalFrame={frame}, deviceWidth={width}, "
            f"deviceHeight={height}}}]\n"
            f"  mStableDisplaySize=Point({WIDTH}, {HEIGHT})\n"
            "\nDisplay Devices: size=1\n"
            f'  DisplayDeviceInfo{{"Built-in Screen": uniqueId="{unique}", {WIDTH} x {HEIGHT}, '
            f"modeId 1, defaultModeId 1, supportedModes [{{id=1, width={WIDTH}, height={HEIGHT}, "
            f"fps=60.0}}], density {DENSITY}, {DENSITY}.0 x {DENSITY}.0 dpi, touch INTERNAL, "
            f"rotation 0, type INTERNAL, state {state}}}\n"
            "\nLogical Displays: size=1\n"
            "  Display 0:\n    mDisplayId=0\n    mLayerStack=0\n"
            f'    mBaseDisplayInfo=DisplayInfo{{"Built-in Screen", displayId 0, real {width} x '
            f"{height}, largest app {height} x {height}, smallest app {width} x {width}, mode 1, "
            f"rotation {self.rotation}, density {self.density} ({DENSITY}.0 x {DENSITY}.0) dpi, "
            f"state {state}, type INTERNAL}}\n"
            f"\nDisplay Power Controller:\n  mScreenState={state}\n  mDisplayId=0\n"
            f"  mScreenBrightness={self._settings.get('system', 'screen_brightness')}"
        )
        return 0

    def _surface_flinger(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys SurfaceFlinger``: layers there are, frames there are none."""
        option = args[0] if args else ""
        if option == "--latency":
            call.print(str(_REFRESH_NS))
            if len(args) > 1:
                call.print("\n".join(["0\t0\t0"] * _LATENCY_LINES))
        elif option == "--list":
            call.print("\n".join(self._layers()))
        elif option == "--display-id":
            call.print(f'Display {_ID} (HWC display 0): port=0 pnpId=VLB displayName="Virtual"')
        elif option in ("--latency-clear", "--timestats", "--static-screen"):
            pass
        else:
            call.print("Build configuration: [sf PRESENT_TIME_OFFSET=0]\n\nDisplay identification "
                       f"data:\nDisplay {_ID} (HWC display 0): port=0 pnpId=VLB\n\nVisible layers "
                       f"(count = {len(self._layers())})")  # fmt: skip
            for layer in self._layers():
                call.print(f"+ Layer ({layer}) uuid=0")
            call.print(f"Displays (1 entries)\n+ DisplayDevice{{{_ID}, internal, primary}}\n"
                       f"   powerMode={self._state.title()} ({2 if self._power.screen_on else 0})\n"
                       "  refresh-rate              : 60.000000 fps")  # fmt: skip
        return 0

    def _layers(self) -> list[str]:
        return ["Display 0 name=\"Built-in Screen\"#2", "Wallpaper BBQ wrapper#40",
                f"{self._activity.tasks.front.full_component}#72", "StatusBar#80",
                "NavigationBar0#81"]  # fmt: skip

    def _graphics(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys gfxinfo``: of each process, that it drew nothing."""
        now = int(self._uptime_s() * 1000)
        call.print(f"Applications Graphics Acceleration Info:\nUptime: {now} Realtime: {now}\n")
        names = [arg for arg in args if "." in arg]
        shown = [app for app in self._apps if not names or app.name in names
                 or str(app.pid) in args]  # fmt: skip
        if names and not shown:
            call.print(f"No process found for: {names[0]}")
        for app in shown:
            call.print(f"** Graphics info for pid {app.pid} [{app.name}] **\n\n"
                       f"Stats since: {now * 1_000_000}ns\nTotal frames rendered: 0\n"
                       "Janky frames: 0 (0.00%)\n50th percentile: 0ms\n90th percentile: 0ms\n"
                       "95th percentile: 0ms\n99th percentile: 0ms\nNumber Missed Vsync: 0\n"
                       "Number High input latency: 0\nNumber Slow UI thread: 0\n"
                       "Number Slow bitmap uploads: 0\nNumber Slow issue draw commands: 0\n"
                       "Number Frame deadline missed: 0\n\n---PROFILEDATA---\n"
                       "---PROFILEDATA---\n")  # fmt: skip
        return 0

    def screencap(self, call: Call) -> int:
        """Carry out ``screencap``: a PNG with ``-p`` or into a .png, else raw pixels."""
        words, options = [], []
        left = list(call.args)
        while left:
            arg = left.pop(0)
            if arg == "-d":
                left = left[1:]
            elif arg.startswith("-"):
                options.append(arg)
            else:
                words.append(arg)
        width, height = self.shown_size
        if "-p" in options or (words and words[0].lower().endswith(".png")):
            image = _png(width, height)
        else:
            # since Android 9 the head has a fourth word, the colour space
            head = (width, height, _RGBA_8888, *([_SRGB] if self._sdk >= 28 else []))
            image = struct.pack(f"<{len(head)}I", *head) + b"\0\0\0\xff" * (width * height)
        if not words:
            call.write(image)
            return 0
        return 0 if save(self._root, call, words[0], image) else 1


@functools.lru_cache(maxsize=4)
def _png(width: int, height: int) -> bytes:
    """Return a black picture of 8 bits a channel and an alpha channel, as a phone makes them.

    Source of the format: RFC 2083.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    line = b"\0" + b"\0\0\0\xff" * width
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks
