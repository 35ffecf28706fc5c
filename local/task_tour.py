"""The stations of the demo for texts and pictures: a review, a drawing, and a search among reviews."""

import csv

import numpy as np
from rich.console import Console

from local.batches import Batches
from local.build import ROOT
from local.calls import Calls, expect_success, timed
from local.pictures import heading, table

EXAMPLES = ROOT / "examples"
REVIEWS = EXAMPLES / "reviews.csv"
DRAWING = EXAMPLES / "digit-7.png"
REMARKS = ("Absolutely delicious, I will buy it again!", "Stale, and a waste of money.")
QUERY = "something for my dog"
FOUND = 3


def reviews(console: Console, calls: Calls) -> None:
    """Tell praise from complaint: texts in, labels out."""
    heading(console, "Texts, as they are", "POST /v2/models/reviews/predict")
    body = {"instances": [{"text": text} for text in REMARKS]}
    answer, timing = timed(lambda: calls.json("POST", "/v2/models/reviews/predict", json=body))
    shown = table("review", "label", "sure")
    for text, row in zip(REMARKS, answer["predictions"], strict=True):
        shown.add_row(text, row["label"], f"{row['score']:.1%}")
    console.print(shown)
    console.print(f"{timing}\n")


def drawing(console: Console, calls: Calls) -> None:
    """Read a digit from a picture: the file is the body of the request."""
    path = "/v2/models/handwriting/predict"
    heading(console, "A picture, as it is", f"POST {path} --data-binary @{DRAWING.relative_to(ROOT)}")
    answer, timing = timed(lambda: expect_success(calls.post(path, DRAWING.read_bytes(), "image/png")))
    (row,) = answer.json()["predictions"]
    console.print(f"It shows a {row['label']} ({row['score']:.1%} sure)")
    console.print(f"{timing}\n")


def search(console: Console, calls: Calls, batches: Batches) -> None:
    """Search by meaning: a file of reviews becomes embeddings, which are looked up and compared."""
    key = "search/reviews.csv"
    heading(console, "Semantic search", f"aws s3 cp reviews.csv s3://inputs/{key} --metadata lookup=true")
    batch = batches.ended(batches.drop(key, REVIEWS.read_bytes(), lookup="true"))
    console.print(f"{batch['status']}: {batch['progress']['records']['written']} embeddings to look up")
    with REVIEWS.open(newline="", encoding="utf-8") as file:
        texts = {row["id"]: row["text"] for row in csv.DictReader(file)}
    found = calls.json("POST", "/v2/models/search/predictions:lookup", json={"keys": [*texts]})["predictions"]
    vectors = np.array([row["prediction"]["embedding"] for row in found])
    query = {"instances": [{"text": QUERY}]}
    (asked,) = calls.json("POST", "/v2/models/search/predict", json=query)["predictions"]
    likeness = vectors @ np.array(asked["embedding"])
    shown = table(f'most like "{QUERY}"', "likeness")
    for index in np.argsort(-likeness)[:FOUND]:
        shown.add_row(texts[found[index]["key"]], f"{likeness[index]:.2f}")
    console.print(shown)
