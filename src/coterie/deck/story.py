"""Story: which slides a belief or a finding is told in.

The answer for everybody first, then each artist who matters, then how sure all of it is. Callers
may trust that a headline says no more than the numbers under it, and that who has no slide is
in the tables. Draws nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from coterie import __version__, names
from coterie.deck.places import places
from coterie.deck.saying import everybody_sentence, say_calibration, update_sentence
from coterie.deck.sentences import WIDE, home_sentence, per_cent, per_people, plain, shortened
from coterie.deck.slides import COLUMNS, LINES, NOT_YET, ROWS, Bars, Lines, Map, Slide, Table
from coterie.deck.style import interval_in_words
from coterie.deck.telling import chart_of
from coterie.findings import chosen, of_twenty

if TYPE_CHECKING:
    from coterie.beliefs import Beliefs, Diagnosis
    from coterie.evidence import Outcome
    from coterie.findings import Finding

Audience = Literal["strategist", "analyst"]

FEATURED: Final = 6
"""Artists with a slide of their own, where none is named."""
_NOT_AHEAD: Final = "no cluster is surely ahead"
_UNSETTLED: Final = f"{NOT_YET}: the computation has not settled."
_TWENTY: Final = "20 equally likely outcomes"
_ELSEWHERE: Final = "none of these"
_ROW: Final = 34
_COLUMN: Final = 26
"""Letters of a name beside and above a map; the file of numbers has all of them."""
_PARTS: Final = {"value": "mean", "lower": "lower", "upper": "upper"}
_TITLE: Final = 4
"""Letters of a capitalised word that may be short for something: St, Mr, Prof."""
_SHORT_WORDS: Final = ("feat", "vs", "vol", "pt", "ft", "no")
_BELONGING: Final = {
    "one": "home is where the fit is highest, of these clusters and one unseen",
    "many": "an artist belongs where its fit is among the highest share that was stated",
}
_MOVES: Final = 4
"""Clusters whose belief is drawn through time."""


def of_beliefs(
    beliefs: Beliefs, artists: Sequence[Hashable] | None, audience: Audience
) -> list[Slide]:
    """Tell beliefs: everybody, then some artists, then how they came about.

    Parameters
    ----------
    beliefs
        With one home or many.
    artists
        Who gets slides of their own, in order; left out, those whose belief moved most.
    audience
        An analyst gets all numbers and the diagnosis as well.
    """
    table, found = places(beliefs), beliefs.diagnose()
    everyone = list(dict.fromkeys(table[names.ARTIST]))
    featured = _moved(table) if artists is None else chosen(artists, everyone, names.ARTIST)
    rates = beliefs.summary(artists=featured)
    notes = _notes(beliefs, rates.attrs, found)
    slides = []
    if len(everyone) > 1:
        slides.append(_everybody(table, str(beliefs.homes), notes))
    all_rates = audience == "analyst" or len(featured) == 1
    for artist in featured:
        rows = table[table[names.ARTIST] == artist]
        own = rates[rates[names.ARTIST] == artist]
        slides.append(_home(artist, rows, str(beliefs.homes), notes, _people(beliefs, own)))
        slides += _through_time(beliefs, artist, rows, notes)
        told = _rates(beliefs, artist, own, rows, notes)
        # A slide without an answer is for those who ask for all numbers.
        slides += [told] if all_rates or _NOT_AHEAD not in told.headline else []
    if audience == "analyst":
        slides += _all_numbers(table, notes)
    last = _trust(found, notes)
    if not found.ok:
        slides = [replace(slide, sure=f"{_UNSETTLED} {slide.sure}") for slide in slides]
    return [replace(slide, sure=slide.sure.replace(" %", "\u00a0%")) for slide in [*slides, last]]


def of_finding(finding: Finding) -> Slide:
    """Tell a finding: its headline, its numbers, its first doubt.

    Parameters
    ----------
    finding
        Any.
    """
    frame = finding.to_frame()
    notes = [
        f"{key.capitalize().replace('_', ' ')}: {_said(value)}"
        for key, value in finding.provenance.items()
        if key != "rng_of_fit" and _said(value)
    ]
    notes += [f"Caveat: {line}" for line in finding.caveats]
    sure = finding.caveats[0] if finding.caveats else "No caveats were noted."
    said = say_calibration(finding) if finding.kind == "backtest" else finding.headline
    headline, rest = _first_sentence(said)
    notes = [f"In full: {finding.headline}", *notes] if rest or said != finding.headline else notes
    chart, left = chart_of(finding)
    if left:
        sure += f" {left:,} more rows are in the file of numbers."
    alt = f"A table of {len(chart.frame)} rows."
    if isinstance(chart, Map):
        sure = f"Numbers are of {_TWENTY}; a dot is fewer than 1. {sure}"
        alt = f"A table of {len(chart.frame)} by {chart.frame.shape[1]}, shaded by probability."
    if isinstance(chart, Bars):
        alt = f"Bars of {chart.value}: " + "; ".join(
            f"{r.label} {r.text}" for r in chart.frame.itertuples()
        )
    return Slide(headline, chart, sure, alt, tuple(notes), slug(finding.kind), frame)


def _said(value: Any) -> str:
    """Write a setting in words: no brackets, and nothing where there is nothing."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _first_sentence(text: str) -> tuple[str, str]:
    """Split off the first sentence; the stop of an initial or a title ends none."""
    for stop in re.finditer(r"\. (?=[A-Z0-9'\"])", text):
        word = text[: stop.start()].rpartition(" ")[2]
        if len(word) > _TITLE or (word.islower() and word not in _SHORT_WORDS) or word.isdigit():
            return text[: stop.start() + 1], text[stop.end() :]
    return text, ""


def _everybody(table: pd.DataFrame, homes: str, notes: tuple[str, ...]) -> Slide:
    """One map of all artists, the surest first."""
    wide = table.pivot_table(index=names.ARTIST, columns=names.CLUSTER, values="belief", sort=False)
    spread = table.assign(width=table["upper"] - table["lower"]).pivot_table(
        index=names.ARTIST, columns=names.CLUSTER, values="width", sort=False
    )
    inside = wide.drop(columns=names.ELSEWHERE, errors="ignore")
    best, top = inside.idxmax(axis=1), inside.max(axis=1)
    order = top.sort_values(ascending=False, kind="stable").index
    # What the artists shown are believed to be in comes first, then what all are.
    firsts = [*best.loc[order[:LINES]], *inside.sum().sort_values(ascending=False).index]
    columns = list(dict.fromkeys(firsts))[:COLUMNS]
    shown, unsure = inside.loc[order[:LINES], columns], spread.loc[order[:LINES], columns] > WIDE
    left = inside.drop(columns=columns).loc[shown.index]
    if left.shape[1]:
        name = f"{left.shape[1]} others" + (" together" if homes == "one" else ", the likeliest")
        shown[name] = left.sum(axis=1) if homes == "one" else left.max(axis=1)
        # A sum of what is not settled is not settled either.
        unsure[name] = (spread.loc[shown.index, left.columns] > WIDE).any(axis=1)
    if names.ELSEWHERE in wide:
        shown[_ELSEWHERE] = wide.loc[shown.index, names.ELSEWHERE]
        unsure[_ELSEWHERE] = spread.loc[shown.index, names.ELSEWHERE] > WIDE
    more = "" if len(order) <= LINES else f" Shown: the {LINES} we are surest of."
    sure = (
        f"Numbers are of {_TWENTY}, rounded; a dot is fewer than 1, ? is not settled: an interval "
        f"wider than half ({_interval(table)}).{more}"
    )
    shown.index = unsure.index = [shortened(label, _ROW) for label in shown.index]
    shown.columns = unsure.columns = [shortened(label, _COLUMN) for label in shown.columns]
    alt = f"A table of {len(shown)} artists by {shown.shape[1]} clusters, shaded by probability."
    frame = wide.loc[order].reset_index()
    return Slide(
        everybody_sentence(table, homes), Map(shown, unsure, "artist", "cluster"), sure, alt,
        notes, "everybody", frame,
    )  # fmt: skip


def _home(
    artist: Hashable, rows: pd.DataFrame, homes: str, notes: tuple[str, ...], people: str
) -> Slide:
    """Where one artist belongs, before and now."""
    ordered = rows.sort_values("belief", ascending=False, kind="stable")
    outer = ordered[names.CLUSTER] == names.ELSEWHERE
    inside, outside = ordered[~outer], ordered[outer]
    kept = inside.head(ROWS - len(outside) - (len(inside) > ROWS - len(outside)))
    left = inside.iloc[len(kept) :]
    frame = _bars(kept, "belief")
    if len(left) and homes == "one":
        rest = {"value": left["belief"].sum(), "before": left["prior"].sum()}
        frame.loc[len(frame)] = {
            "label": f"{len(left)} others together", "lower": np.nan, "upper": np.nan,
            "text": of_twenty(min(float(rest["value"]), 1.0)), **rest,
        }  # fmt: skip
    if len(outside):
        last = _bars(outside, "belief").assign(label=_ELSEWHERE)
        frame = pd.concat([frame, last], ignore_index=True)
    first = ordered.iloc[0]
    where = _ELSEWHERE if first[names.CLUSTER] == names.ELSEWHERE else first[names.CLUSTER]
    sure = (
        f"Before the evidence, {where} had {of_twenty(first['prior'])}. Now "
        f"{per_cent(first['belief'])}; as far as all artists together tell, between "
        f"{per_cent(first['lower'])} and {per_cent(first['upper'])} ({_interval(rows)}). {people}."
    )
    if len(left) and homes == "many":
        sure += f" {len(left)} less likely clusters are not shown."
    alt = f"Bars of {len(frame)} places: " + "; ".join(
        f"{r.label} {r.text}" for r in frame.itertuples()
    )
    value = "of 20 equally likely outcomes, rounded, now"
    return Slide(
        home_sentence(artist, rows, homes), Bars(frame, value, "before the evidence"), sure, alt,
        notes, f"home-{slug(artist)}", ordered,
    )  # fmt: skip


def _bars(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": [plain(label) for label in rows[names.CLUSTER]],
            "value": rows[value].to_numpy(),
            "lower": rows["lower"].to_numpy(),
            "upper": rows["upper"].to_numpy(),
            "before": rows["prior"].to_numpy(),
            "text": [of_twenty(p) for p in rows[value]],
        }
    )


def _through_time(
    beliefs: Beliefs, artist: Hashable, rows: pd.DataFrame, notes: tuple[str, ...]
) -> list[Slide]:
    """How the belief moved, if it ever was updated."""
    past = beliefs.history
    if past.sizes["update"] < 2 or artist not in past[names.ARTIST].to_numpy():  # noqa: PLR2004 - a fit alone is no way
        return []
    best = rows[rows[names.CLUSTER] != names.ELSEWHERE].nlargest(_MOVES, "belief")[names.CLUSTER]
    own = past.sel({names.ARTIST: artist})
    steps = ["prior", *_dated(past["until"].values)]
    parts = []
    for cluster in best:
        line = own.sel({names.CLUSTER: cluster})
        before = float(line["prior"].dropna("update")[0])
        parts.append(
            pd.DataFrame(
                {
                    "step": steps, "series": str(cluster),
                    **{
                        column: [before, *line[part].to_numpy().tolist()]
                        for column, part in _PARTS.items()
                    },
                }
            )
        )  # fmt: skip
    frame = pd.concat(parts, ignore_index=True)
    lead = own.sel({names.CLUSTER: best.iloc[0]})
    headline = update_sentence(artist, best.iloc[0], lead)
    words = interval_in_words(past.attrs)
    sure = f"Bars are {words}s; each reading takes in the rows that had come by its date."
    alt = f"Lines of {len(best)} clusters through {len(steps)} readings."
    return [Slide(headline, Lines(frame, "probability"), sure, alt, notes,
                  f"updates-{slug(artist)}", frame)]  # fmt: skip


def _dated(until: Any) -> list[str]:
    """Name updates by the last day of their rows; a correction has the day of what it corrects."""
    seen: Counter[str] = Counter()
    told = []
    for i, each in enumerate(until):
        day = str(each) or f"update {i}"
        seen[day] += 1
        told.append(day if seen[day] == 1 else f"{day} ({seen[day]})")
    return told


def _rates(
    beliefs: Beliefs, artist: Hashable, own: pd.DataFrame, rows: pd.DataFrame,
    notes: tuple[str, ...],
) -> Slide:  # fmt: skip
    """Say what people of each cluster do: the first outcome that tells of membership."""
    outcome = _first(beliefs)
    name = outcome.name
    places_ = own.sort_values(f"{name}_rate", ascending=False, kind="stable")
    people = outcome.kind == "binary"
    told = [per_people(v) if people else f"{v:.2g}" for v in places_[f"{name}_rate"]]
    frame = pd.DataFrame(
        {
            "label": [plain(label) for label in places_[names.CLUSTER]],
            "value": places_[f"{name}_rate"].to_numpy(),
            "lower": places_[f"{name}_lower"].to_numpy(),
            "upper": places_[f"{name}_upper"].to_numpy(),
            "text": told,
        }
    )
    unit = "" if people else str(outcome.denominator)
    headline = _of_rates(
        f"Rate of {name}, {plain(artist)}", frame, "" if people else f" events a {unit}"
    )
    left = len(frame) - ROWS
    if left > 0:
        # The highest, and the lowest that the headline speaks of.
        frame = pd.concat([frame.head(ROWS - 1), frame.tail(1)], ignore_index=True)
    home = rows[names.CLUSTER].to_list()[int(rows["belief"].argmax())]
    counted = own.set_index(names.CLUSTER)[f"{name}_n"]
    sure = (
        f"The next comparable release; lines are {_interval(own)}s. Counted so far: "
        f"{counted.sum():,.0f} in all"
        + (f", {counted[home]:,.0f} of them in {home}." if home in counted else ".")
    )
    if left > 0:
        sure += f" {left} between the last two are not shown."
    alt = f"Bars of {name} in {len(frame)} clusters: " + "; ".join(
        f"{r.label} {r.text}" for r in frame.itertuples()
    )
    value = f"{name}: share of people" if people else f"{name}: events a {unit}"
    most = float(np.nanmax(frame["upper"]))
    return Slide(headline, Bars(frame, value, most=most), sure, alt, notes,
                 f"rates-{slug(artist)}", own)  # fmt: skip


def _of_rates(what: str, frame: pd.DataFrame, unit: str) -> str:
    """Say where a rate is highest and lowest, if the intervals are apart."""
    top, low = frame.iloc[0], frame.iloc[-1]
    said = f"{what}: {top['text']}{unit} in {top['label']}"
    if len(frame) == 1:
        return said
    level = int((frame["upper"].iloc[1:] >= top["lower"]).sum())
    if not top["lower"] > low["upper"]:
        return (
            f"{what}: {_NOT_AHEAD}; from {low['text']} in {low['label']} to "
            f"{top['text']}{unit} in {top['label']}, intervals overlap"
        )
    near = "ahead of all others" if level == 0 else f"not surely ahead of {level} others"
    near = near.removesuffix("s") if level == 1 else near
    return f"{said}, {near}; {low['text']} in {low['label']}"


def _all_numbers(table: pd.DataFrame, notes: tuple[str, ...]) -> list[Slide]:
    """All beliefs in tables, as many pages as it takes."""
    told = pd.DataFrame(
        {
            "artist": table[names.ARTIST].astype(str),
            "cluster": table[names.CLUSTER].astype(str).replace(names.ELSEWHERE, _ELSEWHERE),
            "before": table["prior"].map(per_cent),
            "belief": table["belief"].map(per_cent),
            "interval": [
                f"{per_cent(a)} to {per_cent(b)}"
                for a, b in zip(table["lower"], table["upper"], strict=True)
            ],
        }
    )
    pages = -(-len(told) // LINES)
    return [
        Slide(
            f"All beliefs, {i + 1} of {pages}", Table(told.iloc[i * LINES : (i + 1) * LINES]),
            f"Intervals: {_interval(table)}.", "A table of beliefs.", notes, f"all-{i + 1:03d}",
            table.iloc[i * LINES : (i + 1) * LINES],
        )
        for i in range(pages)
    ]  # fmt: skip


def _trust(found: Diagnosis, notes: tuple[str, ...]) -> Slide:
    """Say what all of it rests on."""
    facts = [(note.partition(": ")[0], note.partition(": ")[2]) for note in notes]
    frame = pd.DataFrame(facts, columns=["what", "this deck"])
    headline = (
        "How sure is this? The computation has settled; what remains is in the intervals"
        if found.ok
        else f"{NOT_YET}: the computation has not settled"
    )
    return Slide(headline, Table(frame), found.lines[0], "A table of what the deck rests on.",
                 notes, "how-sure", frame)  # fmt: skip


def _moved(table: pd.DataFrame) -> list[Any]:
    distance = (table["belief"] - table["prior"]).abs().groupby(table[names.ARTIST], sort=False)
    return list(distance.sum().nlargest(FEATURED).index)


def _people(beliefs: Beliefs, own: pd.DataFrame) -> str:
    """Say how many people, or how much exposure, an artist's evidence is."""
    first = _first(beliefs)
    return f"{own[f'{first.name}_n'].sum():,.0f} {first.denominator} counted"


def _first(beliefs: Beliefs) -> Outcome:
    """Return the outcome that a deck tells of: the first that tells of membership."""
    told = beliefs.evidence.outcomes
    return next((outcome for outcome in told if outcome.informs), told[0])


def _notes(beliefs: Beliefs, attrs: Any, found: Diagnosis) -> tuple[str, ...]:
    """Say method, n, window, kind of interval, data cut and caveats: a line each."""
    evidence, tree = beliefs.evidence, beliefs.tree
    counts = evidence.counts
    days = "no dates stated"
    if names.PERIOD_START in counts.coords:
        ends = [counts[n].to_numpy() for n in (names.PERIOD_START, names.PERIOD_END)]
        first, last = (np.datetime_as_string(d, unit="D") for d in (ends[0].min(), ends[1].max()))
        days = f"{first} to {last}"
    size = tree[names.POSTERIOR].sizes
    homes = "one home, or none of these" if beliefs.homes == "one" else "any number of clusters"
    told = [
        f"Question: which clusters each artist belongs in ({homes})",
        f"Evidence: {len(evidence):,} rows; artists: {len(evidence.artists):,}, clusters: "
        f"{len(evidence.clusters):,}",
        f"Data cut: {days}" + (f", windows of {evidence.window}" if evidence.window else ""),
        f"Outcomes: {', '.join(o.name for o in evidence.outcomes)}",
        "Method: hierarchical Beta-Binomial and Gamma-Poisson model of lasting fits; "
        f"{_BELONGING[str(beliefs.homes)]} "
        f"(coterie {__version__}, {size[names.CHAIN]} chains of {size[names.DRAW]:,} draws)",
        f"Interval: {interval_in_words(attrs)}; that of a belief says how far the population "
        "is settled",
        f"Made: {str(tree.attrs.get('coterie_created', 'not stated'))[:10]}",
    ]
    if evidence.half_life is not None:
        told.append(f"Forgetting: evidence counts half after {evidence.half_life.days:g} days")
    maturity = attrs.get("maturity") or ()
    told += [f"Late answers: {line}" for line in maturity]
    return (*told, *(f"{'Computation' if found.ok else 'Caveat'}: {line}" for line in found.lines))


def _interval(table: pd.DataFrame) -> str:
    return interval_in_words({str(k): v for k, v in table.attrs.items()})


def slug(label: Hashable) -> str:
    """Return a label as part of a file's name: letters, digits and dashes of any script."""
    return re.sub(r"[^\w]+", "-", str(label)).strip("-_").lower()[:40] or "unnamed"
