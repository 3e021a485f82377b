"""``dumpsys meminfo``: of one package or process, of the whole phone, and ``--checkin``."""

from __future__ import annotations

from dataclasses import dataclass

from harness.protobuf import message
from harness.virtual.system import procfs
from harness.virtual.system.app import App
from harness.virtual.system.call import Call
from harness.virtual.system.memory import ZRAM_RATIO
from harness.virtual.system.proto import proto_number, proto_text
from harness.virtual.system.service import Answers, System

_NATIVE_ADJ = -901


@dataclass(frozen=True)
class _Usage:
    """One process as meminfo sees it, in KiB."""

    pid: int
    name: str
    adj: int
    pss: int
    rss: int
    private_dirty: int
    private_clean: int
    swap_pss: int
    anonymous: int

    @property
    def file_pss(self) -> int:
        return max(0, self.pss - self.anonymous)


class MemoryDump:
    """Answers ``dumpsys meminfo``.

    PSS comes from the kernel (``smaps_rollup``) of the real process; a process with declared RAM
    shows what it declares on top.

    Args:
        system: The phone's.
    """

    def __init__(self, system: System) -> None:
        self._root = system.root
        self._apps = system.apps
        self._accountant = system.accountant
        self.answers = Answers(
            dumps={"meminfo": self.run},
        )

    def run(self, call: Call, args: list[str]) -> int:
        """Print the dump."""
        flags = {a for a in args if a.startswith("-")}
        words = [a for a in args if not a.startswith("-")]
        usages = self._wanted(words[0], "--package" in flags) if words else self._all()
        if not usages and words:
            call.print(f"No process found for: {words[0]}")
            return 0
        up = real = int(self._accountant.uptime_s() * 1000)
        if "--proto" in flags and words:
            call.write(proto_number(1, up) + proto_number(2, real))
            for usage in usages:
                call.write(self._message(usage))
            return 0
        if "--checkin" in flags or "-c" in flags:
            call.print(f"time,{up},{real}")
            for usage in usages:
                call.print(_checkin(usage))
            return 0
        call.print(f"Applications Memory Usage (in Kilobytes):\nUptime: {up} Realtime: {real}")
        if words:
            for usage in usages:
                call.print(self._block(usage, summary_only="-s" in flags))
        else:
            call.print(self._whole(usages))
        return 0

    def _wanted(self, what: str, whole_package: bool) -> list[_Usage]:
        """Return a process by name or pid; all of a package only with ``--package``, as AOSP."""
        usages = [
            self._usage(app.host_pid, app.pid, app.name, app.adj, app)
            for app in self._apps
            if what in (app.name, str(app.pid)) or (whole_package and what == app.package)
        ]
        if not usages and what.isdigit():
            try:
                host = self._root.host_pid(int(what))
            except ProcessLookupError:
                return []
            use = procfs.read_use(host)
            if use is not None:
                usages.append(self._usage(host, int(what), use.name, -950, None))
        return [usage for usage in usages if usage is not None]

    def _all(self) -> list[_Usage]:
        apps = self._apps.by_host_pid()
        usages = []
        for use in self._accountant.uses:
            app = apps.get(use.pid)
            if app is not None:
                usages.append(self._usage(use.pid, app.pid, app.name, app.adj, app))
            else:
                try:
                    pid = self._root.phone_pid(use.pid)
                except ProcessLookupError:
                    continue
                usages.append(self._usage(use.pid, pid, use.name, -950, None))
        return sorted((u for u in usages if u is not None), key=lambda u: -u.pss)

    def _usage(
        self, host_pid: int, pid: int, name: str, adj: int, app: App | None
    ) -> _Usage | None:
        sums = procfs.read_rollup(host_pid)
        if not sums:
            return None
        swapped = app.swapped_kb if app else 0
        more = (app.declared_kb if app else 0) - swapped
        return _Usage(
            pid=pid,
            name=name,
            adj=adj,
            pss=sums.get("Pss", 0) + sums.get("SwapPss", 0) + more + swapped,
            rss=sums.get("Rss", 0) + more,
            private_dirty=sums.get("Private_Dirty", 0) + more,
            private_clean=sums.get("Private_Clean", 0),
            swap_pss=sums.get("SwapPss", 0) + swapped,
            anonymous=sums.get("Pss_Anon", sums.get("Anonymous", 0)) + more,
        )

    def _block(self, usage: _Usage, *, summary_only: bool) -> str:
        has_rss = self._accountant.limits.sdk >= 30
        lines = ["", f"** MEMINFO in pid {usage.pid} [{usage.name}] **"]
        if not summary_only:
            lines += _table(usage, has_rss)
        lines += _summary(usage, has_rss)
        return "\n".join(lines)

    def _message(self, usage: _Usage) -> bytes:
        """Return a process with its summary only (``-s``). Source: AOSP ``MemInfoDumpProto``."""
        rows = _summary_rows(usage)
        summary = b"".join(proto_number(i, pss) for i, (_, pss, _) in enumerate(rows, 1))
        summary += proto_number(8, usage.swap_pss)
        if self._accountant.limits.sdk >= 30:
            rss = [rss for _, _, rss in rows if rss is not None]
            summary += b"".join(proto_number(i, kb) for i, kb in enumerate(rss, 10))
            summary += proto_number(15, usage.rss - sum(rss))
        process = proto_number(1, usage.pid) + proto_text(2, usage.name)
        process += message(9, summary)
        # apps lie in a message with more about them, native processes do not
        is_app = usage.adj > _NATIVE_ADJ
        return message(4, message(1, process)) if is_app else message(3, process)

    def _whole(self, usages: list[_Usage]) -> str:
        plan = self._accountant.limits.memory
        system = plan.total_kb - plan.idle_available_kb
        available = self._accountant.available_kb
        lines = []
        if self._accountant.limits.sdk >= 30:
            lines += ["", "Total RSS by process:"]
            lines += [f"  {_k(u.rss)}: {u.name} (pid {u.pid})" for u in usages]
        lines += ["", "Total PSS by process:"]
        lines += [f"  {_k(u.pss)}: {u.name} (pid {u.pid})" for u in usages]
        lines += ["", "Total PSS by OOM adjustment:"]
        groups = {
            "Native": (-1000, -901),
            "System": (-900, -1),
            "Foreground": (0, 99),
            "Perceptible": (100, 299),
            "Previous": (300, 899),
            "Cached": (900, 1000),
        }
        for name, (low, high) in groups.items():
            members = [u for u in usages if low <= u.adj <= high]
            if members:
                lines.append(f"  {_k(sum(u.pss for u in members))}: {name}")
                lines += [f"      {_k(u.pss)}: {u.name} (pid {u.pid})" for u in members]
        used = sum(u.pss for u in usages)
        kernel = system // 4
        swapped = self._apps.swapped_kb()
        lines += [
            "",
            f"Total RAM: {_k(plan.total_kb)} (status {'normal' if available > 0 else 'critical'})",
            f" Free RAM: {_k(available)} ({_k(0)} cached pss + {_k(available * 13 // 20)} "
            f"cached kernel + {_k(available - available * 13 // 20)} free)",
            f" Used RAM: {_k(used + system)} ({_k(used + system - kernel)} used pss + "
            f"{_k(kernel)} kernel)",
            f" Lost RAM: {_k(plan.total_kb - available - used - system)}",
            f"     ZRAM: {_k(swapped // ZRAM_RATIO)} physical used for {_k(swapped)} in swap "
            f"({_k(plan.swap_kb)} total swap)",
            "   Tuning: 256 (large 512), oom   322,560K, restore limit   107,520K (high-end-gfx)",
        ]
        return "\n".join(lines)


def _k(kb: int) -> str:
    return f"{kb:>11,d}K"


def _table(usage: _Usage, has_rss: bool) -> list[str]:
    columns = [("Pss", "Total"), ("Private", "Dirty"), ("Private", "Clean"), ("SwapPss", "Dirty")]
    if has_rss:
        columns.append(("Rss", "Total"))
    columns += [("Heap", "Size"), ("Heap", "Alloc"), ("Heap", "Free")]
    heap = usage.anonymous
    mapped = usage.rss - heap
    totals = [usage.pss, usage.private_dirty, usage.private_clean, usage.swap_pss, usage.rss]
    rows: list[tuple[str, list[int | None]]] = [
        ("Native Heap", [heap, heap, 0, usage.swap_pss, heap, heap, heap, 0]),
        ("Dalvik Heap", [0, 0, 0, 0, 0, None, None, None]),
        (".so mmap", [usage.file_pss, 0, usage.private_clean, 0, mapped, None, None, None]),
        ("TOTAL", [*totals, heap, heap, 0]),
    ]
    lines = ["    ".rjust(16) + "".join(f"{top:>9}" for top, _ in columns)]
    lines.append(" " * 16 + "".join(f"{under:>9}" for _, under in columns))
    lines.append(" " * 16 + "".join(f"{'-' * 6:>9}" for _ in columns))
    for name, values in rows:
        shown = values if has_rss else values[:4] + values[5:]
        cells = "".join(f"{'' if v is None else v:>9}" for v in shown)
        lines.append(f"{name:>13}   {cells}")
    return [*lines, " "]


def _summary_rows(usage: _Usage) -> list[tuple[str, int, int | None]]:
    """Return name, PSS and RSS of each line of the summary, in KiB."""
    native = min(usage.anonymous, usage.pss)
    code = min(usage.file_pss, usage.pss - native)
    return [
        ("Java Heap:", 0, 0),
        ("Native Heap:", native, min(usage.anonymous, usage.rss)),
        ("Code:", code, max(0, usage.rss - usage.anonymous)),
        ("Stack:", 0, 0),
        ("Graphics:", 0, 0),
        ("Private Other:", 0, None),
        ("System:", usage.pss - native - code, None),
    ]


def _summary(usage: _Usage, has_rss: bool) -> list[str]:
    rows = _summary_rows(usage)
    lines = [" App Summary"]
    if has_rss:
        lines.append(f"{'Pss(KB)':>30}{'Rss(KB)':>31}")
        lines.append(f"{'------':>30}{'------':>31}")
    else:
        lines += [f"{'Pss(KB)':>30}", f"{'------':>30}"]
    for name, pss, rss in rows:
        tail = f"{rss:>31}" if has_rss and rss is not None else ""
        lines.append(f"{name:>21} {pss:>8}{tail}")
    lines.append(" ")
    if has_rss:
        lines.append(
            f"{'TOTAL PSS:':>21} {usage.pss:>8}            TOTAL RSS: {usage.rss:>8}"
            f"       TOTAL SWAP PSS: {usage.swap_pss:>8}"
        )
    else:
        lines.append(f"{'TOTAL:':>21} {usage.pss:>8}       TOTAL SWAP PSS: {usage.swap_pss:>8}")
    return [*lines, " "]


def _checkin(usage: _Usage) -> str:
    """Return one line, version 4. Source: AOSP ``ActivityThread.dumpMemInfoTable``, checkin."""
    heap, mapped = usage.anonymous, usage.file_pss
    size = [heap, 0, "N/A", heap]
    pss = [heap, 0, mapped, usage.pss]
    dirty = [usage.private_dirty, 0, 0, usage.private_dirty]
    clean = [0, 0, usage.private_clean, usage.private_clean]
    free = [0, 0, "N/A", 0]
    fields = [4, usage.pid, usage.name, *size, *size, *free, *pss, 0, 0, 0, 0, *dirty, *clean]
    return ",".join(str(f) for f in fields)
