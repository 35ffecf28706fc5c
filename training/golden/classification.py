"""Text classification: one label of many, several labels, pairs, and one label that is a rank."""

from collections.abc import Sequence
from tempfile import TemporaryDirectory

import sentence_transformers
import transformers
from answers import Row, write_answers
from encoders import Encoder, encoder, labels, write_encoder
from sentence_transformers import CrossEncoder
from texts import INPUTS, PAIRS

HEAD = "ForSequenceClassification"
PIPELINE = f"transformers {transformers.__version__}, pipeline('text-classification', top_k=None)"
CROSS_ENCODER = f"sentence-transformers {sentence_transformers.__version__}, CrossEncoder.predict"


def write() -> None:
    """Writes all models and answers of the task."""
    texts = [{"text": text} for text in INPUTS]
    pairs = [{"text": first, "text_pair": second} for first, second in PAIRS if second]
    stars = labels("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
    topics = labels("food", "delivery", "travel", "praise", "complaint")
    relations = labels("contradiction", "entailment", "neutral")
    _write("bert-sentiment", encoder("Bert", HEAD, 1, **stars), texts)
    several = encoder("DistilBert", HEAD, 2, problem_type="multi_label_classification", **topics)
    _write("distilbert-topics", several, texts)
    _write("roberta-pairs", encoder("Roberta", HEAD, 3, **relations), [*pairs, *texts[:3]])
    _write("bert-pairs", encoder("Bert", HEAD, 4, **relations), pairs)
    _write("xlm-roberta-sentiment", encoder("XLMRoberta", HEAD, 5, **stars), texts)
    _write_ranks("bert-reranker", encoder("Bert", HEAD, 6, num_labels=1))
    identity = {"activation_fn": "torch.nn.modules.linear.Identity", "version": "4.1.0"}
    _write_ranks(
        "xlm-roberta-reranker", encoder("XLMRoberta", HEAD, 7, num_labels=1, sentence_transformers=identity)
    )


def _write(name: str, made: Encoder, rows: Sequence[Row]) -> None:
    write_encoder(name, made)
    classify = transformers.pipeline(
        "text-classification", model=made.model, tokenizer=made.tokenizer, top_k=None
    )
    given = [row if "text_pair" in row else row["text"] for row in rows]
    answers = [_answer(made, classify(row, truncation=True)) for row in given]
    write_answers(name, PIPELINE, [{"rows": rows, "answers": answers}])


def _answer(made: Encoder, found: list[Row]) -> Row:
    found = found[0] if isinstance(found[0], list) else found
    scores = {entry["label"]: entry["score"] for entry in found}
    best = max(scores, key=scores.__getitem__)
    names = made.model.config.id2label
    return {"label": best, "score": scores[best], "scores": [scores[names[index]] for index in sorted(names)]}


def _write_ranks(name: str, made: Encoder) -> None:
    """Writes a cross encoder, whose activation its configuration names, or else is a sigmoid."""
    write_encoder(name, made)
    with TemporaryDirectory() as saved:
        made.save_pretrained(saved)
        ranker = CrossEncoder(saved, device="cpu")
        scores = [ranker.predict([pair])[0] for pair in PAIRS]
    rows = [{"query": query, "text": text} for query, text in PAIRS]
    cases = [{"rows": rows, "answers": [{"score": float(score)} for score in scores]}]
    write_answers(name, CROSS_ENCODER, cases)
