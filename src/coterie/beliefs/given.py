"""Given: what would be believed of the ledger's artists if the population were known.

The same integrals as in a fit, at population parameters somebody states: a published
estimate, a simulated truth, a what-if. Nothing is sampled.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from coterie import names
from coterie.beliefs.assemble import beliefs as integrated
from coterie.beliefs.rows import Known
from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError

_SAMPLE = (names.CHAIN, names.DRAW)


def believe_given(beliefs: Beliefs, population: xr.Dataset) -> xr.Dataset:
    """Return b(phi) and the evidence of every artist at stated population parameters.

    Parameters
    ----------
    beliefs
        Whose ledger, prior and inventory to use.
    population
        The population parameters and effects of group ``posterior`` that are no artist's own:
        ``alpha``, ``loading``, ``kappa``, ``kappa_spread``, ``artist_scale``
        (outcome), ``kappa_cluster``, ``cluster_effect`` (cluster, outcome), ``period_effect``
        (cluster, window, outcome); with or without
        leading (chain, draw).

    Returns
    -------
    xarray.Dataset
        ``home`` and ``elsewhere``, or ``membership``, over (chain, draw, artist[, cluster]),
        probabilities; ``evidence`` (chain, draw, artist), the log probability of the artist's
        counts in nats, membership and local effects integrated out.

    Raises
    ------
    BeliefError
        If a parameter or a label is absent.
    """
    known = Known.of(beliefs)
    wanted = [
        str(name)
        for name, values in known.posterior.data_vars.items()
        if names.ARTIST not in values.dims
    ]
    absent = [name for name in wanted if name not in population]
    if absent:
        raise BeliefError(
            f"The population lacks {absent[0]!r}; {len(absent)} of {len(wanted)} parameters are "
            f"absent. State {', '.join(absent)}."
        )
    stated = population[wanted]
    labels = {d: known.posterior[d].to_numpy() for d in stated.dims if d not in _SAMPLE}
    try:
        stated = stated.sel(labels)
    except KeyError as error:
        raise BeliefError(f"The population does not know {error}, which the ledger has.") from error
    for dim in reversed(_SAMPLE):
        if dim not in stated.dims:
            stated = stated.expand_dims({dim: [0]})
    stated = stated.map(lambda values: values.transpose(*_SAMPLE, ...))
    draws = np.arange(stated.sizes[names.DRAW], dtype=np.float64)
    group, evidence = integrated(stated, known.made, known.levels, known.stated, draws)
    return group.merge(evidence)
