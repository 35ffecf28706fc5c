"""Tokenizers of the families, with vocabularies of a few hundred pieces learnt from the corpus."""

from texts import CORPUS
from transformers import (
    BertTokenizer,
    DistilBertTokenizer,
    MPNetTokenizer,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLMRobertaTokenizer,
)

PIECES = 320


def _learn(tokenizer: PreTrainedTokenizerFast, longest: int) -> PreTrainedTokenizerFast:
    learnt = tokenizer.train_new_from_iterator(CORPUS, PIECES, show_progress=False)
    learnt.model_max_length = longest
    return learnt


def bert(longest: int) -> PreTrainedTokenizerFast:
    """WordPiece, lower case, with token type ids."""
    return _learn(BertTokenizer(), longest)


def distilbert(longest: int) -> PreTrainedTokenizerFast:
    """As BERT's, without token type ids."""
    return _learn(DistilBertTokenizer(), longest)


def cased_bert(longest: int) -> PreTrainedTokenizerFast:
    """WordPiece that keeps case and accents, as models for names do."""
    return _learn(BertTokenizer(do_lower_case=False), longest)


def roberta(longest: int) -> PreTrainedTokenizerFast:
    """Byte pairs; two separators between the texts of a pair."""
    return _learn(RobertaTokenizer(), longest)


def mpnet(longest: int) -> PreTrainedTokenizerFast:
    """WordPiece between <s> and </s>."""
    return _learn(MPNetTokenizer(), longest)


def xlm_roberta(longest: int) -> PreTrainedTokenizerFast:
    """Unigram."""
    return _learn(XLMRobertaTokenizer(), longest)
