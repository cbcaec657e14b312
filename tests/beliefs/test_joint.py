"""Joint priors: what is refused, what is said, and where they are evaluated."""

import numpy as np
import pytensor.tensor as pt
import pytest

import coterie as co
from coterie.beliefs.joint import JointPrior


def half_normal(artist_scale):
    return -0.5 * (artist_scale**2).sum()


def gamma_precision(artist_scale):
    return (-1.002 * np.log(artist_scale) - 0.001 / artist_scale**2).sum()


def flat_in_log(kappa):
    return -np.log(kappa).sum()


@pytest.mark.parametrize("density", [half_normal, gamma_precision])
def test_a_density_that_falls_off_is_taken(density):
    prior = co.PopulationPrior().with_joint(density, over=("artist_scale",))

    assert prior.jointly == ("artist_scale",)


def test_a_density_that_does_not_fall_off_is_refused_naming_the_parameter():
    with pytest.raises(co.BeliefError, match="kappa becomes very large"):
        co.PopulationPrior().with_joint(flat_in_log, over=("kappa",))


def test_one_axis_that_does_not_fall_off_is_enough():
    with pytest.raises(co.BeliefError, match="alpha"):
        co.PopulationPrior().with_joint(
            lambda alpha, kappa: (0 * alpha - kappa).sum(), over=("alpha", "kappa")
        )


def test_a_density_declared_improper_warns():
    with pytest.warns(co.ImproperPriorWarning, match="kappa"):
        co.PopulationPrior().with_joint(flat_in_log, over=("kappa",), improper=True)


def test_the_table_has_no_interval_for_a_joint_parameter_and_draw_refuses(rng):
    save = co.Outcome.binary("save", successes="saves", trials="listeners")
    prior = co.PopulationPrior().with_joint(half_normal, over=("artist_scale",))
    row = prior.table([save]).set_index("parameter").loc["artist_scale"]

    assert row["prior"] == "joint"
    assert np.isnan(row["median"])
    with pytest.raises(co.BeliefError, match="artist_scale"):
        prior.draw([save], rng=rng)


def test_a_joint_parameter_takes_no_prior_of_its_own():
    prior = co.PopulationPrior().with_joint(half_normal, over=("artist_scale",))

    with pytest.raises(co.BeliefError, match="joint"):
        prior.replace(artist_scale=co.ParameterPrior.fixed(0.0))
    with pytest.raises(co.BeliefError, match="two joint"):
        prior.with_joint(half_normal, over=("artist_scale",))


def test_one_function_reads_arrays_and_tensors_alike():
    scale = np.array([0.3, 0.7])
    by_arrays = JointPrior(gamma_precision, ("artist_scale",)).evaluate({"artist_scale": scale})
    tensor = gamma_precision(pt.as_tensor(scale))

    assert by_arrays == pytest.approx(float(tensor.eval()), rel=1e-12)


def test_a_density_of_several_numbers_is_refused():
    with pytest.raises(co.BeliefError, match="sum"):
        JointPrior(lambda kappa: -kappa, ("kappa",)).check(outcomes=2)


def one_between_two(alpha):
    return -0.5 * (alpha[0] ** 2 + alpha[1] ** 2 - 1.2 * alpha[0] * alpha[1]) / 0.64


def test_a_density_that_ties_two_outcomes_waits_for_a_table_that_has_two(rng):
    population = co.PopulationPrior().with_joint(one_between_two, over=("alpha",))
    frame = {"artist": ["a", "b"], "cluster": ["x", "y"], "saves": [1, 2], "listeners": [9, 9]}

    with pytest.raises(co.BeliefError, match="1 outcome"):
        co.fit(co.Evidence.from_frame(frame), None, homes=None, population=population, rng=rng)
