"""An artist whose rates, costs and counts are stated, so that money can be counted by hand."""

import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

import coterie as co
from coterie.findings.responses import Responses

OUTCOMES = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.binary("follow", successes="follows", trials="listeners"),
    co.Outcome.count("depth", total="downstream_streams", exposure="new_listeners"),
)


def stated(rows, levels, *, rates=None, kappas=None, monkeypatch):
    """Return beliefs of a table, with rates of each draw as stated: (draw, cluster, outcome)."""
    frame = pd.DataFrame(rows)
    with warnings.catch_warnings(action="ignore", category=co.EvidenceWarning):
        evidence = co.Evidence.from_frame(frame, outcomes=OUTCOMES)  # one cluster is enough here
    clusters = tuple(dict.fromkeys(frame["cluster"]))
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"alpha": ("draw", np.zeros(2))}), "ledger": xr.Dataset()}
    )
    beliefs = SimpleNamespace(evidence=evidence, tree=tree, homes=None)
    levels = np.asarray(levels, dtype=float)
    sums = frame.fillna(0).groupby("cluster", sort=False).sum(numeric_only=True)
    above = sums[[o.numerator for o in OUTCOMES]].to_numpy(dtype=float)
    below = sums[[o.denominator for o in OUTCOMES]].to_numpy(dtype=float)
    made = Responses(
        "Ana", clusters, OUTCOMES,
        levels if rates is None else np.asarray(rates, dtype=float), levels,
        np.full(levels.shape, 1e9) if kappas is None else np.asarray(kappas), above, below,
    )  # fmt: skip
    monkeypatch.setattr(Responses, "of", classmethod(lambda *_, **__: made))
    return beliefs


def rows(**columns):
    """Return rows of one artist, with counts that stand for nothing where they are not stated."""
    size = len(columns["cluster"])
    plain = {
        "artist": ["Ana"] * size, "listeners": [400] * size, "saves": [40] * size,
        "follows": [8] * size, "new_listeners": [200] * size, "downstream_streams": [300] * size,
    }  # fmt: skip
    return plain | columns
