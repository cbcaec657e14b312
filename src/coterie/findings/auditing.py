"""Auditing: whether an artist's catalogue is in a state to be scaled.

Nine checks of the source article (section 9) in one finding, and its rule of when not to scale.
Callers may trust that what was not told was not called fine, and that the nine findings behind
the table are kept as its parts.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from coterie.errors import FindingError
from coterie.findings import blockers
from coterie.findings.catalogue import DATES, Catalogue, day, days_of
from coterie.findings.finding import UNIT, Finding
from coterie.findings.thresholds import Thresholds
from coterie.findings.traffic import Traffic

CHECK: Final = "check"
OPERATOR_RULE: Final = tuple(
    blocker.name for blocker in (blockers.METADATA, blockers.PROFILE, blockers.PROGRAMMED)
)
"""What must have been looked at before scaling (the article's operator rule, section 9): the
catalogue is intelligible, the profile converts, the audience is segmented."""
_ORDER: Final = ("blocks", "weakens", "not checked", "fine")
_NOT_CHECKED: Final = "not checked"


def audit(  # noqa: PLR0913 - one argument a thing that is looked at, keyword-only after the first
    artist: Hashable,
    *,
    tracks: Any,
    profile: Mapping[str, Any] | None = None,
    listeners: Mapping[str, Any] | None = None,
    traffic: Any = None,
    signals: Mapping[Any, float] | None = None,
    plan: Any = None,
    today: Any,
    thresholds: Thresholds = Thresholds(),
    rng: np.random.Generator,
) -> Finding:
    """Check a catalogue for nine blockers, before money is scaled.

    Parameters
    ----------
    artist
        Whose.
    tracks
        One row a track, in any table: ``track``, ``release``, ``released`` (its day), and what is
        known of it: ``lyrics``, ``credits``, ``artwork``, ``genre``, ``mood``, ``isrc``. A truth
        that is empty is not known; words that are empty are missing. Yes or no among free words is
        refused; "n/a", "none", "-" and the like count as empty. None where it is not known.
    profile
        ``verified``, ``bio``, ``images``, ``artist_pick``, ``playlists`` and ``links``: a flag, a
        number or the thing itself; ``followers`` and ``monthly_listeners``: counts.
    listeners
        Counts of ``active``, ``previously_active`` and ``programmed`` listeners; or by source:
        ``editorial_playlists``, ``personalized_playlists``, ``radio``, ``autoplay`` and ``ai_dj``
        are programmed, ``artist_profile``, ``release_pages``, ``own_playlists`` and ``library``
        active.
    traffic
        One row a campaign, in any table: ``source``, ``listeners``, ``saves``, ``adds``,
        ``follows``, and ``spend`` or ``paid``. Organic rows say what is usual.
    signals
        Counts of genre tags, or weights of neighbours, by name; whole numbers are counts.
    plan
        Days on which something is planned, or was done. An empty list is no plan.
    today
        The day it is looked at.
    thresholds
        From where on a state is a blocker: conventions, where the article gives no number.
    rng
        Source of chance.

    Returns
    -------
    Finding
        Kind ``"audit"``. Over (check), the worst first: ``problem``, the probability that the
        blocker is there, 0 or 1 where it is a fact and NaN where it was not checked; ``severity``:
        ``blocks`` from a probability of 0.8, ``weakens`` from 0.5, ``fine`` or ``not checked``;
        ``evidence`` and ``fix``, in words. ``parts`` are the nine findings, in the article's order.

    Raises
    ------
    FindingError
        If a table has not the columns it needs, or a day, a count or a name cannot be one.

    References
    ----------
    .. [1] The source article, section 9: nine blockers with their reasons and fixes, and the
       operator rule.

    Examples
    --------
    >>> tracks = {"track": ["a", "b"], "release": ["x", "y"], "released": ["2026-01-09"] * 2}
    >>> found = co.audit("Oslo Choir", tracks=tracks, today="2026-03-01", rng=rng)
    >>> found.table["severity"].sel(check=["sparse catalogue", "long inactivity"]).values.tolist()
    ['blocks', 'fine']
    >>> found.headline
    'Oslo Choir is not ready to scale: 1 of 9 blockers blocks (sparse catalogue); 7 were not
     checked, of which these must be: incomplete metadata, incomplete profile, programmed
     audience.'
    """
    for what, given in {"profile": profile, "listeners": listeners, "signals": signals}.items():
        blockers.refuse_no_mapping(given, what)
    if not isinstance(thresholds, Thresholds):
        raise FindingError(
            f"thresholds is a {type(thresholds).__name__}; give Thresholds(...) of "
            "coterie.findings, or leave it out."
        )
    now = day(today, "today")
    if now is pd.NaT:
        raise FindingError(f"today is {today!r}, which is no day. {DATES}")
    catalogue = None if tracks is None else Catalogue.of(tracks, now)
    days = None if plan is None else days_of(_several(plan), "plan").dropna()
    rows = None if traffic is None else Traffic.of(traffic)
    parts = (
        blockers.sparse_catalogue(catalogue, thresholds),
        blockers.long_inactivity(catalogue, thresholds),
        blockers.weak_follower_base(profile, thresholds, rng=rng),
        blockers.muddy_adjacency(catalogue, signals, thresholds, rng=rng),
        blockers.incomplete_metadata(catalogue, thresholds),
        blockers.incomplete_profile(profile, thresholds),
        blockers.programmed_audience(listeners, thresholds, rng=rng),
        blockers.low_fit_traffic(rows, thresholds, rng=rng),
        blockers.missing_release_plan(catalogue, days, thresholds),
    )
    table = _table(parts)
    return Finding(
        kind="audit", headline=_headline(table, artist), table=table, parts=parts,
        caveats=_caveats(parts, _unread(catalogue, profile, listeners, thresholds)),
        provenance=_origin(artist, now, tracks=catalogue, thresholds=thresholds),
    )  # fmt: skip


def ready_to_scale(audit: Finding) -> bool:
    """Say whether nothing blocks, and what the operator rule asks for was looked at.

    Parameters
    ----------
    audit
        From :func:`coterie.audit`.

    Returns
    -------
    bool
        True when no blocker blocks, and metadata (is the catalogue intelligible?), profile (does
        it convert?) and listeners by segment (is the audience segmented?) were checked.

    Raises
    ------
    FindingError
        If it is no audit.

    Examples
    --------
    >>> from coterie.findings import ready_to_scale
    >>> ready_to_scale(co.audit("Ana", tracks=None, today="2026-03-01", rng=rng))
    False
    """
    blocked, unseen = in_the_way(audit)
    return not blocked and not unseen


def in_the_way(audit: Finding) -> tuple[list[str], list[str]]:
    """Return the checks that block, and those of the operator rule that were not looked at."""
    if not isinstance(audit, Finding) or audit.kind != "audit":
        kind = audit.kind if isinstance(audit, Finding) else type(audit).__name__
        raise FindingError(f"A {kind!r} is no audit. Give what co.audit returned.")
    severity = audit.table["severity"].to_series()
    blocked = [str(name) for name in severity.index[severity == "blocks"]]
    return blocked, [name for name in OPERATOR_RULE if severity[name] == _NOT_CHECKED]


def _several(plan: Any) -> list[Any]:
    """Return planned days as a list; one day is a plan of one."""
    if isinstance(plan, str | bytes | Mapping) or not hasattr(plan, "__iter__"):
        return [plan]
    return list(plan)


def _table(parts: Sequence[Finding]) -> xr.Dataset:
    order = sorted(parts, key=lambda part: _ORDER.index(str(part.severity)))
    words = {UNIT: "words"}
    says = {UNIT: "probability", "says": "how probable the blocker is"}
    return xr.Dataset(
        {
            "problem": (CHECK, [float(part.table["probability"]) for part in order], says),
            "severity": (CHECK, [str(part.severity) for part in order], words),
            "evidence": (CHECK, [part.provenance["evidence"] for part in order], words),
            "fix": (CHECK, [str(part.table["fix"].item()) for part in order], words),
        },
        coords={CHECK: [part.provenance["check"] for part in order]},
        attrs={"main": "problem"},
    )  # fmt: skip


def _headline(table: xr.Dataset, artist: Hashable) -> str:
    severity = table["severity"].to_series()
    size = len(severity)
    found = {s: [str(name) for name in severity.index[severity == s]] for s in _ORDER}
    blocked, weak, unseen = (found[s] for s in _ORDER[:3])
    told = []
    if blocked:
        verb = "blocks" if len(blocked) == 1 else "block"
        told.append(f"{len(blocked)} of {size} blockers {verb} ({', '.join(blocked)})")
    if weak:
        verb = "weakens" if len(weak) == 1 else "weaken"
        told.append(f"{len(weak)} {verb} ({', '.join(weak)})")
    rule = [name for name in OPERATOR_RULE if name in unseen]
    if unseen:
        must = f", of which these must be: {', '.join(rule)}" if rule else ""
        told.append(f"{len(unseen)} {'was' if len(unseen) == 1 else 'were'} not checked{must}")
    if not blocked and len(unseen) < size:
        told.insert(0, "nothing that was checked blocks")
    ready = "is not ready to scale" if blocked or rule else "is ready to scale"
    return f"{artist} {ready}: {'; '.join(told)}."


def _unread(
    tracks: Catalogue | None, profile: Any, listeners: Any, thresholds: Thresholds
) -> list[str]:
    """Return names that no check reads: they may be misspelled."""
    strange = blockers.unread(profile, (*thresholds.profile, *blockers.USED))
    strange += blockers.unread(listeners, (*blockers.SEGMENTS, *blockers.SOURCES), segments=True)
    columns = [] if tracks is None else [str(column) for column in tracks.frame.columns]
    wanted = {*thresholds.metadata, *blockers.COLUMNS}
    # A table of tracks may well have other columns: they are named where one of ours is missing.
    whole = wanted - {"isrc"} <= set(columns)
    return strange if whole else strange + [c for c in columns if c not in wanted]


def _caveats(parts: Sequence[Finding], strange: Sequence[str]) -> tuple[str, ...]:
    told = []
    unseen = [part for part in parts if part.severity == _NOT_CHECKED]
    if unseen:
        named = ", ".join(part.provenance["check"] for part in unseen)
        told.append(f"Not checked, which is not fine: {named}.")
    told.append(
        "The article names the blockers and gives no numbers: thresholds are conventions that can "
        "be stated otherwise, but for the usual third of active listeners and weeks 2 to 6."
    )
    if strange:
        told.append(f"Read by no check, and perhaps misspelled: {', '.join(strange[:8])}.")
    told += [f"{p.provenance['check'].capitalize()}: {c}" for p in parts for c in p.caveats]
    return tuple(told)


def _origin(
    artist: Hashable, today: Any, *, tracks: Catalogue | None, thresholds: Thresholds
) -> dict[str, Any]:
    held = {f.name: getattr(thresholds, f.name) for f in fields(thresholds)}
    return {
        "artist": str(artist), "today": f"{today:%Y-%m-%d}",
        "tracks": "not known" if tracks is None else len(tracks.frame),
        "thresholds": held,
    }  # fmt: skip
