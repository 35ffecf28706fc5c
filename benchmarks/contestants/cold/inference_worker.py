"""The inference function as Lambda runs it: events on stdin, a line each, results on stdout."""

import json
import os
import sys

_RESULTS = os.fdopen(os.dup(1), "wb")
sys.stdout = sys.stderr  # its lines for the log

from inference_handler import handler  # noqa: E402 - prints while it starts


class Invocation:
    """Lambda's context."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return 900_000


def main() -> None:
    """Answers until there are no more events."""
    from triptych.protocol.json_document import dump  # noqa: PLC0415 - after the handler, as in Lambda

    for line in sys.stdin.buffer:
        _RESULTS.write(dump(handler(json.loads(line), Invocation())) + b"\n")
        _RESULTS.flush()


if __name__ == "__main__":
    main()
