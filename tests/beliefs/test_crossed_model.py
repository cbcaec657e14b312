"""The model of crossed factors: moved in other coordinates, with the priors that were stated."""

import numpy as np
import pandas as pd
import pymc as pm

import coterie as co
from coterie.beliefs.crossed import splitting
from coterie.beliefs.design import Levels
from coterie.beliefs.fitting import build_model
from tests.beliefs.stated_world import read

ROWS = pd.DataFrame(
    {
        "artist": ["a"] * 8, "place": ["n", "s"] * 4, "listener": ["f", "f", "g", "g"] * 2,
        "moment": ["day"] * 4 + ["night"] * 4, "creative": ["x", "y", "y", "x"] * 2,
        "saves": [3, 5, 2, 8, 9, 1, 4, 4], "listeners": [10, 40, 10, 400, 50, 10, 10, 20],
    }
)  # fmt: skip
PLACES = ["place", "listener", "moment"]


def test_what_splits_a_level_is_found_with_its_share():
    found = splitting(Levels.of(read(ROWS, cluster=PLACES, crossed=[("creative", "place")])))

    assert found["place"] == {
        "place x listener": 0.5, "place x moment": 0.5, "creative x place": 0.5, "cluster": 0.25,
    }  # fmt: skip
    assert found["listener x moment"] == {"cluster": 0.5}
    assert found["creative"] == {"creative x place": 0.5}
    assert found["creative x place"] == {}


def test_alpha_and_every_effect_have_the_priors_that_are_stated_and_are_apart():
    fixed = co.ParameterPrior.fixed
    population = co.PopulationPrior().replace(
        alpha=co.ParameterPrior.normal(-2.0, 0.8), factor_scale=fixed(0.5),
        cluster_scale=fixed(0.3), period_scale=fixed(0.0),
    )  # fmt: skip
    model = build_model(read(ROWS, cluster=PLACES), None, homes=None, population=population)
    wanted = {"alpha": 0.8, "cluster_effect": 0.3} | {
        f"factor_effect_{f}": 0.5 for f in (*PLACES, "place x listener", "listener x moment")
    }
    size = 6000
    found = pm.draw([model[name] for name in wanted], draws=size, random_seed=5)
    units = np.concatenate(
        [d.reshape(size, -1) / sd for d, sd in zip(found, wanted.values(), strict=True)], axis=1
    )

    assert abs(found[0].mean() + 2.0) < 5 * 0.8 / np.sqrt(size)
    # 23 unit normals: a covariance has standard error at most sqrt(2 / size).
    assert units.shape[1] == 1 + 8 + 6 + 8
    np.testing.assert_allclose(np.cov(units.T), np.eye(23), atol=5 * np.sqrt(2 / size))
