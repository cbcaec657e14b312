"""Beliefs whose every effect is stated, without scatter: rates can be worked out by hand."""

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs.design import Levels
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.storage import SCHEMA
from coterie.beliefs.tree import Beliefs
from coterie.evidence import Evidence, Outcome

SAVE = Outcome.binary("save", successes="saves", trials="listeners")
STREAM = Outcome.count("stream", total="streams", exposure="hours")
SAMPLE = (names.CHAIN, names.DRAW)
NUMBERS = {
    names.ALPHA: -1.0, names.LOADING: 0.0, names.KAPPA: np.inf,
    names.KAPPA_SPREAD: 0.0, names.ARTIST_SCALE: 0.0, names.CLUSTER_SCALE: 0.0,
    names.PERIOD_SCALE: 0.0,
}  # fmt: skip


def read(frame, outcomes=(SAVE,), **arguments):
    return Evidence.from_frame(frame, outcomes=outcomes, missing="drop", **arguments)


def stating(evidence, effects, *, clusters=None, scales=None, draws=2, **numbers):
    """Make beliefs of a table.

    ``effects`` are by factor (or ``cluster``) and label, 0 where not named; or arrays over
    (chain, draw, level, outcome). ``scales`` are by factor, 0 where not named.
    """
    levels = Levels.of(evidence, clusters)
    chains, size = 2, len(evidence.outcomes)
    shape = (chains, draws)
    told = {n: ((*SAMPLE, names.OUTCOME), np.full((*shape, size), v))
            for n, v in (NUMBERS | numbers).items()}  # fmt: skip
    labels = {
        names.ARTIST: levels.artists, names.CLUSTER: levels.clusters,
        names.WINDOW: levels.windows, names.OUTCOME: levels.outcome_names, **levels.factors,
    }  # fmt: skip

    def over(*dims):
        return ((*SAMPLE, *dims), np.zeros((*shape, *(len(labels[d]) for d in dims))))

    told[names.ARTIST_EFFECT] = over(names.ARTIST, names.OUTCOME)
    told[names.AFFINITY] = over(names.ARTIST, names.CLUSTER)
    told[names.KAPPA_CLUSTER] = over(names.CLUSTER, names.OUTCOME)
    told[names.PERIOD_EFFECT] = over(names.CLUSTER, names.WINDOW, names.OUTCOME)
    for dim in (names.CLUSTER, *levels.factors):
        name = names.CLUSTER_EFFECT if dim == names.CLUSTER else f"{names.FACTOR_EFFECT}{dim}"
        dims, values = over(dim, names.OUTCOME)
        own = effects.get(dim, {})
        if isinstance(own, dict):
            stated = np.array([own.get(label, 0.0) for label in labels[dim].tolist()])
            values = values + stated[:, None]
        else:
            values = values + own
        told[name] = (dims, values)
        if dim != names.CLUSTER:
            scale = np.full((*shape, size), (scales or {}).get(dim, 0.0))
            told[f"{names.FACTOR_SCALE}{dim}"] = ((*SAMPLE, names.OUTCOME), scale)
    posterior = xr.Dataset(
        told, coords=labels | {names.CHAIN: np.arange(chains), names.DRAW: np.arange(draws)}
    )
    tree = xr.DataTree.from_dict({names.POSTERIOR: posterior, names.LEDGER: ledger_of(evidence)})
    tree.attrs = {
        "coterie_schema": SCHEMA, "coterie_version": "0.1.0", "coterie_homes": "none",
        "coterie_interrupted": 0, "coterie_draws_asked": draws, "coterie_rng": "{}",
    }  # fmt: skip
    return Beliefs(tree)
