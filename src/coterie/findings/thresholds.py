"""Thresholds: from where on a state of a catalogue counts as a blocker.

The source article (section 9) names the blockers and gives no numbers, so that all of these are
conventions of this package and can be stated otherwise; where a number does come from the article
it is said. Callers may trust that thresholds are in range and never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from coterie.errors import FindingError
from coterie.findings.finding import Severity
from coterie.findings.quantities import is_number

ACTS: Final = ("saves", "adds", "follows")
"""Columns of intentional acts; the article judges traffic by these (section 5.2)."""
METADATA: Final = ("lyrics", "credits", "artwork", "genre", "mood")
"""What the article names: lyrics, credits and assets (section 9), genre and mood (14.1)."""
PROFILE: Final = ("verified", "bio", "images", "artist_pick", "playlists", "links")
"""The article's fixes of a profile (section 9), with ours: verified and links."""
USUAL_ACTIVE: Final = 1 / 3
"""Active listeners are about a third of an audience, and bring 60 % of streams (section 5.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What a catalogue must have, so that nothing blocks.

    Attributes
    ----------
    tracks, releases
        Tracks and releases that must be out.
    inactive
        Days without a release, from which on an artist is inactive.
    followers, following
        Followers there must be, and followers a monthly listener.
    genres
        Effective number of genres, or of neighbours, above which signals are muddy.
    metadata
        Columns of the tracks that must be there.
    complete
        Share of tracks that must have each of them.
    profile, filled
        Parts of a profile, and the share of them that must be filled.
    programmed
        Share of the audience that may be programmed listeners. The article's usual active third
        leaves two thirds: beyond it, active listeners are surely fewer than usual.
    fit
        Paid people's acts over the usual, below which a source is of low fit.
    noise
        Share of paid listeners that may come by sources of low fit.
    usual
        Usual acts a listener, by column: ``{"saves": 0.08}``. Left out, those of organic rows.
    weeks
        Of weeks 2 to 6 after a release (the article's), how many must have something planned.
    blocks, weakens
        Probabilities from which a problem blocks, and weakens.

    Examples
    --------
    >>> from coterie.findings import Thresholds
    >>> Thresholds(tracks=20).of(0.9), Thresholds(blocks=0.95).of(0.9)
    ('blocks', 'weakens')
    """

    tracks: int = 10
    releases: int = 2
    inactive: int = 180
    followers: int = 1000
    following: float = 0.1
    genres: float = 4.0
    metadata: tuple[str, ...] = METADATA
    complete: float = 0.9
    profile: tuple[str, ...] = PROFILE
    filled: float = 0.8
    programmed: float = 1 - USUAL_ACTIVE
    fit: float = 0.5
    noise: float = 0.5
    usual: Mapping[str, float] = field(default_factory=dict)
    weeks: int = 2
    blocks: float = 0.8
    weakens: float = 0.5

    def __post_init__(self) -> None:
        for name in ("complete", "filled", "programmed", "fit", "noise", "blocks", "weakens"):
            _refuse(name, getattr(self, name), "a share from 0 to 1", most=1.0)
        for name in ("tracks", "releases", "inactive", "followers", "following", "genres"):
            _refuse(name, getattr(self, name), "a number of at least 0")
        _refuse("weeks", self.weeks, "a number from 0 to 5, for weeks 2 to 6", most=5.0)
        if self.weakens > self.blocks:
            raise FindingError(
                f"weakens is {self.weakens:g} and blocks is {self.blocks:g}; a problem blocks "
                "from no lower a probability than it weakens."
            )
        _refuse_usual(self.usual)
        for name in ("metadata", "profile"):
            object.__setattr__(self, name, _named(name, getattr(self, name)))
        if not self.profile:
            raise FindingError("profile names no part. Name one or more, or leave it out.")
        object.__setattr__(self, "usual", MappingProxyType(dict(self.usual)))

    def of(self, probability: float) -> Severity:
        """Return how severe a problem of this probability is."""
        if probability >= self.blocks:
            return "blocks"
        return "weakens" if probability >= self.weakens else "fine"


def _named(what: str, given: Any) -> tuple[str, ...]:
    """Return names as a tuple; plain text would be read letter by letter, and is one name."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, Iterable):
        raise FindingError(
            f"{what} is {given!r}; give names, such as ('lyrics', 'bio'), or leave it out."
        )
    told = tuple(given)
    strange = [name for name in told if not isinstance(name, str)]
    if strange:
        raise FindingError(
            f"{what} names {strange[0]!r}; {len(strange)} of {len(told)} are like this. Give names "
            "as text."
        )
    return told


def _refuse_usual(usual: Any) -> None:
    if not isinstance(usual, Mapping):
        raise FindingError(
            f"usual is {usual!r}; give rates by act, such as {{'saves': 0.08}}, or leave it out."
        )
    for name, rate in usual.items():
        if name not in ACTS:
            raise FindingError(f"usual names {name!r}; it knows {', '.join(ACTS)}.")
        _refuse(f"usual {name}", rate, "a rate above 0 and below 1", most=1.0)
        if rate in (0, 1):
            raise FindingError(f"usual {name} is {rate!r}; it is above 0 and below 1.")


def _refuse(name: str, value: Any, what: str, *, most: float = float("inf")) -> None:
    if not (is_number(value) and 0 <= value <= most):
        raise FindingError(f"{name} is {value!r}; it is {what}.")
