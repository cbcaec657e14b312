"""Score: beliefs about artists who were in no fit, given what a fit learned of the population.

Makes :class:`Population`, which is everything of a Beliefs that is no artist's own, and
beliefs from it. Nothing is sampled: each artist's own effects, affinities and membership are
integrated out at draws of the population. Callers may trust that an artist's numbers do not
depend on who else is scored, and that memory does not grow with the catalogue.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.between import taken
from coterie.beliefs.checked import mass_of, whole_number
from coterie.beliefs.design import Levels, design, lookup
from coterie.beliefs.herding import few_of
from coterie.beliefs.ledger import evidence_of, ledger_of
from coterie.beliefs.membership import integrate
from coterie.beliefs.population import Stated
from coterie.beliefs.priors import Homes, MembershipPrior
from coterie.beliefs.storage import read_tree, write_tree
from coterie.beliefs.tree import HOMES, refuse_partial
from coterie.beliefs.widening import stand_apart, stated_anew, wider
from coterie.errors import BeliefError
from coterie.evidence import Evidence, part_of, unlike

if TYPE_CHECKING:
    from coterie.beliefs.tree import Beliefs
    from coterie.typing import Floats

DRAWS: Final = 32
_KEPT: Final = 400
"""Draws of a population that its file holds, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """What a fit learned that is no artist's own. Made by ``beliefs.population``.

    Attributes
    ----------
    tree
        Groups ``posterior`` (draws of the population), ``prior`` (of an artist never seen) and
        ``ledger`` (no rows: how a table is read).

    Examples
    --------
    >>> population = co.example_beliefs().population
    >>> population.tree["ledger"].dataset.sizes["row"]
    0
    """

    tree: xr.DataTree

    @classmethod
    def of(cls, beliefs: Beliefs) -> Self:
        """Take what is no artist's own from beliefs, at no more than 400 draws."""
        refuse_partial(beliefs)
        whole = beliefs.tree[names.POSTERIOR].to_dataset()
        own = whole.drop_vars([names.ARTIST_EFFECT, names.AFFINITY])
        own = own.drop_vars(names.ARTIST, errors="ignore")
        each = max(1, _KEPT // own.sizes[names.CHAIN])
        draws = own.sizes[names.DRAW]
        at = np.unique(np.linspace(0, draws - 1, min(each, draws)).round().astype(np.int64))
        evidence = beliefs.evidence
        bare = part_of(evidence, np.zeros(len(evidence), dtype=bool))
        groups = {
            f"/{names.POSTERIOR}": own.isel({names.DRAW: at}),
            f"/{names.PRIOR}": _typical_prior(beliefs),
            f"/{names.LEDGER}": ledger_of(bare),
        }
        made = xr.DataTree.from_dict(groups)
        made.attrs = {k: v for k, v in beliefs.tree.attrs.items() if k in _ATTRIBUTES}
        return cls(made)

    @property
    def homes(self) -> Homes:
        """How many homes an artist has here."""
        return HOMES[str(self.tree.attrs["coterie_homes"])]

    @property
    def clusters(self) -> Any:
        """Names of the clusters, in order."""
        return self.tree[names.POSTERIOR].dataset[names.CLUSTER].to_numpy()

    def read(self, frame: Any) -> Evidence:
        """Read a table as the fit's was read.

        Parameters
        ----------
        frame
            As in :meth:`coterie.Evidence.from_frame`.
        """
        return evidence_of(self.tree[names.LEDGER].to_dataset()).read_more(frame)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this population to one file, whole or not at all; see :meth:`Beliefs.save`."""
        write_tree(self.tree, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a population that :meth:`save` wrote.

        Raises
        ------
        BeliefError
            As :meth:`Beliefs.load`.
        """
        tree = read_tree(path)
        if names.ARTIST_EFFECT in tree[names.POSTERIOR].dataset:
            raise BeliefError(
                f"{str(path)!r} holds beliefs, not a population. Take it from them: "
                "co.Beliefs.load(path).population."
            )
        return cls(tree)


_ATTRIBUTES: Final = (
    "coterie_schema", "coterie_version", "coterie_homes", "coterie_window", "coterie_packages",
    "coterie_population",
)  # fmt: skip


def score(
    population: Population,
    evidence: Evidence,
    *,
    prior: MembershipPrior | None = None,
    draws: int = DRAWS,
    prob: float | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Believe of artists that were in no fit.

    Parameters
    ----------
    population
        From ``beliefs.population``.
    evidence
        Rows of the artists, read with ``population.read(frame)``. Windows and factor levels
        may be new: they are drawn from the population.
    prior
        What is believed before of these artists; left out, what was stated of all in the fit.
    draws
        Draws of the population to integrate at, chosen to stand for all of them. The error of
        a mean belief is about half its ``sd`` over the square root of this number.
    prob
        Credible mass of the intervals, in (0, 1); left out, ArviZ's.
    seed
        Of the draws of new windows and levels; the same for all parts of one catalogue.

    Returns
    -------
    pandas.DataFrame
        One row per artist and cluster: ``artist``, ``cluster``, ``prior``, ``mean``, ``sd``,
        ``lower`` and ``upper``, probabilities; with one home also ``elsewhere``. The interval
        says how far the population is settled. ``attrs``: ``ci_kind``, ``ci_prob``, ``draws``.

    Raises
    ------
    BeliefError
        If the population knows no membership, a cluster is unknown, or a prior is needed.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> table = co.score(beliefs.population, beliefs.evidence, draws=8)
    >>> len(table["artist"].unique())
    20
    """
    _check(population, evidence)
    mass, size = mass_of(prob), whole_number("draws", draws)
    levels, stated = _inventory(population, evidence, prior)
    posterior = _thinned(population, levels, size, seed)
    made = design(evidence, levels)
    found = integrate(made, read.phi(posterior, made, levels, stated), homes=stated.code)
    return _framed(found.belief, found.elsewhere, levels, stated, mass)


def _check(population: Population, evidence: Evidence) -> None:
    """Refuse rows that were not read as the fit's were."""
    like = evidence_of(population.tree[names.LEDGER].to_dataset())
    for what, mine, theirs in (
        ("outcomes", like.outcomes, evidence.outcomes),
        ("factors", like.factors, evidence.factors),
        ("covariates", like.covariates, evidence.covariates),
        ("window", like.window, evidence.window),
        ("half-lives", _days(like), _days(evidence)),
    ):
        if mine != theirs:
            raise BeliefError(
                f"The rows were read with other {what} than the population's: {theirs!r} where it "
                f"has {mine!r}. Read them with population.read(frame)."
            )
    posterior = population.tree[names.POSTERIOR].dataset
    for name in (names.CLUSTER, *like.factors):
        told = unlike(name, posterior[name].to_numpy(), evidence.counts[name].to_numpy())
        if told:
            raise BeliefError(told)


def _days(evidence: Evidence) -> float | None:
    return None if evidence.half_life is None else evidence.half_life.days


def _inventory(
    population: Population, evidence: Evidence, prior: MembershipPrior | None
) -> tuple[Levels, Stated]:
    if population.homes is None:
        raise BeliefError(
            "This population was fitted with homes=None: it knows no membership to score. Fit "
            'with homes="one" or "many".'
        )
    known = _levels(population)
    at = lookup(evidence.clusters, known.clusters)
    if np.any(at < 0):
        new = evidence.clusters[at < 0].tolist()
        raise BeliefError(
            f"Cluster {new[0]!r} is not one of the population's {len(known.clusters)}; {len(new)} "
            "clusters of these rows are not. Update the beliefs with rows of it, or leave it out."
        )
    levels = replace(wider(known, evidence), artists=evidence.artists)
    if prior is not None:
        return levels, stated_anew(prior, levels, population.homes)
    group = population.tree[names.PRIOR].dataset
    if names.PRIOR not in group:
        raise BeliefError(
            "Every artist of this fit had a prior of its own, so that nothing was stated of an "
            "artist never seen. State it with prior=."
        )
    row = group[names.PRIOR].to_numpy()
    rest = float(group[names.ELSEWHERE]) if names.ELSEWHERE in group else 0.0
    return levels, Stated(np.tile(row, (len(levels.artists), 1)), rest, population.homes)


def _levels(population: Population) -> Levels:
    posterior = population.tree[names.POSTERIOR].dataset
    like = evidence_of(population.tree[names.LEDGER].to_dataset())
    return Levels(
        artists=np.empty(0, dtype=object),
        clusters=posterior[names.CLUSTER].to_numpy(),
        windows=posterior[names.WINDOW].to_numpy(),
        factors={f: posterior[f].to_numpy() for f in like.factors},
        outcomes=like.outcomes,
        covariates=like.covariates,
        late=read.late_outcomes(posterior),
        crossed=like.layout.derived,
        parts=like.layout.parts,
        cycles=like.layout.cycles,
    )


def _thinned(population: Population, levels: Levels, draws: int, seed: int) -> xr.Dataset:
    """Return some draws, with windows and levels never seen drawn by their names."""
    whole = population.tree[names.POSTERIOR].to_dataset()
    at = few_of(whole, draws)
    some = taken(whole, at, (1, at.size))
    return stand_apart(some, levels, lambda label: zlib.crc32(label.encode(), seed % 2**32))


def _typical_prior(beliefs: Beliefs) -> xr.Dataset:
    """Return what was stated of every artist alike; empty where each had its own."""
    if beliefs.homes is None:
        return xr.Dataset()
    group = beliefs.tree[names.PRIOR].dataset
    table = group[names.PRIOR].transpose(names.ARTIST, names.CLUSTER)
    if not bool((table == table.isel({names.ARTIST: 0})).all()):
        return xr.Dataset()
    row = table.isel({names.ARTIST: 0}, drop=True).to_dataset()
    if names.ELSEWHERE in group:
        row[names.ELSEWHERE] = group[names.ELSEWHERE]
    return row


def _framed(
    belief: Floats, elsewhere: Floats, levels: Levels, stated: Stated, mass: float
) -> pd.DataFrame:
    from arviz_base import rcParams
    from arviz_stats.base import array_stats

    kind = str(rcParams["stats.ci_kind"])
    ends = np.asarray((array_stats.hdi if kind == "hdi" else array_stats.eti)(belief, mass, axis=0))
    clusters, artists = len(levels.clusters), len(levels.artists)
    columns = {
        names.ARTIST: np.repeat(levels.artists, clusters),
        names.CLUSTER: np.tile(levels.clusters, artists),
        "prior": stated.table.ravel(),
        "mean": belief.mean(axis=0).ravel(),
        "sd": belief.std(axis=0).ravel(),
        "lower": ends[..., 0].ravel(),
        "upper": ends[..., 1].ravel(),
    }
    if stated.homes == "one":
        columns[names.ELSEWHERE] = np.repeat(elsewhere.mean(axis=0), clusters)
    frame = pd.DataFrame(columns)
    frame.attrs = {"ci_kind": kind, "ci_prob": mass, "draws": len(belief)}
    return frame
