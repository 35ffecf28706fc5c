"""Why a model would not be served, and the way out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from local.failure import LocalFailure

_WAYS_OUT: Mapping[str, str] = {
    r"is not a registered function/op|No Op registered|No opset import for domain|(?i:not.implemented)": (
        "ONNX Runtime has no such operator for processors: export with standard operators, no custom ones; "
        "what runs before or after a model can be Python (docs/own-code.md)"
    ),
    r"opset|IR version": "export for an opset and IR version that this ONNX Runtime reads",
    r"no batch axis": (
        "export with an open first dimension: torch.onnx.export(..., dynamic_axes={'input': {0: 'batch'}}), "
        "dynamic=True for Ultralytics, [None, ...] as the shape for skl2onnx"
    ),
    r"is (seq|map|optional|sparse_tensor)\(": (
        "export the model so that it takes and gives tensors: stack a sequence inside the graph"
    ),
    r"tokenizer\.json is missing": "AutoTokenizer.from_pretrained(name).save_pretrained(folder)",
    r"is the upload complete|cannot be read in full": (
        "the file is cut off, or is no ONNX: copy or export it again"
    ),
    r"rows that were made up": "give real ones: EXAMPLE=rows.csv or rows.jsonl",
    r"memory": "quantize the model, or export a smaller one: functions have 10,240 MB at most",
}
"""What to do, by what the message of a model that cannot be served says."""

WARNINGS: Mapping[str, str] = {
    "fixed_batch_axis": (
        "the batch axis is fixed at 1, so rows run one by one: export with an open first dimension for speed"
    ),
    "missing_tokenizer": (
        "the model takes tokens, and its task is not known, so it is served with ids: put config.json "
        "and tokenizer.json beside it, or name the task in model.toml (docs/tasks.md)"
    ),
    "quantized_dynamically": (
        "scales come from the values of each run, so a row would change with those beside it: texts run one "
        "by one, which is slower; static quantization does not have this"
    ),
    "outputs_without_rows": "predict needs an entry for each row, and these outputs have none:",
    "rows_interact": (
        "a row has another result beside other rows, so jobs run one by one, and a file as a whole: is the "
        "first dimension a batch, and was the model exported in evaluation mode?"
    ),
    "slow": "too slow for requests of many rows; send these as jobs or files:",
}
"""What to know before a model is used."""


class NotServed(LocalFailure):
    """A model that would not be served.

    Args:
        reason: Why.
        way_out: What to do about it.
    """

    def __init__(self, reason: str, way_out: str) -> None:
        super().__init__(f"{reason}\nway out: {way_out}")
        self.reason = reason
        self.way_out = way_out


def way_out(reason: str) -> str:
    """Returns what to do about the message of a model that cannot be opened or run."""
    found = (advice for pattern, advice in _WAYS_OUT.items() if re.search(pattern, reason))
    return next(found, "change what the message says, and look again with make inspect")
