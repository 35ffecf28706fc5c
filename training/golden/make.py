# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "onnx", "onnxruntime", "onnxscript", "opencv-python-headless", "torch",
#     "sentence-transformers>=6", "timm", "torchvision", "transformers>=5",
#     "lightgbm", "onnxmltools", "scikit-learn", "skl2onnx", "xgboost-cpu",
# ]
# ///
"""Writes tiny models and what their own libraries answer: `uv run training/golden/make.py [FAMILY...]`."""

import sys

import classification
import detection
import embedding
import image_processors
import images
import tables
import tokens
import transformers
import yolo
import zero_shot

MODULES = (classification, detection, embedding, image_processors, images, tables, tokens, yolo, zero_shot)
FAMILIES = {module.__name__: module.write for module in MODULES}


def main() -> None:
    """Writes the families that are named, or all."""
    transformers.logging.disable_progress_bar()
    transformers.logging.set_verbosity_error()
    for name in sys.argv[1:] or FAMILIES:
        FAMILIES[name]()


if __name__ == "__main__":
    main()
