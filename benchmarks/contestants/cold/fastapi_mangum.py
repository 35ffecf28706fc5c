"""FastAPI behind Mangum."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from mangum import Mangum

from benchmarks.contestants.fastapi_tensors import application


class Invocation:
    """Lambda's context."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"


def main() -> None:
    """Answers the event."""
    event = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    adapter: Any = Mangum(application(Path(sys.argv[2])), lifespan="off")
    with asyncio.Runner() as loop:
        loop.get_loop()  # Mangum runs on that of the thread
        print(adapter(event, Invocation())["body"], flush=True)


if __name__ == "__main__":
    main()
