"""Frames as ``loop.sh`` writes them, for tests."""

TOKEN = "#s0badcafe"


def header(origin: str = "100.00", period_cs: int = 100, pid: int = 50, token: str = TOKEN) -> str:
    return f"\n{token} header 1 {origin} {period_cs} {pid} 100 4 1700000000\n"


def pid_stat(pid: int, ticks: int, start: int = 777, state: str = "S") -> str:
    return f"{pid} (a trainer) {state} 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 3 0 {start} 9 9 9"


def frame(
    number: int,
    start: str,
    *,
    end: str | None = None,
    pid: int | None = None,
    ticks: int = 0,
    process_start: int = 777,
    state: str = "S",
    available_kb: int | None = 2048000,
    cpu: str | None = "cpu  100 0 100 800 0 0 0 0",
    self_ticks: int = 1,
    extra: str = "",
    token: str = TOKEN,
) -> str:
    text = f"\n{token} frame {number} {start} {pid or ''}\n{token} self\n"
    text += pid_stat(50, self_ticks) + "\n"
    if available_kb is not None:
        text += f"\n{token} meminfo\nMemTotal: 4096000 kB\nMemAvailable: {available_kb} kB\n"
    if cpu is not None:
        text += f"\n{token} stat\n{cpu}\n"
    if pid is not None:
        text += f"\n{token} pid_stat\n{pid_stat(pid, ticks, process_start, state)}\n"
        text += f"\n{token} pid_statm\n900 512 256 1 0 1 0\n"
        text += (
            f"\n{token} pid_status\nName:\tx\nVmHWM:\t4096 kB\nVmRSS:\t2048 kB\nVmSwap:\t1024 kB\n"
        )
    return text + f"{extra}\n{token} end {number} {end or start}\n"
