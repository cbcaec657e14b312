"""One artist of the small world on dense grids, by SciPy alone: the new law without the library.

The artist's own level and its fit in each cluster are summed over; home is the cluster of the
highest fit, one that is not named among them.
"""

import numpy as np
from scipy import stats
from scipy.special import expit, logsumexp, ndtr

from tests.beliefs.small_world import CLUSTERS, FIXED, SHARES

ELSEWHERE = 0.1
_LEVELS = np.linspace(-20.0, 20.0, 8001)
_STEP = _LEVELS[1] - _LEVELS[0]


def believed(told, *, homes="one", own=15, fits=51):
    """Integrate one artist's rows at many draws of the population.

    Parameters
    ----------
    told
        Of each row: cluster, saves, listeners, power, and its level without what is the
        artist's own, (draw,).
    homes
        ``"one"`` or ``"many"``.
    own, fits
        Nodes of the artist's own level, and of each fit.

    Returns
    -------
    log_evidence, belief, elsewhere
        (draw,), (draw, cluster) and (draw,).
    """
    size = len(told[0][4])
    step = max(1, 2_000_000 // (own * fits))
    parts = [slice(i, i + step) for i in range(0, size, step)]
    found = [_some([(*row[:4], row[4][at]) for row in told], homes, own, fits) for at in parts]
    return tuple(np.concatenate(side) for side in zip(*found, strict=True))


def rows_of(frame, artist, level):
    """Return what was told of an artist; ``level`` gives each row's, and its power."""
    mine = frame[frame["artist"] == artist]
    return [
        (row["cluster"], row["saves"], row["listeners"], *level(row)) for _, row in mine.iterrows()
    ]


def homes_of(fits):
    """Return how likely each draw of fits, (draw, cluster), makes each cluster the one home.

    A draw follows the stated prior already: what it leaves open is whether the fit in a cluster
    that is not named is higher still.
    """
    stated = np.array([SHARES[cluster] for cluster in CLUSTERS]) * (1 - ELSEWHERE)
    top = np.argmax(fits, axis=1)
    highest = ndtr(fits.max(axis=1))
    own, rest = stated[top] * highest, ELSEWHERE * (1 - highest)
    found = np.zeros_like(fits)
    found[np.arange(len(fits)), top] = own / (own + rest)
    return found


def _log_mass(saves, listeners):
    mean, kappa = expit(_LEVELS), FIXED["kappa"]
    return stats.betabinom.logpmf(saves, listeners, mean * kappa, (1 - mean) * kappa)


def _some(told, homes, own, fits):
    x, weight = np.polynomial.hermite_e.hermegauss(own)
    s = np.linspace(-5.5, 5.5, fits)
    log_s = stats.norm.logpdf(s) + np.log(s[1] - s[0])
    away = FIXED["artist_scale"] * x[:, None] + FIXED["loading"] * s
    law = {cluster: np.zeros((len(told[0][4]), own, fits)) + log_s for cluster in CLUSTERS}
    for cluster, saves, listeners, power, level in told:
        at = (level[:, None, None] + away - _LEVELS[0]) / _STEP
        table, low = _log_mass(saves, listeners), at.astype(np.int64)
        near = table[low] + (at - low) * (table[low + 1] - table[low])
        law[cluster] += power * near
    mass = {cluster: logsumexp(each, axis=2) for cluster, each in law.items()}
    law = [np.exp(law[cluster] - mass[cluster][..., None]) for cluster in CLUSTERS]
    below = [np.cumsum(each, axis=2) - 0.5 * each for each in law]
    heights = sum(mass.values()) + np.log(weight / weight.sum())
    total = logsumexp(heights, axis=1)
    share = np.exp(heights - total[:, None])
    stated = np.array([SHARES[cluster] for cluster in CLUSTERS])
    if homes == "many":
        edge = stats.norm.ppf(1 - stated)
        above = [_above(each, s, e) for each, e in zip(below, edge, strict=True)]
        belief = np.stack([(share * each).sum(axis=1) for each in above], axis=1)
        return total, belief, np.zeros(len(total))
    unseen = ndtr(s)
    highest = [
        (law[0] * below[1] * unseen).sum(axis=2),
        (law[1] * below[0] * unseen).sum(axis=2),
        (np.exp(log_s) * below[0] * below[1]).sum(axis=2),
    ]
    chance = np.stack([(share * each).sum(axis=1) for each in highest], axis=1)
    chance = chance * np.append((1 - ELSEWHERE) * stated, ELSEWHERE)
    chance /= chance.sum(axis=1, keepdims=True)
    return total, chance[:, :2], chance[:, 2]


def _above(below, s, edge):
    at = (edge - s[0]) / (s[1] - s[0])
    low = int(at)
    return 1 - (below[..., low] + (at - low) * (below[..., low + 1] - below[..., low]))
