"""``dumpsys window`` and ``dumpsys input``: which window has the focus, and whether it's locked.

The phone has no lock screen: a screen that is lit again shows what it showed before.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.call import Call
from harness.virtual.system.display import Display
from harness.virtual.system.packages import KEYBOARD
from harness.virtual.system.power import PowerService
from harness.virtual.system.service import Answers, System
from harness.virtual.system.tasks import record_id


class Windows:
    """The window manager's dumps.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._activity = system.get(ActivityCommands)
        self._display = system.get(Display)
        self._power = system.get(PowerService)
        self.answers = Answers(
            dumps={
                "input": self._dump_input,
                "input_method": self._input_method,
                "window": self._dump,
            }
        )

    @property
    def _window(self) -> str:
        """The focused window, as dumps print it."""
        task = self._activity.tasks.front
        return f"Window{{{record_id(task.full_component)} u0 {task.full_component}}}"

    def _dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys window``. Source: AOSP ``WindowManagerService.doDump``."""
        sections: dict[str, Callable[[], str]] = {
            "lastanr": lambda: "WINDOW MANAGER LAST ANR (dumpsys window lastanr)\n"
                               "  <no ANR has occurred since boot>",
            "policy": self._policy,
            "animator": lambda: "WINDOW MANAGER ANIMATOR STATE (dumpsys window animator)",
            "sessions": lambda: "WINDOW MANAGER SESSIONS (dumpsys window sessions)",
            "displays": self._displays,
            "tokens": lambda: "WINDOW MANAGER TOKENS (dumpsys window tokens)\n"
                              f"  All tokens:\n  ActivityRecord{{{self._record}}}",
            "windows": self._windows,
        }  # fmt: skip
        short = {"l": "lastanr", "p": "policy", "a": "animator", "s": "sessions", "d": "displays",
                 "t": "tokens", "w": "windows", "all": "windows", "visible": "windows",
                 "visible-apps": "windows"}  # fmt: skip
        words = [arg for arg in args if not arg.startswith("-")]
        if not words:
            line = "-" * 79
            call.print(f"\n{line}\n".join(section() for section in sections.values()))
            return 0
        name = short.get(words[0], words[0])
        if name in sections:
            call.print(sections[name]())
        elif words[0] in self._window:
            call.print(self._windows())
        else:
            call.print(f"Bad window command, or no windows match: {words[0]}\n"
                       "Use -h for help.")  # fmt: skip
        return 0

    @property
    def _record(self) -> str:
        return self._activity.tasks.front.record

    def _policy(self) -> str:
        on = self._power.screen_on
        awake = "true" if on else "false"
        return (
            "WINDOW MANAGER POLICY STATE (dumpsys window policy)\n"
            "    mSystemReady=true mSystemBooted=true\n"
            "    mCameraLensCoverState=CAMERA_LENS_COVER_ABSENT\n"
            "    mUiMode=UI_MODE_TYPE_NORMAL mEnableCarDockHomeCapture=true\n"
            f"    mAwake={awake} mScreenOnEarly={awake} mScreenOnFully={awake}\n"
            "    mShowingLockscreen=false mShowingDream=false mDreamingLockscreen=false\n"
            "    mAllowLockscreenWhenOnDisplays=false mLockScreenTimeout=60000 "
            "mLockScreenTimerActive=false\n"
            "    isStatusBarKeyguard=false mInputRestricted=false\n"
            "    KeyguardServiceDelegate\n"
            "      showing=false\n      showingAndNotOccluded=false\n      inputRestricted=false\n"
            "      occluded=false\n      secure=false\n      dreaming=false\n"
            "      systemIsReady=true\n      deviceHasKeyguard=true\n      enabled=true\n"
            "      offReason=OFF_BECAUSE_OF_USER\n      currentUser=0\n      bootCompleted=true\n"
            f"      screenState=SCREEN_STATE_{'ON' if on else 'OFF'}\n"
            f"      interactiveState=INTERACTIVE_STATE_{'AWAKE' if on else 'SLEEP'}\n"
            "      KeyguardStateMonitor\n"
            "        mIsShowing=false\n        mSimSecure=false\n        mInputRestricted=false\n"
            "        mTrusted=false\n        mCurrentUserId=0"
        )

    def _displays(self) -> str:
        width, height = self._display.size
        now = "{}x{}".format(*self._display.shown_size)
        return (
            "WINDOW MANAGER DISPLAY CONTENTS (dumpsys window displays)\n"
            "  Display: mDisplayId=0 (organized)\n"
            f"    init={width}x{height} {self._display.density}dpi cur={now} app={now} "
            f"rng={width}x{width}-{height}x{height}\n"
            "    deferred=false mLayoutNeeded=false\n"
            f"    mCurrentFocus={self._window}\n"
            f"    mFocusedApp=ActivityRecord{{{self._record}}}\n"
            "    mTopFocusedDisplayId=0\n"
            "  DisplayRotation\n"
            f"    mCurrentAppOrientation=SCREEN_ORIENTATION_UNSPECIFIED\n"
            f"    mRotation=ROTATION_{90 * self._display.rotation} "
            f"mDeferredRotationPauseCount=0\n"
            f"    mUserRotation=ROTATION_{90 * self._display.rotation}\n"
            f"  DisplayPolicy\n    mFocusedWindow={self._window}\n"
            f"  mDisplayInfo orientation={self._display.rotation}"
        )

    def _windows(self) -> str:
        task = self._activity.tasks.front
        width, height = self._display.size
        return (
            "WINDOW MANAGER WINDOWS (dumpsys window windows)\n"
            f"  Window #0 {self._window}:\n"
            "    mDisplayId=0 rootTaskId=1 mSession=Session{1a2b3c}\n"
            f"    mOwnerUid={task.uid} showForAllUsers=false "
            f"package={task.package} appop=NONE\n"
            "    mAttrs={(0,0)(fillxfill) sim={adjust=pan} ty=BASE_APPLICATION wanim=0x10302f4}\n"
            f"    mActivityRecord=ActivityRecord{{{self._record}}}\n"
            f"    mFrame=[0,0][{width},{height}]\n"
            f"    isOnScreen=true\n    isVisible={'true' if self._power.screen_on else 'false'}\n"
            f"  mCurrentFocus={self._window}\n"
            f"  mFocusedApp=ActivityRecord{{{self._record}}}\n"
            f"  mAwake={'true' if self._power.screen_on else 'false'} mDreamingLockscreen=false"
        )

    def _dump_input(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys input``."""
        del args
        width, height = self._display.size
        call.print(
            "INPUT MANAGER (dumpsys input)\n\nInput Manager State:\n"
            f"  Interactive: {'true' if self._power.screen_on else 'false'}\n"
            "\nEvent Hub State:\n  BuiltInKeyboardId: -2\n  Devices:\n"
            "    1: vlab_touchscreen\n      Classes: TOUCH | TOUCH_MT | EXTERNAL_STYLUS\n"
            "      Path: /dev/input/event0\n      Enabled: true\n"
            "\nInput Reader State:\n  Device 1: vlab_touchscreen\n"
            "    Generation: 2\n    IsExternal: false\n    Touch Input Mapper (mode - DIRECT):\n"
            f"      SurfaceWidth: {width}px\n      SurfaceHeight: {height}px\n"
            f"      SurfaceOrientation: {self._display.rotation}\n"
            f"  Viewport INTERNAL: displayId=0, orientation={self._display.rotation}, "
            f"logicalFrame=[0, 0, {width}, {height}]\n"
            "\nInput Dispatcher State:\n  DispatchEnabled: true\n  FocusedDisplayId: 0\n"
            "  FocusedApplications:\n"
            f"    displayId=0, name='ActivityRecord{{{self._record}}}', "
            "dispatchingTimeout=5000ms\n  FocusedWindows:\n"
            f"    displayId=0, name='{self._window.removeprefix('Window{').rstrip('}')}'"
        )
        return 0

    @staticmethod
    def _input_method(call: Call, args: list[str]) -> int:
        """Answer ``dumpsys input_method``."""
        del args
        call.print(
            "Current Input Method Manager state:\n  Input Methods:\n"
            f"  InputMethod #0:\n    mId={KEYBOARD} mIsDefaultResId=0\n"
            f"  mCurMethodId={KEYBOARD}\n"
            "  mInputShown=false\n  mShowRequested=false mShowExplicitlyRequested=false "
            "mShowForced=false mInputShown=false\n  mIsInputViewShown=false\n  mScreenOn=true\n"
            "  mInputViewStarted=false\n  inputType=0x0"
        )
        return 0
