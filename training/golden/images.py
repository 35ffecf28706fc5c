"""Image classification and image embeddings, of Transformers and timm."""

import json
from collections.abc import Sequence

import pictures
import timm
import torch
import transformers
from answers import Row, write_answers
from encoders import labels
from export import directory, scatter, write_onnx
from seers import Seer, image_rows, open_image, write_seer
from timm.data import create_transform, resolve_data_config
from timm.models.convnext import ConvNeXt
from timm.models.vision_transformer import VisionTransformer
from transformers import pipeline

SIDE = 32
COLOURS = labels("red", "green", "blue", "grey")
PIPELINE = f"transformers {transformers.__version__}, pipeline('image-classification') with PIL processors"
LOGITS = {"logits": {0: "batch_size"}}
PIXELS = torch.zeros(2, 3, SIDE, SIDE)
VIT = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": SIDE,
    "patch_size": 8,
}
CONVNEXT = {"num_stages": 2, "hidden_sizes": [8, 16], "depths": [1, 1]}


def write() -> None:
    """Writes all models and answers of the tasks."""
    names = pictures.write()
    square = {"height": SIDE, "width": SIDE}
    _classify("vit-colours", _transformer("ViT", 51, VIT | COLOURS, size=square), names)
    several = VIT | COLOURS | {"problem_type": "multi_label_classification"}
    larger = {"height": SIDE + 5, "width": SIDE + 9}
    _classify("deit-colours", _transformer("DeiT", 52, several, size=larger, crop_size=square), names)
    _classify(
        "convnext-colours",
        _transformer("ConvNext", 53, CONVNEXT | COLOURS, size={"shortest_edge": SIDE}),
        names,
    )
    clip = transformers.CLIPImageProcessorPil(size={"shortest_edge": SIDE + 6}, crop_size=square)
    _classify("clip-colours", _transformer("ViT", 54, VIT | COLOURS)._replace(processor=clip), names)
    _embed("vit-embedding", _transformer("ViT", 55, VIT, head="Model", size=square), names)
    _classify_timm(
        "timm-vit", VisionTransformer(SIDE, 8, num_classes=4, embed_dim=16, depth=1, num_heads=2), names
    )
    squash = {"crop_mode": "squash", "crop_pct": 1.0, "interpolation": "bilinear"}
    _classify_timm(
        "timm-convnext", ConvNeXt(num_classes=4, depths=(1, 1, 1, 1), dims=(4, 4, 8, 8)), names, **squash
    )


def _transformer(
    kind: str, seed: int, settings: Row, head: str = "ForImageClassification", **processing: object
) -> Seer:
    config = getattr(transformers, f"{kind}Config")(**settings)
    model = scatter(getattr(transformers, kind + head)(config), seed)
    return Seer(model, getattr(transformers, f"{kind}ImageProcessorPil")(**processing))


def _classify(name: str, made: Seer, images: Sequence[str]) -> None:
    write_seer(name, made, LOGITS)
    classify = pipeline("image-classification", model=made.model, image_processor=made.processor)
    answers = []
    for image in images:
        found = {each["label"]: each["score"] for each in classify(open_image(image), top_k=9)}
        best = max(found, key=found.__getitem__)
        names = made.model.config.id2label
        answers.append(
            {"label": best, "score": found[best], "scores": [found[names[key]] for key in sorted(names)]}
        )
    write_answers(name, PIPELINE, [{"rows": image_rows(images), "answers": answers}])


def _embed(name: str, made: Seer, images: Sequence[str]) -> None:
    """Writes a model without a head, of which the first token is the embedding."""
    made.model.pooler = None
    write_seer(name, made, {"last_hidden_state": {0: "batch_size"}})
    answers = []
    for image in images:
        pixels = made.processor(open_image(image), return_tensors="pt")
        with torch.no_grad():
            answers.append({"embedding": made.model(**pixels).last_hidden_state[0, 0].numpy()})
    reference = f"transformers {transformers.__version__}, the first token of ViTModel"
    write_answers(name, reference, [{"rows": image_rows(images), "answers": answers}])


def _classify_timm(name: str, model: torch.nn.Module, images: Sequence[str], **settings: object) -> None:
    scatter(model, 56)
    means = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    size = {"input_size": (3, SIDE, SIDE), "num_classes": 4, "interpolation": "bicubic", "crop_pct": 0.9}
    described = means | size | {"crop_mode": "center"} | settings
    colours = list(COLOURS["label2id"])
    config = {"architecture": name, "pretrained_cfg": described, "label_names": colours, "num_classes": 4}
    (directory(name) / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    write_onnx(model, directory(name) / "model.onnx", {"x": PIXELS}, LOGITS)
    transform = create_transform(**resolve_data_config({}, pretrained_cfg=described), is_training=False)
    answers = []
    for image in images:
        with torch.no_grad():
            scores = model(transform(open_image(image))[None]).softmax(-1)[0].numpy()
        answers.append({"label": colours[scores.argmax()], "score": scores.max(), "scores": scores})
    write_answers(
        name, f"timm {timm.__version__}, create_transform", [{"rows": image_rows(images), "answers": answers}]
    )
