"""Five stars or fewer, from the words of a review (fine foods, as the R package modeldata carries them)."""

import numpy as np
import onnx
from onnx import numpy_helper, parser
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss

from training.artefact import IR_VERSION, OPSETS, Artefact, finish
from training.texts import Weighed, examples, files, learn, load, token_tensors

SHRINKAGE = 3
CHECKED = 200  # reviews whose logits are compared

# A text is the sum of its pieces' weights over the length of the vector that they span: TF-IDF.
GRAPH = f"""
<ir_version: {IR_VERSION}, opset_import: ["": {OPSETS[""]}]>
reviews (int64[batch, tokens] input_ids, int64[batch, tokens] attention_mask) => (float[batch, 2] logits) {{
    one = Constant<value = int64[1] {{1}}>()
    two = Constant<value = int64[1] {{2}}>()
    least = Constant<value = float {{1e-6}}>()
    pieces = Gather(table, input_ids)
    mask = Cast<to = {onnx.TensorProto.FLOAT}>(attention_mask)
    column = Unsqueeze(mask, two)
    kept = Mul(pieces, column)
    sums = ReduceSum<keepdims = 0>(kept, one)
    weights, squares = Split<axis = 1, num_outputs = 2>(sums)
    length = Sqrt(squares)
    safe = Max(length, least)
    share = Div(weights, safe)
    other = Add(share, bias)
    great = Sub(other, other)
    logits = Concat<axis = 1>(great, other)
}}
"""
CONFIG = {
    "architectures": ["BagOfWordsForSequenceClassification"],
    "id2label": {"0": "great", "1": "other"},
}


def train() -> Artefact:
    """Train on the reviews of some products, measure on those of others."""
    fitted, held_out = load("training"), load("testing")
    weighed = learn(fitted.texts)
    estimator = LogisticRegression(C=SHRINKAGE, max_iter=1000).fit(
        weighed.vectors(fitted.texts), fitted.labels
    )
    probabilities = estimator.predict_proba(weighed.vectors(held_out.texts))
    other = estimator.decision_function(weighed.vectors(held_out.texts[:CHECKED]))
    return Artefact(
        model=export(estimator, weighed),
        metrics={
            "held_out": len(held_out.texts),
            "accuracy": round(
                accuracy_score(held_out.labels, estimator.classes_[probabilities.argmax(axis=1)]), 4
            ),
            "accuracy_of_great_for_all": round(float(np.mean(held_out.labels == "great")), 4),
            "log_loss": round(log_loss(held_out.labels, probabilities), 4),
        },
        inputs=token_tensors(weighed.tokenizer, held_out.texts[:CHECKED]),
        expected={"logits": np.stack([np.zeros_like(other), other], axis=1)},
        examples=examples(held_out.texts),
        files={"config.json": CONFIG, **files(weighed.tokenizer)},
    )


def export(estimator: LogisticRegression, weighed: Weighed) -> onnx.ModelProto:
    """Put a piece's weight, and the square of its rarity, into the graph above."""
    model = parser.parse_model(GRAPH)
    table = np.stack([weighed.rarity * estimator.coef_[0], weighed.rarity**2], axis=1)
    constants = {"table": table, "bias": estimator.intercept_}
    for name, values in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    return finish(model)
