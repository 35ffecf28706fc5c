"""A function as Lambda starts it, with its first event: `invoke.py HANDLER DIRECTORY`."""

import importlib
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path


class Invocation:
    """Lambda's context."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return 28_000


if __name__ == "__main__":
    # An event changes what it is about: each process takes one of those that wait.
    path = min(Path(sys.argv[2]).iterdir())
    event = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    with redirect_stdout(sys.stderr):  # its lines for the log
        answer = importlib.import_module(sys.argv[1]).handler(event, Invocation())
    print(json.dumps(answer), flush=True)
