"""A model whose session stands around another: its own tensors are there too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import override

import numpy as np
from triptych.clock import Deadline
from triptych.models.config import ModelConfig, SessionSettings
from triptych.models.model import Model, ModelSession
from triptych.protocol.datatypes import BYTES, FP32
from triptych.protocol.tensors import Signature, Tensor, TensorSpec

from tests.unit.fakes.sessions import ContentSession

LOGITS = Signature(
    (TensorSpec("ids", FP32, (-1, 2)),), (TensorSpec("logits", FP32, (-1, 2), ("bad", "good")),)
)


@dataclass
class TextSession(ModelSession):
    """Takes text, and gives it back as a label.

    Attributes:
        inside: The model itself.
        signature: Text in, label out.
    """

    inside: ModelSession
    signature: Signature = field(
        default_factory=lambda: Signature(
            (TensorSpec("text", BYTES, (-1,)),), (TensorSpec("label", BYTES, (-1,)),)
        )
    )

    @property
    @override
    def raw(self) -> ModelSession:
        return self.inside

    @override
    def run(
        self, inputs: Mapping[str, Tensor], outputs: Sequence[str], deadline: Deadline
    ) -> dict[str, Tensor]:
        return {"label": inputs["text"]}


def test_own_tensors() -> None:
    """The inner session, and nothing that `model.toml` says of the signature in front; name and key stay."""
    inside = ContentSession("graph", SessionSettings(), LOGITS)
    config = ModelConfig(
        "reviews", columns=("text",), key="id", missing={"text": ""}, labels={"label": ("a", "b")}
    )
    model = Model("reviews", 3, config, TextSession(inside))
    assert "text" == model.signature.inputs[0].name
    assert LOGITS == model.raw.signature
    assert ModelConfig("reviews", key="id", labels={"logits": ("bad", "good")}) == model.raw.config
    assert ("reviews", 3) == model.raw[:2]
    ids = Tensor(FP32, np.zeros((1, 2), dtype=np.float32))
    assert ids is ContentSession.run(inside, {"ids": ids}, ["ids"], Deadline.after(1))["ids"]


def test_nothing_in_front() -> None:
    """A model without a task is its own raw model."""
    model = Model("plain", 1, ModelConfig(columns=("a",)), ContentSession("graph", SessionSettings(), LOGITS))
    assert model is model.raw
