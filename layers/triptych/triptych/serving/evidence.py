"""What is known of whether the rows of a model are independent of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from triptych.serving.agreement import agree
from triptych.serving.joining import union
from triptych.serving.prepared import Prepared
from triptych.tensors.tensor import Tensor

ENOUGH = 32
"""Weight of the agreements from which an output counts as proven."""

_TELLING = 4
"""Weight of an agreement where the requests had different results, so that a mix-up would have shown: eight
such requests are enough. Where all had the same, as a label that is nearly always the same, each weighs 1."""


class Evidence:
    """Results of joined runs that agreed, or did not, with those of the same requests alone.

    A free first dimension need not be a batch: a sequence has one as well, a model may normalize over all
    rows, or draw random numbers.

    Args:
        said: What `model.toml` says: true is taken for proven, false for refused, None is found out.

    Attributes:
        refused: Whether the rows interact.
    """

    def __init__(self, *, said: bool | None) -> None:
        self.refused = said is False
        self._said_so = said is True
        self._agreed: Counter[str] = Counter()

    def proves(self, outputs: Iterable[str]) -> bool:
        """Tells whether all these outputs are known to be independent row by row."""
        return not self.refused and (
            self._said_so or all(self._agreed[output] >= ENOUGH for output in outputs)
        )

    def compare(
        self,
        requests: Sequence[Prepared],
        alone: Sequence[dict[str, Tensor]],
        joined: Sequence[dict[str, Tensor]],
    ) -> None:
        """Learns from requests that were run both ways.

        Args:
            requests: The requests.
            alone: The results of each, run by itself.
            joined: The results of each, run with the others.
        """
        for output in union(requests):
            single = [results[output] for results in alone if output in results]
            together = [results[output] for results in joined if output in results]
            if not agree(single, together):
                self.refused = True
            self._agreed[output] += len(single) * (_TELLING if differ(single) else 1)


def differ(tensors: Sequence[Tensor]) -> bool:
    """Tells whether the first rows of these tensors are not all the same."""
    first, *others = (Tensor(tensor.datatype, tensor.values[:1]) for tensor in tensors)
    return not all(agree([first], [other]) for other in others)
