"""Starts a command, and writes as JSON when its first line came and how much it and all that it started held.

Arguments: seconds that it may take, and the command. It is alone in this small process, so that nothing else
counts; what it leaves behind is ended.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import perf_counter, sleep

_BECOME_PARENT_OF_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER
_EVERY = 0.5  # seconds
_TOO_LATE = 124  # as timeout(1) says it


def main() -> int:
    """Runs the command.

    Returns:
        The exit status: the command's, 1 where it gave no line, 124 where time was up.
    """
    limit, command = float(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_BECOME_PARENT_OF_ORPHANS, 1)
    over = Event()
    peaks: list[int] = []
    watch = Thread(target=_watch, args=(perf_counter() + limit, over, peaks))
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        watch.start()
        assert process.stdout is not None  # noqa: S101 - it was asked for
        answer = process.stdout.readline()
        seconds = perf_counter() - started
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watch.join()
    _end()
    _bury()
    if perf_counter() - started > limit:
        sys.stderr.write(f"not done after {limit:.0f} s\n")
        return _TOO_LATE
    peak = max(usage.ru_maxrss * 1024, *peaks, 0)  # Linux counts in kilobytes
    print(json.dumps({"seconds": seconds, "peak": peak, "answer": answer.rstrip("\n")}))
    return process.returncode or int(not answer)


def _watch(end: float, over: Event, peaks: list[int]) -> None:
    """Adds up now and then what all processes hold, where there are several, and ends them all in the end."""
    while not over.wait(_EVERY):
        if perf_counter() > end:
            _end()
            return
        started = _descendants()
        if len(started) > 1:
            peaks.append(sum(map(_held, started)))


def _end() -> None:
    while started := _descendants():
        for process in started:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        sleep(_EVERY / 10)


def _bury() -> None:
    """Waits for all that have ended without anybody who did."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _descendants() -> list[int]:
    parents: dict[int, int] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(process.name)] = int(parent)
    found: list[int] = []
    newest = {os.getpid()}
    while newest := {process for process, parent in parents.items() if parent in newest}:
        found += newest
    return found


def _held(process: int) -> int:
    """Returns the bytes of memory of a process; shared memory is divided among processes."""
    lines: list[str] = []
    with suppress(OSError):  # it has just ended
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main())
