"""Powering: how far a belief follows its priors and its counts, as their power is turned.

Power-scaling raises a prior or a likelihood to a power near 1 and asks how far the belief goes
with it. What is stated of the population, and the counts of everybody, reach an artist's belief
through the population: ArviZ's ``psense`` weighs its draws. With the stated prior of membership
and the artist's own counts at another power the artist is believed in again, through the
integrals: given the population, that is exact.

Source: Kallioinen, Paananen, Bürkner and Vehtari (2024), *Detecting and diagnosing prior and
likelihood sensitivity with power-scaling*, Statistics and Computing 34, 57.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.findings.finding import UNIT

if TYPE_CHECKING:
    from coterie.beliefs import Alone, Beliefs
    from coterie.typing import Floats

SOURCE: Final = "source"
WEIGHT_OF: Final = "weight_of"
THROUGH_POPULATION: Final = {"population_prior": "prior", "likelihood": "likelihood"}
"""What is scaled, and how ArviZ calls its group."""
OWN: Final = ("membership_prior", "own_counts")
NOTABLE: Final = 0.05
"""Sensitivity from which ArviZ speaks of a prior that informs, a likelihood that is not weak."""
_SHIFT: Final = "shift"
_SHIFTS: Final = 19
_FLAT: Final = 1e-9
_STEP: Final = 0.25
"""Doublings to either side over which a slope is taken."""


def through_population(beliefs: Beliefs, artist: Hashable, units: Floats) -> xr.Dataset:
    """Return how far the draws of a belief follow the population's prior and likelihood.

    Parameters
    ----------
    beliefs
        With membership.
    artist
        Whose belief.
    units
        Units each artist stands for: (artist,).

    Returns
    -------
    xarray.Dataset
        ``psense`` (source, cluster); ``psense_chance`` likewise: the largest of 19 shifts of the
        draws against each other, which is what draws that have nothing to do with it show. NaN
        where a belief is the same at all draws, or the group ``log_prior`` is absent.
    """
    belief = _draws(beliefs).sel({names.ARTIST: artist}, drop=True)
    size = belief.sizes[names.CHAIN] * belief.sizes[names.DRAW]
    moved = np.unique(np.linspace(0, size, _SHIFTS + 1, endpoint=False).round().astype(np.int64))
    values = belief.transpose(names.CHAIN, names.DRAW, names.CLUSTER).to_numpy()
    flat = values.reshape(size, -1)
    shifted = np.stack([np.roll(flat, by, axis=0) for by in moved], axis=-1)
    tree = _tree(beliefs, units, shifted.reshape(*values.shape, moved.size))
    settled = np.ptp(flat, axis=0) < _FLAT
    found = np.full((len(THROUGH_POPULATION), flat.shape[1], moved.size), np.nan)
    for i, group in enumerate(THROUGH_POPULATION.values()):
        if f"log_{group}" in tree.children and not settled.all():
            found[i, ~settled] = _sensed(tree, group, np.flatnonzero(~settled))
    where = (SOURCE, names.CLUSTER)
    unit = {UNIT: "root of cumulative Jensen-Shannon distance per doubling of power"}
    return xr.Dataset(
        {
            "psense": (where, found[..., 0], unit),
            "psense_chance": (where, found[..., 1:].max(axis=-1, initial=-np.inf), unit),
        },
        coords={SOURCE: list(THROUGH_POPULATION)},
    ).pipe(lambda made: made.where(np.isfinite(made)))


def per_doubling(alone: Alone) -> Floats:
    """Return what a doubling of the power of prior and of own counts would add, at power 1.

    Parameters
    ----------
    alone
        The artist, at draws of the population.

    Returns
    -------
    array
        In probability, as a slope over the logarithm to base 2 of the power:
        (``OWN``, place). Positive where that which is scaled speaks for the place.
    """

    def slope(believed: Callable[[float], Floats]) -> Floats:
        return (believed(2**_STEP) - believed(2**-_STEP)) / (2 * _STEP)

    return np.stack(
        [
            slope(lambda power: alone.believe(prior_power=power)[0].mean(axis=0)),
            slope(lambda power: alone.believe(counts_power=power)[0].mean(axis=0)),
        ]
    )


def in_words(table: xr.Dataset, place: int) -> str:
    """Say how far the belief in one place follows the population's prior and likelihood."""
    own = table.isel({names.CLUSTER: place})
    prior, likelihood = own["psense"].to_numpy().tolist()
    chance = own["psense_chance"].to_numpy()
    if np.isnan(prior):
        return (
            "How far the population's prior moves this belief is not told: the beliefs hold no "
            "log prior (an early version made them, or every parameter was stated exactly), or "
            "the belief is the same at all draws. Another fit would keep one."
        )
    strong, told = (
        value >= NOTABLE and not value <= least
        for value, least in zip((prior, likelihood), chance, strict=True)
    )
    figures = (
        f"power-scaling sensitivity {prior:.2g} to the population's prior, {likelihood:.2g} to "
        f"its likelihood; unrelated draws show up to {chance[0]:.2g} and {chance[1]:.2g}"
    )
    if strong and told:
        return f"Potential prior-data conflict in the population: both move the belief ({figures})."
    if strong:
        return (
            f"Potential strong prior or weak likelihood in the population: what was stated of it "
            f"moves the belief, and the counts of all artists do not ({figures})."
        )
    if prior >= NOTABLE:
        return (
            "Whether what was stated of the population moves this belief cannot be told from "
            f"chance at these draws ({figures}): fit with more belief_draws."
        )
    return f"What was stated of the population hardly moves this belief ({figures})."


def _draws(beliefs: Beliefs) -> xr.DataArray:
    return beliefs.home if beliefs.homes == "one" else beliefs.membership


def _tree(beliefs: Beliefs, units: Floats, shifted: Floats) -> xr.DataTree:
    """Lay beliefs, log prior and the counts of all artists out as ArviZ reads them."""
    sample = (names.CHAIN, names.DRAW)
    coords = {d: np.arange(n) for d, n in zip(sample, shifted.shape, strict=False)}
    dims = (*sample, names.CLUSTER, _SHIFT)
    groups = {"posterior": xr.Dataset({"belief": (dims, shifted)}, coords=coords)}
    likelihood = beliefs.tree[names.LOG_LIKELIHOOD].dataset["evidence"]
    total = likelihood.transpose(*sample, names.ARTIST).to_numpy() @ units
    groups["log_likelihood"] = xr.Dataset({"evidence": (sample, total)}, coords=coords)
    if names.LOG_PRIOR in beliefs.tree.children:
        density = beliefs.tree[names.LOG_PRIOR].to_dataset()
        each = [v.transpose(*sample, ...).to_numpy() for v in density.data_vars.values()]
        prior = sum(v.reshape(*v.shape[:2], -1).sum(axis=2) for v in each)
        groups["log_prior"] = xr.Dataset({"population": (sample, prior)}, coords=coords)
    return xr.DataTree.from_dict(groups)


def _sensed(tree: xr.DataTree, group: str, clusters: object) -> Floats:
    from arviz_stats import psense

    some = tree.copy()
    some["posterior"] = xr.DataTree(tree["posterior"].to_dataset().isel({names.CLUSTER: clusters}))
    with warnings.catch_warnings():
        # Few draws: what chance shows of them is told beside.
        warnings.filterwarnings("ignore", message="Number of tail draws", category=UserWarning)
        found = psense(some, group=group, sample_dims=[names.CHAIN, names.DRAW])["belief"]
    values: Floats = found.transpose(names.CLUSTER, _SHIFT).to_numpy()
    return values
