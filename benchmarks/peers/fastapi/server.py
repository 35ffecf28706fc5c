"""FastAPI on uvicorn."""

import sys
from pathlib import Path

import uvicorn

from benchmarks.contestants.fastapi_tensors import application

if __name__ == "__main__":
    served = application(Path(sys.argv[1]))
    uvicorn.run(served, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
