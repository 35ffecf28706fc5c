"""Starts the command in its arguments, and writes as JSON when its first line came and how much it held."""

import json
import os
import subprocess
import sys
from time import perf_counter


def main() -> int:
    """Runs the command.

    Returns:
        The exit status: the command's, or 1 where it gave no line.
    """
    started = perf_counter()
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout is not None  # noqa: S101 - it was asked for
        answer = process.stdout.readline()
        seconds = perf_counter() - started
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * 1024  # Linux counts in kilobytes
    print(json.dumps({"seconds": seconds, "peak": peak, "answer": answer.rstrip("\n")}))
    return process.returncode or int(not answer)


if __name__ == "__main__":
    sys.exit(main())
