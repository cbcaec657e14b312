"""Exports of Spotify for Artists: songs, timelines, playlists and campaigns.

Headers as in the files artists download. Songs and playlists say neither artist nor period; a
song's timeline does not even say the song: all three stand in file names only, which people change.
"""

from __future__ import annotations

from typing import Final

from coterie.evidence.exports.kinds import Field, Holds, Kind

VENDOR: Final = "spotify_for_artists"


def _one(name: str, holds: Holds, *words: str, unit: str = "", es: str = "") -> Field:
    spelled = {"en": words or (name,)} | ({"es": (es,)} if es else {})
    return Field(name, holds, spelled, unit)


_LISTENERS: Final = _one("listeners", "count", unit="people, each once in the period")
_STREAMS: Final = _one("streams", "count", unit="plays of 30 seconds or more")
_SAVES: Final = _one("saves", "count", unit="people")
_DATE: Final = _one("date", "date")

SONGS: Final = Kind(
    VENDOR,
    "songs",
    (_one("song", "label"), _LISTENERS, _STREAMS, _SAVES, _one("release_date", "date")),
    needs=frozenset({"song", "listeners", "streams"}),
    lacks=("artist", "period"),
    unreported={"streams": ("listeners", "saves")},
    named=("song",),
    counts={"listeners": "listeners", "streams": "streams", "saves": "saves"},
)

AUDIENCE: Final = Kind(
    VENDOR,
    "audience timeline",
    (
        _DATE,
        _LISTENERS,
        _one("monthly_listeners", "count", "monthly listeners", unit="people in 28 days"),
        _one("monthly_active_listeners", "count", "monthly active listeners", unit="people"),
        _one("super_listeners", "count", "super listeners", unit="people"),
        _STREAMS,
        _one("adds", "count", "playlist adds", unit="people"),
        _SAVES,
        _one("followers", "count", unit="people, all to date"),
    ),
    needs=frozenset({"date", "listeners", "streams", "followers"}),
    lacks=("artist",),
)

SONG_TIMELINE: Final = Kind(
    VENDOR,
    "song timeline",
    (_DATE, _STREAMS),
    needs=frozenset({"date", "streams"}),
    exact=True,
    lacks=("artist", "song"),
)

PLAYLISTS: Final = Kind(
    VENDOR,
    "playlists",
    (
        _one("playlist", "label", "title"),
        Field("curator", "label", {"en": ("author",)}, absent=frozenset({"-"})),
        _LISTENERS,
        _STREAMS,
        _one("date_added", "date"),
    ),
    needs=frozenset({"playlist", "curator", "listeners", "streams"}),
    lacks=("artist", "period"),
    named=("playlist", "curator"),
    counts={"listeners": "listeners", "streams": "streams"},
)

_OTHER: Final = "of the artist's other releases"
_REST: Final = "Artist's Other Releases"

CAMPAIGNS: Final = Kind(
    VENDOR,
    "campaigns",
    (
        _one("release_date", "date", "Release Date"),
        _one("start", "date", "Start Date"),
        _one("end", "date", "End Date"),
        _one("release", "label", "Release Name"),
        _one("campaign", "label", "Campaign Name"),
        _one("artist", "label", "Artist Name"),
        _one("format", "label", "Format"),
        _one("release_type", "label", "Release Type"),
        _one("country", "label", "Country Targeting"),
        _one("currency", "label", "Currency"),
        _one("tax_rate", "number", "Tax Rate", unit="part of the net amount"),
        _one("budget", "money", "Budget"),
        _one("budget_with_tax", "money", "Budget (incl. tax)"),
        _one("spend", "money", "Spend"),
        _one("spend_with_tax", "money", "Spend (incl. tax)"),
        _one("segment", "label", "Segment Targeting"),
        _one("reach", "count", "Reach", unit="people who saw it"),
        _one("clicks", "count", "Clicks"),
        _one("amplified_listeners", "count", "Amplified Listeners", unit="people"),
        _one("reactivated_listeners", "count", "Reactivated Listeners", unit="people"),
        _one("new_active_listeners", "count", "New Active Listeners", unit="people"),
        _one("light_listeners", "count", "Light Listeners (after converting)", unit="people"),
        _one("moderate_listeners", "count", "Moderate Listeners (after converting)", unit="people"),
        _one("super_listeners", "count", "Super Listeners (after converting)", unit="people"),
        _one(
            "converted_listeners", "count", "Converted Listeners",
            unit="people who played the release within 14 days of seeing it",
            es="Oyentes Convertidos",
        ),
        _one("conversion_rate", "share", "Conversion Rate", es="Tasa de conversión"),
        _one(
            "streams_per_listener", "number",
            "Active Streams Per Listener", "Streams Per Listener", unit="streams a listener",
        ),
        _one("intent_rate", "share", "Intent Rate", es="Tasa de intención"),
        _one("add_rate", "share", "Playlist Add Rate"),
        _one("adds", "count", "Playlist Adds", unit="people"),
        _one("save_rate", "share", "Save Rate"),
        _one("saves", "count", "Saves", unit="people"),
        _one("other_listeners", "count", f"Listeners of {_REST}", unit=f"people, {_OTHER}"),
        _one(
            "other_streams_per_listener", "number",
            f"Active Streams Per Listener for {_REST}", f"Streams Per Listener for {_REST}",
            unit=f"streams a listener, {_OTHER}",
        ),
        _one("other_saves", "count", f"Saves of {_REST}", unit=f"people, {_OTHER}"),
        _one("other_adds", "count", f"Playlist Adds of {_REST}", unit=f"people, {_OTHER}"),
    ),
    needs=frozenset({"campaign", "segment", "reach", "converted_listeners", "start", "end"}),
    day_first=False,
    named=("campaign", "segment"),
    counts={
        "listeners": "converted_listeners", "saves": "saves", "adds": "adds",
        "new_active": "new_active_listeners", "spend": "spend",
    },
    parents=("segment", frozenset({"all segments"})),
)  # fmt: skip

KINDS: Final = (SONGS, AUDIENCE, SONG_TIMELINE, PLAYLISTS, CAMPAIGNS)
