"""Updates: weights are exact, no row counts twice, and the past is kept."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import coterie as co
from coterie import names
from coterie.beliefs import population as read
from coterie.beliefs import predict, updating
from coterie.beliefs.design import Levels, design
from coterie.beliefs.ledger import ledger_of
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.population import Stated
from coterie.beliefs.priors import MembershipPrior
from coterie.beliefs.tree import Beliefs
from coterie.beliefs.updating import _joined, update
from coterie.errors import BeliefError, EvidenceError, EvidenceWarning
from coterie.evidence import Evidence, HalfLife, Outcome, join
from tests.beliefs import by_hand
from tests.beliefs.small_world import (
    CHAINS,
    CLUSTERS,
    DRAWS,
    NEW,
    OLD,
    SAVE,
    SHARES,
    believing,
    read_rows,
    rows,
)


def exact(homes, half_life="never"):
    """Integrate over alpha and both new drifts on a grid: weights, points, beliefs.

    Artist a alone has new rows; where evidence fades, everybody's is another than before. What is
    an artist's own is summed by hand.
    """
    # Three artists instead of one: a grid as fine as needed, and no finer.
    sizes = (41, 25) if half_life == "never" else (25, 17)
    alpha = np.linspace(-3.4, -0.6, sizes[0])
    drift = np.linspace(-1.2, 1.2, sizes[1])
    at = np.stack(np.meshgrid(alpha, drift, drift, indexing="ij"), axis=-1).reshape(-1, 3)
    # A week is a half-life; the new rows are of the second.
    faded = 1.0 if half_life == "never" else 0.5

    def now(row):
        if row["period_start"] == OLD["period_start"].iloc[0]:
            return faded, at[:, 0]
        return 1.0, at[:, 0] + at[:, 1 + CLUSTERS.index(row["cluster"])]

    height = -0.5 * ((at[:, 0] + 2) / 0.3) ** 2 - 0.5 * np.square(at[:, 1:] / 0.3).sum(axis=1)
    whole, belief = pd.concat([OLD, NEW], ignore_index=True), None
    for artist in "a" if half_life == "never" else "abc":
        told, believed_now, _ = by_hand.believed(
            by_hand.rows_of(whole, artist, now), homes=homes, own=11, fits=41
        )
        before, _, _ = by_hand.believed(
            by_hand.rows_of(OLD, artist, lambda _: (1.0, alpha)), homes=homes, own=11, fits=41
        )
        height += told - np.repeat(before, drift.size**2)
        belief = believed_now if belief is None else belief
    weight = np.exp(height - height.max())
    weight /= weight.sum()
    return weight, at, belief


@pytest.mark.parametrize(
    ("homes", "half_life"), [("one", "never"), ("many", "never"), ("one", "7D")]
)
def test_weights_give_the_posterior_that_a_grid_gives(homes, half_life, rng):
    before = believing(OLD, rng, homes)
    made = update(before, read_rows(NEW), half_life=half_life, rng=rng, refit="never")
    weight, at, belief = exact(homes, half_life)
    post = made.tree[names.POSTERIOR].dataset
    drift = post[names.PERIOD_EFFECT].sel(outcome="save").isel(window=1)
    mine = np.stack(
        [
            post[names.ALPHA].to_numpy().ravel(),
            *drift.transpose("cluster", ...).to_numpy().reshape(2, -1),
        ],
        axis=1,
    )
    effective = float(made.history["effective"][-1])
    assert effective > 1000
    middle = weight @ at
    spread = np.sqrt(weight @ (at - middle) ** 2)
    np.testing.assert_array_less(abs(mine.mean(axis=0) - middle), 4 * spread / np.sqrt(effective))
    np.testing.assert_allclose(mine.std(axis=0), spread, rtol=4 / np.sqrt(2 * effective))
    # The new rows moved what they should: a third of a standard deviation of the prior and more.
    assert np.abs(middle[1:]).max() > 0.1
    found = (made.home if homes == "one" else made.membership).sel(artist="a")
    scatter = np.sqrt(weight @ (belief - weight @ belief) ** 2)
    error = np.max(np.abs(found.mean(("chain", "draw")).to_numpy() - weight @ belief))
    assert error < 4 * scatter.max() / np.sqrt(effective / DRAWS / CHAINS * 200)


@pytest.mark.parametrize("homes", ["one", "many"])
def test_draws_of_fits_make_homes_as_often_as_is_believed_before_and_after_an_update(homes, rng):
    before = believing(OLD, rng, homes)
    made = update(before, read_rows(NEW), rng=rng, refit="never")
    stated = np.array(list(SHARES.values()))
    for beliefs, effective in ((before, 4000), (made, float(made.history["effective"][-1]))):
        fits = beliefs.tree[names.POSTERIOR][names.AFFINITY].to_numpy().reshape(-1, 3, 2)
        mean = (beliefs.home if homes == "one" else beliefs.membership).mean(("chain", "draw"))
        for a in range(3):
            at_home = (
                by_hand.homes_of(fits[:, a]) if homes == "one"
                else fits[:, a] > stats.norm.ppf(1 - stated)
            )  # fmt: skip
            believed = mean.isel(artist=a).to_numpy()
            # Draws of fits, and the 200 draws of the population at which beliefs are integrated.
            error = 4 * np.sqrt(believed * (1 - believed) / effective)
            error += 4 * beliefs_spread(beliefs, homes, a) / np.sqrt(200 * effective / 4000)
            np.testing.assert_array_less(abs(at_home.mean(axis=0) - believed), error + 2e-3)
            assert (error < 0.15).all()


def beliefs_spread(beliefs, homes, artist):
    belief = beliefs.home if homes == "one" else beliefs.membership
    return belief.isel(artist=artist).std(("chain", "draw")).to_numpy()


def test_effects_of_an_artist_whose_rows_changed_follow_the_whole_ledger(rng):
    made = update(believing(OLD, rng), read_rows(NEW), rng=rng, refit="never")
    post = made.tree[names.POSTERIOR].dataset
    levels = Levels.of(made.evidence, CLUSTERS)
    whole = design(made.evidence, levels)
    prior = MembershipPrior.from_shares(SHARES)
    stated = Stated.of(prior, levels, "one")
    again = draw_local(whole, read.phi(post, whole, levels, stated), homes=stated.code, rng=rng)
    mine = post[names.ARTIST_EFFECT].to_numpy().reshape(-1, 3)
    theirs = again.artist_effect[..., 0]
    error = np.sqrt(2) * theirs.std(axis=0) / np.sqrt(float(made.history["effective"][-1]))
    np.testing.assert_array_less(abs(mine.mean(axis=0) - theirs.mean(axis=0)), 4 * error)


def test_an_update_in_two_steps_is_the_update_in_one(rng):
    before = believing(OLD, rng)
    one = update(before, read_rows(NEW), rng=rng, refit="never")
    step = update(before, read_rows(NEW.iloc[:1]), rng=rng, refit="never")
    two = update(step, read_rows(NEW.iloc[1:]), rng=rng, refit="never")
    assert two.evidence == one.evidence
    means = [b.home.mean(("chain", "draw")).to_numpy() for b in (one, two)]
    np.testing.assert_allclose(*means, atol=0.02)
    assert two.history["path"].to_numpy().tolist() == ["fit", "weights", "weights"]
    assert two.history["added"].to_numpy().tolist() == [6, 1, 1]
    np.testing.assert_allclose(two.history["mean"][0], before.home.mean(("chain", "draw")))


def test_every_update_weighs_every_window_at_its_age_of_now(rng):
    third = rows(("b", "gym", 3, 14, 120))
    before = believing(OLD, rng)
    one = update(before, read_rows(pd.concat([NEW, third])), half_life="7D", rng=rng, refit="never")
    step = update(before, read_rows(NEW), half_life="7D", rng=rng, refit="never")
    two = update(step, read_rows(third), rng=rng, refit="never")
    assert step.evidence.half_life == HalfLife(7.0, "2026-01-18")
    assert two.evidence == one.evidence
    assert two.evidence.half_life == HalfLife(7.0, "2026-01-25")
    means = [b.home.mean(("chain", "draw")).to_numpy() for b in (one, two)]
    np.testing.assert_allclose(*means, atol=0.02)
    # Artist c has no new row, and what was said of it in week 1 counts a quarter by now.
    gone = before.home.sel(artist="c").mean(("chain", "draw")).to_numpy()
    assert abs(means[1][2] - gone).max() > 0.01


def test_time_passes_without_rows_and_back_again_is_where_it_began(rng):
    before = believing(OLD, rng)
    later = update(before, None, half_life="7D", as_of="2026-01-18", rng=rng, refit="never")
    prior = later.tree[names.PRIOR]["prior"].to_numpy()
    far = [np.abs(b.home.mean(("chain", "draw")).to_numpy() - prior) for b in (before, later)]
    told = far[0] > 0.1
    assert told.sum() > 1
    assert (far[1] < far[0])[told].all()
    assert later.history["added"].to_numpy().tolist() == [6, 0]
    assert later.evidence.counts.identical(before.evidence.counts)
    again = update(later, None, half_life="never", rng=rng, refit="never")
    assert again.evidence == before.evidence
    # The draws of the fit, each as often as before, in another order.
    np.testing.assert_array_equal(np.sort(again.home, axis=None), np.sort(before.home, axis=None))


def test_the_day_never_goes_back_by_itself_and_what_was_stated_stays():
    first, more = read_rows(OLD), read_rows(NEW)

    def joined(ledger, arrived, half_life=None, as_of=None):
        made = _joined(ledger, arrived, half_life, as_of, replaces=False)
        return made.evidence.half_life

    assert joined(first, more) is None
    late = first.forgetting("90D", as_of="2026-06-01")
    assert joined(late, more) == HalfLife(90.0, "2026-06-01")
    assert joined(late, None, as_of="2026-01-18") == HalfLife(90.0, "2026-01-18")
    assert joined(first.forgetting("90D"), more) == HalfLife(90.0, "2026-01-18")
    assert joined(late, more, half_life="7D") == HalfLife(7.0, "2026-06-01")
    assert joined(late, more, half_life="never") is None
    # Stated anew, it holds for the rows that come too, whatever they say.
    assert joined(late, more.forgetting("3D"), half_life="7D").days == 7.0
    with pytest.raises(EvidenceError, match="half-life: 90 days in one table and 7 days"):
        joined(late, more.forgetting("7D"))


def test_an_update_of_nothing_is_refused(rng):
    before = believing(OLD, rng)
    with pytest.raises(BeliefError, match="no rows, no half_life and no as_of"):
        update(before, None, rng=rng)
    with pytest.raises(BeliefError, match=r"as_of is '2026-03-01', and nothing fades"):
        update(before, read_rows(NEW), as_of="2026-03-01", rng=rng)


def test_where_weighing_costs_more_than_a_fit_the_table_is_fitted_again(rng, monkeypatch):
    class FittedAgainError(Exception):
        pass

    def again(*_):
        raise FittedAgainError

    monkeypatch.setattr(updating, "WEIGHED_MOST", CHAINS * DRAWS)
    monkeypatch.setattr(updating, "_fitted_again", again)
    before = believing(OLD, rng)
    with pytest.raises(FittedAgainError):
        update(before, None, half_life="7D", rng=rng)
    # Who refuses another fit is given the weights, at their price.
    made = update(before, None, half_life="7D", rng=rng, refit="never")
    assert made.tree.attrs["coterie_path"] == "weights"


def test_a_faded_cells_own_rate_is_told_by_less_of_its_counts(rng):
    before = believing(OLD, rng)
    spread = {}
    for power, day in ((1, "2026-01-11"), (0.25, "2026-01-25"), (0, "2126-01-11")):
        tree = before.tree.copy()
        tree[names.LEDGER] = xr.DataTree(ledger_of(before.evidence.forgetting("7D", as_of=day)))
        known = [
            predict(Beliefs(tree), read_rows(OLD), of=of, rng=rng)["rate"]
            for of in ("observed", "next")
        ]
        spread[power] = known[0].std(("chain", "draw")).to_numpy()
    assert (spread[1] < spread[0.25]).all()
    assert (spread[0.25] < spread[0]).all()
    # Nothing is left of the counts: the cell's own rate is the next cell's, but for its window.
    assert abs(float((known[0] - known[1]).mean())) < 0.01


def test_the_diagnosis_is_that_of_the_fit_and_says_what_the_weights_left(rng):
    before = believing(OLD, rng)
    found = update(before, read_rows(NEW), rng=rng, refit="never").diagnose()
    assert found.ok == before.diagnose().ok
    assert found.numbers["rhat"] == before.diagnose().numbers["rhat"]
    assert "of 4,000 draws are effective" in found.lines[-1]
    assert 1000 < found.numbers["effective"] < 4000


def test_a_new_artist_is_believed_in_and_the_population_hardly_moves(rng):
    before = believing(OLD, rng)
    made = update(
        before, read_rows(rows(("d", "gym", 1, 40, 160), ("d", "indie", 1, 8, 140))), rng=rng
    )
    assert made.tree.attrs["coterie_path"] == "weights"
    assert made.home.sel(artist="d", cluster="gym").mean() > 0.8
    assert np.isnan(made.history["mean"].sel(artist="d", update=0)).all()


def test_a_correction_takes_the_place_of_its_row_and_the_row_is_kept(rng):
    before = believing(OLD, rng)
    better = rows(("c", "gym", 1, 30, 90))
    with pytest.raises(
        EvidenceError, match=r"1 of 1 rows .*artist 'c', cluster 'gym'.*replaces=True"
    ):
        update(before, read_rows(better), rng=rng)
    made = update(before, read_rows(better), replaces=True, rng=rng)
    assert len(made.evidence) == len(before.evidence)
    assert float(made.history["replaced"][-1]) == 1
    gone = made.tree["replaced_1"].dataset
    assert gone[names.NUMERATOR].item() == 11
    assert (
        made.home.sel(artist="c", cluster="gym").mean()
        > before.home.sel(artist="c", cluster="gym").mean() + 0.1
    )


def test_the_same_row_again_is_refused_by_name(rng):
    with pytest.raises(
        EvidenceError,
        match=r"row 0 \(artist 'a', cluster 'gym', period 2026-01-05.*same rows, counts and all",
    ):
        update(believing(OLD, rng), read_rows(OLD.iloc[:1]), replaces=False, rng=rng)


def test_a_new_cluster_needs_a_prior_and_gets_beliefs(rng):
    before = believing(OLD, rng)
    new = read_rows(rows(("a", "party", 1, 3, 120), ("b", "party", 1, 4, 150)))
    with pytest.raises(BeliefError, match=r"Cluster 'party' is new.*prior="):
        update(before, new, rng=rng)
    prior = MembershipPrior.from_shares({"party": 0.2, "gym": 0.5, "indie": 0.3})
    made = update(before, new, prior=prior, rng=rng, refit="never")
    assert made.home.sizes["cluster"] == 3
    assert made.home.sel(artist="b", cluster="party").mean() < 0.2
    stated = made.tree[names.PRIOR]["prior"].sel(artist="c", cluster="party")
    assert float(stated) == pytest.approx(0.9 * 0.2)
    total = made.home.sum("cluster") + made.elsewhere
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def test_an_updated_belief_is_saved_whole_and_updated_again(rng, tmp_path):
    made = update(believing(OLD, rng), read_rows(NEW.iloc[:1]), rng=rng, refit="never")
    made.save(tmp_path / "b.nc")
    read_back = Beliefs.load(tmp_path / "b.nc")
    assert read_back.history.equals(made.history)
    again = [
        update(b, read_rows(NEW.iloc[1:]), rng=np.random.default_rng(3), refit="never")
        for b in (made, read_back)
    ]
    np.testing.assert_array_equal(again[0].home, again[1].home)
    frames = [b.summary() for b in again]
    pd.testing.assert_frame_equal(*frames)


def test_rows_that_the_draws_cannot_carry_are_refused_where_no_fit_may_be_made(rng):
    far = rows(*[("a", c, w, 150, 160) for c in CLUSTERS for w in (2, 3, 4)])
    with pytest.raises(BeliefError, match="weights do not carry"):
        update(believing(OLD, rng), read_rows(far), rng=rng, refit="never")


def test_later_rows_are_read_as_the_first_were():
    first = read_rows(OLD)
    again = first.read_more(NEW.rename(columns={}))
    assert again == read_rows(NEW)
    with pytest.raises(EvidenceError, match="listeners"):
        first.read_more(NEW.drop(columns="listeners"))


def test_the_very_same_rows_stated_as_corrections_change_nothing_but_the_history(rng):
    before = believing(OLD, rng)
    made = update(before, read_rows(OLD.iloc[:2]), replaces=True, rng=rng)
    assert made.tree.attrs["coterie_path"] == "weights"
    np.testing.assert_array_equal(
        np.sort(made.home.sel(artist="b"), axis=None),
        np.sort(before.home.sel(artist="b"), axis=None),
    )
    assert float(made.history["replaced"][-1]) == 2


def test_with_many_homes_who_has_no_rows_in_a_new_cluster_keeps_the_prior_there(rng):
    before = believing(OLD, rng, "many")
    prior = MembershipPrior.from_shares(
        {"gym": 0.5, "indie": 0.3, "party": 0.2}, prob=SHARES | {"party": 0.2}
    )
    new = read_rows(rows(("a", "party", 1, 3, 120)))
    made = update(before, new, prior=prior, rng=rng, refit="never")
    np.testing.assert_allclose(made.membership.sel(artist="c", cluster="party"), 0.2)
    assert bool(made.membership.notnull().all())


def test_a_table_replaced_whole_is_still_read_as_the_ledger_reads():
    other = Outcome.binary("add", successes="adds", trials="listeners")
    first = Evidence.from_frame(OLD.assign(adds=3), outcomes=[SAVE, other], window="7D")
    second = Evidence.from_frame(OLD.assign(adds=4), outcomes=[other, SAVE], window="7D")
    joined = join(first, second, replaces=True)
    assert [o.name for o in joined.evidence.outcomes] == ["save", "add"]
    assert joined.evidence.counts["numerator"].sel(outcome="add").to_numpy().tolist() == [4] * 6
    assert len(joined.replaced) == 6


def test_a_later_read_under_another_period_would_count_people_twice_and_is_refused():
    longer = OLD.assign(period_end=OLD["period_end"] + pd.Timedelta(days=3))
    with pytest.raises(EvidenceError, match=r"6 of 6 new rows share days .* very same period"):
        join(read_rows(OLD), read_rows(longer), replaces=True)
    with pytest.warns(EvidenceWarning, match="6 of 6 new rows share days"):
        join(read_rows(OLD), read_rows(longer), replaces=False)


def test_a_row_that_was_bought_after_all_does_not_count_beside_its_twin():
    first = Evidence.from_frame(OLD.assign(spend=np.nan), outcomes=[SAVE], window="7D")
    second = Evidence.from_frame(OLD.assign(spend=5.0), outcomes=[SAVE], window="7D")
    with pytest.raises(EvidenceError, match=r"6 of 6 rows .* bought where the ledger's was not"):
        join(first, second, replaces=True)


def test_labels_of_another_type_are_refused_before_they_are_all_new():
    numbered = OLD.assign(artist=OLD["artist"].map({"a": 1, "b": 2, "c": 3}))
    with pytest.raises(EvidenceError, match=r"artist is numbers so far and text in these rows"):
        join(read_rows(numbered), read_rows(NEW), replaces=False)


def test_what_is_not_stated_of_a_covariate_is_read_as_in_the_ledger():
    tempo = co.Covariate("tempo", centre=120.0)
    told = {"outcomes": [SAVE], "window": "7D", "covariates": [tempo]}
    first = Evidence.from_frame(OLD.assign(tempo=[90, 120, 100, 140, 110, 95.0]), **told)
    second = first.read_more(NEW.assign(tempo=[200.0, 210.0]))
    third = Evidence.from_frame(NEW.assign(tempo=[200.0, 210.0]), **told)
    for arrived in (second, third):
        joined = join(first, arrived, replaces=False).evidence
        assert joined.covariates == first.covariates


def test_rows_that_say_how_they_fade_do_not_make_beliefs_fade():
    beliefs = believing(OLD, np.random.default_rng(4))
    rows = read_rows(NEW).forgetting("30D")
    made = update(beliefs, rows, refit="never", rng=np.random.default_rng(5))
    assert made.evidence.half_life is None
