"""Playbook: the decision tree and the phases of a release, kept as data and read with beliefs.

``read`` says which pattern an artist shows and how sure that is; ``plan`` lays out a release by
date. Callers may trust that a pattern's probability is the share of draws at which all its
conditions hold, never a product of their own probabilities, and that a pattern whose signals
were not measured is named and never improbable. What the patterns and phases are stands in
``playbook.toml``, and a user's own file takes its place.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie.errors import FindingError
from coterie.findings.finding import UNIT, Finding
from coterie.findings.origin import origin_of
from coterie.findings.patterns import PRIOR, Condition, Pattern, book_of, patterns_of
from coterie.findings.reference import Reference
from coterie.findings.releasing import plan
from coterie.findings.responses import Responses, interval
from coterie.findings.signals import ROLES, Groups, Signals, signals_of
from coterie.findings.words import of_share

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Flags

__all__ = ["LIKELY", "ROLES", "Groups", "plan", "read"]

LIKELY: Final = 0.5
"""Probability above which a pattern is told as the artist's: more likely than not."""
PATTERN: Final = "pattern"
CONDITION: Final = "condition"
_DEVIATIONS: Final = f"standard deviations of the reference ({PRIOR}: probability)"


def read(
    beliefs: Beliefs,
    artist: Hashable,
    *,
    reference: Reference,
    roles: Mapping[str, Sequence[str] | str] | None = None,
    groups: Groups | None = None,
    path: str | os.PathLike[str] | None = None,
    rng: np.random.Generator,
) -> Finding:
    """Say which pattern of the playbook an artist shows, how sure that is, and what to do.

    Signals are levels: what many comparable releases of the artist come to, pooled over clusters
    by their scores, each by what was counted, with the drift of the coming window and without the
    scatter of a single release. A pattern says what to do with an artist; read from the rates of
    one next release it would come and go with the luck of that release.

    Parameters
    ----------
    beliefs
        Fitted.
    artist
        Whom it is about.
    reference
        What is usual: :meth:`Reference.of` other beliefs, or :meth:`Reference.stated`. Its spread
        is one of single cells, so that an artist one deviation away, over all clusters, is far.
    roles
        Which outcomes play ``streams`` (a listener), ``intent`` (acts that last), ``active``,
        ``depth``, ``reach`` and ``programmed``; several count by their mean score. Left out:
        ``streams`` or ``plays``; ``save``, ``add`` and ``follow``; the others by their own names.
        ``reach`` may be played by ``"people"``, the listeners counted over all rows, where the
        reference states how many are usual.
    groups
        One cluster to read, places, warm and cold clusters; left out, all clusters, and the
        patterns about places and warmth are not read.
    path
        A playbook of your own, in the form of the package's; left out, the package's.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"playbook"``. Over (pattern): ``probability`` that all its conditions hold, NaN
        where they were not measured; ``seen``, ``reading``, ``action``, ``path`` (its conditions
        with the probability of each), ``missing`` (what was not measured) and ``source``. Over
        (condition): ``held``, the probability of each; ``signal`` with ``signal_lower`` and
        ``signal_upper``, in standard deviations of the reference; ``condition_of``, its pattern.
        Over (place), where places were compared: ``leads``, the probability of the highest intent.

    Raises
    ------
    FindingError
        If the playbook cannot be read, a role is unknown or names what is not there, groups are in
        conflict, or no pattern was measured.
    BeliefError
        If the artist or a cluster is unknown.

    References
    ----------
    .. [1] The source article, section 14.5, for patterns, readings and actions. It gives no
       numbers: edges are conventions of this package.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> reference = co.Reference.of(beliefs, rng=rng)
    >>> found = co.playbook.read(beliefs, "Oslo Choir", reference=reference, rng=rng)
    >>> found.table["missing"].sel(pattern="shallow attention").item()
    "streams (these beliefs have no outcome 'streams' or 'plays')"
    """
    book = book_of(path)
    patterns, stated = patterns_of(book), groups or Groups()
    drawn = Responses.of(beliefs, artist, rng=rng)
    signals = signals_of(beliefs, artist, drawn, reference=reference, roles=roles, groups=stated)
    found = [_Reading.of(pattern, signals) for pattern in patterns]
    if all(one.held is None for one in found):
        told = "; ".join(f"{one.pattern.name}: {one.missing}" for one in found[:3])
        raise FindingError(
            f"None of the {len(found)} patterns can be read of {artist!r} ({told}). Measure one of "
            "these, or say with roles which outcomes play them and with groups what to compare."
        )
    return Finding(
        kind="playbook", headline=_headline(found, signals, artist),
        table=_table(found, signals), caveats=_caveats(found, signals, reference),
        provenance=origin_of(
            beliefs, artist=str(artist), reference=reference.about, playbook=book.about
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reading:
    """A pattern beside the draws.

    Attributes
    ----------
    pattern
        What was looked for.
    told
        The conditions that could be read.
    held
        At which draws all of them hold; None where one that is needed was not measured.
    missing
        What was not measured and why; empty where everything was.
    """

    pattern: Pattern
    told: tuple[Condition, ...]
    held: Flags | None
    missing: str

    @classmethod
    def of(cls, pattern: Pattern, signals: Signals) -> _Reading:
        """Read a pattern at every draw."""
        told = tuple(c for c in pattern.conditions if c.signal in signals.draws)
        absent = dict.fromkeys(c.signal for c in pattern.conditions if c not in told)
        missing = "; ".join(f"{name} ({signals.missing[name]})" for name in absent)
        if any(c not in told and not c.if_measured for c in pattern.conditions):
            return cls(pattern, told, None, missing)
        held = np.logical_and.reduce([c.holds(signals.draws[c.signal]) for c in told])
        return cls(pattern, told, held, missing)

    @property
    def probability(self) -> float:
        """Share of draws at which the pattern holds; NaN where it was not measured."""
        return float("nan") if self.held is None else float(self.held.mean())

    def where(self, signals: Signals) -> str:
        """Name the place that most often leads where the pattern holds; empty where none does."""
        about = any(c.signal.startswith("place") for c in self.told)
        if not about or self.held is None or not self.held.any():
            return ""
        times = np.bincount(signals.leading[self.held], minlength=len(signals.places))
        return str(signals.places[int(times.argmax())])

    def path(self, signals: Signals) -> str:
        """Say each condition with how often it holds, then what was not measured."""
        steps = []
        for one in self.told:
            share = float(one.holds(signals.draws[one.signal]).mean())
            steps.append(f"{one.words}: {of_share(share, signals.size)}")
        if self.held is not None and len(steps) > 1:
            steps.append(f"together: {of_share(self.probability, signals.size)}")
        where = self.where(signals)
        steps += [f"where: {where}"] if where else []
        steps += [f"not measured: {self.missing}"] if self.missing else []
        return "; ".join(steps)


def _table(found: Sequence[_Reading], signals: Signals) -> xr.Dataset:
    chance, words = {UNIT: "probability"}, {UNIT: "words"}
    says = chance | {"says": "of 20 equally likely outcomes, the pattern holds"}
    named = {
        "seen": [one.pattern.seen for one in found],
        "reading": [one.pattern.reading for one in found],
        "action": [one.pattern.action for one in found],
        "path": [one.path(signals) for one in found],
        "missing": [one.missing for one in found],
        "source": [one.pattern.source for one in found],
    }
    table = xr.Dataset(
        {"probability": (PATTERN, [one.probability for one in found], says)}
        | {name: (PATTERN, values, words) for name, values in named.items()},
        coords={PATTERN: [one.pattern.name for one in found]},
        attrs={"main": "probability", "draws": signals.size},
    )
    table = table.assign(_conditions(found, signals))
    if signals.places:
        times = np.bincount(signals.leading, minlength=len(signals.places)) / signals.size
        table = table.assign_coords(place=[str(place) for place in signals.places])
        table["leads"] = ("place", times, chance)
    return table


def _conditions(found: Sequence[_Reading], signals: Signals) -> dict[str, Any]:
    """Lay out every condition: how often it holds, and where its signal lies."""
    every = [(one.pattern, c) for one in found for c in one.pattern.conditions]
    shape = (signals.size, len(every))
    values, held = np.full(shape, np.nan), np.full(len(every), np.nan)
    for at, (_, condition) in enumerate(every):
        if condition.signal in signals.draws:
            values[:, at] = signals.draws[condition.signal]
            held[at] = condition.holds(values[:, at]).mean()
    mean, lower, upper, attrs = interval(values, None)
    unit = {UNIT: _DEVIATIONS} | attrs
    labels = [f"{pattern.name}: {condition.words}" for pattern, condition in every]
    parts = {
        "held": (held, {UNIT: "probability"}),
        "signal": (mean, unit), "signal_lower": (lower, unit), "signal_upper": (upper, unit),
        "condition_of": ([pattern.name for pattern, _ in every], {UNIT: "words"}),
    }  # fmt: skip
    return {
        name: xr.DataArray(values, {CONDITION: labels}, (CONDITION,), attrs=kept)
        for name, (values, kept) in parts.items()
    }


def _headline(found: Sequence[_Reading], signals: Signals, artist: Hashable) -> str:
    able = [one for one in found if one.held is not None]
    order = sorted(able, key=lambda one: -one.probability)
    first, size = order[0], signals.size
    where = first.where(signals)
    name = f"{first.pattern.name} ({where})" if where else first.pattern.name
    how_often = of_share(first.probability, size)
    if first.probability <= LIKELY:
        read_of = f"{len(able)} of {len(found)} could be read"
        few = f"of the {len(found)}" if len(able) == len(found) else f"({read_of})"
        return (
            f"No pattern {few} is likely for {artist}: the nearest, {name}, holds in {how_often} "
            "equally likely outcomes."
        )
    also = [
        f"{one.pattern.name} {of_share(one.probability, size)}"
        for one in order[1:] if one.probability > LIKELY
    ]  # fmt: skip
    more = f" (also {', '.join(also)})" if also else ""
    return (
        f"{artist}: {name} in {how_often} equally likely outcomes{more}; what to do: "
        f"{first.pattern.action.rstrip('.')}."
    )


def _caveats(found: Sequence[_Reading], signals: Signals, reference: Reference) -> tuple[str, ...]:
    told = [
        f"Edges are conventions of the playbook, in standard deviations of what is usual: "
        f"{reference.about}.",
        "Patterns describe, and may hold together; none says that its action will work.",
    ]
    for role, lacking in signals.lacking.items():
        if lacking and signals.used[role] and role == "intent":
            told.insert(
                0, f"Intent is read from {', '.join(signals.used[role])} alone; not measured: "
                f"{', '.join(lacking)}.",
            )  # fmt: skip
    blind = [one.pattern.name for one in found if one.held is None]
    if blind:
        told.insert(0, f"Not measured, and so neither likely nor unlikely: {', '.join(blind)}.")
    looser = [one for one in found if one.held is not None and one.missing]
    told += [f"{one.pattern.name} was read without {one.missing}." for one in looser]
    return tuple(told)
