"""Beliefs as a picture sees them: a belief table, a ledger and draws of elsewhere, all made up."""

import warnings
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import coterie as co

LONG = "late-night headphones, indie adjacent"
NAMES = [
    LONG, "gym", "indie pop", "deep focus and study, mostly instrumental", "school run",
    "dinner with friends (jazz, soul)", "Neo-Soul", "first coffee", "k-pop", "long drive home",
    "campfire and acoustic covers", "90s R&B", "rainy sunday", "warehouse techno 4am", "folk",
    "film scores", "running 170 bpm", "bedroom producers", "latin summer", "metalcore",
]  # fmt: skip
OUTCOMES = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
)


UNSETTLED = 13


def made_up(*, artists=6, clusters=8, homes="one", seed=1, updates=0):
    """Return what a picture asks of beliefs, with numbers that hang together."""
    rng = np.random.default_rng(seed)
    people = [f"artist {i}" for i in range(artists - 1)] + ["The Very Long Named Ensemble of Köln"]
    places = NAMES[:clusters]
    share = rng.dirichlet(np.full(clusters + 1, 0.3), size=artists)
    drawn = [rng.dirichlet(40 * own + 0.02, size=60) for own in share]
    draws = np.stack(drawn, axis=1).reshape(2, 30, artists, clusters + 1)
    frame = _rows(people, places, rng)
    with warnings.catch_warnings(action="ignore", category=co.EvidenceWarning):
        evidence = co.Evidence.from_frame(frame, outcomes=OUTCOMES)  # some rows out of nobody
    prior = 0.9 / clusters if homes == "one" else 0.2
    return SimpleNamespace(
        homes=homes,
        evidence=evidence,
        **{"home" if homes == "one" else "membership": _labelled(draws, people, places)},
        elsewhere=xr.DataArray(
            draws[..., -1], dims=("chain", "draw", "artist"), coords={"artist": people}
        ),
        tree=_tree(prior),
        history=_history(draws, people, places, prior, updates),
        diagnose=lambda: SimpleNamespace(
            ok=seed != UNSETTLED, lines=("Settled: two chains agree.",)
        ),
        to_frame=lambda: _means(_summary(frame, draws, prior, homes, None)),
        summary=lambda *, artists=None, prob=None: _chosen(
            _summary(frame, draws, prior, homes, prob), artists
        ),
    )


def _tree(prior):
    posterior = xr.Dataset(coords={"chain": range(2), "draw": range(30)})
    before = xr.Dataset({"elsewhere": 0.1, "prior": prior})
    tree = xr.DataTree.from_dict({"prior": before, "posterior": posterior})
    tree.attrs["coterie_created"] = "2026-01-05T00:00:00+00:00"
    return tree


def _means(table):
    return table.rename(columns={"home": "mean", "membership": "mean"})


def _history(draws, people, places, prior, updates):
    """Beliefs that came a step nearer to those of now with each reading."""
    now = draws[..., :-1].reshape(60, len(people), len(places)).mean(axis=0)
    way = np.linspace(0.3, 1.0, updates + 1)[:, None, None]
    mean = prior + way * (now - prior)
    dims = ("update", "artist", "cluster")
    tables = {"prior": mean * 0 + prior, "mean": mean, "lower": mean * 0.6, "upper": mean**0.5}
    until = [f"2026-0{i + 1}-28" for i in range(updates + 1)]
    return xr.Dataset(
        {name: (dims, values) for name, values in tables.items()},
        coords={
            "update": range(updates + 1), "artist": people, "cluster": places,
            "until": ("update", until),
        },
        attrs={"ci_kind": "eti", "ci_prob": 0.89},
    )  # fmt: skip


def _labelled(draws, people, places):
    dims = ("chain", "draw", "artist", "cluster")
    return xr.DataArray(draws[..., :-1], dims=dims, coords={"artist": people, "cluster": places})


def _chosen(table, artists):
    if artists is None:
        return table
    attrs = table.attrs
    table = pd.concat([table[table["artist"] == artist] for artist in artists], ignore_index=True)
    table.attrs = attrs
    return table


def _rows(people, places, rng):
    index = pd.MultiIndex.from_product([people, places], names=["artist", "cluster"])
    frame = index.to_frame(index=False)
    frame["listeners"] = rng.integers(0, 3000, len(frame)) * (rng.random(len(frame)) < 0.85)
    frame.loc[0, "listeners"] = 3
    frame["saves"] = rng.binomial(frame["listeners"], 0.08)
    frame.loc[0, "saves"] = 2
    frame["new_listeners"] = frame["listeners"] // 2
    frame["downstream_streams"] = rng.poisson(frame["new_listeners"] * 1.7)
    return frame


def _summary(frame, draws, prior, homes, prob):
    prob = 0.89 if prob is None else prob
    size = len(frame)
    places = draws[..., :-1].reshape(60, size)
    ends = np.quantile(places, [(1 - prob) / 2, (1 + prob) / 2], axis=0)
    found = frame[["artist", "cluster"]].assign(
        prior=prior, belief=places.mean(axis=0), lower=ends[0], upper=ends[1]
    )
    for name, rate in (("save", 0.08), ("depth", 1.7)):
        middle = rate * np.random.default_rng(2).uniform(0.6, 1.6, size)
        n = frame["listeners" if name == "save" else "new_listeners"]
        width = middle / np.sqrt(4 + 0.02 * n)
        found = found.assign(
            **{
                f"{name}_rate": middle,
                f"{name}_lower": middle - width,
                f"{name}_upper": middle + width,
            }
        )
        found[f"{name}_n"] = n.astype(float)
    found = found.rename(columns={"belief": "home" if homes == "one" else "membership"})
    if homes is None:
        found = found.drop(columns=["prior", "membership", "lower", "upper"])
    found.attrs = {"ci_kind": "eti", "ci_prob": prob}
    return found


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")
