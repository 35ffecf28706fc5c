"""Looking predictions up that batches made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from triptych.errors import NotFound
from triptych.interfaces.predictions import Made, Prediction, PredictionStore
from triptych.protocol.moments import moment
from triptych.protocol.names import model_name


class Lookup:
    """Looks predictions up by key.

    Args:
        predictions: Keeps them.
    """

    def __init__(self, predictions: PredictionStore) -> None:
        self._predictions = predictions

    def one(self, model: str, key: str) -> dict[str, Any]:
        """Describes the latest prediction for a key in JSON.

        Raises:
            NotFound: There is none, or no model can have this name.
            ServiceUnavailable: Predictions cannot be reached.
        """
        found = self._found(model, [key])
        if key not in found:
            raise NotFound(
                f"model {model!r} has no prediction for the key {key[:200]!r}; "
                "batches whose options have a key and lookup=true make them"
            )
        return {"model_name": model, **_described(*found[key])}

    def many(self, model: str, keys: Sequence[str]) -> dict[str, Any]:
        """Describes the latest predictions for keys in JSON, and lists the keys that have none.

        Raises:
            NotFound: No model can have this name.
            ServiceUnavailable: Predictions cannot be reached.
        """
        found = self._found(model, keys)
        return {
            "model_name": model,
            "predictions": [_described(*found[key]) for key in keys if key in found],
            "missing": [key for key in keys if key not in found],
        }

    def _found(self, model: str, keys: Sequence[str]) -> Mapping[str, tuple[Prediction, Made]]:
        return self._predictions.get(model_name(model), keys)


def _described(prediction: Prediction, made: Made) -> dict[str, Any]:
    return {
        "key": prediction.key,
        "prediction": prediction.row,
        **({"labels": prediction.labels} if prediction.labels else {}),
        "model_version": str(made.version),
        "batch": made.batch,
        "batch_created_at": moment(made.at),
    }
