"""Token classification: entities with their offsets, by how tokens are aggregated."""

import transformers
import vocabulary
from answers import write_answers
from encoders import LONGEST, Encoder, encoder, labels, write_encoder
from texts import NAMES
from transformers import pipeline

HEAD = "ForTokenClassification"
PIPELINE = f"transformers {transformers.__version__}, pipeline('token-classification')"
ENTITIES = labels("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
AGGREGATIONS = ("none", "simple", "first", "average", "max")


def write() -> None:
    """Writes all models and answers of the task."""
    cased = vocabulary.cased_bert(LONGEST)
    _write("bert-names", encoder("Bert", HEAD, 21, cased, **ENTITIES))
    _write("distilbert-names", encoder("DistilBert", HEAD, 22, **labels("O", "PER", "LOC")))
    _write("roberta-names", encoder("Roberta", HEAD, 23, **ENTITIES))
    _write("xlm-roberta-names", encoder("XLMRoberta", HEAD, 24, **ENTITIES))


def _write(name: str, made: Encoder) -> None:
    write_encoder(name, made)
    rows = [{"text": text} for text in NAMES]
    cases = []
    for aggregation in AGGREGATIONS:
        find = pipeline(
            "token-classification",
            model=made.model,
            tokenizer=made.tokenizer,
            aggregation_strategy=aggregation,
        )
        answers = [{"entities": find(text) if text else []} for text in NAMES]
        settings = f'[task]\naggregation = "{aggregation}"\n'
        cases.append({"settings": settings, "rows": rows, "answers": answers})
    write_answers(name, PIPELINE, cases)
