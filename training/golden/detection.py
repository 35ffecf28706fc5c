"""Object detection by DETR and its relatives."""

import pictures
import torch
import transformers
from answers import write_answers
from encoders import labels
from export import scatter
from seers import Seer, image_rows, open_image, write_seer
from transformers import pipeline

SHAPES = labels("circle", "square", "triangle")
ANY_SIZE = {
    "pixel_values": {0: "batch_size", 2: "height", 3: "width"},
    "pixel_mask": {0: "batch_size", 1: "height", 2: "width"},
}
ONE_SIZE = {"pixel_values": {0: "batch_size"}}
ONE_IMAGE = {"pixel_values": {}}
PIPELINE = f"transformers {transformers.__version__}, pipeline('object-detection') with PIL processors"
THRESHOLDS = (0.5, 0.3)
HEADS = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
LAYERS = {"encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
RESNET = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}


def write() -> None:
    """Writes all models and answers of the task."""
    size = {"shortest_edge": 40, "longest_edge": 90}
    _write("detr-shapes", _seer("Detr", _detr(), 61, size=size), ANY_SIZE)
    _write("yolos-shapes", _seer("Yolos", _yolos(), 62, size={"height": 48, "width": 64}), ONE_SIZE)
    _write("rt-detr-shapes", _seer("RTDetr", _rt_detr(), 63, size={"height": 64, "width": 64}), ONE_IMAGE)


def _detr() -> transformers.PreTrainedConfig:
    backbone = transformers.ResNetConfig(out_features=["stage2"], **RESNET)
    return transformers.DetrConfig(
        backbone_config=backbone, d_model=16, num_queries=8, **HEADS, **LAYERS, **SHAPES
    )


def _yolos() -> transformers.PreTrainedConfig:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return transformers.YolosConfig(image_size=[48, 64], num_detection_tokens=8, **sizes, **SHAPES)


def _rt_detr() -> transformers.PreTrainedConfig:
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    return transformers.RTDetrConfig(
        backbone_config=backbone,
        d_model=16,
        encoder_hidden_dim=16,
        encoder_in_channels=[8, 16, 16],
        decoder_in_channels=[16, 16, 16],
        decoder_n_points=2,
        num_queries=8,
        num_denoising=0,
        **HEADS,
        **LAYERS,
        **SHAPES,
    )


def _seer(kind: str, config: transformers.PreTrainedConfig, seed: int, **processing: object) -> Seer:
    model = scatter(getattr(transformers, f"{kind}ForObjectDetection")(config), seed)
    with torch.no_grad():  # boxes of all sizes, and not those of none
        for name, weights in model.named_parameters():
            if "bbox" in name and name.endswith("weight"):
                weights.mul_(0.5)
    return Seer(model, getattr(transformers, f"{kind}ImageProcessorPil")(**processing))


def _write(name: str, made: Seer, free: dict[str, dict[int, str]]) -> None:
    axes = {0: "batch_size"} if free["pixel_values"] else {}
    write_seer(name, made, {"logits": axes, "pred_boxes": axes}, free)
    detect = pipeline("object-detection", model=made.model, image_processor=made.processor)
    names = pictures.write()
    cases = []
    for threshold in THRESHOLDS:
        answers = [{"objects": detect(open_image(image), threshold=threshold)} for image in names]
        settings = f"[task]\nthreshold = {threshold}\n"
        cases.append({"settings": settings, "rows": image_rows(names), "answers": answers})
    write_answers(name, PIPELINE, cases)
