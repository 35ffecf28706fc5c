"""The inference function as Lambda starts it, with its first request: `inference_once.py EVENT`."""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

with redirect_stdout(sys.stderr):  # its lines for the log
    from inference_handler import handler


class Invocation:
    """Lambda's context."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return 900_000


if __name__ == "__main__":
    event = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    event["resource"] = "/v2/models/{model}/versions/{version}/infer"
    event["pathParameters"] |= {"version": "1"}
    with redirect_stdout(sys.stderr):
        answer = handler(event, Invocation())
    print(answer["body"], flush=True)
