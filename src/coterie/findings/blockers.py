"""Blockers: nine states of a catalogue that make evidence poorer, each as a check.

The nine are the source article's (section 9), as are the reasons and ways out; the numbers are
those of :class:`Thresholds`. Callers may trust that a check tells a fact as a fact, what counts
leave open as a probability, and what it was not told as not checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from coterie.errors import FindingError
from coterie.findings.catalogue import (
    Catalogue,
    count_of,
    counts_by_name,
    is_there,
    presence,
)
from coterie.findings.finding import Finding
from coterie.findings.formulas import effective_number
from coterie.findings.parts import DRAWS, Blocker, Part
from coterie.findings.responses import interval
from coterie.findings.traffic import Traffic

if TYPE_CHECKING:
    from coterie.findings.thresholds import Thresholds
    from coterie.typing import Floats

SPARSE: Final = Blocker(
    name="sparse catalogue",
    why="few tracks are few observations, few ways in and little to be adjacent by",
    fix="Bring out tracks that belong together, not one event.",
)
INACTIVE: Final = Blocker(
    name="long inactivity",
    why="nothing fresh is there to learn preferences from",
    fix="Release again, or run a campaign for the catalogue.",
)
FOLLOWERS: Final = Blocker(
    name="weak follower base",
    why="followers get a release by themselves; without them a launch day is uncertain",
    fix="Ask for follows before release, also on the profile.",
)
MUDDY: Final = Blocker(
    name="muddy adjacency",
    why="whom the music belongs beside cannot be placed",
    fix="Align metadata, pitches, playlists and paid targeting.",
)
METADATA: Final = Blocker(
    name="incomplete metadata",
    why="context is missing, so that the catalogue cannot be read",
    fix="Upload lyrics; complete credits, assets and tags.",
)
PROFILE: Final = Blocker(
    name="incomplete profile",
    why="the curious find nothing that makes them active",
    fix="Complete bio, images, Artist Pick, artist playlists.",
)
PROGRAMMED: Final = Blocker(
    name="programmed audience",
    why="reach is passive, and too few come back by themselves",
    fix="Retarget for active listening; convert on the profile.",
)
TRAFFIC: Final = Blocker(
    name="low-fit traffic",
    why="people who do not care are noise in the evidence",
    fix="Target narrower, with own creatives and landing pages.",
)
UNPLANNED: Final = Blocker(
    name="missing release plan",
    why="the weeks in which most is to be learned pass unused",
    fix="Retarget, reactivate, push catalogue in weeks 2 to 6.",
)
_HALF: Final = 0.5
_WEEK: Final = 7
_FIRST_WEEK, _LAST_WEEK = 2, 6
SEGMENTS: Final = ("active", "previously_active", "programmed")
SOURCES: Final[Mapping[str, bool]] = {
    "editorial_playlists": True, "personalized_playlists": True, "personalised_playlists": True,
    "radio": True, "autoplay": True, "ai_dj": True,
    "artist_profile": False, "release_pages": False, "own_playlists": False, "library": False,
}  # fmt: skip
"""Sources of listening, and whether they are programmed: the article, sections 5.2 and 7.3."""
USED: Final = ("followers", "monthly_listeners")
COLUMNS: Final = ("track", "release", "released", "genre", "isrc")
"""Of the table of tracks, beside the metadata that is asked for."""
_NO_TRACKS: Final = Part(name="tracks", held=None, evidence="the tracks are not known")


def sparse_catalogue(catalogue: Catalogue | None, thresholds: Thresholds) -> Finding:
    """Check that there are enough tracks and releases: those that are out, each counted once."""
    if catalogue is None:
        return SPARSE.found([_NO_TRACKS], thresholds)
    parts = []
    for column, limit in (("track", thresholds.tracks), ("release", thresholds.releases)):
        what = f"{column}s out"
        if column not in catalogue.frame and column == "release":
            told = "the column 'release' is not there"
            parts.append(Part(name=what, held=None, evidence=told, limit=limit))
            continue
        sure, more = _counted(catalogue, column)
        parts.append(_enough(what, sure, more, limit))
    return SPARSE.found(parts, thresholds)


def _counted(catalogue: Catalogue, column: str) -> tuple[int, int]:
    """Return how many labels are surely out, and how many more may be."""
    out, maybe = catalogue.out, catalogue.out | catalogue.undated
    if column not in catalogue.frame:
        return int(out.sum()), int(maybe.sum() - out.sum())
    sure, unnamed = catalogue.distinct(column, out)
    most, more = catalogue.distinct(column, maybe)
    if column == "track":  # a track without a name is a track; a release without one may be any
        sure, unnamed = sure + unnamed, 0
    return sure, most + more - sure


def _enough(what: str, sure: int, more: int, limit: float) -> Part:
    """Hold a count against its least; where some may or may not count, both ends decide."""
    held = True if sure + more < limit else False if sure >= limit else None
    unknown = f" and {more} that may be" if more and sure < limit else ""
    told = f"{sure:,} {what}{unknown}, of at least {limit:,}"
    return Part(name=what, held=held, evidence=told, value=float(sure), limit=limit)


def long_inactivity(catalogue: Catalogue | None, thresholds: Thresholds) -> Finding:
    """Check that the last release is not long ago; days that are unknown may be later ones."""
    if catalogue is None:
        return INACTIVE.found([_NO_TRACKS], thresholds)
    name, limit, unit = "days since a release", thresholds.inactive, "days"
    unknown = int(catalogue.undated.sum())
    if not catalogue.out.any():
        told = "nothing was released so far" if not unknown else "no release has a known day"
        part = Part(name=name, held=None if unknown else True, evidence=told, limit=limit)
        return INACTIVE.found([part], thresholds)
    last = catalogue.released[catalogue.out].max()
    days = (catalogue.today - last).days
    told = f"{days:,} days since {last:%Y-%m-%d}, of fewer than {limit:,}"
    held = None if days >= limit and unknown else days >= limit
    if held is None:
        told += f", but {unknown} tracks have no day"
    part = Part(name=name, held=held, evidence=told, value=float(days), limit=limit, unit=unit)
    return INACTIVE.found([part], thresholds)


def weak_follower_base(
    profile: Mapping[str, Any] | None, thresholds: Thresholds, *, rng: np.random.Generator
) -> Finding:
    """Check that enough people follow, alone and against those who listen.

    Followers are counted and a fact. Followers a monthly listener change with every month: both
    counts are taken for Poisson, and their ratio is drawn.
    """
    followers, monthly = (count_of((profile or {}).get(name), name) for name in USED)
    if followers is None:
        part = Part(name="followers", held=None, evidence="followers are not known")
        return FOLLOWERS.found([part], thresholds)
    parts = [_enough("followers", int(followers), 0, thresholds.followers)]
    name, limit = "followers a listener", thresholds.following
    if not monthly:
        told = (
            "there are no monthly listeners" if monthly == 0 else "no monthly listeners are known"
        )
        parts.append(Part(name=name, held=None, evidence=told, limit=limit, must=False))
    else:
        above, below = (rng.standard_gamma(n + _HALF, DRAWS) for n in (followers, monthly))
        ratio = above / below
        told = f"{_ends(ratio, '.2g')} followers a monthly listener, of at least {limit:g}"
        parts.append(
            Part(
                name=name, held=ratio < limit, evidence=told, value=ratio, limit=limit,
                unit="ratio",
            )
        )  # fmt: skip
    return FOLLOWERS.found(parts, thresholds)


def muddy_adjacency(
    catalogue: Catalogue | None,
    signals: Mapping[Any, float] | None,
    thresholds: Thresholds,
    *,
    rng: np.random.Generator,
) -> Finding:
    """Check that genre tags and neighbours point to few places: their effective number.

    Tags of tracks, and signals that are whole numbers, are counts: shares behind them are drawn
    (Dirichlet, half a count each, labels that were not met yet among them [1]_). Other signals are
    weights, and a fact.

    References
    ----------
    .. [1] A. Chao (1984), *Nonparametric estimation of the number of classes in a population*,
       Scandinavian Journal of Statistics 11.
    """
    found = {}
    if catalogue is not None and "genre" in catalogue.frame:
        tags = catalogue.frame["genre"].explode().dropna().astype(str).str.strip().str.casefold()
        found["genre tags"] = np.asarray(tags[tags != ""].value_counts(), dtype=np.float64)
    if signals is not None:
        told = [count_of(v, f"signal {k!r}") for k, v in signals.items()]
        found["signals"] = np.array([v for v in told if v is not None], dtype=np.float64)
    parts = [_spread(name, v, thresholds.genres, rng) for name, v in found.items() if v.sum() > 0]
    nothing = Part(name="signals", held=None, evidence="no genre tags and no signals are known")
    return MUDDY.found(parts or [nothing], thresholds)


def _spread(name: str, values: Floats, limit: float, rng: np.random.Generator) -> Part:
    # Weights that sum to one may be whole, too: all of it on one neighbour.
    counted = bool((values == np.round(values)).all()) and values.sum() > 1
    if counted:
        values = np.append(values[values > 0], np.zeros(_unseen(values))) + _HALF
    drawn = effective_number(
        rng.standard_gamma(values, (DRAWS, values.size)) if counted else values
    )
    number = drawn if counted else float(drawn)
    held = drawn > limit if counted else bool(drawn > limit)
    told = f"{name} are spread as over {_ends(number, '.1f')} equal ones, of at most {limit:g}"
    return Part(
        name=name, held=held, evidence=told, value=number, limit=limit, unit="effective number"
    )


def _unseen(counts: Floats) -> int:
    """Guess how many labels were not met yet (Chao's estimate), at most as many as were.

    Four tracks of four genres would otherwise look like an artist of four genres.
    """
    once, twice = (int((counts == n).sum()) for n in (1, 2))
    return min(round(once * (once - 1) / (2 * (twice + 1))), int((counts > 0).sum()))


def incomplete_metadata(catalogue: Catalogue | None, thresholds: Thresholds) -> Finding:
    """Check that tracks have lyrics, credits and tags; ISRCs, too, where the column is there."""
    if catalogue is None:
        return METADATA.found([_NO_TRACKS], thresholds)
    wanted = dict.fromkeys(thresholds.metadata)
    if "isrc" in catalogue.frame:
        wanted["isrc"] = None
    parts = [_complete(catalogue.frame, column, thresholds.complete) for column in wanted]
    nothing = Part(name="metadata", held=None, evidence="no column is asked for")
    return METADATA.found(parts or [nothing], thresholds)


def _complete(frame: pd.DataFrame, column: str, limit: float) -> Part:
    if column not in frame:
        told = f"the column {column!r} is not there"
        return Part(name=column, held=None, evidence=told, limit=limit, unit="share")
    there, absent, unknown = presence(frame[column])
    size = there + absent + unknown
    least, most = there / size, (there + unknown) / size
    held = False if least >= limit else True if most < limit else None
    told = f"{column} on {there:,} of {size:,} tracks, of at least {limit:.0%}"
    told += f" ({unknown:,} not known)" if unknown else ""
    value = least if not unknown else float("nan")
    return Part(name=column, held=held, evidence=told, value=value, limit=limit, unit="share")


def incomplete_profile(profile: Mapping[str, Any] | None, thresholds: Thresholds) -> Finding:
    """Check that enough parts of the profile are filled; one that is not named is not known."""
    told = {name: is_there((profile or {}).get(name)) for name in thresholds.profile}
    filled, empty = (sum(v is state for v in told.values()) for state in (True, False))
    unknown = [name for name, state in told.items() if state is None]
    size, limit = len(told), thresholds.filled
    held = False if filled / size >= limit else True if 1 - empty / size < limit else None
    missing = [name for name, state in told.items() if state is False]
    if len(unknown) == size:
        part = Part(name="parts filled", held=None, evidence="the profile is not known")
        return PROFILE.found([part], thresholds)
    said = f"{filled} of {size} parts filled, of at least {limit:.0%}"
    said += f"; missing: {', '.join(missing)}" if missing else ""
    said += f"; not known: {', '.join(unknown)}" if unknown else ""
    parts = [
        Part(
            name="parts filled", held=held, evidence=said, value=filled / size, limit=limit,
            unit="share",
        )
    ]  # fmt: skip
    words = {True: "filled", False: "empty", None: "not known"}
    parts += [
        Part(
            name=name, held=None if state is None else not state, evidence=words[state],
            value=float("nan") if state is None else float(state), unit="flag", decides=False,
        )
        for name, state in told.items()
    ]  # fmt: skip
    return PROFILE.found(parts, thresholds)


def programmed_audience(
    listeners: Mapping[str, Any] | None, thresholds: Thresholds, *, rng: np.random.Generator
) -> Finding:
    """Check that not too many only listen where they are programmed to.

    Counts are finite: the share behind them is drawn from its posterior (Beta, Jeffreys).
    """
    counts = counts_by_name(listeners or {}, _plain)
    caveats, (passive, others, among) = [], _segments(counts)
    if passive is None:
        passive, others, among = _by_source(counts)
        caveats = ["A listener of several sources is counted in each of them."]
    if passive is None or passive + others == 0:
        told = "active and programmed listeners are not both known"
        part = Part(name="programmed share", held=None, evidence=told, limit=thresholds.programmed)
        return PROGRAMMED.found([part], thresholds)
    share, limit = rng.beta(passive + _HALF, others + _HALF, DRAWS), thresholds.programmed
    whole = passive + others
    said = f"{_ends(share, '.0%')} of {whole:,.0f} {among} are programmed, of at most {limit:.0%}"
    part = Part(
        name="programmed share", held=share > limit, evidence=said, value=share, limit=limit,
        unit="share",
    )  # fmt: skip
    if among == "listeners" and "previously_active" not in counts:
        caveats.append("Previously active listeners are not known: shares are of the others.")
    return PROGRAMMED.found([part], thresholds, caveats=caveats)


def _segments(counts: Mapping[str, float]) -> tuple[float | None, float, str]:
    """Return programmed and other listeners of the segments, none where either is unknown."""
    if not {"active", "programmed"} <= set(counts):
        return None, 0.0, "listeners"
    others = counts["active"] + counts.get("previously_active", 0.0)
    return counts["programmed"], others, "listeners"


def _by_source(counts: Mapping[str, float]) -> tuple[float | None, float, str]:
    there = {SOURCES[name] for name in counts if name in SOURCES}
    if there != {True, False}:
        return None, 0.0, "listeners"
    sums = [sum(v for k, v in counts.items() if SOURCES.get(k) is kind) for kind in (True, False)]
    return sums[0], sums[1], "listeners by source"


def _plain(name: Any) -> str:
    told = str(name).strip().casefold().replace(" ", "_").replace("-", "_")
    return told.removesuffix("_listeners").removeprefix("monthly_")


def unread(given: Mapping[Any, Any] | None, known: Any, *, segments: bool = False) -> list[str]:
    """Return names that no check reads: they may be misspelled."""
    return [str(k) for k in given or {} if (_plain(k) if segments else str(k)) not in known]


def low_fit_traffic(
    traffic: Traffic | None, thresholds: Thresholds, *, rng: np.random.Generator
) -> Finding:
    """Check that most paid people come by sources whose acts are not far below the usual.

    Rows of a source are campaigns whose rates differ (Beta-Binomial, :mod:`coterie.findings.
    intents`): a source is judged by its level, and many people of one row are still one row. Usual
    is what is stated, else organic rows. At every draw, sources are of low fit or not, and count
    by their listeners.
    """
    told = "no traffic is known" if traffic is None else traffic.gap(thresholds.usual)
    if traffic is None or told:
        name = "paid people from low fit"
        part = Part(name=name, held=None, evidence=told, limit=thresholds.noise, unit="share")
        return TRAFFIC.found([part], thresholds)
    fits = traffic.fits(thresholds.usual, draws=DRAWS, rng=rng)
    low = fits < thresholds.fit
    weight = traffic.listeners / traffic.listeners.sum()
    parts = [_noise(low @ weight, traffic, low.mean(axis=0), thresholds)]
    parts += [
        Part(
            name=source, held=low[:, k], value=fits[:, k], limit=thresholds.fit, decides=False,
            unit="acts over the usual",
            evidence=f"{_ends(fits[:, k], '.2f')} of the usual acts, {weight[k]:.0%} of people",
        )
        for k, source in enumerate(traffic.sources)
    ]  # fmt: skip
    return TRAFFIC.found(parts, thresholds, caveats=traffic.caveats(thresholds.usual))


def _noise(share: Floats, traffic: Traffic, low: Floats, thresholds: Thresholds) -> Part:
    worst = int(np.argmax(low * traffic.listeners))
    told = (
        f"{share.mean():.0%} of {traffic.listeners.sum():,.0f} paid people come by sources with "
        f"less than {thresholds.fit:g} of the usual acts, of at most {thresholds.noise:.0%}"
    )
    if low[worst] >= thresholds.weakens:
        told += f"; most by {traffic.sources[worst]}{traffic.cost(worst)}"
    return Part(
        name="paid people from low fit", held=share > thresholds.noise, evidence=told,
        # Its expectation: a share that jumps from source to source has no interval worth telling.
        value=float(share.mean()), limit=thresholds.noise, unit="share",
    )  # fmt: skip


def missing_release_plan(catalogue: Catalogue | None, plan: Any, thresholds: Thresholds) -> Finding:
    """Check that something is planned in weeks 2 to 6 after a release; its day is in week 1.

    After the latest release while its sixth week is not over, and after the next one from then on.
    """
    name, unit = "weeks with a plan", "weeks"
    told = "the tracks are not known" if catalogue is None else "no plan is known"
    start = None if catalogue is None else _window(catalogue)
    if plan is not None and catalogue is not None and start is None:
        told = "weeks 2 to 6 of every known release are over, and no next one is dated"
    if plan is None or start is None:
        return UNPLANNED.found([Part(name=name, held=None, evidence=told, unit=unit)], thresholds)
    weeks = {(day - start).days // _WEEK + 1 for day in plan}
    used = len(weeks & set(range(_FIRST_WEEK, _LAST_WEEK + 1)))
    said = (
        f"{used} of weeks 2 to 6 after {start:%Y-%m-%d} have something planned, of at least "
        f"{thresholds.weeks}"
    )
    part = Part(
        name=name, held=used < thresholds.weeks, evidence=said, value=float(used),
        limit=thresholds.weeks, unit=unit,
    )  # fmt: skip
    return UNPLANNED.found([part], thresholds)


def _window(catalogue: Catalogue) -> Any:
    """Return the day of the latest release, or of the next one once its sixth week is over."""
    out, ahead = catalogue.out, (catalogue.released > catalogue.today).to_numpy()
    last = catalogue.released[out].max()
    if out.any() and (catalogue.today - last).days < _LAST_WEEK * _WEEK:
        return last
    return catalogue.released[ahead].min() if ahead.any() else None


def _ends(values: Floats | float, form: str) -> str:
    """Write a number, with the ends of its interval where it is drawn."""
    if isinstance(values, float):
        return f"{values:{form}}"
    mean, lower, upper, _ = interval(values, None)
    return f"{mean:{form}} ({lower:{form}} to {upper:{form}})"


def refuse_no_mapping(given: Any, what: str) -> None:
    """Refuse what has no names.

    Raises
    ------
    FindingError
        If it is neither a mapping nor nothing.
    """
    if given is not None and not isinstance(given, Mapping):
        raise FindingError(
            f"{what} is a {type(given).__name__}; give a mapping of names, such as "
            "{'followers': 1200}, or leave it out where it is not known."
        )
