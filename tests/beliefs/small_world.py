"""A small world whose population is known but for one level; beliefs of it need no sampler."""

import warnings

import numpy as np
import pandas as pd
import xarray as xr

from coterie import names
from coterie.beliefs import assemble
from coterie.beliefs import population as read
from coterie.beliefs.design import Levels, design
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.parameters import ParameterPrior
from coterie.beliefs.population import Stated
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.prior_density import log_prior
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.sampling import Run
from coterie.beliefs.tree import Beliefs
from coterie.errors import EvidenceWarning
from coterie.evidence import Evidence, Outcome

CLUSTERS = ("gym", "indie")
FIXED = {
    names.LOADING: 0.6, names.KAPPA: 80.0, names.KAPPA_SPREAD: 0.3,
    names.ARTIST_SCALE: 0.4, names.CLUSTER_SCALE: 0.0, names.PERIOD_SCALE: 0.3,
}  # fmt: skip
STATED = PopulationPrior().replace(
    alpha=ParameterPrior.normal(-2.0, 0.3),
    **{name: ParameterPrior.fixed(value) for name, value in FIXED.items()},
)
SAVE = Outcome.binary("save", successes="saves", trials="listeners")
CHAINS, DRAWS = 4, 1000


def rows(*told):
    frame = pd.DataFrame(told, columns=["artist", "cluster", "week", "saves", "listeners"])
    start = pd.Timestamp("2026-01-05") + pd.to_timedelta(7 * (frame.pop("week") - 1), unit="D")
    return frame.assign(period_start=start, period_end=start + pd.Timedelta(days=6))


def read_rows(frame):
    with warnings.catch_warnings():
        # New rows are often of one cluster.
        warnings.simplefilter("ignore", EvidenceWarning)
        return Evidence.from_frame(frame, outcomes=[SAVE], window="7D")


OLD = rows(
    ("a", "gym", 1, 22, 150), ("a", "indie", 1, 9, 130), ("b", "gym", 1, 9, 110),
    ("b", "indie", 1, 31, 170), ("c", "gym", 1, 11, 90), ("c", "indie", 1, 12, 100),
)  # fmt: skip
SHARES = {"gym": 0.6, "indie": 0.4}


def believing(frame, rng, homes="one", *, known=None, population=STATED):
    """Make beliefs whose population is known but for alpha, which has a wide law of its own.

    ``known`` are draws to have in place of these, by name.
    """
    evidence = read_rows(frame)
    levels = Levels.of(evidence, CLUSTERS)
    made = design(evidence, levels)
    labels = {
        names.OUTCOME: ["save"], names.CLUSTER: levels.clusters, names.ARTIST: levels.artists,
        names.WINDOW: levels.windows,
    }  # fmt: skip
    sample = (names.CHAIN, names.DRAW)
    numbers = {
        n: ((*sample, names.OUTCOME), np.full((CHAINS, DRAWS, 1), v)) for n, v in FIXED.items()
    }
    alpha = rng.normal(-2.0, 0.3, size=(CHAINS, DRAWS, 1))
    numbers[names.ALPHA] = ((*sample, names.OUTCOME), alpha)
    by = {
        names.KAPPA_CLUSTER: (names.CLUSTER, names.OUTCOME),
        names.CLUSTER_EFFECT: (names.CLUSTER, names.OUTCOME),
        names.PERIOD_EFFECT: (names.CLUSTER, names.WINDOW, names.OUTCOME),
    }
    for name, dims in by.items():
        numbers[name] = (
            (*sample, *dims), np.zeros((CHAINS, DRAWS, *(len(labels[d]) for d in dims)))
        )  # fmt: skip
    for name, draws in (known or {}).items():
        numbers[name] = (numbers[name][0], draws)
    posterior = xr.Dataset(
        numbers, coords={names.CHAIN: np.arange(CHAINS), names.DRAW: np.arange(DRAWS), **labels}
    )
    prior = MembershipPrior.from_shares(SHARES, prob=SHARES)
    stated = Stated.of(prior, levels, homes)
    local = draw_local(made, read.phi(posterior, made, levels, stated), homes=stated.code, rng=rng)
    shape = (CHAINS, DRAWS, len(levels.artists), -1)
    posterior[names.ARTIST_EFFECT] = (
        (*sample, names.ARTIST, names.OUTCOME), local.artist_effect.reshape(shape)
    )  # fmt: skip
    posterior[names.AFFINITY] = (
        (*sample, names.ARTIST, names.CLUSTER), local.affinity.reshape(shape)
    )  # fmt: skip
    at = np.linspace(0, DRAWS - 1, 50).round()
    belief, evidence_of_all = assemble.beliefs(posterior, made, levels, stated, at)
    groups = {
        names.POSTERIOR: posterior, names.BELIEFS: belief,
        names.PRIOR: assemble.stated_prior(stated, levels), names.SAMPLE_STATS: xr.Dataset(),
        names.LOG_LIKELIHOOD: evidence_of_all,
        names.LOG_PRIOR: log_prior(
            posterior.isel(draw=at.astype(int)), population, evidence.outcomes
        ),
    }  # fmt: skip
    tree = assemble.tree(
        evidence, groups, run=Run(draws=DRAWS, tune=1, chains=CHAINS, seed=1),
        population=population, stated=stated, rng_name=assemble.fingerprint(rng),
    )  # fmt: skip
    return Beliefs(tree)


NEW = rows(("a", "gym", 2, 30, 140), ("a", "indie", 2, 6, 160))
