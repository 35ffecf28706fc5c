"""Embedding: encoders of sentence-transformers, by how they pool."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import sentence_transformers
import torch
from answers import write_answers
from encoders import EXAMPLE, PER_TEXT, PER_TOKEN, Encoder, encoder, export
from export import copy_files, directory, write_onnx
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Normalize, Pooling, Transformer
from texts import INPUTS

LONGEST = 32
"""Shorter than what the models could take: `sentence_bert_config.json` says so."""
REFERENCE = f"sentence-transformers {sentence_transformers.__version__}, SentenceTransformer.encode"
WHOLE_OUTPUTS = {"token_embeddings": PER_TOKEN, "sentence_embedding": PER_TEXT}


def write() -> None:
    """Writes all models and answers of the task."""
    _write("bert-embedding", _assemble(encoder("Bert", "Model", 11), "mean", normalize=True), old=True)
    _write("distilbert-embedding", _assemble(encoder("DistilBert", "Model", 12), "mean"), old=True)
    mpnet = _assemble(encoder("MPNet", "Model", 13), "mean", normalize=True)
    _write("mpnet-embedding", mpnet, graph="onnx/model.onnx")
    _write(
        "xlm-roberta-embedding",
        _assemble(encoder("XLMRoberta", "Model", 14), "cls", normalize=True),
        old=True,
    )
    _write("roberta-embedding", _assemble(encoder("Roberta", "Model", 15), "max"))
    _write("bert-last-token", _assemble(encoder("Bert", "Model", 16), "lasttoken", normalize=True))
    whole = _assemble(encoder("Bert", "Model", 17), "mean", normalize=True)
    _write("bert-sentence-embedding", whole, whole=True)


def _assemble(made: Encoder, pooling: str, *, normalize: bool = False) -> SentenceTransformer:
    with TemporaryDirectory() as saved:
        made.save_pretrained(saved)
        transformer = Transformer(saved, max_seq_length=LONGEST)
    transformer.auto_model.pooler = None  # made anew as it was loaded; sentence-transformers has its own
    modules = [transformer, Pooling(made.model.config.hidden_size, pooling_mode=pooling)]
    return SentenceTransformer(modules=[*modules, Normalize()] if normalize else modules, device="cpu")


def _write(
    name: str, made: SentenceTransformer, *, old: bool = False, whole: bool = False, graph: str = "model.onnx"
) -> None:
    """Writes a model.

    Args:
        name: Its name.
        made: The model.
        old: Whether its files are those of sentence-transformers before version 5.
        whole: Whether the graph pools and normalizes too, with the output `sentence_embedding`.
        graph: Where the graph goes.
    """
    path = directory(name)
    with TemporaryDirectory() as saved:
        made.save_pretrained(saved, create_model_card=False)
        if old:
            _age(Path(saved), made)
        copy_files(Path(saved), path)
        model = SentenceTransformer(saved, device="cpu")
    if whole:
        example = made.tokenizer(EXAMPLE, padding=True, return_tensors="pt")
        write_onnx(_Whole(made), path / graph, dict(example), WHOLE_OUTPUTS)
    else:
        export(Encoder(made[0].auto_model, made.tokenizer), path / graph)
    answers = [{"embedding": model.encode(text)} for text in INPUTS]
    write_answers(name, REFERENCE, [{"rows": [{"text": text} for text in INPUTS], "answers": answers}])


def _age(saved: Path, made: SentenceTransformer) -> None:
    """Writes the files as they were before version 5, as most models on the hub have them.

    Such a `tokenizer.json` cuts and pads in its own way, and the tokenizer's longest text is not the model's.
    """
    modes = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_max_tokens": "max",
    }
    pooling = made[1].pooling_mode
    _write_json(
        saved / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": made[1].embedding_dimension,
            **{key: mode == pooling for key, mode in modes.items()},
        },
    )
    _write_json(saved / "sentence_bert_config.json", {"max_seq_length": LONGEST, "do_lower_case": False})
    types = ["Transformer", "Pooling", "Normalize"]
    modules = json.loads((saved / "modules.json").read_text())
    for module, kind in zip(modules, types, strict=False):
        module["type"] = f"sentence_transformers.models.{kind}"
    _write_json(saved / "modules.json", modules)
    tokenizer_config = json.loads((saved / "tokenizer_config.json").read_text())
    _write_json(saved / "tokenizer_config.json", tokenizer_config | {"model_max_length": 512})
    tokenizer = made.tokenizer.backend_tokenizer
    tokenizer.enable_truncation(20)
    tokenizer.enable_padding(
        length=24, pad_id=made.tokenizer.pad_token_id, pad_token=made.tokenizer.pad_token
    )
    tokenizer.save(str(saved / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()


def _write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


class _Whole(torch.nn.Module):
    """All modules in one graph, as Optimum exports them."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self._model = model

    def forward(
        self, input_ids: torch.Tensor, token_type_ids: torch.Tensor, attention_mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        features = {
            "input_ids": input_ids,
            "token_type_ids": token_type_ids,
            "attention_mask": attention_mask,
        }
        results = self._model(features)
        return results["token_embeddings"], results["sentence_embedding"]
