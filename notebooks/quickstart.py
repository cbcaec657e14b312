# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # From a table of counts to a belief
#
# A campaign table goes in; beliefs about clusters, with credible intervals, come out.
# The table here is simulated, so that the truth is known and the belief can be checked against it.

# %%
import numpy as np

import coterie as co

rng = np.random.default_rng(7)
world = co.simulate.world(artists=40, clusters=5, homes="one", rng=rng)
frame = world.frame
frame.head()

# %% [markdown]
# ## Read the table
# Every problem of a table is named at once; a clean one becomes evidence.

# %%
co.check(frame)

# %%
evidence = co.Evidence.from_frame(frame)
evidence

# %% [markdown]
# ## Say what was believed before

# %%
prior = co.MembershipPrior.uniform(evidence.clusters.tolist(), elsewhere=0.1)
co.PopulationPrior().table(evidence.outcomes)[["outcome", "parameter", "prior", "reason"]].head(8)

# %% [markdown]
# ## Fit and believe
# The first fit of a process compiles its model; the wait is announced. A fit makes 1,000 draws a chain, and goes on
# up to 4,000 where they have not converged.

# %%
beliefs = co.fit(evidence, prior, rng=rng)
beliefs

# %%
beliefs.summary().head(10)

# %% [markdown]
# The truth is known here: the cluster of the highest lasting fit. How surely do we believe in the true home?

# %%
truth = world.truth["home"].to_series()
inside = truth[truth != "elsewhere"]
belief = beliefs.home.mean(("chain", "draw")).to_series()
np.mean([belief[artist, home] for artist, home in inside.items()])

# %% [markdown]
# ## Look

# %%
co.plot_home(beliefs)

# %%
co.plot_rates(beliefs, outcome="save")

# %% [markdown]
# ## Was it right about what came later?

# %%
later = co.simulate.later(world, rng=rng).evidence()
finding = co.backtest(beliefs, later, rng=rng)
finding

# %%
co.plot_calibration(finding)

# %% [markdown]
# ## Keep it

# %%
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    beliefs.save(Path(folder) / "september.nc")
    again = co.Beliefs.load(Path(folder) / "september.nc")
again.evidence == evidence
