"""Tiny encoders of the families, with random weights."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import transformers
import vocabulary
from export import copy_files, directory, scatter, write_onnx
from transformers import PreTrainedModel, PreTrainedTokenizerFast

LONGEST = 48
"""Tokens that a model takes."""
COUNT_FROM_PADDING = {"Roberta", "XLMRoberta", "MPNet"}
"""Their first position is the one after the id of padding."""
EXAMPLE = ["The soup was warm.", "a"]
SIZE = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
DISTILBERT_SIZE = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}
TOKENIZERS = {
    "Bert": vocabulary.bert,
    "DistilBert": vocabulary.distilbert,
    "Roberta": vocabulary.roberta,
    "MPNet": vocabulary.mpnet,
    "XLMRoberta": vocabulary.xlm_roberta,
}
PER_TEXT, PER_TOKEN = {0: "batch_size"}, {0: "batch_size", 1: "sequence_length"}
OUTPUTS = {
    "ForSequenceClassification": {"logits": PER_TEXT},
    "ForTokenClassification": {"logits": PER_TOKEN},
    "ForQuestionAnswering": {"start_logits": PER_TOKEN, "end_logits": PER_TOKEN},
    "Model": {"last_hidden_state": PER_TOKEN},
}


class Encoder(NamedTuple):
    """A model of Hugging Face and its tokenizer."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast

    def save_pretrained(self, path: str) -> None:
        """Writes both."""
        self.model.save_pretrained(path)
        self.tokenizer.save_pretrained(path)


def encoder(
    family: str, head: str, seed: int, tokenizer: PreTrainedTokenizerFast | None = None, **settings: object
) -> Encoder:
    """Makes a model.

    Args:
        family: What its classes begin with, such as `Bert`.
        head: What they end with, such as `ForTokenClassification`; `Model` for none.
        seed: Of its weights.
        tokenizer: Its tokenizer, if not that of the family.
        settings: Of its configuration.
    """
    tokenizer = tokenizer or TOKENIZERS[family](LONGEST)
    config = getattr(transformers, f"{family}Config")(
        vocab_size=len(tokenizer),
        max_position_embeddings=LONGEST
        + (tokenizer.pad_token_id + 1 if "Roberta" in family or family == "MPNet" else 0),
        **{name: getattr(tokenizer, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")},
        **(DISTILBERT_SIZE if family == "DistilBert" else SIZE),
        **settings,
    )
    options = {} if head != "Model" or family == "DistilBert" else {"add_pooling_layer": False}
    model = getattr(transformers, family + head)(config, **options)
    return Encoder(scatter(model, seed), tokenizer)


def write_encoder(name: str, made: Encoder, graph: str = "model.onnx") -> Path:
    """Writes a model as `optimum-cli export onnx` would; returns its directory."""
    path = directory(name)
    with TemporaryDirectory() as saved:
        made.save_pretrained(saved)
        copy_files(Path(saved), path)
    export(made, path / graph)
    return path


def export(made: Encoder, path: Path) -> None:
    """Writes the graph of a model."""
    head = next(head for head in OUTPUTS if type(made.model).__name__.endswith(head))
    example = made.tokenizer(EXAMPLE, padding=True, return_tensors="pt")
    write_onnx(made.model, path, dict(example), OUTPUTS[head])


def labels(*names: str) -> dict[str, Any]:
    """Returns the settings of a model with these labels."""
    return {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
