"""What moved a belief: the parts are differences through the whole model."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import coterie as co
from coterie.beliefs import Alone
from coterie.findings import powering
from tests.beliefs.small_world import NEW, OLD, believing, read_rows, rows


@pytest.fixture(scope="module")
def beliefs():
    return believing(OLD, np.random.default_rng(4))


@pytest.fixture(scope="module")
def found(beliefs):
    return co.explain(beliefs, "b")


def log_odds(share):
    return np.log(share) - np.log1p(-share)


def test_an_artist_alone_is_believed_in_as_in_the_fit(beliefs):
    for artist in ("a", "b", "c"):
        belief, _ = Alone.of(beliefs, artist).believe()
        fitted = beliefs.home.sel(artist=artist)
        error = 4 * belief.std(axis=0)[:2].max() * np.sqrt(2 / 200)
        np.testing.assert_allclose(
            belief.mean(axis=0)[:2], fitted.mean(("chain", "draw")), atol=error
        )
        np.testing.assert_allclose(belief.sum(axis=1), 1.0)


def test_parts_of_one_kind_and_what_they_share_are_the_way_from_prior_to_belief(rng):
    made = co.update(believing(OLD, rng), read_rows(NEW), rng=rng, refit="never")
    table = co.explain(made, "a").table
    assert table["of"].to_numpy().tolist() == ["window", "window", "window"]
    way = log_odds(table["belief"]) - log_odds(table["prior"])
    np.testing.assert_allclose(table["nats"].sum("part"), way, atol=1e-9)


def test_a_part_is_worth_what_its_absence_costs(rng):
    # Two weeks of one artist: the second week alone makes the home.
    told = rows(("a", "gym", 2, 45, 160), ("a", "indie", 2, 12, 160))
    made = co.update(believing(OLD, rng), read_rows(told), rng=rng, refit="never")
    table = co.explain(made, "a").table
    nats = table["nats"].sel(cluster="gym").to_numpy()
    assert nats[1] > nats[0]
    before = co.explain(believing(OLD, rng), "a").table["belief"].sel(cluster="gym")
    without = log_odds(float(table["belief"].sel(cluster="gym"))) - nats[1]
    assert without == pytest.approx(log_odds(float(before)), abs=0.25)


def test_the_factor_on_the_prior_makes_two_places_equal(found, beliefs):
    factor = found.table["prior_factor"].sel(cluster="gym").item()
    belief, _ = Alone.of(beliefs, "b").believe()
    tilted = belief * [factor, 1, 1]
    tilted /= tilted.sum(axis=1, keepdims=True)
    means = tilted.mean(axis=0)
    assert means[0] == pytest.approx(means[1:].max(), rel=1e-6)
    assert found.table["prior_factor"].sel(cluster="indie") < 1


def test_the_factor_on_kappa_turns_the_home(beliefs, found):
    alone = Alone.of(beliefs, "b")
    factor = found.table["kappa_factor"].item()
    home = alone.believe()[0].mean(axis=0).argmax()
    if np.isnan(factor):
        for extreme in (1e-3, 1e3):
            other = alone.believe(scatter=np.array([extreme]))[0].mean(axis=0)
            assert other.argmax() == home
    else:
        assert alone.believe(scatter=np.array([factor]))[0].mean(axis=0).argmax() != home


def test_the_headline_names_the_home_and_both_probabilities(found):
    belief = found.table["belief"].sel(cluster="indie").item()
    assert f"'indie' ({belief:.2f}, before the counts 0.36)" in found.headline


def test_who_is_not_there_cannot_be_explained(beliefs):
    with pytest.raises(co.BeliefError, match="No beliefs about artist 'z'"):
        co.explain(beliefs, "z")


def test_many_homes_are_explained_each_on_its_own(rng):
    found = co.explain(believing(OLD, rng, "many"), "b")
    table = found.table
    assert table["belief"].sel(cluster="indie") > 0.5
    assert table["prior_factor"].isnull().all()
    assert any("prior_factor is left empty" in line for line in found.caveats)


def test_the_weight_of_the_prior_is_told_in_listeners(found):
    own = found.table.sel(cluster="indie")
    assert own["listeners"] == 170
    way = log_odds(own["belief"]) - log_odds(own["prior"])
    assert own["prior_listeners"].item() == pytest.approx(abs(log_odds(0.36) / way.item()) * 170)
    assert (
        f"the prior weighs as much as {own['prior_listeners'].item():,.0f} listeners; the counts "
        f"of 170 listeners moved it from 0.36 to {own['belief'].item():.2f}." in found.headline
    )


@pytest.mark.parametrize("homes", ["one", "many"])
def test_a_doubling_of_power_is_the_slope_of_the_belief_over_its_power(homes, rng):
    alone = Alone.of(believing(OLD, rng, homes), "b")
    found = powering.per_doubling(alone)
    for row, name in zip(found, ("prior_power", "counts_power"), strict=True):
        fine = [alone.believe(**{name: 2.0**x})[0].mean(axis=0) for x in (-0.1, 0.1)]
        np.testing.assert_allclose(row, (fine[1] - fine[0]) / 0.2, atol=6e-3)
    if homes == "one":
        # With one home, odds move with their prior's.
        belief, log_prior = alone.believe()[0], np.log(alone.prior)
        mean = (belief * log_prior).sum(axis=1, keepdims=True)
        exact = np.log(2) * (belief * (log_prior - mean)).mean(axis=0)
        np.testing.assert_allclose(found[0], exact, atol=3e-3)


def test_a_lead_is_lost_at_the_share_of_counts_that_is_told(beliefs, found):
    alone = Alone.of(beliefs, "b")
    leader = alone.believe()[0].mean(axis=0).argmax()
    share = float(found.table["all_counts_factor"])
    # 'gym' is the likelier place before any count, so that some share must do it.
    assert 0 <= share < 1
    assert alone.believe(counts_power=share)[0].mean(axis=0).argmax() != leader
    more = min(1.0, share + 0.05 / 2**4 + 1e-3)
    assert alone.believe(counts_power=more)[0].mean(axis=0).argmax() == leader
    # There is one outcome: its counts are all there are.
    assert found.table["counts_factor"].item() == pytest.approx(share, abs=1e-9)
    assert any(f"{1 - share:.0%} less evidence of 'save'" in line for line in found.caveats)


def test_a_part_without_which_another_place_leads_is_named(rng):
    told = rows(("c", "gym", 2, 60, 160), ("c", "indie", 2, 10, 160))
    made = co.update(believing(OLD, rng), read_rows(told), rng=rng, refit="never")
    page = co.explain(made, "c")
    table = page.table
    leader = str(table["cluster"].values[int(table["belief"].argmax("cluster"))])
    alone = Alone.of(made, "c")
    weeks = table["part"].values[table["of"].values == "window"].tolist()[:-1]
    labels = made.evidence.cells()["window"].to_numpy()[alone.made.cell].astype(str)
    places = ["gym", "indie", "elsewhere"]
    for week in weeks:
        said = table["leads_without"].values[table["part"].values.tolist().index(week)]
        # The population hardly moves with one artist's week.
        believed = alone.believe(gone=labels == week)[0].mean(axis=0)
        if np.diff(np.sort(believed))[-1] > 0.05:
            assert said == places[int(believed.argmax())]
        if said != leader:
            assert any(f"no {week!r} ({said!r} leads)" in line for line in page.caveats)


def test_no_home_is_explained_where_the_counts_hardly_moved_the_prior(rng):
    few = believing(rows(("a", "gym", 1, 1, 9), ("a", "indie", 1, 1, 9)), rng)
    page = co.explain(few, "a")
    assert page.headline.startswith("The home of a is open; the highest belief is in ")
    assert "at home in" not in page.headline


def normal_beliefs(rng, *, prior=(0.3, 0.1), data=(0.55, 0.05), chains=4, draws=2500):
    """Beliefs that are a normal number: its prior and likelihood are stored, of two units each."""
    precision = prior[1] ** -2 + data[1] ** -2
    mean = (prior[0] * prior[1] ** -2 + data[0] * data[1] ** -2) / precision
    value = rng.normal(mean, precision**-0.5, size=(chains, draws))
    sample = ("chain", "draw")
    # Half the likelihood, of an artist that stands for two.
    told = 0.5 * stats.norm.logpdf(value, *data)
    tree = xr.DataTree.from_dict(
        {
            "log_prior": xr.Dataset({"alpha": (sample, stats.norm.logpdf(value, *prior))}),
            "log_likelihood": xr.Dataset({"evidence": ((*sample, "artist"), told[..., None])}),
        }
    )
    home = xr.DataArray(value[..., None, None], dims=(*sample, "artist", "cluster"))
    home = home.assign_coords(artist=["a"], cluster=["gym"])
    return SimpleNamespace(homes="one", home=home, tree=tree)


def sensitivity_on_a_grid(scaled, ends, *, prior=(0.3, 0.1), data=(0.55, 0.05)):
    """Root of the cumulative Jensen-Shannon distance per doubling, from normal laws alone.

    It is relative to the reach of the draws, so that their two ends are handed in.
    """
    x = np.linspace(*ends, 200_001)

    def law(alpha):
        shares = {"prior": 1.0, "likelihood": 1.0} | {scaled: alpha}
        weights = shares["prior"] * prior[1] ** -2, shares["likelihood"] * data[1] ** -2
        total = sum(weights)
        return (weights[0] * prior[0] + weights[1] * data[0]) / total, total**-0.5

    def distance(alpha, sign):
        p, q = (stats.norm.cdf(sign * x, sign * m, s) for m, s in (law(1), law(alpha)))
        mid = (p + q) / 2
        gap = np.trapezoid(p - q, x) / (2 * np.log(2))
        with np.errstate(divide="ignore", invalid="ignore"):
            one = np.trapezoid(np.nan_to_num(p * np.log2(p / mid)), x) - gap
            two = np.trapezoid(np.nan_to_num(q * np.log2(q / mid)), x) + gap
        return np.sqrt((one + two) / np.trapezoid(p + q, x))

    ways = [max(distance(a, 1), distance(a, -1)) / abs(np.log2(a)) for a in (0.99, 1.01)]
    return np.mean(ways)


@pytest.mark.parametrize(
    ("source", "scaled"), [("population_prior", "prior"), ("likelihood", "likelihood")]
)
def test_sensitivity_to_a_power_is_that_of_normal_laws(rng, source, scaled):
    made = normal_beliefs(rng)
    table = powering.through_population(made, "a", np.array([2.0]))
    psense = table["psense"].sel(source=source).item()
    ends = made.home.min().item(), made.home.max().item()
    # Of 10,000 draws a standard deviation is known to 0.7 %; over seeds this ratio moves by 1 %.
    assert psense == pytest.approx(sensitivity_on_a_grid(scaled, ends), rel=0.06)
    assert table["psense_chance"].sel(source=source) < psense / 10
    assert "Potential prior-data conflict" in powering.in_words(table, 0)


def test_a_prior_and_a_likelihood_as_wide_as_all_move_nothing(rng):
    table = powering.through_population(
        normal_beliefs(rng, prior=(0.5, 100.0)), "a", np.array([2.0])
    )
    assert "hardly moves this belief" in powering.in_words(table, 0)
    weak = powering.through_population(normal_beliefs(rng, data=(0.5, 100.0)), "a", np.array([2.0]))
    assert "strong prior or weak likelihood" in powering.in_words(weak, 0)


def test_what_chance_alone_would_show_is_not_called_a_sensitivity(rng):
    # Sixteen draws also are too few for the library to smooth the tails of their weights.
    few = powering.through_population(normal_beliefs(rng, draws=4), "a", np.array([2.0]))
    table = few.assign(psense=0.2 + 0 * few["psense"], psense_chance=0.3 + 0 * few["psense"])
    assert "cannot be told from chance" in powering.in_words(table, 0)


def test_beliefs_of_an_early_version_are_explained_without_their_log_prior(beliefs, found):
    kept = {n: g.to_dataset() for n, g in beliefs.tree.children.items() if n != "log_prior"}
    tree = xr.DataTree.from_dict(kept)
    tree.attrs = beliefs.tree.attrs
    early = co.explain(co.Beliefs(tree), "b")
    assert early.table["psense"].sel(source="population_prior").isnull().all()
    np.testing.assert_array_equal(
        early.table["psense"].sel(source="likelihood"),
        found.table["psense"].sel(source="likelihood"),
    )
    assert "hold no log prior" in early.caveats[-1]
    assert "power-scaling sensitivity" in found.caveats[-1]
