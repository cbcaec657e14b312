"""Sensitivity: what would be believed had something counted half, or twice.

Three things make a belief: what was stated of membership, the artist's own counts, and what was
stated of the population. Each is raised to a power of a half and of two in turn. With the first
two the artist is believed in again, through the whole model, at the draws of the population that
there are: counts twice as heavy are twice the listeners of the same cells, not twice the cells.
The third weighs those draws (Pareto-smoothed), and is left out where they cannot tell.

Source: power-scaling, Kallioinen, Paananen, Bürkner and Vehtari (2024), *Detecting and diagnosing
prior and likelihood sensitivity with power-scaling*, Statistics and Computing 34, 57.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings.choosing import chosen
from coterie.findings.finding import UNIT, Finding
from coterie.findings.origin import origin_of

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats

SOURCE: Final = "source"
POWER: Final = "power"
SOURCES: Final = ("membership_prior", "own_counts", "population_prior")
POWERS: Final = (0.5, 2.0)
KHAT_MOST: Final = 0.7
_SAMPLE: Final = (names.CHAIN, names.DRAW)
_NAMED: Final = 3


def sensitivity(beliefs: Beliefs, *, artists: Sequence[Hashable] | None = None) -> Finding:
    """Say what would be believed had priors or counts weighed half, or twice.

    Parameters
    ----------
    beliefs
        Fitted or updated, with one home or many.
    artists
        Whom to ask about, in this order. Left out, all.

    Returns
    -------
    Finding
        Kind ``"sensitivity"``. ``belief`` (artist, place): as it is. ``varied`` (artist, place,
        source, power): as it would be with the artist's ``membership_prior``, its ``own_counts``
        or the ``population_prior`` raised to a power of 0.5 and of 2; NaN where the draws cannot
        tell. ``kept`` (artist): whether the likeliest place stays the likeliest in all of these
        (many homes: whether the same clusters stay more likely than not). ``khat`` (power):
        Pareto k of the weights of the population's draws. Places are the clusters and, with one
        home, ``elsewhere`` at the end.

    Raises
    ------
    FindingError
        If these beliefs hold no membership.
    BeliefError
        If an artist is unknown, or sampling was stopped and that was not accepted.

    References
    ----------
    .. [1] N. Kallioinen et al. (2024), *Detecting and diagnosing prior and likelihood
       sensitivity with power-scaling*, Statistics and Computing 34.

    Examples
    --------
    >>> found = co.sensitivity(co.example_beliefs(), artists=["Oslo Choir"])
    >>> bool(found.table["kept"].item())
    True
    """
    from coterie.beliefs import refuse_partial

    if beliefs.homes is None:
        raise FindingError(
            "These beliefs were fitted without membership (homes=None): there is no belief to "
            'vary. Fit with homes="one" or "many".'
        )
    refuse_partial(beliefs)
    who = _chosen(beliefs, artists)
    belief, varied, khat, places = _varied(beliefs, who)
    return _finding(beliefs, _table(who, places, (belief, varied, khat), str(beliefs.homes)))


def _chosen(beliefs: Beliefs, artists: Sequence[Hashable] | None) -> list[Any]:
    known = _draws(beliefs)[names.ARTIST].to_numpy().tolist()
    if artists is None:
        return list(known)
    return chosen(artists, known, "artist")


def _draws(beliefs: Beliefs) -> xr.DataArray:
    return beliefs.home if beliefs.homes == "one" else beliefs.membership


def _varied(beliefs: Beliefs, who: list[Any]) -> tuple[Floats, Floats, Floats, list[Any]]:
    """Return beliefs as they are and as they would be, Pareto k, and the places."""
    from coterie.beliefs import Alone, clusters_of

    places = clusters_of(beliefs)
    weights, khat = _population_weights(beliefs)
    now, varied = [], []
    for artist in who:
        alone = Alone.of(beliefs, artist)
        own = _own(beliefs, artist)
        # After an update by weights the integrals are at other draws than the beliefs: what is
        # turned is told as the difference it makes.
        away = own.mean(axis=0) - alone.believe()[0].mean(axis=0)
        turned = [
            [away + alone.believe(prior_power=p)[0].mean(axis=0) for p in POWERS],
            [away + alone.believe(counts_power=p)[0].mean(axis=0) for p in POWERS],
        ]
        turned.append(list(np.where(khat[:, None] > KHAT_MOST, np.nan, weights @ own)))
        now.append(own.mean(axis=0))
        varied.append(np.stack([np.stack(pair, axis=-1) for pair in turned], axis=1).clip(0, 1))
    labels = [*places, *([names.ELSEWHERE] if now[0].size > len(places) else [])]
    return np.stack(now), np.stack(varied), khat, labels


def _population_weights(beliefs: Beliefs) -> tuple[Floats, Floats]:
    """Return weights of the draws of belief with the population's prior at each power."""
    from coterie.beliefs import smoothed_weights

    size = int(np.prod([_draws(beliefs).sizes[dim] for dim in _SAMPLE]))
    if names.LOG_PRIOR not in beliefs.tree.children:
        return np.full((len(POWERS), size), 1 / size), np.full(len(POWERS), np.inf)
    density = beliefs.tree[names.LOG_PRIOR].to_dataset()
    each = [v.transpose(*_SAMPLE, ...).to_numpy() for v in density.data_vars.values()]
    total = np.sum([v.reshape(size, -1).sum(axis=1) for v in each], axis=0)
    weight, khat = smoothed_weights(np.stack([(p - 1) * total for p in POWERS], axis=1))
    return weight, khat


def _own(beliefs: Beliefs, artist: Hashable) -> Floats:
    """Return one artist's belief at each draw, elsewhere last where it is a place."""
    own = _draws(beliefs).sel({names.ARTIST: artist}).transpose(*_SAMPLE, names.CLUSTER).to_numpy()
    own = own.reshape(-1, own.shape[-1])
    if beliefs.homes == "one" and float(beliefs.tree[names.PRIOR][names.ELSEWHERE]) > 0:
        rest = beliefs.elsewhere.sel({names.ARTIST: artist}).transpose(*_SAMPLE).to_numpy()
        own = np.concatenate([own, rest.reshape(-1, 1)], axis=1)
    return own


def _table(
    who: list[Any], places: list[Any], found: tuple[Floats, Floats, Floats], homes: str
) -> xr.Dataset:
    belief, varied, khat = found
    unit = {UNIT: "probability", "homes": homes}
    if homes == "one":
        at = np.where(np.isnan(varied), belief[:, :, None, None], varied).argmax(axis=1)
        kept = (at == belief.argmax(axis=1)[:, None, None]).all(axis=(1, 2))
    else:
        inside = np.where(np.isnan(varied), belief[:, :, None, None], varied) > 1 / 2
        kept = (inside == (belief > 1 / 2)[:, :, None, None]).all(axis=(1, 2, 3))
    return xr.Dataset(
        {
            "belief": ((names.ARTIST, names.CLUSTER), belief, unit),
            "varied": ((names.ARTIST, names.CLUSTER, SOURCE, POWER), varied, unit),
            "kept": (names.ARTIST, kept, {UNIT: "true or false"}),
            "khat": (POWER, khat, {UNIT: "Pareto k"}),
        },
        coords={
            names.ARTIST: who, names.CLUSTER: places, SOURCE: list(SOURCES), POWER: list(POWERS),
        },
    )  # fmt: skip


def _finding(beliefs: Beliefs, table: xr.Dataset) -> Finding:
    kept = table["kept"].to_numpy()
    who = table[names.ARTIST].to_numpy()
    moved = who[~kept].tolist()
    khat = table["khat"].to_numpy()
    blind = bool((khat > KHAT_MOST).any())
    what = "likeliest place" if beliefs.homes == "one" else "likeliest clusters"
    turned = "the prior of membership or the artist's own counts" if blind else "priors or counts"
    if kept.size == 1:
        said = f"{who[0]} {'does not keep' if moved else 'keeps'} its {what}"
    elif moved:
        named = ", ".join(map(str, moved[:_NAMED])) + (" and others" if len(moved) > _NAMED else "")
        said = f"{int(kept.sum())} of {kept.size} artists keep their {what}, not so {named},"
    else:
        said = f"All {kept.size} artists keep their {what}"
    caveats = [
        "One thing is turned at a time, for one artist; the population is held where it is, but "
        "for the population's own priors.",
    ]
    if blind:
        caveats.insert(
            0,
            "What other priors of the population would have done cannot be told from these draws "
            f"(Pareto k {', '.join(f'{k:.2g}' for k in khat)}, bar {KHAT_MOST}); it is left empty.",
        )
    return Finding(
        kind="sensitivity", headline=f"{said} with {turned} weighing half or twice.", table=table,
        caveats=tuple(caveats), provenance=origin_of(beliefs),
    )  # fmt: skip
