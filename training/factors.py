"""A user's taste and a film's character as short vectors whose product predicts the rating."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.decomposition import TruncatedSVD

SEED = 0
TOP = 10
STARS = 5  # the best rating
FACTORS = 24


@dataclass(frozen=True)
class Factors:
    """The ratings' low-rank approximation.

    Attributes:
        users: ids, shape [U].
        titles: shape [FILMS].
        tastes: FACTORS weights and one for popularity, shape [U + 1, FACTORS + 1]; row 0 is nobody's.
        films: the same of the films, shape [FACTORS + 1, FILMS].
        rated: whether the user has rated the film, shape [U + 1, FILMS].
    """

    users: np.ndarray
    titles: np.ndarray
    tastes: np.ndarray
    films: np.ndarray
    rated: np.ndarray

    def recommend(self, user_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Recommend films to users, ids of shape [N]: titles and scores, both of shape [N, TOP]."""
        position = np.searchsorted(self.users, user_ids).clip(max=len(self.users) - 1)
        rows = np.where(self.users[position] == user_ids, position + 1, 0)
        scores = np.where(self.rated[rows], -np.inf, self.tastes[rows] @ self.films)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
        return self.titles[best], np.take_along_axis(scores, best, axis=1)


def fit(ratings: pd.DataFrame, without: pd.Index | None = None) -> Factors:
    """Factorize the users' shares of the best rating, 0 for what a user has not rated.

    Args:
        ratings: all ratings: they tell which users and films there are.
        without: index of the ratings to leave out.
    """
    users, titles = np.unique(ratings["userId"]), np.unique(ratings["film"].astype(str))
    kept = ratings if without is None else ratings.drop(without)
    shares = np.zeros((len(users), len(titles)))
    cells = np.searchsorted(users, kept["userId"]), np.searchsorted(titles, kept["film"].astype(str))
    shares[cells] = kept["rating"] / STARS
    svd = TruncatedSVD(FACTORS, algorithm="arpack", random_state=SEED)
    tastes = np.zeros((len(users) + 1, FACTORS + 1))
    tastes[1:, :-1], tastes[0, -1] = svd.fit_transform(shares), 1
    return Factors(
        users=users,
        titles=titles.astype(object),
        tastes=tastes,
        films=np.vstack([svd.components_, shares.mean(axis=0)]),
        rated=np.pad(shares > 0, ((1, 0), (0, 0))),
    )
