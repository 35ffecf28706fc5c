"""Models of images with their image processors, and the images they are asked about."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from answers import Row
from export import Axes, copy_files, directory, write_onnx
from pictures import IMAGES, draw
from PIL import Image
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor
from transformers.image_utils import load_image


class Seer(NamedTuple):
    """A model of Hugging Face and what prepares images for it."""

    model: PreTrainedModel
    processor: BaseImageProcessor


def write_seer(
    name: str, made: Seer, outputs: Mapping[str, Axes], free: Mapping[str, Axes] | None = None
) -> None:
    """Writes a model as `optimum-cli export onnx` would."""
    path = directory(name)
    with TemporaryDirectory() as saved:
        made.model.save_pretrained(saved)
        made.processor.save_pretrained(saved)
        copy_files(Path(saved), path)
    images = [draw(64, 48, 1), draw(64, 48, 2)]
    example = made.processor(
        images if free is None or free["pixel_values"] else images[:1], return_tensors="pt"
    )
    inputs = {name: tensor for name, tensor in example.items() if free is None or name in free}
    write_onnx(made.model, path / "model.onnx", inputs, outputs, free)


def open_image(name: str) -> Image.Image:
    """Opens an image as pipelines do: upright, in RGB."""
    image = load_image(str(IMAGES / name))
    # Left by a palette, it would turn pixels white in processors that convert what is RGB already.
    image.info.pop("transparency", None)
    return image


def image_rows(names: Sequence[str]) -> list[Row]:
    """Returns the rows of images."""
    return [{"image": name} for name in names]
