"""``dumpsys activity``: tasks, services, processes, and why they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial

from harness.virtual.system.activity import ActivityCommands
from harness.virtual.system.app import CACHED_ADJ, FOREGROUND_ADJ, PERCEPTIBLE_ADJ, App
from harness.virtual.system.call import Call
from harness.virtual.system.exits import exit_info_text
from harness.virtual.system.service import Answers, System
from harness.virtual.system.tasks import Task, record_id

# Kill counters go by these adj. Source: AOSP ``ActivityManagerService.dumpLmkLocked``.
_LMK_ADJ = (999, 900, 800, 700, 600, 500, 400, 300, 250, 200, 100, 0)
# Sections of which nothing is modelled: what a phone prints of them when there is nothing.
_NOTHING = {
    "allowed-associations": "ACTIVITY MANAGER ALLOWED ASSOCIATION STATE",
    "associations": "ACTIVITY MANAGER ASSOCIATIONS",
    "broadcasts": "ACTIVITY MANAGER BROADCAST STATE",
    "containers": "ACTIVITY MANAGER CONTAINERS",
    "intents": "ACTIVITY MANAGER PENDING INTENTS",
    "permissions": "ACTIVITY MANAGER URI PERMISSIONS",
    "providers": "ACTIVITY MANAGER CONTENT PROVIDERS",
    "starter": "ACTIVITY MANAGER STARTER",
}
_SHORT = {"a": "activities", "as": "associations", "b": "broadcasts", "i": "intents",
          "l": "lru", "o": "oom", "p": "processes", "perm": "permissions",
          "prov": "providers", "r": "recents", "s": "services"}  # fmt: skip
_LINE = "-" * 79


class ActivityDumps:
    """The dumps.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._apps = system.apps
        self._packages = system.packages
        self._tasks = system.get(ActivityCommands).tasks
        self._sdk = system.sdk
        self._sections: dict[str, Callable[[list[str]], str]] = {
            "settings": self._settings,
            **{name: partial(self._nothing, name) for name in _NOTHING},
            "services": self._services,
            "recents": self._recents,
            "lastanr": lambda _: "ACTIVITY MANAGER LAST ANR (dumpsys activity lastanr)\n"
                                 "  <no ANR has occurred since boot>",
            "activities": self._activities,
            "oom": self._oom,
            "lru": self._lru,
            "processes": self._processes,
            "users": self._users,
        }  # fmt: skip
        if self._sdk >= 30:
            self._sections["exit-info"] = self._exit_info
            self._sections["lmk"] = self._lmk
        self.answers = Answers(dumps={"activity": self.dump})

    def dump(self, call: Call, args: list[str]) -> int:
        """Answer ``dumpsys activity``. Source: AOSP ``ActivityManagerService.doDump``."""
        words = _words(args)
        if "-h" in args:
            names = "\n".join(f"    {name}" for name in sorted([*self._sections, "top", "service"]))
            call.print(f"Activity manager dump options:\n  [-a] [-c] [-p PACKAGE] [-h] [WHAT] ...\n"
                       f"  WHAT may be one of:\n{names}")  # fmt: skip
            return 0
        if not words:
            sections = [section([]) for section in self._sections.values()]
            call.print(f"\n{_LINE}\n".join(sections))
            return 0
        name = _SHORT.get(words[0], words[0])
        if name == "package":
            name = "processes"
        if name == "top":
            call.print(self._top())
        elif name == "service":
            call.print(self._one_service(words[1:]))
        elif name in self._sections:
            call.print(self._sections[name](words[1:]))
        else:
            found = [task for task in self._tasks if words[0] in task.component]
            call.print(self._of_tasks(found) if found else
                       f"Bad activity command, or no activities match: {words[0]}")  # fmt: skip
        return 0

    @staticmethod
    def _nothing(name: str, words: list[str]) -> str:
        del words
        return f"{_NOTHING[name]} (dumpsys activity {name})\n  (nothing)"

    @staticmethod
    def _settings(words: list[str]) -> str:
        del words
        return ("ACTIVITY MANAGER SETTINGS (dumpsys activity settings) "
                "activity_manager_constants:\n"
                "  max_cached_processes=32\n  CUR_MAX_CACHED_PROCESSES=32\n"
                "  max_phantom_processes=32")  # fmt: skip

    # ---- tasks

    def _activities(self, words: list[str]) -> str:
        tasks = [task for task in self._tasks if not words or words[0] in task.component]
        record = self._tasks.front.record
        head = "Display #0 (activities from top to bottom):"
        lines = ["ACTIVITY MANAGER ACTIVITIES (dumpsys activity activities)", head]
        for task in tasks:
            lines.append(f"  * {self._task(task)}")
            if task is self._tasks.front:
                lines.append(f"    mResumedActivity: ActivityRecord{{{task.record}}}")
            lines += self._history(task)
        lines.append("  Resumed activities in task display areas (from top to bottom):\n"
                     f"    Resumed: ActivityRecord{{{record}}}\n"
                     f"  ResumedActivity: ActivityRecord{{{record}}}")  # fmt: skip
        if self._sdk >= 31:
            lines.append(f"  topResumedActivity=ActivityRecord{{{record}}}")
        lines.append(f"  mFocusedApp=ActivityRecord{{{record}}}\n"
                     f"  mLastFocusedRootTask={self._task(self._tasks.front)}")  # fmt: skip
        return "\n".join(lines)

    def _history(self, task: Task) -> list[str]:
        app = self._apps.get(task.package)
        state = "RESUMED" if task is self._tasks.front else "STOPPED"
        process = f"ProcessRecord{{{_process(app)}}}" if app else "null"
        return [
            f"    * Hist  #0: ActivityRecord{{{task.record}}}",
            f"      packageName={task.package} processName={task.package}",
            "      launchedFromUid=2000 launchedFromPackage=com.android.shell userId=0",
            f"      app={process}",
            "      Intent { act=android.intent.action.MAIN flg=0x10000000 "
            f"cmp={task.component} }}",
            f"      rootOfTask=true task={self._task(task)}",
            f"      mActivityComponent={task.component}",
            f"      state={state} nowVisible={'true' if state == 'RESUMED' else 'false'}",
        ]

    def _task(self, task: Task) -> str:
        visible = "true" if task is self._tasks.front else "false"
        kind = "home" if task.number == 1 else "standard"
        number = record_id(f"{task.number}{task.package}")
        if self._sdk < 30:
            return f"TaskRecord{{{number} #{task.number} A={task.package} U=0 StackId=1 sz=1}}"
        return (f"Task{{{number} #{task.number} type={kind} A={task.uid}:{task.package} U=0 "
                f"visible={visible} visibleRequested={visible} mode=fullscreen translucent=false "
                "sz=1}")  # fmt: skip

    def _top(self) -> str:
        """Return the activity of each task, the one in front last, as clients expect it."""
        return self._of_tasks(reversed(list(self._tasks)))

    def _of_tasks(self, tasks: Iterable[Task]) -> str:
        lines: list[str] = []
        for task in tasks:
            app = self._apps.get(task.package)
            resumed = "true" if task is self._tasks.front else "false"
            stopped = "false" if task is self._tasks.front else "true"
            pid = str(app.pid) if app else "(not running)"
            number = record_id(task.component)
            lines.append(
                f"TASK {task.uid}:{task.package} id={task.number} userId=0\n"
                f"  ACTIVITY {task.component} {number} pid={pid} userId=0\n"
                f"    Local Activity {number} State:\n"
                f"      mResumed={resumed} mStopped={stopped} mFinished=false\n"
                "      mIsInMultiWindowMode=false mIsInPictureInPictureMode=false\n"
                "      mChangingConfigurations=false\n"
                "    View Hierarchy:\n      DecorView@1a2b3c[]\n"
            )
        return "\n".join(lines)

    def _recents(self, words: list[str]) -> str:
        del words
        lines = [
            "ACTIVITY MANAGER RECENT TASKS (dumpsys activity recents)",
            "mRecentsUid=10010",
            "mRecentsComponent=ComponentInfo{com.android.launcher3/"
            "com.android.quickstep.RecentsActivity}",
            "mFreezeTaskListReordering=false",
            "  Recent tasks:",
        ]
        for number, task in enumerate(self._tasks):
            lines += [
                f"  * Recent #{number}: {self._task(task)}",
                f"    userId=0 effectiveUid={task.uid} mCallingUid=2000 mUserSetupComplete=true "
                "mCallingPackage=com.android.shell",
                f"    affinity={task.uid}:{task.package}",
                "    intent={act=android.intent.action.MAIN flg=0x10000000 "
                f"cmp={task.component}}}",
                f"    mActivityComponent={task.component}",
                f"    realActivity={task.component}",
                f"    Activities=[ActivityRecord{{{task.record}}}]",
                f"    taskId={task.number} rootTaskId={task.number}",
            ]
        return "\n".join(lines)

    # ---- services

    def _services(self, words: list[str]) -> str:
        found = [app for app in self._apps if app.kind == "service"
                 and (not words or words[0] in app.component)]  # fmt: skip
        head = "ACTIVITY MANAGER SERVICES (dumpsys activity services)"
        if not found:
            return f"{head}\n  (nothing)"
        lines = [head, "  User 0 active services:"]
        for app in found:
            lines += self._service_lines(app)
        return "\n".join(lines)

    def _service_lines(self, app: App) -> list[str]:
        package = self._packages.get(app.package)
        began = int((time.time() - app.since) * 1000)
        return [
            f"  * ServiceRecord{{{record_id(app.name)} u0 {app.component}}}",
            f"    intent={{cmp={app.component}}}",
            f"    packageName={app.package}",
            f"    processName={app.name}",
            f"    baseDir={package.path if package else ''}",
            f"    dataDir=/data/user/0/{app.package}",
            f"    app=ProcessRecord{{{_process(app)}}}",
            f"    isForeground={'true' if app.adj <= PERCEPTIBLE_ADJ else 'false'} foregroundId=1",
            f"    createTime=-{began}ms startingBgTimeout=--",
            "    startRequested=true delayedStop=false stopIfKilled=false callStart=true "
            "lastStartId=1",
        ]

    def _one_service(self, words: list[str]) -> str:
        name = words[0] if words else ""
        found = [app for app in self._apps if app.kind == "service" and name in app.component]
        if not name or not found:
            return f"No services match: {name}\nUse -h for help."
        return "\n".join(
            f"SERVICE {app.component} {record_id(app.name)} pid={app.pid}\n  Client:\n"
            "    nothing to dump" for app in found
        )  # fmt: skip

    # ---- processes

    def _processes(self, words: list[str]) -> str:
        label = "oom adj" if self._sdk >= 30 else "oom"
        lines = ["ACTIVITY MANAGER RUNNING PROCESSES (dumpsys activity processes)",
                 "  All known processes:"]  # fmt: skip
        for app in self._chosen(words):
            lines += [
                f"  *APP* UID {app.uid} ProcessRecord{{{_process(app)}}}",
                f"    user #0 uid={app.uid}",
                f"    packageList={{{app.package}}}",
                f"    pid={app.pid} starting=false",
                f"    {label}: max=1001 curRaw={app.adj} setRaw={app.adj} cur={app.adj} "
                f"set={app.adj}",
            ]
        return "\n".join(lines)

    def _oom(self, words: list[str]) -> str:
        lines = ["ACTIVITY MANAGER RUNNING PROCESSES (dumpsys activity oom)",
                 f"  Process OOM control ({len(self._chosen(words))} total, non-act at 0, "
                 "non-svc at 0):"]  # fmt: skip
        for number, app in enumerate(sorted(self._chosen(words), key=lambda app: app.adj)):
            lines += [
                f"    Proc #{number:>2}: {_adj_word(app):<8} {_process(app)} ({_adj_reason(app)})",
                f"        oom: max=1001 curRaw={app.adj} setRaw={app.adj} cur={app.adj} "
                f"set={app.adj}",
            ]
        return "\n".join(lines)

    def _lru(self, words: list[str]) -> str:
        lines = ["ACTIVITY MANAGER LRU PROCESSES (dumpsys activity lru)"]
        for number, app in enumerate(self._chosen(words)):
            lines.append(f"  #{number:>2}: {_adj_word(app):<8} {_process(app)} "
                         f"({_adj_reason(app)})")  # fmt: skip
        return "\n".join(lines)

    def _chosen(self, words: list[str]) -> list[App]:
        return [app for app in self._apps
                if not words or words[-1] in (app.package, app.name, str(app.pid))]  # fmt: skip

    def _users(self, words: list[str]) -> str:
        del words
        return ("ACTIVITY MANAGER USERS (dumpsys activity users)\n  mStartedUsers:\n"
                "    User #0: state=RUNNING_UNLOCKED\n  mUserLru: [0]\n"
                "  mCurrentUserId: 0")  # fmt: skip

    def _exit_info(self, words: list[str]) -> str:
        return exit_info_text(self._apps.exits, words[0] if words else None).rstrip("\n")

    def _lmk(self, words: list[str]) -> str:
        del words
        lines = ["ACTIVITY MANAGER LMK KILLS (dumpsys activity lmk)",
                 f"  Total number of kills: {len(self._apps.lmk_adjs)}"]  # fmt: skip
        for adj in _LMK_ADJ:
            count = sum(1 for kill in self._apps.lmk_adjs if kill <= adj)
            lines.append(f"    kills at or below oom_adj {adj}: {count}")
        return "\n".join(lines)


def _words(args: list[str]) -> list[str]:
    """Return the words, and with ``-p PACKAGE`` the package after them."""
    words: list[str] = []
    package: list[str] = []
    left = list(args)
    while left:
        arg = left.pop(0)
        if arg in ("-p", "--user") and left:
            value = left.pop(0)
            package = [value] if arg == "-p" else package
        elif not arg.startswith("-"):
            words.append(arg)
    return words + package if words else words


def _process(app: App) -> str:
    """Return a process as dumps print it within ``ProcessRecord{}``."""
    return f"{app.host_pid:x} {app.pid}:{app.name}/{app.user}"


def _adj_word(app: App) -> str:
    words = {FOREGROUND_ADJ: "fore", PERCEPTIBLE_ADJ: "prcp", CACHED_ADJ: "cch"}
    return words.get(app.adj, "svc")


def _adj_reason(app: App) -> str:
    """Return why a process is as important as it is. Source: AOSP ``OomAdjuster``."""
    if app.kind == "service":
        return "fg-service" if app.adj <= PERCEPTIBLE_ADJ else "started-services"
    return "top-activity" if app.adj == FOREGROUND_ADJ else "cch-act"
