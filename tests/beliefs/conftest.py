import json

import numpy as np
import pytest
import xarray as xr

from coterie import names
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.parameters import BINARY_DEFAULTS, LATE
from coterie.beliefs.storage import SCHEMA
from coterie.beliefs.tree import Beliefs
from coterie.evidence import simulate

SAMPLE = (names.CHAIN, names.DRAW)


def population(evidence, rng, chains, draws):
    """Independent draws of each population parameter, one value an outcome."""
    size = (chains, draws, len(evidence.outcomes))
    dims = (*SAMPLE, names.OUTCOME)
    known = [n for n in BINARY_DEFAULTS if n not in {"factor_scale", "slope", *LATE}]
    return {name: (dims, np.exp(rng.normal(size=size))) for name in known}


def membership(homes, shape, rng):
    """Beliefs of the right shape that sum to 1 where they must."""
    pair = (*SAMPLE, names.ARTIST, names.CLUSTER)
    if homes == "many":
        return {names.MEMBERSHIP: (pair, rng.random(shape))}
    shares = rng.dirichlet(np.ones(shape[-1] + 1), size=shape[:-1])
    return {names.HOME: (pair, shares[..., :-1]), names.ELSEWHERE: (pair[:-1], shares[..., -1])}


def effects_of(labels, factors, rng, shape):
    """Noise for everything that an artist, a cluster, a window or a level has of its own."""
    dims = {
        names.ARTIST_EFFECT: (names.ARTIST, names.OUTCOME),
        names.CLUSTER_EFFECT: (names.CLUSTER, names.OUTCOME),
        names.PERIOD_EFFECT: (names.CLUSTER, names.WINDOW, names.OUTCOME),
        names.KAPPA_CLUSTER: (names.CLUSTER, names.OUTCOME),
        names.AFFINITY: (names.ARTIST, names.CLUSTER),
        **{f"{names.FACTOR_EFFECT}{factor}": (factor, names.OUTCOME) for factor in factors},
        **{f"{names.FACTOR_SCALE}{factor}": (names.OUTCOME,) for factor in factors},
    }
    made = {}
    for name, own in dims.items():
        draws = rng.normal(size=(*shape, *(len(labels[dim]) for dim in own)))
        scale = name.startswith(names.FACTOR_SCALE)
        made[name] = ((*SAMPLE, *own), np.exp(draws) if scale else draws)
    return made


def make_beliefs(
    evidence=None, *, homes="one", chains=4, draws=1000, thin=10, rng=None, clusters=None, **attrs
):
    """Make Beliefs over a small world without sampling: draws are noise of the right shape."""
    rng = np.random.default_rng(11) if rng is None else rng
    if evidence is None:
        evidence = simulate.world(artists=5, clusters=3, windows=2, rng=rng).evidence()
    labels = {
        names.ARTIST: evidence.artists,
        names.CLUSTER: evidence.clusters if clusters is None else np.array(clusters, dtype=object),
    }
    outcome = np.array([o.name for o in evidence.outcomes], dtype=object)
    n_artists, n_clusters = (len(v) for v in labels.values())
    pairs = dict(labels)
    labels[names.WINDOW] = np.unique(evidence.counts[names.WINDOW].to_numpy())
    # A fit refuses factors with a '/' in their names; a ledger holds them.
    factors = [factor for factor in evidence.factors if "/" not in factor]
    labels |= {factor: np.unique(evidence.counts[factor].to_numpy()) for factor in factors}
    effects = effects_of(labels | {names.OUTCOME: outcome}, factors, rng, (chains, draws))
    chain = {names.CHAIN: np.arange(chains)}
    posterior = xr.Dataset(
        population(evidence, rng, chains, draws) | effects,
        coords=chain | {names.DRAW: np.arange(draws), names.OUTCOME: outcome} | labels,
    )
    kept = np.arange(0, draws, thin)
    groups = {
        names.POSTERIOR: posterior,
        names.SAMPLE_STATS: xr.Dataset(
            {
                "diverging": (SAMPLE, np.zeros((chains, draws), dtype=bool)),
                "energy": (SAMPLE, rng.normal(size=(chains, draws))),
            },
            coords=chain | {names.DRAW: np.arange(draws)},
        ),
        names.LEDGER: ledger_of(evidence),
    }
    if homes is not None:
        shape = (chains, kept.size, n_artists, n_clusters)
        groups[names.BELIEFS] = xr.Dataset(
            membership(homes, shape, rng), coords=chain | {names.DRAW: kept} | pairs
        )
        before = np.full((n_artists, n_clusters), 0.9 / n_clusters)
        groups[names.PRIOR] = xr.Dataset(
            {"prior": ((names.ARTIST, names.CLUSTER), before)}
            | ({names.ELSEWHERE: 0.1} if homes == "one" else {}),
            coords=pairs,
        )
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "coterie_schema": SCHEMA,
        "coterie_version": "0.1.0",
        "coterie_homes": homes or "none",
        "coterie_window": evidence.window or "",
        "coterie_rng": json.dumps({"bit_generator": "PCG64", "state": "0" * 64}),
        "coterie_packages": json.dumps({"numpy": np.__version__}),
        "coterie_draws_asked": draws,
        "coterie_interrupted": 0,
    } | attrs
    return Beliefs(tree)


@pytest.fixture(scope="session")
def beliefs_like():
    """A maker of Beliefs that were never sampled, for what only looks at their shape."""
    return make_beliefs
