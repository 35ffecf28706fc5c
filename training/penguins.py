"""Penguin species from named columns of mixed types, with missing values (Palmer penguins)."""

import json

import numpy as np
import onnx
import pandas as pd
from palmerpenguins import load_penguins
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from training.artefact import OPSETS, Artefact, Tensors, finish

MEASURES = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
COLUMNS = ["island", *MEASURES, "sex", "year"]
TYPES = {"island": StringTensorType, "sex": StringTensorType, "year": Int64TensorType}
SEED = 28  # holds out a penguin without any measure and one of unknown sex


def train() -> Artefact:
    """Train on four fifths of the penguins, measure on the rest."""
    rows = load_penguins().fillna({"sex": ""})
    fitted, held_out = train_test_split(rows, test_size=0.2, stratify=rows["species"], random_state=SEED)
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    scores = cross_val_score(pipeline(), rows[COLUMNS], rows["species"], cv=folds)
    estimator = pipeline().fit(fitted[COLUMNS], fitted["species"])
    species, probabilities = (f(held_out[COLUMNS]) for f in (estimator.predict, estimator.predict_proba))
    return Artefact(
        model=export(estimator),
        metrics={
            "held_out": len(held_out),
            "accuracy": round(accuracy_score(held_out["species"], species), 4),
            "cross_validated_accuracy": round(scores.mean(), 4),
            "log_loss": round(log_loss(held_out["species"], probabilities), 4),
        },
        inputs=tensors(held_out),
        expected={"species": species, "probabilities": probabilities},
        examples=examples(held_out),
    )


def pipeline() -> Pipeline:
    """Impute and scale the measures, encode the categories, classify.

    A missing sex is a category of its own; an island that was never seen counts as none.
    """
    measures = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [
            ("categories", OneHotEncoder(handle_unknown="ignore"), ["island", "sex"]),
            ("measures", measures, MEASURES),
            ("year", StandardScaler(), ["year"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def export(estimator: Pipeline) -> onnx.ModelProto:
    """Turn the pipeline into ONNX, with one input of shape [N, 1] for each column."""
    inputs = [(name, TYPES.get(name, FloatTensorType)([None, 1])) for name in COLUMNS]
    outputs = [("species", StringTensorType([None])), ("probabilities", FloatTensorType([None, 3]))]
    model = to_onnx(
        estimator,
        initial_types=inputs,
        final_types=outputs,
        options={"zipmap": False},
        target_opset=OPSETS,
        name="penguins",
    )
    return finish(model)


def tensors(rows: pd.DataFrame) -> Tensors:
    """Turn rows into one array of shape [N, 1] for each column."""
    dtypes = {"island": object, "sex": object, "year": np.int64}
    return {name: rows[[name]].to_numpy(dtypes.get(name, np.float32)) for name in COLUMNS}


def examples(held_out: pd.DataFrame) -> dict[str, str]:
    """Write eleven held-out penguins in three formats: three of each species, two with gaps."""
    missing = held_out.isna().any(axis=1) | (held_out["sex"] == "")
    complete = held_out[~missing].groupby("species").head(3)
    rows = pd.concat([complete.sort_values("species"), held_out[missing].head(2)])[COLUMNS]
    rows = rows.astype(object).where(rows.notna() & (rows != ""), None)
    instances = rows.to_dict("records")
    return {
        "penguins.csv": rows.to_csv(index=False, lineterminator="\n"),
        "penguins.jsonl": "".join(f"{json.dumps(row)}\n" for row in instances),
        "penguins.json": json.dumps({"instances": instances}, indent=2) + "\n",
    }
