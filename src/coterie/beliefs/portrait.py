"""Portrait: beliefs in a few lines, for a person at a prompt or in a notebook.

Text and HTML say the same facts, the question first and last whether to trust the
answer. Everything that came from outside is cut short and escaped.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs.diagnosis import Diagnosis

_QUESTION: Final = {
    "one": "Which one cluster is each artist's home?",
    "many": "Which clusters does each artist belong in?",
    None: "How do listeners answer, without asking who belongs where?",
}
_SURE: Final = 6
_LIKELY: Final = 0.5
_SURE_IN_HTML: Final = 20
_WIDE: Final = 28
_LONG: Final = 110

type _Homes = Literal["one", "many"] | None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What both portraits say: question, sizes, mode, a table with its caption, trust."""

    question: str
    sizes: list[str]
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    caption: str
    told: str
    trust: str
    found: tuple[str, ...]


def in_words(tree: xr.DataTree, homes: _Homes, diagnosis: Diagnosis) -> str:
    """Describe beliefs in text, under 25 lines."""
    facts = _facts(tree, homes, diagnosis, _SURE)
    lines = [f"<coterie.Beliefs> {facts.question}", *(f"  {line}" for line in facts.sizes)]
    lines += [f"  {line}" for line in _aligned([facts.header, *facts.rows])] if facts.rows else []
    lines += [f"  ({facts.caption})"] if facts.rows else []
    lines += [f"  Do the counts tell clusters apart? {facts.told}"] if facts.told else []
    return "\n".join([*lines, f"  Have the draws converged? {facts.trust}"])


def in_html(tree: xr.DataTree, homes: _Homes, diagnosis: Diagnosis) -> str:
    """Describe beliefs in HTML: the same facts, everything escaped, no script."""
    facts = _facts(tree, homes, diagnosis, _SURE_IN_HTML)
    mark = "coterie-beliefs"
    sizes = "".join(f"<li>{html.escape(line)}</li>" for line in facts.sizes)
    found = "".join(f"<li>{html.escape(line)}</li>" for line in facts.found)
    return (
        f"<pre class='{mark}-text'>{html.escape(in_words(tree, homes, diagnosis))}</pre>"
        f"<div class='{mark}' hidden>{_style(mark)}"
        f"<strong>coterie.Beliefs</strong> {html.escape(facts.question)}{_table(facts)}"
        f"<p>{html.escape(facts.told)}</p>"
        f"<p><b>Have the draws converged?</b> {html.escape(facts.trust)}</p>"
        f"<details><summary>Made of</summary><ul>{sizes}</ul></details>"
        f"<details><summary>Diagnosis</summary><ul>{found}</ul></details></div>"
    )


def _facts(tree: xr.DataTree, homes: _Homes, diagnosis: Diagnosis, most: int) -> _Facts:
    from arviz_base import rcParams

    kind, prob = str(rcParams["stats.ci_kind"]), float(rcParams["stats.ci_prob"])
    rows = [] if homes is None else _surest(tree, homes, most, (kind, prob))
    artists = tree[names.POSTERIOR].dataset.sizes.get(names.ARTIST, 0)
    caption = (
        f"the {len(rows)} artists we are surest of, of {artists:,}; interval: "
        f"{100 * prob:.3g}% {kind}, how far the population is settled"
    )
    word = "home" if homes == "one" else "cluster"
    return _Facts(
        question=_QUESTION[homes],
        sizes=[_cut(line, _LONG) for line in _sizes(tree, homes)],
        header=("artist", word, "prior", "belief", "interval"),
        rows=rows,
        caption=caption,
        told="" if homes is None else _told(tree, homes),
        trust=_trust(diagnosis),
        found=diagnosis.lines,
    )


def _trust(diagnosis: Diagnosis) -> str:
    more = len(diagnosis.lines) - 1
    rest = f" And {more} more in .diagnose()." if more else ""
    return f"{'Yes' if diagnosis.ok else 'Not yet'}. {_cut(diagnosis.lines[0], 400)}{rest}"


def _told(tree: xr.DataTree, homes: _Homes) -> str:
    """Say how far the counts tell homes apart: nothing of this is a matter of convergence."""
    group = tree[names.BELIEFS].dataset
    mean = group[names.HOME if homes == "one" else names.MEMBERSHIP].mean((names.CHAIN, names.DRAW))
    prior = tree[names.PRIOR].dataset["prior"].transpose(*mean.dims).to_numpy()
    leader = mean.to_numpy().argmax(axis=1)[:, None]
    own, stated = (np.take_along_axis(v, leader, axis=1) for v in (mean.to_numpy(), prior))
    sure = int((own >= _LIKELY).sum())
    return (
        f"{sure:,} of {own.size:,} artists have a cluster believed in with {_LIKELY:.0%} or more; "
        f"leading beliefs are {own.mean():.2f} on average, and were {stated.mean():.2f} before."
    )


def _sizes(tree: xr.DataTree, homes: _Homes) -> list[str]:
    posterior, ledger = tree[names.POSTERIOR].dataset, tree[names.LEDGER].dataset
    sizes, rows = posterior.sizes, ledger.sizes[names.ROW]
    artists, clusters = sizes.get(names.ARTIST, 0), sizes.get(names.CLUSTER, 0)
    head = f"{artists:,} artists x {clusters:,} clusters, {rows:,} rows{_period(ledger)}"
    window = str(tree.attrs.get("coterie_window", "") or "")
    head += f", windows of {window}" if window not in ("", "null", "None") else ""
    outcomes = ", ".join(map(str, ledger[names.OUTCOME].to_numpy().tolist()))
    if names.DELAY in posterior:
        days = posterior[names.DELAY].mean((names.CHAIN, names.DRAW))
        late = days.isel({names.OUTCOME: np.flatnonzero(days > 0)})
        told = [
            f"{o} by {float(v):.0f} days" for o, v in zip(late.outcome.values, late, strict=True)
        ]
        outcomes += f"; late on average: {', '.join(told)}"
    drawn = f"{sizes[names.CHAIN]} chains x {sizes[names.DRAW]:,} draws"
    return [head, f"outcomes: {outcomes}", f"{_mode(tree, homes)}; {drawn}{_thinned(tree, sizes)}"]


def _period(ledger: xr.Dataset) -> str:
    if names.PERIOD_START not in ledger:
        return ""
    first, last = ledger[names.PERIOD_START].to_numpy(), ledger[names.PERIOD_END].to_numpy()
    days = np.datetime_as_string(np.array([first.min(), last.max()]), unit="D")
    return f", {days[0]} to {days[1]}"


def _mode(tree: xr.DataTree, homes: _Homes) -> str:
    if homes is None:
        return "no membership"
    if homes == "many":
        return "many homes, each a probability of its own"
    elsewhere = tree[names.PRIOR].dataset.get(names.ELSEWHERE)
    before = "" if elsewhere is None else f" ({float(elsewhere.mean()):.2g} before the evidence)"
    return f"one home, or elsewhere{before}"


def _thinned(tree: xr.DataTree, sizes: Any) -> str:
    if names.BELIEFS not in tree.children:
        return ""
    # Beliefs without membership are an empty group once saved and loaded.
    kept = tree[names.BELIEFS].dataset.sizes.get(names.DRAW, sizes[names.DRAW])
    return "" if kept == sizes[names.DRAW] else f", beliefs on {kept:,} of each chain"


def _surest(
    tree: xr.DataTree, homes: _Homes, most: int, interval: tuple[str, float]
) -> list[tuple[str, ...]]:
    """Each artist's likeliest place, for those where it is likeliest."""
    from arviz_stats.base import array_stats

    beliefs, prior = tree[names.BELIEFS].dataset, tree[names.PRIOR].dataset
    name = names.HOME if homes == "one" else names.MEMBERSHIP
    order = (names.CHAIN, names.DRAW, names.ARTIST, names.CLUSTER)
    draws = beliefs[name].transpose(*order)
    means = draws.mean(order[:2], dtype=np.float64).to_numpy()
    if homes == "one":
        away = beliefs[names.ELSEWHERE].transpose(*order[:3])
        outside = away.mean(order[:2], dtype=np.float64).to_numpy()
        means = np.concatenate([means, outside[:, None]], axis=1)
    best = means.argmax(axis=1)
    top = np.argsort(-means.max(axis=1), kind="stable")[:most]
    measure = array_stats.hdi if interval[0] == "hdi" else array_stats.eti
    rows: list[tuple[str, ...]] = []
    for artist in top.tolist():
        place = int(best[artist])
        inside = place < draws.sizes[names.CLUSTER]
        own = (
            draws.isel({names.ARTIST: artist, names.CLUSTER: place})
            if inside
            else away[{names.ARTIST: artist}]
        )
        label, cluster = _named(beliefs, artist, place if inside else None)
        values = own.to_numpy().astype(np.float64).ravel()
        lower, upper = np.asarray(measure(values, interval[1]))
        lower, upper = min(lower, means[artist, place]), max(upper, means[artist, place])
        before = _before(prior, beliefs, artist, place if inside else None)
        rows.append(
            (label, cluster, _share(before), _share(means[artist, place]),
             f"{_share(lower)} to {_share(upper)}")
        )  # fmt: skip
    return rows


def _named(beliefs: xr.Dataset, artist: int, place: int | None) -> tuple[str, str]:
    label = str(beliefs[names.ARTIST].to_numpy()[artist])
    cluster = names.ELSEWHERE if place is None else str(beliefs[names.CLUSTER].to_numpy()[place])
    return _cut(label, _WIDE), _cut(cluster, _WIDE)


def _before(prior: xr.Dataset, beliefs: xr.Dataset, artist: int, place: int | None) -> float:
    if place is None:
        return float(prior[names.ELSEWHERE].mean()) if names.ELSEWHERE in prior else np.nan
    found = {dim: pd.Index(prior[dim].to_numpy()) for dim in (names.ARTIST, names.CLUSTER)}
    row = found[names.ARTIST].get_loc(beliefs[names.ARTIST].to_numpy()[artist])
    column = found[names.CLUSTER].get_loc(beliefs[names.CLUSTER].to_numpy()[place])
    return float(prior["prior"].transpose(names.ARTIST, names.CLUSTER).to_numpy()[row, column])


def _share(value: float) -> str:
    return f"{value:.2f}" if 0.005 <= value <= 0.995 or value in (0, 1) else _extreme(value)  # noqa: PLR2004 - what two figures can tell


def _extreme(value: float) -> str:
    if np.isnan(value):
        return "?"
    return "< 0.01" if value < 0.5 else "> 0.99"  # noqa: PLR2004


def _cut(text: str, most: int) -> str:
    """One line of printable letters, no longer than stated."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= most else line[: most - 3] + "..."


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _table(facts: _Facts) -> str:
    if not facts.rows:
        return ""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in facts.header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in facts.rows
    )
    return (
        f"<table><caption>{html.escape(facts.caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _style(mark: str) -> str:
    # A notebook that is not trusted drops the style, and shows the text instead.
    ink = "var(--jp-content-font-color1, var(--pst-color-text-base, inherit))"
    return (
        f"<style>.{mark}-text {{ display: none; }} .{mark} {{ display: block !important; "
        f"color: {ink}; }} .{mark} td, .{mark} th {{ text-align: left; padding: 0 1em 0 0; }} "
        f".{mark} caption {{ caption-side: bottom; text-align: left; opacity: 0.75; }}</style>"
    )
