"""Signals: what the playbook's conditions are about, at every draw.

Makes arrays over draws from one artist's responses, a frozen reference and the roles outcomes
play. Callers may trust that all signals of one draw belong together, that one which was not
measured is missing with its reason and is never 0, and that groups which are compared are
compared in the same outcomes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from coterie import names
from coterie.errors import FindingError
from coterie.findings.patterns import PRIOR
from coterie.findings.quantities import is_number
from coterie.findings.reference import Reference
from coterie.findings.responses import Responses

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs
    from coterie.typing import Floats, Integers

ROLES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "streams": ("streams", "plays"),
        "intent": ("save", "add", "follow"),
        "active": ("active",),
        "depth": ("depth",),
        "reach": ("reach",),
        "programmed": ("programmed",),
    }
)
"""The outcomes that play each role, where they are measured and nothing else is stated."""
PEOPLE: Final = "people"
"""Stands for the listeners counted, where a reference says how many are usual."""
INTENT: Final = "intent"
REACH: Final = "reach"
_TWO: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Which clusters the playbook compares, and what was expected of places.

    Attributes
    ----------
    cluster
        The one cluster in which the artist is read; left out, all, each by what was counted.
    places
        Clusters that are places: two or more.
    expected
        How probable each place was as a home beforehand, in [0, 1]; left out, the prior of the
        beliefs. Needed where beliefs have no membership.
    warm, cold
        Clusters of listeners won back, and of audiences that never listened: one or more each.

    Examples
    --------
    >>> groups = co.playbook.Groups(places=["Oslo", "Lisbon"], expected={"Oslo": 0.05})
    >>> groups.warm
    ()
    """

    cluster: Hashable | None = None
    places: Sequence[Hashable] = ()
    expected: Mapping[Any, float] = field(default_factory=dict)
    warm: Sequence[Hashable] = ()
    cold: Sequence[Hashable] = ()

    def __post_init__(self) -> None:
        for name in ("places", "warm", "cold"):
            stated = getattr(self, name)
            one = isinstance(stated, str) or not isinstance(stated, Iterable)
            object.__setattr__(self, name, (stated,) if one else tuple(stated))
            strange = [label for label in getattr(self, name) if not isinstance(label, Hashable)]
            if strange:
                raise FindingError(f"{name} names {strange[0]!r}, which is no label of a cluster.")
        if len(set(self.places)) == 1:
            raise FindingError(
                f"{self.places[0]!r} is the only place named; one stands out from others. Name two "
                "or more."
            )
        if bool(self.warm) != bool(self.cold):
            raise FindingError("One of warm and cold is named without the other. Name both.")
        both = [cluster for cluster in self.warm if cluster in self.cold]
        if both:
            raise FindingError(f"{both[0]!r} is warm and cold; a cluster is one of them.")
        self._check_expected()

    def _check_expected(self) -> None:
        for place, chance in self.expected.items():
            if place not in self.places:
                raise FindingError(
                    f"{place!r} is expected and is none of the places "
                    f"{', '.join(map(repr, self.places)) or '(none is named)'}. Name it in both."
                )
            if not (is_number(chance) and 0 <= chance <= 1):
                raise FindingError(
                    f"{place!r} is expected with {chance!r}; give a probability from 0 to 1."
                )


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals of one artist.

    Attributes
    ----------
    draws
        By name: (draw,), in standard deviations of the reference; ``place_prior`` a probability.
    missing
        Why each signal that could not be read was not.
    used
        The outcomes that each role was read from.
    lacking
        The outcomes that each role would have and that were not measured.
    places
        Those that were compared.
    leading
        Which of them leads at each draw: (draw,); empty where there are none.
    size
        How many draws.
    """

    draws: Mapping[str, Floats]
    missing: Mapping[str, str]
    used: Mapping[str, tuple[str, ...]]
    lacking: Mapping[str, tuple[str, ...]]
    places: tuple[Hashable, ...]
    leading: Integers
    size: int


def signals_of(
    beliefs: Beliefs,
    artist: Hashable,
    drawn: Responses,
    *,
    reference: Reference,
    roles: Mapping[str, Sequence[str] | str] | None,
    groups: Groups,
) -> Signals:
    """Read all signals of an artist.

    Parameters
    ----------
    beliefs, artist
        As in :func:`coterie.playbook.read`.
    drawn
        The artist's responses.
    reference, roles, groups
        As in :func:`coterie.playbook.read`.

    Raises
    ------
    FindingError
        If a role is unknown, or names an outcome that these beliefs or the reference lack.
    BeliefError
        If a cluster is unknown.
    """
    scores = _Scores(drawn, reference, _roles(roles, drawn, reference))
    where = drawn.chosen(None if groups.cluster is None else [groups.cluster])
    draws, missing = {}, {}
    used, lacking = {}, {}
    for role, wanted in scores.roles.items():
        used[role] = scores.there(role, [where])
        lacking[role] = tuple(o for o in wanted if o not in used[role])
        if used[role]:
            draws[role] = scores.of(used[role], where)
        else:
            missing[role] = scores.why(role)
    race = _places(beliefs, artist, scores, groups)
    warm, cooled = _warmth(scores, groups)
    return Signals(
        draws | race.draws | warm, missing | race.missing | cooled, used, lacking, race.places,
        race.leading, len(drawn.levels),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Scores:
    """Scores of one artist by outcome, pooled over clusters."""

    drawn: Responses
    reference: Reference
    roles: Mapping[str, tuple[str, ...]]

    def there(self, role: str, parts: Sequence[Integers]) -> tuple[str, ...]:
        """Return the outcomes of a role that were counted in every part."""
        return tuple(
            o for o in self.roles[role]
            if self._known(o) and all(self._weights(o, part).sum() > 0 for part in parts)
        )  # fmt: skip

    def of(self, outcomes: Sequence[str], part: Integers) -> Floats:
        """Return the mean score of some outcomes in some clusters: (draw,)."""
        found: Floats = np.mean([self._score(o, part) for o in outcomes], axis=0)
        return found

    def why(self, role: str) -> str:
        """Say why a role has nothing to be read from."""
        wanted = self.roles[role]
        told = " or ".join(map(repr, wanted))
        there = [o for o in wanted if o == PEOPLE or o in self.drawn.outcomes]
        if not there:
            return f"these beliefs have no outcome {told}"
        if not any(self._known(o) for o in there):
            return f"the reference has no {told}"
        return f"nothing was counted of {told}"

    def _known(self, outcome: str) -> bool:
        there = outcome == PEOPLE or outcome in self.drawn.outcomes
        return there and outcome in self.reference.outcomes

    def _weights(self, outcome: str, part: Integers) -> Floats:
        if outcome == PEOPLE:
            return self._listeners(part)
        weights: Floats = self.drawn.denominators[part, self.drawn.at(outcome)]
        return weights

    def _listeners(self, part: Integers) -> Floats:
        at = [self.drawn.at(o) for o in self.roles[INTENT] if o in self.drawn.outcomes]
        found: Floats = self.drawn.denominators[part][:, at].max(axis=1, initial=0.0)
        return found

    def _score(self, outcome: str, part: Integers) -> Floats:
        """Return the mean score of an outcome over clusters, each by what was counted: (draw,).

        Scores are pooled and not rates: a reference is a mean over cells on that scale.
        """
        weights = self._weights(outcome, part)
        if outcome == PEOPLE:
            # Counted, and so the same at every draw.
            return self.reference.scores(outcome, np.full(len(self.drawn.levels), weights.sum()))
        level = self.drawn.levels[:, part, self.drawn.at(outcome)]
        scores = self.reference.scores(outcome, level, of="levels")
        found: Floats = scores @ (weights / weights.sum())
        return found


def _roles(
    stated: Mapping[str, Sequence[str] | str] | None, drawn: Responses, reference: Reference
) -> dict[str, tuple[str, ...]]:
    """Return the outcomes of every role, and refuse names that stand for nothing."""
    found, told = dict(ROLES), dict(stated or {})
    if REACH not in drawn.outcomes and PEOPLE in reference.outcomes:
        found[REACH] = (PEOPLE,)
    strange = [role for role in told if role not in ROLES]
    if strange:
        raise FindingError(
            f"There is no role {strange[0]!r}; {len(strange)} of {len(told)} are unknown. The "
            f"roles are {', '.join(ROLES)}."
        )
    for role, outcomes in told.items():
        found[role] = _named(role, outcomes, drawn, reference)
    for outcomes in found.values():
        _check_kinds(outcomes, drawn, reference)
    return found


def _named(
    role: str, outcomes: Sequence[str] | str, drawn: Responses, reference: Reference
) -> tuple[str, ...]:
    """Return outcomes that somebody named, all of them known here and in the reference."""
    alone = isinstance(outcomes, str) or not isinstance(outcomes, Iterable)
    named: tuple[Any, ...] = (outcomes,) if alone else tuple(outcomes)
    if not named:
        raise FindingError(f"No outcome plays {role!r}. Name one or more, or leave it out.")
    for outcome in named:
        if outcome != PEOPLE:
            drawn.at(outcome)
        reference.scores(outcome, 0.5)  # refuses what it does not know
    if PEOPLE in named and role != REACH:
        raise FindingError(f"{PEOPLE!r} plays {role!r}; people counted say how far one reached.")
    return named


def _check_kinds(outcomes: Sequence[str], drawn: Responses, reference: Reference) -> None:
    for outcome in outcomes:
        if outcome not in reference.outcomes:
            continue
        usual = reference.outcomes[outcome].kind
        own = drawn.measured[drawn.at(outcome)].kind if outcome in drawn.outcomes else usual
        own = "count" if outcome == PEOPLE else own
        if usual != own:
            raise FindingError(
                f"{outcome!r} is {own} here and {usual} in the reference, so that the two have no "
                "scale in common. Use a reference of the same outcomes."
            )


@dataclass(frozen=True, slots=True)
class _Race:
    """The places that were compared, which of them leads at each draw, and by how much."""

    draws: dict[str, Floats]
    missing: dict[str, str]
    places: tuple[Hashable, ...] = ()
    leading: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def _places(beliefs: Beliefs, artist: Hashable, scores: _Scores, groups: Groups) -> _Race:
    """Read the place that leads at each draw: how strong, how far ahead, how expected."""
    three = ("place_intent", "place_lead", PRIOR)
    if not groups.places:
        return _Race({}, dict.fromkeys(three, "no places are named"))
    named = [np.array([k]) for k in scores.drawn.chosen(groups.places)]
    parts = [part for part in named if scores.there(INTENT, [part])]
    outcomes = scores.there(INTENT, parts) if len(parts) >= _TWO else ()
    if not outcomes:
        why = f"{len(parts)} of {len(named)} places have listeners to compare"
        return _Race({}, dict.fromkeys(three, why))
    intent = np.stack([scores.of(outcomes, part) for part in parts], axis=1)
    leading, ordered = intent.argmax(axis=1), np.sort(intent, axis=1)
    draws = {"place_intent": ordered[:, -1], "place_lead": ordered[:, -1] - ordered[:, -2]}
    places = tuple(scores.drawn.clusters[int(part[0])] for part in parts)
    prior = _expected(beliefs, artist, places, groups.expected)
    unknown = [str(p) for p, chance in zip(places, prior, strict=True) if np.isnan(chance)]
    if unknown:
        why = f"nobody said how expected {', '.join(unknown[:3])} was"
        return _Race(draws, {PRIOR: why}, places, leading)
    return _Race(draws | {PRIOR: prior[leading]}, {}, places, leading)


def _expected(
    beliefs: Beliefs, artist: Hashable, places: Sequence[Any], stated: Mapping[Any, float]
) -> Floats:
    """Return each place's prior as stated, else as the beliefs had it; NaN where neither says."""
    prior = np.full(len(places), np.nan)
    if beliefs.homes is not None:
        table = beliefs.tree[names.PRIOR].dataset["prior"]
        own = table.sel({names.ARTIST: artist})
        prior = np.array([float(own.sel({names.CLUSTER: place})) for place in places])
    return np.array([stated.get(p, own) for p, own in zip(places, prior, strict=True)], dtype=float)


def _warmth(scores: _Scores, groups: Groups) -> tuple[dict[str, Floats], dict[str, str]]:
    """Read by how much warm listeners answer better than cold ones."""
    if not groups.warm:
        return {}, {"warm_lead": "no warm and cold clusters are named"}
    parts = [scores.drawn.chosen(side) for side in (groups.warm, groups.cold)]
    outcomes = scores.there(INTENT, parts)
    if not outcomes:
        return {}, {"warm_lead": "no outcome was counted in both warm and cold clusters"}
    warm, cold = (scores.of(outcomes, part) for part in parts)
    return {"warm_lead": warm - cold}, {}
