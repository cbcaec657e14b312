"""Exports of YouTube Studio, Apple Music for Artists and DistroKid."""

from __future__ import annotations

from typing import Final

from coterie.evidence.exports.kinds import Field, Holds, Kind, Total


def _one(name: str, holds: Holds, *words: str, unit: str = "") -> Field:
    return Field(name, holds, {"en": words}, unit)


YOUTUBE: Final = Kind(
    "youtube_studio",
    "videos",
    (
        _one("video_id", "label", "Content", "Video"),
        _one("video", "label", "Video title"),
        _one("published", "date", "Video publish time"),
        _one("duration", "number", "Duration", unit="seconds"),
        _one("views", "count", "Views"),
        _one("watch_hours", "number", "Watch time (hours)", unit="hours"),
        _one("subscribers", "number", "Subscribers", unit="people gained less people lost"),
        _one(
            "impressions", "count", "Impressions", "Thumbnail impressions",
            unit="thumbnails shown",
        ),
        _one(
            "impressions_ctr", "share", "Impressions click-through rate (%)",
            "Thumbnail impressions click-through rate (%)",
        ),
    ),
    needs=frozenset({"video_id", "video", "views", "impressions"}),
    totals=(Total("total"),),
    lacks=("artist", "period"),
    named=("video_id", "video"),
)  # fmt: skip

APPLE: Final = Kind(
    "apple_music_for_artists",
    "songs",
    (
        _one("song", "label", "Song"),
        _one("plays", "count", "Plays"),
        _one(
            "average_daily_listeners", "number", "Avg. Daily Listeners",
            unit="people a day on average: no count of people",
        ),
        _one("shazams", "count", "Shazams"),
        _one("radio_spins", "count", "Radio Spins"),
        _one("purchases", "count", "Purchases"),
    ),
    needs=frozenset({"song", "plays", "average_daily_listeners"}),
    lacks=("artist", "period"),
    named=("song",),
)  # fmt: skip

DISTROKID: Final = Kind(
    "distrokid",
    "bank details",
    (
        _one("inserted", "date", "Date Inserted"),
        _one("reported", "date", "Reporting Date"),
        _one("month", "month", "Sale Month", unit="first day of the month"),
        _one("store", "label", "Store"),
        _one("artist", "label", "Artist"),
        _one("song", "label", "Title"),
        _one("isrc", "label", "ISRC"),
        _one("upc", "label", "UPC"),
        _one("quantity", "number", "Quantity", unit="streams or sales, less returns"),
        _one("team_percentage", "share", "Team Percentage"),
        _one("source_type", "label", "Source Type", "Song/Album"),
        _one("country", "label", "Country of Sale"),
        _one("royalties_withheld", "money", "Songwriter Royalties Withheld"),
        _one("earnings", "money", "Earnings"),
        _one("recoup", "money", "Recoup"),
    ),
    needs=frozenset({"month", "store", "artist", "song", "quantity", "earnings"}),
)

KINDS: Final = (YOUTUBE, APPLE, DISTROKID)
