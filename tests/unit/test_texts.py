"""Texts become the tensors that a graph names, in runs of similar length."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from triptych.clock import Deadline
from triptych.errors import DeadlineExceeded, ModelUnavailable
from triptych.models.config import TaskConfig
from triptych.models.model import GraphSession
from triptych.protocol.datatypes import DATATYPES, FP32, INT64
from triptych.protocol.tensors import Signature, Tensor, TensorSpec
from triptych.tasks import texts as texts_module
from triptych.tasks.export import Export
from triptych.tasks.texts import NEW_RUN, RUN_TOKENS, TextModel, blocks, in_order, micro_batches, paired

from tests.support.text_exports import add_export, classifier, tokens

LATER = Deadline.after(600)
NAMES = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


class Watched(GraphSession):
    """Gives the ids back, and remembers what it was fed.

    Attributes:
        signature: The given inputs; `ids` of shape [texts, tokens].
        runs: What each run was fed.
        metadata: Nothing.
    """

    def __init__(self, *inputs: TensorSpec, quantizes: bool = False) -> None:
        self.signature = Signature(inputs, (TensorSpec("ids", FP32, (-1, -1)),))
        self.runs: list[dict[str, Tensor]] = []
        self.metadata: dict[str, str] = {}
        self._quantizes = quantizes

    @property
    def quantizes_as_it_runs(self) -> bool:
        """What it was told."""
        return self._quantizes

    def run(self, inputs: Any, outputs: Any, deadline: Deadline) -> dict[str, Tensor]:  # noqa: ANN401, ARG002
        """Runs once."""
        self.runs.append(inputs)
        return {"ids": inputs["input_ids"]}


def specs(*names: str, datatype: str = "INT64", shape: tuple[int, ...] = (-1, -1)) -> list[TensorSpec]:
    """Returns inputs of a model."""
    return [TensorSpec(name, DATATYPES[datatype], shape) for name in names]


def opened(tmp_path: Path, session: Watched, **config: Any) -> TextModel:  # noqa: ANN401 - JSON
    """Opens a text model over an export."""
    directory = add_export(tmp_path, "texts", classifier(2), config)
    return TextModel(session, Export(directory, session), TaskConfig())


def run(model: TextModel, *texts: str) -> list[list[int]]:
    """Returns which texts each run was of."""
    return [list(found.texts) for found in model.run(texts, ["ids"], LATER)]


@given(st.lists(st.integers(0, 600), max_size=200))
def test_every_text_once_with_little_padding(lengths: list[int]) -> None:
    """Runs have every text once, in bounded memory, and padding costs less than another run would."""
    batches = list(micro_batches(lengths, 1000, NEW_RUN))
    assert list(range(len(lengths))) == sorted(index for batch in batches for index in batch)
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= RUN_TOKENS
        steps = [lengths[index] for index in batch]
        assert steps == sorted(steps)
        assert all(
            number * (step - steps[number - 1]) <= NEW_RUN for number, step in enumerate(steps) if number
        )


@given(st.lists(st.integers(1, 9), max_size=50))
def test_no_padding(lengths: list[int]) -> None:
    """Where no padding is allowed, the texts of a run have one length."""
    for batch in micro_batches(lengths, 1000, 0):
        assert 1 == len({lengths[index] for index in batch})


@given(st.lists(st.text(max_size=9), min_size=1, max_size=30))
def test_blocks(texts: list[str]) -> None:
    """Blocks have all texts in their order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts_module, "BLOCK_TEXTS", 4)
        patch.setattr(texts_module, "BLOCK_CHARACTERS", 20)
        made = list(blocks(texts))
    assert texts == [text for _, block in made for text in block]
    assert all(texts[start] == block[0] for start, block in made)
    assert all(len(block) <= 4 and (len(block) == 1 or sum(map(len, block)) <= 20) for _, block in made)


def test_in_order() -> None:
    """Results of runs stand in the order of the texts."""
    runs = [([2, 0], np.array([[2.0], [0.0]])), ([1], np.array([[1.0]]))]
    assert [[0.0], [1.0], [2.0]] == in_order(runs).tolist()


def test_pairs() -> None:
    """An empty second text is none."""
    assert [("a", "b"), "c"] == paired(["a", "c"], ["b", ""])


def test_fed_by_name(tmp_path: Path) -> None:
    """Ids, mask, types and positions are fed where the graph names them, padded to the longest text."""
    session = Watched(*specs(*NAMES))
    model = opened(tmp_path, session)
    list(model.run([("good film", "bad"), "good"], ["ids"], LATER))
    (feed,) = session.runs
    pair, alone = tokens("good film", "bad"), tokens("good")
    rest = len(pair) - len(alone)
    assert [[*alone, *[0] * rest], pair] == feed["input_ids"].values.tolist()
    assert [[1] * len(alone) + [0] * rest, [1] * len(pair)] == feed["attention_mask"].values.tolist()
    assert [[0] * 6, [0, 0, 0, 0, 1, 1]] == feed["token_type_ids"].values.tolist()
    assert [[*range(6)]] * 2 == feed["position_ids"].values.tolist()


def test_only_what_is_named(tmp_path: Path) -> None:
    """What the graph does not name is not fed; integers are as long as it wants them."""
    session = Watched(*specs("input_ids", "attention_mask", datatype="INT32"))
    run(opened(tmp_path, session), "good")
    (feed,) = session.runs
    assert ["input_ids", "attention_mask"] == list(feed)
    assert np.int32 == feed["input_ids"].values.dtype


def test_positions_after_padding(tmp_path: Path) -> None:
    """Models like RoBERTa count positions from one after the id of padding, and read as many tokens less."""
    session = Watched(*specs("input_ids", "attention_mask", "position_ids"))
    model = opened(tmp_path, session, model_type="roberta", max_position_embeddings=8)
    run(model, "good " * 20)
    assert [[*range(1, 8)]] == session.runs[0]["position_ids"].values.tolist()


def test_own_truncation_of_the_file_does_not_count(tmp_path: Path) -> None:
    """The model reads as many tokens as its configuration says, whatever `tokenizer.json` says."""
    session = Watched(*specs("input_ids", "attention_mask"))
    run(opened(tmp_path, session), "good " * 40, "bad")
    assert [16] == [feed["input_ids"].shape[1] for feed in session.runs]


@pytest.mark.parametrize(
    ("files", "length"),
    [
        ({}, 16),
        ({"sentence_bert_config": {"max_seq_length": 9}}, 9),
        ({"tokenizer_config": {"model_max_length": 1e30}}, 512),
        ({"tokenizer_config": {}, "config": {"max_position_embeddings": 33}}, 33),
        ({"config": {"max_position_embeddings": 12}}, 12),
    ],
)
def test_longest_text(tmp_path: Path, files: dict[str, Any], length: int) -> None:
    """The least length that the files name counts."""
    directory = add_export(tmp_path, "texts", classifier(2), {})
    for name, content in files.items():
        (directory / f"{name}.json").write_text(json.dumps(content))
    session = Watched(*specs("input_ids"))
    export = Export(directory, session)
    assert length == TextModel(session, export, TaskConfig()).max_length
    assert 5 == TextModel(session, export, TaskConfig(max_length=5)).max_length


def test_without_mask(tmp_path: Path) -> None:
    """A graph without a mask would read padding: only texts of one length run together."""
    model = opened(tmp_path, Watched(*specs("input_ids")))
    assert [[0, 2], [1]] == run(model, "good", "good film", "bad")


def test_one_row_at_a_time(tmp_path: Path) -> None:
    """A graph for one text is run once for each."""
    model = opened(tmp_path, Watched(*specs("input_ids", "attention_mask", shape=(1, -1))))
    assert [[0], [1]] == run(model, "good", "bad")


def test_quantized_as_it_runs(tmp_path: Path) -> None:
    """The scale of dynamic quantization comes from all texts of a run: each runs alone."""
    model = opened(tmp_path, Watched(*specs("input_ids", "attention_mask"), quantizes=True))
    assert [[0], [1]] == run(model, "good", "bad")


def test_fixed_length(tmp_path: Path) -> None:
    """A graph of fixed length is fed exactly that."""
    session = Watched(*specs("input_ids", "attention_mask", shape=(-1, 8)))
    run(opened(tmp_path, session), "good", "good " * 20)
    assert (2, 8) == session.runs[0]["input_ids"].shape


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (specs("input_ids", "pixel_values"), "the model takes input_ids, pixel_values"),
        ([TensorSpec("ids", INT64, (-1, -1))], "the model takes ids"),
        (specs("input_ids", shape=(4, -1)), "the model takes 4 texts at once"),
    ],
)
def test_other_inputs(tmp_path: Path, inputs: list[TensorSpec], message: str) -> None:
    """A graph that takes something else is none of texts."""
    with pytest.raises(ModelUnavailable, match=message):
        opened(tmp_path, Watched(*inputs))


def test_broken_tokenizer(tmp_path: Path) -> None:
    """A tokenizer that cannot be read says so."""
    directory = add_export(tmp_path, "texts", classifier(2), {})
    (directory / "tokenizer.json").write_text("{}")
    session = Watched(*specs("input_ids"))
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json cannot be read"):
        TextModel(session, Export(directory, session), TaskConfig())


def test_deadline_between_runs(tmp_path: Path) -> None:
    """Time is looked at before every run."""
    model = opened(tmp_path, Watched(*specs("input_ids")))
    with pytest.raises(DeadlineExceeded, match="ran out of time while running the model on texts"):
        list(model.run(["good"], ["ids"], Deadline.after(-1)))
