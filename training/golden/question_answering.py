# /// script
# requires-python = ">=3.11"
# dependencies = ["onnx", "onnxscript", "torch", "transformers>=4.57,<5"]
# ///
"""Question answering: `uv run training/golden/question_answering.py`.

A script of its own, as Transformers 5 has no such pipeline anymore. Run it after `make.py`: it takes the
vocabularies of other models.
"""

import transformers
from answers import write_answers
from encoders import Encoder, encoder, write_encoder
from export import directory
from texts import QUESTIONS
from transformers import BertTokenizerFast, PreTrainedTokenizerFast, RobertaTokenizerFast, pipeline

HEAD = "ForQuestionAnswering"
PIPELINE = f"transformers {transformers.__version__}, pipeline('question-answering')"


def write() -> None:
    """Writes all models and answers of the task."""
    bert = BertTokenizerFast.from_pretrained(directory("bert-sentiment"))
    _write("bert-questions", encoder("Bert", HEAD, 41, bert))
    _write("distilbert-questions", encoder("DistilBert", HEAD, 42, _without_types(bert)))
    _write("roberta-questions", encoder("Roberta", HEAD, 43, _roberta()))


def _without_types(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def _roberta() -> PreTrainedTokenizerFast:
    return RobertaTokenizerFast.from_pretrained(directory("roberta-pairs"))


def _write(name: str, made: Encoder) -> None:
    write_encoder(name, made)
    answer = pipeline("question-answering", model=made.model, tokenizer=made.tokenizer)
    rows = [{"question": question, "context": context} for question, context in QUESTIONS]
    write_answers(name, PIPELINE, [{"rows": rows, "answers": [answer(**row) for row in rows]}])


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    write()
