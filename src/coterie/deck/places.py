"""Places: the belief table as pictures and sentences read it, the place outside all clusters too.

Callers may trust that every number is one of :meth:`Beliefs.summary` or of its draws.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.errors import FindingError
from coterie.findings import chosen

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs

RANK: Final = "rank"


def places(beliefs: Beliefs, artists: Sequence[Hashable] | None = None) -> pd.DataFrame:
    """Return the belief table, the place outside all clusters among them.

    Parameters
    ----------
    beliefs
        With one home or many.
    artists
        Wanted, in order; left out, all.

    Returns
    -------
    pandas.DataFrame
        ``artist``, ``cluster``, ``belief``, ``prior``, ``lower``, ``upper``; ``cluster`` is
        ``elsewhere`` in a last row of each artist where there is one home. ``attrs`` as in
        :meth:`Beliefs.summary`.
    """
    refuse_homeless(beliefs)
    # Not `summary`, whose rates cost more than all else here.
    frame = beliefs.to_frame()
    table = frame.rename(columns={"mean": "belief"})[
        [names.ARTIST, names.CLUSTER, "belief", "prior", "lower", "upper"]
    ]
    known = list(dict.fromkeys(table[names.ARTIST]))
    drawn = known if artists is None else chosen(artists, known, names.ARTIST)
    if beliefs.homes == "one":
        rest = outside(beliefs, drawn, frame.attrs)
        table = pd.concat([table, rest], ignore_index=True)
    order = {artist: i for i, artist in enumerate(drawn)}
    table = table[table[names.ARTIST].isin(drawn)]
    table = table.sort_values(names.ARTIST, key=lambda a: a.map(order), kind="stable")
    table.attrs = dict(frame.attrs)
    return table.reset_index(drop=True)


def refuse_homeless(beliefs: Beliefs) -> None:
    """Refuse beliefs that say nothing of who belongs where."""
    if beliefs.homes is None:
        raise FindingError(
            "These beliefs were fitted without membership (homes=None), so there is no home to "
            'speak of. Fit with homes="one" or "many".'
        )


def ranks(beliefs: Beliefs, artists: Sequence[Hashable]) -> xr.DataArray:
    """Return how probable each rank is, the first being the likeliest cluster.

    Parameters
    ----------
    beliefs
        With one home or many.
    artists
        In order.

    Returns
    -------
    xarray.DataArray
        (artist, cluster, rank): the share of draws in which a cluster's belief has that rank.
        Ties, as between clusters without rows, share their ranks evenly.
    """
    refuse_homeless(beliefs)
    draws = beliefs.home if beliefs.homes == "one" else beliefs.membership
    drawn = chosen(artists, draws[names.ARTIST].to_numpy().tolist(), names.ARTIST)
    order = (names.CHAIN, names.DRAW, names.ARTIST, names.CLUSTER)
    values = draws.sel({names.ARTIST: drawn}).transpose(*order).to_numpy()
    values = values.reshape(-1, *values.shape[2:])
    size = values.shape[2]
    above = (values[:, :, None, :] > values[:, :, :, None]).sum(axis=3)
    alike = (values[:, :, None, :] == values[:, :, :, None]).sum(axis=3)
    places_ = np.arange(size)
    inside = (places_ >= above[..., None]) & (places_ < (above + alike)[..., None])
    found = (inside / alike[..., None]).mean(axis=0)
    return xr.DataArray(
        found,
        dims=(names.ARTIST, names.CLUSTER, RANK),
        coords={
            names.ARTIST: drawn, names.CLUSTER: draws[names.CLUSTER].to_numpy(),
            RANK: places_ + 1,
        },
    )  # fmt: skip


def outside(beliefs: Beliefs, artists: list[Any], attrs: Any) -> pd.DataFrame:
    """Return the rows of a belief table for the place outside all clusters."""
    from arviz_stats import eti, hdi

    draws = beliefs.elsewhere.sel({names.ARTIST: artists})
    bound = hdi if attrs.get("ci_kind") == "hdi" else eti
    ends = bound(draws, prob=attrs.get("ci_prob"), dim=[names.CHAIN, names.DRAW])
    return pd.DataFrame(
        {
            names.ARTIST: artists,
            names.CLUSTER: names.ELSEWHERE,
            "belief": draws.mean([names.CHAIN, names.DRAW]).to_numpy(),
            "prior": float(beliefs.tree[names.PRIOR][names.ELSEWHERE]),
            "lower": ends.sel({"ci_bound": "lower"}).to_numpy(),
            "upper": ends.sel({"ci_bound": "upper"}).to_numpy(),
        }
    )
