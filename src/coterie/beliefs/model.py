r"""The PyMC model: a hierarchical regression of counts, with random effects.

Makes a :class:`pymc.Model` that can be read, graphed and extended, and samples it
with nutpie. Callers may trust that the posterior is the one stated by the priors
and the likelihood below, whatever coordinates the sampler walks in.

.. math::

    \eta_{io} = \alpha_o + a_{ao} + c_{ko} + \textstyle\sum_f f_{\ell o} + p_{kwo}
                + \lambda_o s_{ak}, \qquad s_{ak} \sim N(0, 1)

``affinity`` is :math:`s_{ak}`, the artist's lasting fit in a cluster. Where an artist's home is
follows from it afterwards (:mod:`coterie.beliefs.membership`): nothing here is a mixture.

Coordinates. Whatever the data know well is moved in units of what they leave open:

- Parameters that may be 0, and the two that explain the same scatter, as
  :mod:`coterie.beliefs.free_parameters` says.
- Levels are a grand mean, cluster contrasts and window contrasts. The split of a
  level into ``alpha``, cluster and window is drawn from its exact conditional law.
  Contrasts and factor effects are over their scale where the counts say little, over
  their standard error where they say much; those of a cycle along its own axes. Factors
  that split one another's levels have a mean each, which moves against alpha.
- ``artist_effect`` and ``affinity`` are ``mean + sd * raw``, where mean and sd come from a rough
  Gaussian reading of the counts (:mod:`coterie.beliefs.pilot`).

Where evidence fades, windows do as wholes: :mod:`coterie.beliefs.fading`.

Each map's Jacobian is in the density, so that the maps change speed, never the posterior.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from coterie import names
from coterie.beliefs.blueprint import Blueprint, is_zero, model_data
from coterie.beliefs.density import log_likelihood
from coterie.beliefs.fading import log_norm
from coterie.beliefs.free_parameters import (
    contrast_dims,
    contrasts,
    crossed_effects,
    factor_effects,
    let_go,
    level_of,
    loading_and_kappa,
    parameter,
)
from coterie.beliefs.late_density import late_log_likelihood, symbolic
from coterie.beliefs.parameters import FACTOR_SCALE, LATE, ParameterPrior

_PAIR = "pair"
_ALONE = (names.ARTIST_SCALE, names.CLUSTER_SCALE, names.PERIOD_SCALE)
_ONE = np.float64(1.0)
_HALF = np.float64(0.5)


def build(blueprint: Blueprint) -> pm.Model:
    """Build the model, without sampling it."""
    levels = blueprint.levels
    coords: dict[str, Any] = {
        names.OUTCOME: levels.outcome_names,
        names.ARTIST: levels.artists,
        names.CLUSTER: levels.clusters,
        names.WINDOW: levels.windows,
        _PAIR: np.arange(blueprint.made.pair_artist.size),
        "cluster_contrast": np.arange(len(levels.clusters) - 1),
        "window_contrast": np.arange(len(levels.windows) - 1),
        **{level_of(f): np.asarray(known) for f, known in levels.factors.items()},
        **contrast_dims(levels),
    }
    if levels.covariates:
        coords[names.COVARIATE] = [covariate.name for covariate in levels.covariates]
    with pm.Model(coords=coords) as model:
        read = {name: pm.Data(name, value) for name, value in model_data(blueprint).items()}
        numbers = {name: parameter(name, blueprint.priors(name)) for name in _ALONE}
        numbers[names.LOADING], numbers[names.KAPPA] = loading_and_kappa(
            blueprint.priors(names.LOADING),
            blueprint.priors(names.KAPPA),
            blueprint.traded,
            read["scatter"],
        )
        log_kappa = _log_kappa(blueprint, numbers[names.KAPPA])
        slope = _slopes(blueprint, read) if levels.covariates else None
        effects, means = None, None
        if levels.nested:
            effects, means = _crossed(blueprint, read, numbers[names.CLUSTER_SCALE])
        level = _levels(blueprint, numbers, read, slope, means)
        eta = _known_part(blueprint, read, level, effects)
        if slope is not None:
            eta = eta + (slope[:, read["outcome_code"]] * read["covariate_value"]).sum(axis=0)
        _joint_priors(blueprint, model)
        scatter = log_kappa[read["cluster_code"], read["outcome_code"]]
        mature = None
        if blueprint.made.ages is not None:
            days, bend = (parameter(name, blueprint.priors(name)) for name in LATE)
            mature = symbolic(read, blueprint.late, days, bend)
        _likelihood(blueprint, read, numbers, (eta, scatter, mature))
    return model


def _slopes(blueprint: Blueprint, read: dict[str, Any]) -> Any:
    """Return slopes over (covariate, outcome), moved along the covariates' own axes."""
    priors = blueprint.priors(names.SLOPE)
    shape = (len(blueprint.levels.covariates), len(priors))
    stated = np.array([0.0 if p.family == "joint" else p.first for p in priors])
    value = pt.as_tensor(np.broadcast_to(stated, shape))
    at = [i for i, p in enumerate(priors) if p.family != "fixed"]
    if at:
        moved = pm.Flat("slope_raw", shape=(shape[0], len(at)))
        value = pt.set_subtensor(value[:, at], read["slope_map"] @ moved)
    if at and priors[at[0]].family == "normal":
        law = pm.Normal.dist(stated[at], np.array([priors[i].second for i in at]))
        pm.Potential("slope_prior", pm.logp(law, value[:, at]).sum())
    return pm.Deterministic(names.SLOPE, value, dims=(names.COVARIATE, names.OUTCOME))


def _joint_priors(blueprint: Blueprint, model: pm.Model) -> None:
    for i, joint in enumerate(blueprint.population.joint):
        values = {name: model[name] for name in joint.over if name in model.named_vars}
        density = joint.log_density(**values)
        pm.Potential(f"joint_prior_{i}", pt.as_tensor(density).sum())


def _factor_priors(blueprint: Blueprint) -> tuple[ParameterPrior, ...]:
    of = blueprint.population.of
    return tuple(of(f"{o.name}", o.kind, FACTOR_SCALE) for o in blueprint.levels.outcomes)


def _crossed(blueprint: Blueprint, read: dict[str, Any], between: Any) -> tuple[Any, Any]:
    """Return effects of factors that split one another's levels, and the sum of their means."""
    levels, priors = blueprint.levels, _factor_priors(blueprint)
    scales = {f: parameter(f"{names.FACTOR_SCALE}{f}", priors) for f in levels.factors}
    known = {f: read[f"known_factor_{f}"] for f in levels.factors}
    return crossed_effects(levels, scales, known, between)


def _known_part(
    blueprint: Blueprint, read: dict[str, Any], level: Any, effects: dict[str, Any] | None
) -> Any:
    outcome = read["outcome_code"]
    eta = level[read["cluster_code"], read["window_code"], outcome]
    for factor in blueprint.levels.factors:
        if effects is not None:
            free = effects[factor]
        else:
            scale = parameter(f"{names.FACTOR_SCALE}{factor}", _factor_priors(blueprint))
            free = factor_effects(blueprint.levels, factor, scale, read[f"known_factor_{factor}"])
        dims = (level_of(factor), names.OUTCOME)
        effect = pm.Deterministic(f"{names.FACTOR_EFFECT}{factor}", free, dims=dims)
        eta = eta + effect[read[f"factor_code_{factor}"], outcome]
    return eta


def _levels(
    blueprint: Blueprint, numbers: dict[str, Any], read: dict[str, Any], slope: Any, means: Any
) -> Any:
    """Return alpha + cluster effect + window effect over (cluster, window, outcome).

    ``means`` of factors, where given, are moved against alpha: the counts know their sum.
    """
    clusters, windows = len(blueprint.levels.clusters), len(blueprint.levels.windows)
    between, within = numbers[names.CLUSTER_SCALE], numbers[names.PERIOD_SCALE]
    # A cluster's mean over its windows has variance between^2 + within^2 / windows.
    count = read["power_of_law"].sum() if blueprint.fades else np.float64(windows)
    own = within / pt.sqrt(count)
    spread = pt.sqrt(between**2 + own**2 + np.float64(1e-300))
    grand = pm.Normal("grand_raw", 0.0, 1.0, dims=names.OUTCOME) * spread
    grand = grand / np.sqrt(np.float64(clusters))
    # Alpha stands at the centre of the covariates; the counts know the level at their middle.
    shift = None if slope is None else read["covariate_middle"] @ slope
    if means is not None:
        shift = means if shift is None else shift + means
    alpha_level = _alpha_and_level(blueprint, grand, shift)
    mean = grand
    if clusters > 1:
        contrast = contrasts("cluster", read["known_cluster"], spread, ())
        mean = grand + contrast
    mean = pt.broadcast_to(mean, (clusters, len(blueprint.levels.outcomes)))
    level = (alpha_level - grand) + mean
    if not blueprint.drifts:
        pm.Deterministic(names.CLUSTER_EFFECT, mean, dims=(names.CLUSTER, names.OUTCOME))
        return level[:, None, :] + pt.zeros((1, windows, 1))
    deviation = pt.zeros((clusters, windows, 1))
    if windows > 1:
        deviation = contrasts("window", read["known_period"], within, (names.CLUSTER,))
    if windows > 1 and blueprint.fades:
        deviation = let_go(deviation, read["power_of_law"])
    # The cluster's own effect, given its mean over windows: exact, and unknown to the data.
    split = pm.Normal("split_raw", 0.0, 1.0, dims=(names.CLUSTER, names.OUTCOME))
    effect = pm.Deterministic(
        names.CLUSTER_EFFECT,
        mean * (between / spread) ** 2 + split * between * own / spread,
        dims=(names.CLUSTER, names.OUTCOME),
    )
    pm.Deterministic(
        names.PERIOD_EFFECT,
        mean[:, None, :] + deviation - effect[:, None, :],
        dims=(names.CLUSTER, names.WINDOW, names.OUTCOME),
    )
    return level[:, None, :] + deviation


def _alpha_and_level(blueprint: Blueprint, grand: Any, shift: Any) -> Any:
    """Return alpha + grand, moving it as one and recovering alpha exactly."""
    priors = blueprint.priors(names.ALPHA)
    free = [i for i, p in enumerate(priors) if p.family != "fixed"]
    stated = np.array([p.first if p.family == "fixed" else 0.0 for p in priors])
    level = pt.as_tensor(stated) + grand
    if free:
        mean = np.array([priors[i].first for i in free])
        sd = np.array([priors[i].second for i in free])
        about = grand[free] if shift is None else grand[free] + shift[free]
        moved = (
            pm.Flat("level", shape=len(free))
            if priors[free[0]].family == "joint"
            else pm.Normal("level", mean + about, sd, shape=len(free))
        )
        moved = moved if shift is None else moved - shift[free]
        level = pt.set_subtensor(level[free], moved)
    pm.Deterministic(names.ALPHA, level - grand, dims=names.OUTCOME)
    return level


def _log_kappa(blueprint: Blueprint, kappa: Any) -> Any:
    shape = (len(blueprint.levels.clusters), len(blueprint.levels.outcomes))
    priors = blueprint.priors(names.KAPPA_SPREAD)
    spread = parameter(names.KAPPA_SPREAD, priors)
    if all(is_zero(p) for p in priors):
        return pt.broadcast_to(pt.log(kappa), shape)
    raw = pm.Normal(names.KAPPA_CLUSTER, 0.0, 1.0, dims=(names.CLUSTER, names.OUTCOME))
    return pt.log(kappa) + spread * raw


def _likelihood(
    blueprint: Blueprint, read: dict[str, Any], numbers: dict[str, Any], law: tuple[Any, Any, Any]
) -> None:
    """Add what the counts say; ``law`` is level, log kappa and share that has arrived."""
    eta, scatter, mature = law
    outcomes = len(blueprint.levels.outcomes)
    pairs = blueprint.made.pair_artist.size
    loading = numbers[names.LOADING]
    outcome, pair = read["outcome_code"], read["pair_code"]
    information = _overdispersed(read, scatter)
    if blueprint.fades:
        _let_windows_fade(blueprint, read, numbers[names.PERIOD_SCALE], information)
        information = information * read["weight"]
    flat = pair * np.int64(outcomes) + outcome
    known = _summed(information, flat, pairs * outcomes).reshape((pairs, outcomes))
    score = _summed(information * (read["working_response"] - eta), flat, pairs * outcomes)
    score = score.reshape((pairs, outcomes))
    artist = _artist_effects(blueprint, read, numbers, (known, score))
    score = score - known * artist[read["pair_artist"]]
    affinity = _affinity(loading, known, score)
    reach = loading[outcome] * read["informs"]
    eta = eta + artist[read["artist_code"], outcome] + reach * affinity[pair]
    weight = read["weight"]
    if blueprint.weighted:
        # Nothing of an artist is sampled: one number apart from the counts, as often as it is.
        weight = weight * read["units_of_artist"][read["artist_code"]]
    counted = [read[name] for name in ("y", "n", "is_count")]
    if mature is None:
        pm.Potential("evidence", log_likelihood(eta, scatter, *counted, weight)[0])
    else:
        pm.Potential("evidence", late_log_likelihood(eta, scatter, mature, *counted, weight)[0])


def _let_windows_fade(
    blueprint: Blueprint, read: dict[str, Any], within: Any, information: Any
) -> None:
    """Add what makes the law of windows' effects, and their counts, a power of one whole."""
    if not blueprint.drifts:
        return
    levels = blueprint.levels
    shape = (len(levels.clusters), len(levels.windows), len(levels.outcomes))
    if blueprint.weighted:
        information = information * read["units_of_artist"][read["artist_code"]]
    cell = read["cluster_code"] * np.int64(shape[1]) + read["window_code"]
    at = cell * np.int64(shape[2]) + read["outcome_code"]
    known = _summed(information, at, int(np.prod(shape)))
    power, law = (read[name][None, :, None] for name in ("power", "power_of_law"))
    faded = log_norm((power, law, known.reshape(shape)), within**2, pt.log1p)
    pm.Potential("faded_windows", faded.sum())


def _overdispersed(read: dict[str, Any], scatter: Any) -> Any:
    base, kappa = read["working_information"], pt.exp(scatter)
    binary = base / (_ONE + (read["n"] - _ONE) / (kappa + _ONE))
    return pt.switch(read["is_count"], base / (_ONE + base / kappa), binary)


def _artist_effects(
    blueprint: Blueprint, read: dict[str, Any], numbers: dict[str, Any], rough: Any
) -> Any:
    known, score = rough
    loading, scale = numbers[names.LOADING], numbers[names.ARTIST_SCALE]
    noise = _ONE + known * loading**2
    dims = (names.ARTIST, names.OUTCOME)
    shape = (len(blueprint.levels.artists), len(blueprint.levels.outcomes))
    about = pt.zeros(shape)
    at = read["pair_artist"]
    precision = pt.inc_subtensor(about[at], known / noise)
    pull = pt.inc_subtensor(about[at], score / noise)
    # In units of the scale, so that a scale of exactly 0 is allowed.
    room = _ONE + scale**2 * precision
    raw = pm.Normal("artist_raw", 0.0, 1.0, dims=dims)
    standard = scale * pull / room + raw / pt.sqrt(room)
    pm.Potential("artist_map", pt.sum(_HALF * raw**2 - _HALF * standard**2 - _HALF * pt.log(room)))
    return pm.Deterministic(names.ARTIST_EFFECT, scale * standard, dims=dims)


def _log_law(fit: Any) -> Any:
    return -_HALF * fit**2


def _affinity(loading: Any, known: Any, score: Any) -> Any:
    raw = pm.Normal("affinity_raw", 0.0, 1.0, dims=_PAIR)
    precision = _ONE + (known * loading**2).sum(axis=1)
    value = (score * loading).sum(axis=1) / precision + raw / pt.sqrt(precision)
    pm.Potential(
        "affinity_map", pt.sum(_HALF * raw**2 + _log_law(value) - _HALF * pt.log(precision))
    )
    return pm.Deterministic(names.AFFINITY, value, dims=_PAIR)


def _summed(values: Any, at: Any, size: int) -> Any:
    return pt.inc_subtensor(pt.zeros(size)[at], values)
