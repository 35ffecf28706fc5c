"""A repository with a small model of each task of texts, and one of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.support import image_exports
from tests.support.text_exports import add_export, classifier, encoder, reader, tagger

REVIEWS = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "bad", "1": "good"}}
NLI = {
    "architectures": ["BertForSequenceClassification"],
    "id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"},
}
NAMES = {"architectures": ["BertForTokenClassification"], "id2label": {"0": "O", "1": "B-PER", "2": "B-LOC"}}

TASKS: Sequence[str] = ("search", "reviews", "ranker", "names", "answers", "topics", "pictures")
"""Names of the models."""


def add_task_models(models: Path) -> None:
    """Puts them into a repository."""
    add_export(models, "search", encoder(), {"matryoshka_dimensions": [2]})
    add_export(models, "reviews", classifier(2), REVIEWS)
    ranker = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    add_export(models, "ranker", classifier(1), ranker)
    add_export(models, "names", tagger(3), NAMES)
    add_export(models, "answers", reader(), {"architectures": ["BertForQuestionAnswering"]})
    add_export(models, "topics", classifier(3), NLI)
    (models / "topics" / "model.toml").write_text('[task]\nname = "zero-shot-classification"\n')
    image_exports.add_export(
        models,
        "pictures",
        image_exports.classifier(),
        config=image_exports.CONFIG,
        preprocessor_config=image_exports.PROCESSOR,
    )
