"""Default exports of scikit-learn, LightGBM and XGBoost, whose probabilities a ZipMap turns into maps."""

from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import sklearn
import xgboost
from answers import write_answers
from export import directory
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SEED = 0
SMALL = {"n_estimators": 10, "max_depth": 3, "random_state": SEED}
TYPED = {"initial_types": [("input", FloatTensorType([None, 4]))], "target_opset": 15}
VERSIONS = {module.__name__: module.__version__ for module in (sklearn, lightgbm, xgboost)}


def write() -> None:
    """Writes all models and answers."""
    iris = load_iris()
    names = iris.target_names[iris.target]
    rows, held_out, species, _, number, _ = train_test_split(iris.data, names, iris.target, random_state=SEED)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, species)
    _write("sklearn-names", linear, lambda model: to_onnx(model, np.float32(rows[:1])), held_out)
    forest = RandomForestClassifier(**SMALL).fit(rows, number)
    _write("sklearn-numbers", forest, lambda model: to_onnx(model, np.float32(rows[:1])), held_out)
    boosted = lightgbm.LGBMClassifier(**SMALL, verbose=-1).fit(rows, number)
    _write("lightgbm-numbers", boosted, lambda model: convert_lightgbm(model, **TYPED), held_out)
    trees = xgboost.XGBClassifier(**SMALL).fit(rows, number)
    _write("xgboost-numbers", trees, lambda model: convert_xgboost(model, **TYPED), held_out)


def _write(name: str, model: Any, convert: Callable[[Any], Any], held_out: np.ndarray) -> None:  # noqa: ANN401
    graph = convert(model)
    (directory(name) / "model.onnx").write_bytes(graph.SerializeToString())
    label, probabilities = (output.name for output in graph.graph.output)
    held_out = held_out[:12].astype(np.float32)
    found = zip(model.predict(held_out), model.predict_proba(held_out), strict=True)
    answers = [{label: kind, probabilities: shares} for kind, shares in found]
    (column,) = (value.name for value in graph.graph.input)
    rows = [{column: row} for row in held_out]
    library = name.split("-", maxsplit=1)[0]
    write_answers(name, f"{library} {VERSIONS[library]}, predict_proba", [{"rows": rows, "answers": answers}])
