"""Own code beside the model: what a customer who may leave is offered."""

import numpy as np
from numpy.typing import NDArray
from triptych.tasks.code import Columns, RowsRefused

OUTPUTS = [("risk", "FP32", [-1]), ("offer", "BYTES", [-1])]

LEAVES = 0  # classes are sorted: "leaves", "stays"
RISK = 0.5  # from which an offer costs less than a customer who leaves


def preprocess(rows: Columns) -> Columns:
    """Refuses customers under age, who must not get offers."""
    young = np.flatnonzero(rows["age"][:, 0] < 18)
    if len(young):
        raise RowsRefused(dict.fromkeys(young.tolist(), "customers under 18 get no offer"))
    return rows


def postprocess(outputs: Columns, rows: Columns) -> Columns:
    """Chooses an offer for each customer who may leave."""
    risk = outputs["probabilities"][:, LEAVES]
    return {"risk": risk, "offer": np.where(risk < RISK, "none", _offers(rows["minutes"][:, 0]))}


def _offers(minutes: NDArray[np.float32]) -> NDArray[np.str_]:
    return np.where(minutes > 150, "flat rate", "discount")
