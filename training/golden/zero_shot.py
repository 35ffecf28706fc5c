"""Zero-shot classification: does a text entail that it is about a label?"""

import transformers
from answers import Row, write_answers
from encoders import encoder, labels, write_encoder
from texts import LABELLED
from transformers import Pipeline, pipeline

PIPELINE = f"transformers {transformers.__version__}, pipeline('zero-shot-classification')"


def write() -> None:
    """Writes the models and answers of the task; the label for entailment stands first, or last."""
    _write("bert-zero-shot", "Bert", 31, ("contradiction", "neutral", "entailment"))
    _write("roberta-zero-shot", "Roberta", 32, ("ENTAILMENT", "NEUTRAL", "CONTRADICTION"))


def _write(name: str, family: str, seed: int, relations: tuple[str, ...]) -> None:
    made = encoder(family, "ForSequenceClassification", seed, **labels(*relations))
    write_encoder(name, made)
    classify = pipeline("zero-shot-classification", model=made.model, tokenizer=made.tokenizer)
    cases = []
    for several in (False, True):
        settings = f'[task]\nname = "zero-shot-classification"\nmulti_label = {str(several).lower()}\n'
        for text, candidates in LABELLED:
            row = {"text": text, "candidate_labels": candidates}
            answers = [_answer(classify, row, several=several)]
            cases.append({"settings": settings, "rows": [row], "answers": answers})
    write_answers(name, PIPELINE, cases)


def _answer(classify: Pipeline, row: Row, *, several: bool) -> Row:
    found = classify(row["text"], row["candidate_labels"], multi_label=several)
    scores = dict(zip(found["labels"], found["scores"], strict=True))
    return {"label": found["labels"][0], "score": found["scores"][0], "scores": scores}
