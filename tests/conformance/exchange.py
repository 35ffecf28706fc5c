"""What the function answers about one operator case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from triptych.protocol.tensors import Array

from tests.conformance.operator_cases import OperatorCase
from tests.conformance.wire import datatype, infer_in_binary, infer_in_json
from tests.support.realtime import Answer, RealtimeFunction


@dataclass(frozen=True, slots=True)
class Run:
    """One set of inputs, sent in both forms.

    Attributes:
        case: The case.
        expected: The reference outputs.
        binary: The answer in binary.
        json: The answer in JSON.
        has_bfloat16: Whether an input or output is BF16, which has no JSON form.
    """

    case: OperatorCase
    expected: dict[str, Array]
    binary: Answer
    json: Answer
    has_bfloat16: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """One case.

    Attributes:
        case: The case.
        metadata: The answer to the question what the model is.
        ready: The answer to the question whether it is ready.
        runs: Its runs; none when it is refused.
    """

    case: OperatorCase
    metadata: Answer
    ready: Answer
    runs: tuple[Run, ...]


def exchange(function: RealtimeFunction, case: OperatorCase) -> Exchange:
    """Asks everything there is to ask about a case, at once, because models are closed again."""
    metadata = function.get("/v2/models/{model}", model=case.name)
    ready = function.get("/v2/models/{model}/ready", model=case.name)
    runs = tuple(_runs(function, case)) if metadata.status == 200 else ()
    return Exchange(case, metadata, ready, runs)


def _runs(function: RealtimeFunction, case: OperatorCase) -> Iterator[Run]:
    for inputs, expected in case.arrays():
        binary = infer_in_binary(function, case.name, inputs)
        json = infer_in_json(function, case.name, inputs)
        has_bfloat16 = "BF16" in map(datatype, (*inputs.values(), *expected.values()))
        yield Run(case, expected, binary, json, has_bfloat16)
