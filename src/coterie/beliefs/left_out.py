"""Left out: factors that rows do not state are averaged over, as they stood in the ledger.

What stood together is averaged together: the shares are those of combinations of levels in the
cluster's ledger, by each outcome's denominators, and a crossed factor's level is the one its
members make. A cluster without rows has the shares of the whole ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit, logit

from coterie import names
from coterie.beliefs.crossed import codes_of, inventory, part_labels
from coterie.beliefs.design import Design, Levels, lookup
from coterie.evidence import EACH_RELEASE
from coterie.typing import Flags, Floats, Integers


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Factors that rows leave out.

    Attributes
    ----------
    share
        Share of each combination: (cluster + 1, outcome, combination); the last line is for
        clusters that the ledger does not have.
    home
        Each row's line of it: (row,).
    codes
        Level of each factor in each combination: (row or 1, combination).
    new
        How many levels of each factor were never seen; their codes come after the known ones.
    binary
        Whether each outcome is a share of people: (outcome,).
    """

    share: Floats
    home: Integers
    codes: dict[str, Integers]
    new: dict[str, int]
    binary: Flags

    @classmethod
    def of(cls, levels: Levels, made: Design, given: Mapping[str, Integers]) -> Self | None:
        """Find what rows leave out.

        Parameters
        ----------
        levels, made
            Names and observations of the ledger.
        given
            Codes of what the rows state, (row,) each: ``cluster``, factors that are not
            crossed, and ``release``; numbers past an inventory are new labels.

        Returns
        -------
        LeftOut or None
            None where nothing is left out.
        """
        columns = [f for f in levels.factors if f not in levels.crossed and f not in given]
        if EACH_RELEASE in levels.factors and names.RELEASE not in given:
            columns.append(names.RELEASE)
        if not columns:
            return None
        combinations, share = _together(levels, made, columns)
        own = {c: combinations[None, :, i] for i, c in enumerate(columns)}
        codes, new = {}, {}
        every = own | {c: codes[:, None] for c, codes in given.items()}
        for factor in levels.factors:
            members = levels.crossed.get(factor, (factor,))
            if factor in levels.crossed and set(members) & set(columns):
                codes[factor], new[factor] = codes_of(levels, factor, every)
            elif factor in columns:
                codes[factor], new[factor] = own[factor], 0
        home = np.minimum(given[names.CLUSTER], len(levels.clusters))
        binary = np.array([o.kind == "binary" for o in levels.outcomes])
        return cls(share, home, codes, new, binary)

    def averaged(self, eta: Floats, effects: Mapping[str, Floats]) -> Floats:
        """Average rates over the combinations, on the scale of rates.

        Parameters
        ----------
        eta
            Levels on the link scale, without these factors: (draw, row, outcome). Rows may
            be the plan's, several times one after the other.
        effects
            Of each factor, with those of new levels at the end: (draw, level, outcome).
        """
        times = eta.shape[1] // self.home.size
        total = np.zeros(eta.shape)
        for i in range(self.share.shape[2]):
            weight = self.share[self.home, :, i]
            if not weight.any():
                continue
            shift = np.zeros((1, 1, 1))
            for factor, codes in self.codes.items():
                shift = shift + effects[factor][:, codes[:, i], :]
            if shift.shape[1] > 1:
                shift = np.tile(shift, (1, times, 1))
            level = eta + shift
            rate = np.where(self.binary, expit(level), np.exp(np.minimum(level, 700)))
            total += np.tile(weight, (times, 1)) * rate
        tiny = np.finfo(float).tiny
        back: Floats = np.where(
            self.binary, logit(np.clip(total, tiny, 1 - 1e-16)), np.log(np.maximum(total, tiny))
        )
        return back


def placed(
    levels: Levels,
    made: Design,
    given: Mapping[str, Integers],
    etas: Sequence[Floats],
    effect: Callable[[str, int], Floats],
) -> list[Floats]:
    """Add the effects of what rows state, and average over what they leave out.

    Parameters
    ----------
    levels, made, given
        As in :meth:`LeftOut.of`; parts of a cluster are stated too.
    etas
        Levels on the link scale without factors, each (draw, row, outcome); rows may be those
        of ``given`` several times one after the other.
    effect
        From a factor and a number of levels never seen to its effects, those at the end:
        (draw, level, outcome).
    """
    stated = {f: (given[f], 0) for f in levels.factors if f in given}
    stated |= {
        f: codes_of(levels, f, given) for f, of in levels.crossed.items() if set(of) <= set(given)
    }
    left = LeftOut.of(levels, made, given)
    found = list(etas)
    for factor, (codes, new) in stated.items():
        own = effect(factor, new)[:, codes, :]
        found = [eta + np.tile(own, (1, eta.shape[1] // codes.size, 1)) for eta in found]
    if left is None:
        return found
    wide = {factor: effect(factor, new) for factor, new in left.new.items()}
    return [left.averaged(eta, wide) for eta in found]


def cluster_codes(levels: Levels) -> dict[str, Integers]:
    """Return codes of every cluster, and of its parts where it is an intersection: (cluster,)."""
    given = {names.CLUSTER: np.arange(len(levels.clusters))}
    if levels.parts:
        own = part_labels(levels.clusters, levels.parts, levels.factors)
        given |= {part: lookup(labels, levels.factors[part]) for part, labels in own.items()}
    return given


def _together(levels: Levels, made: Design, columns: list[str]) -> tuple[Integers, Floats]:
    """Return combinations of levels, (combination, column), and their shares of denominators."""
    sizes = [len(inventory(levels, column)) for column in columns]
    place = {factor: i for i, factor in enumerate(levels.factors)}
    at = [place[EACH_RELEASE if c == names.RELEASE else c] for c in columns]
    flat = np.ravel_multi_index(tuple(made.factor[i] for i in at), sizes)
    seen = np.unique(flat)
    if len(columns) == 1 or not seen.size:
        seen = np.array([np.ravel_multi_index(c, sizes) for c in np.ndindex(*sizes)])
    shape = (len(levels.clusters), len(levels.outcomes), seen.size)
    line = np.ravel_multi_index((made.cluster, made.outcome, np.searchsorted(seen, flat)), shape)
    units = made.n * made.weight * (1.0 if made.frequency is None else made.frequency)
    total = np.bincount(line, units, int(np.prod(shape))).reshape(shape)
    whole = total.sum(axis=0, keepdims=True)
    known = total.sum(axis=2, keepdims=True)
    total = np.concatenate([np.where(known > 0, total, whole), whole])
    known = total.sum(axis=2, keepdims=True)
    share = np.where(known > 0, total / np.where(known > 0, known, 1), 1 / seen.size)
    return np.stack(np.unravel_index(seen, sizes), axis=1), share
