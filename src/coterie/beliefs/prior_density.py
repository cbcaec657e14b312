"""Prior density: the log prior of the population's parameters, draw by draw.

In the parameters' own scale, without the Jacobian of any coordinate, as ArviZ reads the group
``log_prior``. Effects that follow scales (of clusters, windows, artists) are no prior that
anybody stated, and are left out: what is scaled by its power is what can be argued about.

Source: which priors of a hierarchy to scale is that of Kallioinen and others (2024), section 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs.parameters import BINARY_DEFAULTS, FACTOR_SCALE

if TYPE_CHECKING:
    from coterie.beliefs.joint import JointPrior
    from coterie.beliefs.parameters import ParameterPrior
    from coterie.beliefs.population_prior import PopulationPrior
    from coterie.evidence import Outcome
    from coterie.typing import Floats

_SAMPLE: Final = (names.CHAIN, names.DRAW)


def log_prior(
    post: xr.Dataset,
    population: PopulationPrior,
    outcomes: Sequence[Outcome],
) -> xr.Dataset:
    """Return the log prior density of every population parameter that is not fixed.

    Parameters
    ----------
    post
        Draws: (chain, draw, ...).
    population, outcomes
        The priors, and the outcomes they are of.

    Returns
    -------
    xarray.Dataset
        In nats, under the name and the dims of each parameter, 0 where an outcome's is fixed;
        ``joint_prior_<i>`` (up to its constant) over (chain, draw). Empty where everything is
        fixed.
    """
    found: dict[str, Any] = {}
    for name, priors in _stated(post, population, outcomes):
        free = [i for i, p in enumerate(priors) if p.family not in {"fixed", "joint"}]
        if free:
            draws = post[name].transpose(*_SAMPLE, ..., names.OUTCOME)
            values, density = draws.to_numpy(), np.zeros(draws.shape)
            for i in free:
                density[..., i] = priors[i].log_densities(values[..., i])
            found[name] = (draws.dims, density)
    for i, joint in enumerate(population.joint):
        found[f"joint_prior_{i}"] = (_SAMPLE, _jointly(post, joint))
    dims = {dim for own, _ in found.values() for dim in own}
    made = xr.Dataset(found, coords={d: post[d] for d in post.coords if d in dims})
    return made.assign_attrs(unit="nats; of the population's parameters, in their own scale")


def _stated(
    post: xr.Dataset, population: PopulationPrior, outcomes: Sequence[Outcome]
) -> Iterator[tuple[str, tuple[ParameterPrior, ...]]]:
    for parameter in BINARY_DEFAULTS:
        priors = population.for_outcomes(outcomes, parameter)
        if parameter == FACTOR_SCALE:
            for name in map(str, post.data_vars):
                if name.startswith(names.FACTOR_SCALE):
                    yield name, priors
        elif parameter in post:
            yield parameter, priors


def _jointly(post: xr.Dataset, joint: JointPrior) -> Floats:
    shape = (post.sizes[names.CHAIN], post.sizes[names.DRAW])
    draws = {n: post[n].transpose(*_SAMPLE, ..., names.OUTCOME).to_numpy() for n in joint.over}
    values = [
        joint.evaluate({name: values[at] for name, values in draws.items()})
        for at in np.ndindex(*shape)
    ]
    return np.array(values).reshape(shape)
