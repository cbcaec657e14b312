"""Assemble: sampled coordinates become a labelled tree that can be read without the model."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import xarray as xr

import coterie
from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.design import Design, Levels
from coterie.beliefs.fit_law import draw
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.local_effects import Local, draw_local
from coterie.beliefs.membership import integrate
from coterie.beliefs.parameters import LATE
from coterie.beliefs.population import Stated
from coterie.beliefs.population_prior import PopulationPrior
from coterie.beliefs.sampling import Run, stacked
from coterie.beliefs.stating import ATTRIBUTE, population_rows
from coterie.beliefs.storage import SCHEMA
from coterie.evidence import Evidence
from coterie.typing import Floats

_CHUNK_BYTES = 2**28
_SINGLE_FROM_BYTES = 2**28
_POPULATION = (
    names.ALPHA,
    names.LOADING,
    names.KAPPA,
    names.KAPPA_SPREAD,
    names.ARTIST_SCALE,
    names.CLUSTER_SCALE,
    names.PERIOD_SCALE,
)


def posterior(
    raw: xr.DataTree, blueprint: Blueprint, stated: Stated, rng: np.random.Generator
) -> xr.Dataset:
    """Label the draws, and let those of artists follow the stated prior.

    The sampler's affinities are exchangeable between clusters: what the prior of homes refuses of
    them is drawn anew at the same population.
    """
    levels = blueprint.levels
    sampled = raw["posterior"]
    chains, draws = sampled.sizes[names.CHAIN], sampled.sizes[names.DRAW]
    clusters, outcomes = len(levels.clusters), len(levels.outcomes)
    own = (*_POPULATION, *(LATE if levels.late else ()))
    found: dict[str, Floats] = {name: _outcome_draws(raw, blueprint, name) for name in own}
    found[names.KAPPA_CLUSTER] = _or_normal(
        raw, names.KAPPA_CLUSTER, (chains * draws, clusters, outcomes), rng
    )
    found[names.CLUSTER_EFFECT] = stacked(raw, names.CLUSTER_EFFECT)
    shape = (chains * draws, clusters, len(levels.windows), outcomes)
    drift = names.PERIOD_EFFECT
    found[drift] = stacked(raw, drift) if drift in sampled else np.zeros(shape)
    found[names.ARTIST_EFFECT] = stacked(raw, names.ARTIST_EFFECT)
    for factor in levels.factors:
        effect, scale = f"{names.FACTOR_EFFECT}{factor}", f"{names.FACTOR_SCALE}{factor}"
        found[effect] = stacked(raw, effect)
        found[scale] = _outcome_draws(raw, blueprint, scale)
    if levels.covariates:
        found[names.SLOPE] = stacked(raw, names.SLOPE)
    labelled = _labelled(found, levels, chains)
    return _with_local(raw, labelled, blueprint, stated, rng)


def beliefs(
    post: xr.Dataset, made: Design, levels: Levels, stated: Stated, at: Floats
) -> tuple[xr.Dataset, xr.Dataset]:
    """Integrate b(phi) at some draws of each chain: the groups beliefs and log_likelihood.

    Parameters
    ----------
    post
        The posterior.
    made, levels, stated
        Observations, names and prior.
    at
        Draws of each chain to use, the same for all: (draw,).
    """
    chosen = post.isel(draw=at.astype(np.int64))
    chains, size = chosen.sizes[names.CHAIN], chosen.sizes[names.DRAW]
    done = [
        integrate(made, read.phi(chosen, made, levels, stated, part), homes=stated.code)
        for part in _chunks(chains * size, made.y.size)
    ]
    coords = {
        names.CHAIN: chosen[names.CHAIN],
        names.DRAW: chosen[names.DRAW],
        names.ARTIST: levels.artists,
        names.CLUSTER: levels.clusters,
    }
    by_artist = (names.CHAIN, names.DRAW, names.ARTIST)

    def shaped(parts: list[Floats]) -> Floats:
        joined = np.concatenate(parts)
        return joined.reshape(chains, size, *joined.shape[1:])

    evidence = xr.Dataset(
        {"evidence": (by_artist, shaped([d.log_evidence for d in done]))},
        coords={k: v for k, v in coords.items() if k != names.CLUSTER},
        attrs={
            "unit": "artist; membership and local effects integrated out; of one unit, "
            "whatever its weight"
        },
    )
    if stated.homes is None:
        return xr.Dataset(), evidence
    belief = shaped([d.belief for d in done])
    name = names.HOME if stated.homes == "one" else names.MEMBERSHIP
    group = xr.Dataset({name: ((*by_artist, names.CLUSTER), belief)}, coords=coords)
    if stated.homes == "one":
        group[names.ELSEWHERE] = (by_artist, shaped([d.elsewhere for d in done]))
    group.attrs["thinning"] = f"{size} of {post.sizes[names.DRAW]} draws of each chain"
    return group, evidence


def tree(
    evidence: Evidence,
    groups: dict[str, xr.Dataset],
    *,
    run: Run,
    population: PopulationPrior,
    stated: Stated,
    rng_name: str,
    stopped: bool = False,
) -> xr.DataTree:
    """Put the groups of one fit together, with what a reader must know in the root's attrs."""
    outcomes = evidence.outcomes
    whole = dict(groups)
    whole[names.OBSERVED_DATA] = _observed(evidence)
    whole[names.LEDGER] = ledger_of(evidence)
    made = xr.DataTree.from_dict({f"/{name}": group for name, group in whole.items()})
    fields = ("name", "kind", "numerator", "denominator", "informs")
    made.attrs = {
        "coterie_schema": SCHEMA,
        "coterie_version": coterie.__version__,
        "coterie_homes": stated.homes or "none",
        "coterie_rng": rng_name,
        "coterie_seed": run.seed,
        "coterie_packages": json.dumps(_versions()),
        "coterie_outcomes": json.dumps([{f: getattr(o, f) for f in fields} for o in outcomes]),
        "coterie_factors": json.dumps(list(evidence.factors)),
        "coterie_window": evidence.window or "",
        ATTRIBUTE: population_rows(population, outcomes, slopes=bool(evidence.covariates)),
        "coterie_draws_asked": run.draws,
        "coterie_chains_asked": run.chains,
        "coterie_interrupted": int(stopped),
        "coterie_created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return made


def fingerprint(rng: np.random.Generator) -> str:
    """Name a generator and hash its state, so that a run can be told from another."""
    state = json.dumps(rng.bit_generator.state, default=str, sort_keys=True)
    digest = hashlib.sha256(state.encode()).hexdigest()
    return json.dumps({"generator": type(rng.bit_generator).__name__, "sha256": digest})


def stated_prior(stated: Stated, levels: Levels) -> xr.Dataset:
    """Return the membership prior as a group: (artist, cluster)."""
    if stated.homes is None:
        return xr.Dataset()
    coords = {names.ARTIST: levels.artists, names.CLUSTER: levels.clusters}
    group = xr.Dataset({"prior": ((names.ARTIST, names.CLUSTER), stated.table)}, coords=coords)
    if stated.homes == "one":
        group[names.ELSEWHERE] = stated.elsewhere
    return group


def _outcome_draws(raw: xr.DataTree, blueprint: Blueprint, name: str) -> Floats:
    sampled = raw["posterior"]
    if name in sampled:
        return stacked(raw, name)
    values = np.array([prior.first for prior in blueprint.priors(name)])
    size = sampled.sizes[names.CHAIN] * sampled.sizes[names.DRAW]
    return np.broadcast_to(values, (size, values.size)).copy()


def _or_normal(
    raw: xr.DataTree, name: str, shape: tuple[int, ...], rng: np.random.Generator
) -> Floats:
    return stacked(raw, name) if name in raw["posterior"] else rng.standard_normal(shape)


def _with_local(
    raw: xr.DataTree, labelled: xr.Dataset, blueprint: Blueprint, stated: Stated,
    rng: np.random.Generator,
) -> xr.Dataset:  # fmt: skip
    made, levels = blueprint.made, blueprint.levels
    sampled = stacked(raw, names.AFFINITY)
    chains, draws = labelled.sizes[names.CHAIN], labelled.sizes[names.DRAW]
    shape = (chains * draws, len(levels.artists), len(levels.clusters))
    size = np.float32 if 8 * np.prod(shape) > _SINGLE_FROM_BYTES else np.float64
    # A pair nobody measured keeps its prior.
    table = draw(shape, rng).astype(size)
    table[:, made.pair_artist, made.pair_cluster] = sampled
    effects = read.flat(labelled, names.ARTIST_EFFECT).copy()
    for part in _chunks(shape[0], made.y.size + shape[1] * shape[2]):
        at = read.phi(labelled, made, levels, stated, part)
        own = Local(effects[part], table[part].astype(np.float64))
        own = draw_local(made, at, homes=stated.code, rng=rng, given=own)
        effects[part], table[part] = own.artist_effect, own.affinity
    by_artist = (names.CHAIN, names.DRAW, names.ARTIST)
    return labelled.assign(
        {
            names.ARTIST_EFFECT: (
                (*by_artist, names.OUTCOME), effects.reshape(chains, draws, *effects.shape[1:])
            ),
            names.AFFINITY: (
                (*by_artist, names.CLUSTER), table.reshape(chains, draws, *shape[1:])
            ),
        }
    )  # fmt: skip


def _labelled(found: dict[str, Floats], levels: Levels, chains: int) -> xr.Dataset:
    by = {
        names.KAPPA_CLUSTER: (names.CLUSTER, names.OUTCOME),
        names.CLUSTER_EFFECT: (names.CLUSTER, names.OUTCOME),
        names.PERIOD_EFFECT: (names.CLUSTER, names.WINDOW, names.OUTCOME),
        names.ARTIST_EFFECT: (names.ARTIST, names.OUTCOME),
        names.SLOPE: (names.COVARIATE, names.OUTCOME),
        **{f"{names.FACTOR_EFFECT}{f}": (f, names.OUTCOME) for f in levels.factors},
    }
    draws = len(found[names.ALPHA]) // chains
    coords: dict[str, Any] = {
        names.CHAIN: np.arange(chains),
        names.DRAW: np.arange(draws),
        names.ARTIST: levels.artists,
        names.CLUSTER: levels.clusters,
        names.WINDOW: levels.windows,
        names.OUTCOME: levels.outcome_names,
        **dict(levels.factors),
    }
    if levels.covariates:
        coords[names.COVARIATE] = [covariate.name for covariate in levels.covariates]
    variables = {
        name: (
            (names.CHAIN, names.DRAW, *by.get(name, (names.OUTCOME,))),
            values.reshape(chains, draws, *values.shape[1:]),
        )
        for name, values in found.items()
    }
    return xr.Dataset(variables, coords=coords)


def _observed(evidence: Evidence) -> xr.Dataset:
    cells = evidence.cells()
    return cells.assign_coords(
        {
            k: (v.dims, v.to_numpy().astype(str))
            for k, v in cells.coords.items()
            if v.dtype == object
        }
    )


def _chunks(draws: int, width: int) -> list[slice]:
    step = max(1, int(_CHUNK_BYTES / (8 * max(width, 1))))
    return [slice(i, min(i + step, draws)) for i in range(0, draws, step)]


def _versions() -> dict[str, str]:
    used = ("pymc", "nutpie", "pytensor", "arviz", "numpy", "pandas", "xarray")
    return {package: importlib.metadata.version(package) for package in used}
