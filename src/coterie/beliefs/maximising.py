r"""Maximising: the population under which the table is likeliest, without sampling.

The marginal likelihood is the product over artists of :math:`p(E_a \mid \phi)` to the
power of the units the artist stands for, with effects and affinity integrated
out (:mod:`coterie.beliefs.membership`). Callers may trust that what did not converge,
stands at a boundary or has no standard error says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from scipy.optimize import minimize

from coterie import names
from coterie.beliefs.coordinates import Space, lay_out, start
from coterie.beliefs.fitting import blueprint_of
from coterie.beliefs.membership import NONE, integrate
from coterie.beliefs.population_prior import PopulationPrior
from coterie.errors import BeliefError
from coterie.evidence import Evidence
from coterie.typing import Floats

_STEP: Final = 2e-3
_WIDE_STEP: Final = 2e-2
_ROUNDS: Final = 60
_SMALL: Final = 1e-6
_SETTLED: Final = 1e-10
_EQUAL: Final = 1e-7
_BYTES: Final = 2**27
_SINGULAR: Final = 1e-9

Height = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class _Peak:
    space: Space
    x: Floats
    height: float
    gradient: Floats
    hessian: Floats
    settled: bool
    boundary: tuple[str, ...] = ()


def mode(
    evidence: Evidence,
    *,
    population: PopulationPrior | None = None,
    rng: np.random.Generator,
    starts: int = 6,
    with_prior: bool = False,
) -> xr.Dataset:
    """Maximise the marginal likelihood over the population parameters.

    Parameters
    ----------
    evidence
        Checked counts; weights count as powers.
    population
        As in :func:`fit`. A parameter whose prior is fixed stays there; of the others the
        prior is not read unless ``with_prior``. Membership is in no likelihood.
        The scales of clusters, windows and factors, and the spread of kappa, must be fixed
        at 0 where the table has more than one cluster, window or any factor.
    rng
        Source of the starting points.
    starts
        Climbs, the first from what the counts say at first sight; at least 1.
    with_prior
        Add the log prior density in natural units, for a posterior mode.

    Returns
    -------
    xarray.Dataset
        ``alpha``, ``loading``, ``kappa``, ``artist_scale`` (outcome), ``slope``
        (covariate, outcome), in natural units, and
        beside each free one ``se_<name>``: its standard error from the curvature, NaN where
        that is singular or the estimate stands at a boundary. Attributes: ``log_likelihood``
        in nats (normalised), ``log_posterior`` with ``with_prior``, ``gradient_norm`` over the
        unbounded coordinates (log and logit), ``converged``, ``boundary`` (what went to 0 or
        infinity, as text), ``singular`` and ``starts_agreeing``, climbs within 1e-6 of the best.

    Raises
    ------
    BeliefError
        If a scale the integrals do not cover is not fixed at 0, or nothing is free.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"artist": np.arange(60) // 2, "cluster": np.tile(["gym", "focus"], 30)}
    ... )
    >>> table["listeners"] = 200
    >>> table["saves"] = rng.binomial(200, rng.beta(4, 36, size=60))
    >>> saved = co.Outcome.binary("save", successes="saves", trials="listeners")
    >>> evidence = co.Evidence.from_frame(table, outcomes=[saved])
    >>> none = co.ParameterPrior.fixed(0.0)
    >>> still = co.PopulationPrior().replace(cluster_scale=none, kappa_spread=none)
    >>> found = co.mode(evidence, population=still, starts=1, rng=rng)
    >>> "alpha" in found
    True
    """
    if not isinstance(rng, np.random.Generator):
        raise BeliefError(f"rng is {rng!r}; hand in a generator: rng=np.random.default_rng(7).")
    if isinstance(starts, bool) or not isinstance(starts, int) or starts < 1:
        raise BeliefError(f"starts is {starts!r}; it must be a whole number of at least 1.")
    space = lay_out(blueprint_of(evidence, None, None, population))
    if space.size == 0:
        raise BeliefError("Every population parameter is fixed; there is nothing to maximise.")
    first = [start(space, rng if i else None) for i in range(starts)]
    peaks = [_climb(space, x, with_prior=with_prior) for x in first]
    best = max(peaks, key=lambda peak: peak.height)
    agreeing = sum(peak.height > best.height - _SMALL for peak in peaks)
    return _told(_at_boundary(best, with_prior=with_prior), agreeing, with_prior=with_prior)


def log_likelihood(space: Space, x: Floats) -> Floats:
    """Return the log marginal likelihood of the whole table at each vector: (batch,)."""
    made, levels = space.blueprint.made, space.blueprint.levels
    units = made.stands_for(len(levels.artists))
    width = made.y.size + len(levels.artists) * len(levels.clusters)
    step = max(1, _BYTES // (8 * max(width, 1)))
    parts = [
        integrate(made, space.phi(x[i : i + step]), homes=NONE).log_evidence @ units
        for i in range(0, len(x), step)
    ]
    return np.concatenate(parts)


def _height(space: Space, *, with_prior: bool) -> Height:
    def height(x: Floats) -> Floats:
        total = log_likelihood(space, x)
        if with_prior:
            total = total + space.log_prior(x)
        return np.where(np.isnan(total), -np.inf, total)

    return height


def _slope(height: Height, x: Floats, step: float = _STEP) -> Floats:
    """Return the gradient by central differences of fourth order, in one batch."""
    eye = np.eye(x.size) * step
    far = height(np.concatenate([x + eye, x - eye, x + 2 * eye, x - 2 * eye])).reshape(4, -1)
    found: Floats = (8 * (far[0] - far[1]) - (far[2] - far[3])) / (12 * step)
    return found


def _curvature(height: Height, x: Floats) -> Floats:
    """Return the Hessian by differences of fourth order, in one batch."""
    size, step = x.size, _WIDE_STEP
    rows, columns = np.triu_indices(size)
    eye = np.eye(size) * step
    offsets = np.array([-2, -1, 1, 2])
    weights = np.array([1, -8, 8, -1]) / 12.0
    points = (
        x
        + offsets[:, None, None, None] * eye[rows][None, None]
        + offsets[None, :, None, None] * eye[columns][None, None]
    )
    values = height(points.reshape(-1, size)).reshape(4, 4, rows.size)
    mixed = np.einsum("i,j,ijk->k", weights, weights, values) / step**2
    found = np.zeros((size, size))
    found[rows, columns] = mixed
    found[columns, rows] = mixed
    return found


def _climb(space: Space, x: Floats, *, with_prior: bool) -> _Peak:
    height = _height(space, with_prior=with_prior)
    low, high = space.limits()

    def down(x: Floats) -> tuple[float, Floats]:
        value = float(height(x[None])[0])
        return (-value, -_slope(height, x)) if np.isfinite(value) else (1e300, np.zeros(x.size))

    found = minimize(
        down, x, jac=True, method="L-BFGS-B", bounds=list(zip(low, high, strict=True)),
        options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-5},
    )  # fmt: skip
    return _polished(space, height, np.clip(found.x, low, high))


def _polished(space: Space, height: Height, x: Floats) -> _Peak:
    """Take Newton's steps, each halved until it climbs, until they are negligible."""
    low, high = space.limits()
    top = float(height(x[None])[0])
    settled = x.size == 0
    gradient, hessian = np.zeros(x.size), np.zeros((x.size, x.size))
    for _ in range(_ROUNDS if x.size else 0):
        gradient, hessian = _slope(height, x), _curvature(height, x)
        step = _uphill(gradient, hessian)
        step = np.clip(x + step, low, high) - x
        if (np.abs(step) < 1e-7).all():  # noqa: PLR2004 - a relative change of 1e-7
            settled = True
            break
        shares = 0.5 ** np.arange(12)
        tried = height(x + shares[:, None] * step)
        # Near the top a height is lost in rounding: a step is fine unless it descends.
        fine = np.flatnonzero(tried >= top - _SETTLED * max(1.0, abs(top)))
        if not fine.size:
            settled = bool(np.abs(gradient).max() < 1e-4)  # noqa: PLR2004 - no step climbs
            break
        pick = int(fine[0])
        x, top = x + shares[pick] * step, float(tried[pick])
    return _Peak(space, x, top, gradient, hessian, settled)


def _uphill(gradient: Floats, hessian: Floats) -> Floats:
    """Return Newton's step on the curvature's size, at most 2 in any coordinate."""
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), _SINGULAR * max(1.0, float(np.abs(values).max())))
    step: Floats = vectors @ ((vectors.T @ gradient) / size)
    return step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))


def _at_boundary(peak: _Peak, *, with_prior: bool) -> _Peak:
    """Set to 0, or infinity, what is no worse there, and climb once more in the rest."""
    while True:
        found = _nearest_boundary(peak, with_prior=with_prior)
        if found is None:
            return peak
        peak = found


def _nearest_boundary(peak: _Peak, *, with_prior: bool) -> _Peak | None:
    space, position = peak.space, 0
    for block in space.blocks:
        for offset, place in enumerate(block.at):
            at = position + offset
            end = {names.KAPPA: np.inf}.get(block.name, 0.0)
            if not block.logged:
                continue
            inner = space.fixed_at(block.name, place, end)
            height = _height(inner, with_prior=with_prior)
            rest = np.delete(peak.x, at)
            if float(height(rest[None])[0]) < peak.height - _EQUAL * max(1, abs(peak.height) / 1e3):
                continue
            told = f"{block.name}[{place}] = {end:g}"
            once = _polished(inner, height, rest)
            return _Peak(
                once.space, once.x, once.height, once.gradient, once.hessian, once.settled,
                (*peak.boundary, told),
            )  # fmt: skip
        position += len(block.at)
    return None


def _errors(peak: _Peak) -> tuple[dict[str, Floats], bool]:
    """Return standard errors in natural units by the delta method, and whether any is lost."""
    space, size = peak.space, peak.x.size
    spread = np.full((size, size), np.nan)
    singular = size == 0
    if size:
        values, vectors = np.linalg.eigh(-peak.hessian)
        singular = bool((values < _SINGULAR * max(1.0, values.max())).any())
        if not singular:
            spread = (vectors / values) @ vectors.T
    eye = np.eye(size) * 1e-5
    if not size:
        return {}, False
    up, down = space.natural(peak.x + eye), space.natural(peak.x - eye)
    found: dict[str, Floats] = {}
    for block in space.blocks:
        slope = (up[block.name] - down[block.name]).reshape(size, -1) / 2e-5
        variance = np.einsum("ik,ij,jk->k", slope, spread, slope)
        own = np.full(variance.size, np.nan)
        at = list(block.at)
        own[at] = np.sqrt(np.maximum(variance[at], 0.0))
        found[block.name] = own.reshape(up[block.name].shape[1:])
    return found, singular


def _told(peak: _Peak, agreeing: int, *, with_prior: bool) -> xr.Dataset:
    space, levels = peak.space, peak.space.blueprint.levels
    errors, singular = _errors(peak)
    values = {name: v[0] for name, v in space.natural(peak.x[None]).items()}
    dims = {names.SLOPE: (names.COVARIATE, names.OUTCOME)}
    coords: dict[str, Any] = {names.OUTCOME: levels.outcome_names, names.CLUSTER: levels.clusters}
    if levels.covariates:
        coords[names.COVARIATE] = [covariate.name for covariate in levels.covariates]
    table = {name: (dims.get(name, (names.OUTCOME,)), v) for name, v in values.items()}
    table |= {f"se_{name}": (dims.get(name, (names.OUTCOME,)), v) for name, v in errors.items()}
    likely = float(log_likelihood(space, peak.x[None])[0])
    steep = float(np.linalg.norm(peak.gradient))
    attrs: dict[str, Any] = {
        "log_likelihood": likely,
        "gradient_norm": steep,
        "converged": int(peak.settled),
        "boundary": ", ".join(peak.boundary),
        "singular": int(singular),
        "starts_agreeing": agreeing,
    }
    if with_prior:
        attrs["log_posterior"] = peak.height
    return xr.Dataset(table, coords=coords, attrs=attrs)
