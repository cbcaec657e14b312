"""Beliefs: what is believed after the evidence, as labelled draws.

Makes ``Beliefs``, a thin value over an xarray DataTree in ArviZ's schema. Callers may
trust that its evidence is the very table it was made of, that a file of it opens
without the sampler, and that a table of it says which interval it shows. Nobody can
tell which path made it; it never samples.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from coterie import names
from coterie.beliefs.checked import mass_of
from coterie.beliefs.diagnosis import Diagnosis, diagnosis_of, was_stopped
from coterie.beliefs.ledger import evidence_of, pair_totals
from coterie.beliefs.portrait import in_html, in_words
from coterie.beliefs.storage import read_tree, write_tree
from coterie.errors import BeliefError

if TYPE_CHECKING:
    from coterie.beliefs.scoring import Population
    from coterie.evidence import Evidence
    from coterie.typing import Floats

_ACCEPTED: Final = "coterie_partial_accepted"
_SAMPLE: Final = (names.CHAIN, names.DRAW)
_PAIR: Final = (names.ARTIST, names.CLUSTER)
HOMES: Final[dict[str, Literal["one", "many"] | None]] = {
    "one": "one", "many": "many", "none": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Beliefs:
    """What is believed of artists, clusters and listeners after the evidence.

    Attributes
    ----------
    tree
        Groups ``posterior``, ``beliefs``, ``prior``, ``sample_stats``, ``log_likelihood``,
        ``log_prior``, ``observed_data`` and ``ledger``, as xarray and ArviZ read them. Beliefs,
        likelihood and log prior are at the same draws, and those are fewer.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> beliefs.homes, beliefs.diagnose().ok
    ('one', True)
    >>> beliefs.summary(artists=["Marrow"])[["cluster", "prior", "home"]].head(2).round(2)
                     cluster  prior  home
    0  late-night headphones   0.27   0.0
    1              indie pop   0.22   0.0
    """

    tree: xr.DataTree

    @property
    def homes(self) -> Literal["one", "many"] | None:
        """How many homes an artist has here: one, any number, or no membership at all."""
        return HOMES[str(self.tree.attrs.get("coterie_homes", "none"))]

    @property
    def evidence(self) -> Evidence:
        """The rows these beliefs rest on, exactly as they were read."""
        return evidence_of(self.tree[names.LEDGER].to_dataset())

    @property
    def interrupted(self) -> bool:
        """Whether sampling was stopped before the draws asked for were made."""
        return was_stopped(self.tree)

    def accept_partial(self) -> Self:
        """Return the same beliefs, to be used although sampling was stopped before its end.

        Returns
        -------
        Beliefs
            Tables, predictions and pictures are made of them; :meth:`diagnose`, and ``attrs``
            of each table, go on saying that they are partial.
        """
        tree = self.tree.copy()
        tree.attrs[_ACCEPTED] = 1
        return type(self)(tree)

    @property
    def home(self) -> xr.DataArray:
        """Probability that a cluster is the artist's one home: (chain, draw, artist, cluster)."""
        return _belief(self, names.HOME, "one")

    @property
    def elsewhere(self) -> xr.DataArray:
        """Probability that the one home is none of the clusters: (chain, draw, artist)."""
        return _belief(self, names.ELSEWHERE, "one")

    @property
    def membership(self) -> xr.DataArray:
        """Probability that the artist belongs in a cluster: (chain, draw, artist, cluster)."""
        return _belief(self, names.MEMBERSHIP, "many")

    @property
    def population(self) -> Population:
        """What was learned that is no artist's own, to score others with: a small value."""
        from coterie.beliefs.scoring import Population

        return Population.of(self)

    @property
    def history(self) -> xr.Dataset:
        """What was believed after the fit and after each update: (update, artist, cluster).

        ``prior``, ``mean``, ``lower`` and ``upper`` are probabilities, NaN before an artist
        came; ``attrs`` say the interval. On ``update``: ``path`` (``"fit"``, ``"weights"``,
        ``"refit"``), ``until`` (last day of the rows), ``added`` and ``replaced`` (rows),
        ``khat`` and ``effective`` (of the weights).
        """
        from coterie.beliefs.history import history_of

        return history_of(self)

    def summary(
        self,
        *,
        artists: Any = None,
        prob: float | None = None,
        partial: bool = False,
    ) -> pd.DataFrame:
        """Tell beliefs and rates, one row per artist and cluster.

        Parameters
        ----------
        artists
            Labels wanted, in order, or one label; left out, all of them.
        prob
            Credible mass of the intervals, in (0, 1). Left out, ArviZ's ``stats.ci_prob``;
            their kind is ArviZ's ``stats.ci_kind``.
        partial
            Accept sampling that was stopped before its end, for this table.

        Returns
        -------
        pandas.DataFrame
            ``artist``, ``cluster``, ``prior``, ``home`` (or ``membership``), ``lower`` and
            ``upper``: probabilities. The interval says how far the population is settled; it
            reaches to the belief itself where few draws carry that.
            Then for each outcome ``<o>_rate``, ``<o>_lower``, ``<o>_upper``: the median rate of
            the next comparable cell, per person (binary) or per unit of exposure (count), and
            ``<o>_n``: the people or exposure counted so far. Of outcomes with a delay rates
            are final, and ``<o>_arrived`` is the share that had arrived when it was counted.
            Without membership the first four numbers are left out. ``attrs``: ``ci_kind``,
            ``ci_prob``, ``partial``, ``maturity`` (a sentence for each outcome with a delay),
            and ``diagnosis`` where the draws are in doubt.

        Raises
        ------
        BeliefError
            If an artist is unknown, ``prob`` is out of range, or sampling was stopped and
            ``partial`` does not accept that.
        """
        from coterie.beliefs.rates import rate_table

        refuse_partial(self, partial=partial)
        mass, chosen = mass_of(prob), _chosen(self, artists)
        columns = _keys(self, chosen) | _belief_columns(self, chosen, mass)
        rates = rate_table(self, artists=list(chosen), prob=mass)
        people = _totals(self, chosen)[names.DENOMINATOR]
        for outcome in people[names.OUTCOME].to_numpy().tolist():
            for suffix, part in (("rate", "median"), ("lower", "lower"), ("upper", "upper")):
                table = rates[part].sel({names.OUTCOME: outcome})
                columns[f"{outcome}_{suffix}"] = table.transpose(*_PAIR).to_numpy().ravel()
            columns[f"{outcome}_n"] = people.sel({names.OUTCOME: outcome}).to_numpy().ravel()
        return _with_maturity(self, chosen, _framed(self, columns, mass))

    def maturity(self, *, prob: float | None = None) -> pd.DataFrame:
        """Tell how much of each outcome with a delay had arrived when it was counted.

        Parameters
        ----------
        prob
            Credible mass of the intervals, in (0, 1); left out, ArviZ's.

        Returns
        -------
        pandas.DataFrame
            One row per outcome with a delay: ``outcome``; ``age``, days from the middle of a
            row's period until it was read, the median over people; ``arrived``, ``lower`` and
            ``upper``, the share of all responses that had arrived; ``delay``, ``delay_lower``
            and ``delay_upper``, mean days until a response. ``attrs`` as in :meth:`summary`.
        """
        from coterie.beliefs.arriving import maturity_table

        mass = mass_of(prob)
        table = maturity_table(self, mass)
        return _framed(self, {str(name): table[name] for name in table}, mass)

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers behind the beliefs, for pipelines.

        Returns
        -------
        pandas.DataFrame
            One row per artist and cluster: ``artist``, ``cluster``, ``prior``, ``mean``, ``sd``,
            ``lower``, ``upper`` and ``draws`` of the belief, then ``<o>_numerator`` and
            ``<o>_denominator`` of each outcome, summed over the rows where both were
            measured. Nothing is rounded; ``attrs`` as in :meth:`summary`.

        Raises
        ------
        BeliefError
            If sampling was stopped and that was not accepted.
        """
        refuse_partial(self)
        chosen, mass = _chosen(self, None), mass_of(None)
        columns = _keys(self, chosen) | _belief_columns(self, chosen, mass, spread=True)
        totals = _totals(self, chosen)
        for outcome in totals[names.OUTCOME].to_numpy().tolist():
            own = totals.sel({names.OUTCOME: outcome})
            columns[f"{outcome}_numerator"] = own[names.NUMERATOR].to_numpy().ravel()
            columns[f"{outcome}_denominator"] = own[names.DENOMINATOR].to_numpy().ravel()
        return _framed(self, columns, mass)

    def diagnose(self) -> Diagnosis:
        """Say in plain words whether the draws can be trusted.

        Returns
        -------
        Diagnosis
            ``ok``, ``lines`` and ``numbers``. Asks for R-hat of at most 1.01, 400 effective
            draws in bulk and tail for every population parameter, no divergences, and
            energy that moves.
        """
        return diagnosis_of(self.tree)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write these beliefs to one netCDF file, whole or not at all.

        Parameters
        ----------
        path
            File to be written or replaced. It holds numbers and text only.

        Raises
        ------
        BeliefError
            If the file cannot be written.
        """
        write_tree(self.tree, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read beliefs that :meth:`save` wrote. The sampler is not needed.

        Parameters
        ----------
        path
            File to be read.

        Raises
        ------
        BeliefError
            If there is no such file, it is damaged, or a later version wrote it.
        """
        return cls(read_tree(path))

    @staticmethod
    def evidence_in(path: str | os.PathLike[str]) -> Evidence:
        """Read the rows of a file that :meth:`save` wrote, whichever version did.

        Parameters
        ----------
        path
            File to be read.

        Raises
        ------
        BeliefError
            As :meth:`load`, but for files whose draws meant something else.
        """
        return evidence_of(read_tree(path, rows_only=True)[names.LEDGER].to_dataset())

    def __repr__(self) -> str:
        return in_words(self.tree, self.homes, self.diagnose())

    def _repr_html_(self) -> str:
        return in_html(self.tree, self.homes, self.diagnose())


def _belief(beliefs: Beliefs, name: str, needs: Literal["one", "many"]) -> xr.DataArray:
    if beliefs.homes == needs:
        return beliefs.tree[names.BELIEFS].dataset[name]
    if beliefs.homes is None:
        raise BeliefError(
            f"These beliefs hold no {name}: they were fitted with homes=None, the population "
            'without membership. Fit again with homes="one" or homes="many".'
        )
    if needs == "one":
        raise BeliefError(
            f"These beliefs hold no {name}: they were fitted with homes='many', where an artist "
            "may belong in several clusters or in none, so no single home exists and "
            "probabilities do not sum to 1. Read .membership, or fit with homes='one'."
        )
    raise BeliefError(
        "These beliefs hold no membership: they were fitted with homes='one', where an artist has "
        "exactly one home, so clusters exclude each other. Read .home and .elsewhere, or fit "
        "with homes='many'."
    )


def refuse_partial(beliefs: Beliefs, *, partial: bool = False) -> None:
    """Refuse beliefs of a run that was stopped, unless somebody said they may be used."""
    if partial or beliefs.tree.attrs.get(_ACCEPTED) or not beliefs.interrupted:
        return
    told = beliefs.diagnose().lines[0]
    raise BeliefError(f"{told} To use them all the same: beliefs.accept_partial().")


def _inventory(beliefs: Beliefs, dim: str) -> NDArray[Any]:
    """Labels in the order of the prior, or where there is none, of the population."""
    for group in (names.PRIOR, names.POSTERIOR):
        node = beliefs.tree.children.get(group)
        if node is not None and dim in node.dataset.coords:
            return node.dataset[dim].to_numpy()
    raise BeliefError(f"These beliefs name no {dim}; the tree is not whole. Fit again.")


def _chosen(beliefs: Beliefs, artists: Any) -> NDArray[Any]:
    known = _inventory(beliefs, names.ARTIST)
    if artists is None:
        return known
    alone = isinstance(artists, str) or not isinstance(artists, Iterable)
    wanted: list[Any] = [artists] if alone else list(dict.fromkeys(artists))
    if not wanted:
        raise BeliefError("artists is empty. Name one or more, or leave it out for all of them.")
    inventory = pd.Index(known.astype(object))
    codes = inventory.get_indexer(pd.Index(wanted, dtype=object))
    absent = [label for label, code in zip(wanted, codes, strict=True) if code < 0]
    if absent:
        close = difflib.get_close_matches(str(absent[0]), map(str, known.tolist()), n=3)
        near = " or ".join(map(repr, close))
        hint = f"Did you mean {near}?" if close else "All are in .evidence.artists."
        raise BeliefError(
            f"No beliefs about artist {absent[0]!r}; {len(absent)} of {len(wanted)} asked for are "
            f"not among the {known.size:,} here. {hint}"
        )
    return known[codes]


def _with_maturity(beliefs: Beliefs, artists: NDArray[Any], frame: pd.DataFrame) -> pd.DataFrame:
    """Add to a summary what had arrived of outcomes with a delay."""
    from coterie.beliefs.arriving import by_pair, in_sentences

    if names.DELAY not in beliefs.tree[names.POSTERIOR].dataset:
        return frame
    rows = pd.Index(_inventory(beliefs, names.ARTIST).astype(object)).get_indexer(artists)
    for outcome, shares in by_pair(beliefs).items():
        place = frame.columns.tolist().index(f"{outcome}_n") + 1
        frame.insert(place, f"{outcome}_arrived", shares[rows].ravel())
    frame.attrs["maturity"] = in_sentences(beliefs.maturity(prob=frame.attrs["ci_prob"]))
    return frame


def _keys(beliefs: Beliefs, artists: NDArray[Any]) -> dict[str, Any]:
    clusters = _inventory(beliefs, names.CLUSTER)
    every = {
        names.ARTIST: np.repeat(artists, clusters.size),
        names.CLUSTER: np.tile(clusters, artists.size),
    }
    return {name: _out(labels) for name, labels in every.items()}


def _out(labels: NDArray[Any]) -> Any:
    text = labels.dtype.kind != "i" and all(isinstance(v, str) for v in labels.tolist())
    return pd.Series(labels, dtype="str") if text else labels


def _belief_columns(
    beliefs: Beliefs, artists: NDArray[Any], mass: float, *, spread: bool = False
) -> dict[str, Any]:
    if beliefs.homes is None:
        return {}
    name = names.HOME if beliefs.homes == "one" else names.MEMBERSHIP
    wanted = {names.ARTIST: artists, names.CLUSTER: _inventory(beliefs, names.CLUSTER)}
    prior = beliefs.tree[names.PRIOR].dataset["prior"].sel(wanted).transpose(*_PAIR).to_numpy()
    draws = _belief(beliefs, name, beliefs.homes).sel(wanted).transpose(*_SAMPLE, *_PAIR)
    values = draws.to_numpy().astype(np.float64)
    lower, upper = _interval(values, mass)
    mean = values.mean(axis=(0, 1))
    # A mean of very skewed draws may lie beyond their interval, and is what is believed.
    ends = {"lower": np.minimum(lower, mean), "upper": np.maximum(upper, mean)}
    if spread:
        found = {"prior": prior, "mean": mean, "sd": values.std(axis=(0, 1))} | ends
        found["draws"] = np.full(mean.shape, values.shape[0] * values.shape[1])
    else:
        found = {"prior": prior, name: mean} | ends
    return {column: numbers.ravel() for column, numbers in found.items()}


def _interval(values: Floats, mass: float) -> tuple[Floats, Floats]:
    """Lower and upper end over the first two axes, of the kind ArviZ is set to."""
    from arviz_base import rcParams
    from arviz_stats.base import array_stats

    kind = array_stats.hdi if rcParams["stats.ci_kind"] == "hdi" else array_stats.eti
    ends = np.asarray(kind(values, mass, axis=(0, 1)))
    return ends[..., 0], ends[..., 1]


def _totals(beliefs: Beliefs, artists: NDArray[Any]) -> xr.Dataset:
    clusters = _inventory(beliefs, names.CLUSTER)
    return pair_totals(beliefs.tree[names.LEDGER].dataset, artists, clusters)


def _framed(beliefs: Beliefs, columns: dict[str, Any], mass: float) -> pd.DataFrame:
    from arviz_base import rcParams

    frame = pd.DataFrame(columns)
    frame.attrs |= {"ci_kind": str(rcParams["stats.ci_kind"]), "ci_prob": mass}
    frame.attrs["partial"] = was_stopped(beliefs.tree)
    diagnosis = beliefs.diagnose()
    if not diagnosis.ok:
        frame.attrs["diagnosis"] = list(diagnosis.lines)
    return frame
