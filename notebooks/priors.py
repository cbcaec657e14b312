# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Priors from words
#
# "We think it is a late-night record; half of our last twenty releases were." A prior is such a sentence written as
# numbers. This notebook writes some, looks at what they mean in listeners, and asks afterwards
# how much of a belief was prior.

# %%
import numpy as np

import coterie as co

rng = np.random.default_rng(7)
beliefs = co.example_beliefs()
outcomes = beliefs.evidence.outcomes

# %% [markdown]
# ## "Half late night, a third indie pop, the rest gym; one in ten it is none of these"

# %%
firm = co.MembershipPrior.from_shares(
    {"late-night headphones": 0.5, "indie pop": 0.33, "gym": 0.17}, elsewhere=0.1
)
dict(zip(firm.clusters, firm.shares.round(2).tolist(), strict=True))

# %% [markdown]
# The shares enter exactly: before any counts the belief is the prior. Each artist's own counts move its belief; what
# is stated of homes moves neither the belief of another artist nor what is learned of listeners in general.

# %% [markdown]
# ## "Of our last twenty releases ten lived there"
# Past releases counted by hand are a prior too: counts are divided by their sum. Add a half to a cluster never seen,
# so that it is not ruled out.

# %%
counted = co.MembershipPrior.from_counts(
    {"late-night headphones": 10, "indie pop": 7, "gym": 3}, elsewhere=0.1
)
dict(zip(counted.clusters, counted.shares.tolist(), strict=True))

# %% [markdown]
# ## "They have several"
# For many homes a probability by cluster says how good a fit must be to be called membership: 0.2 is the highest
# fifth of all artists. It is a convention, and no table can teach it.

# %%
several = co.MembershipPrior.uniform(firm.clusters, prob=0.2)
several.prob.tolist()

# %% [markdown]
# ## "One in twelve saves, and releases differ by a factor of two"
# A rate is stated on the scale the model lives on: log odds. A release twice the usual is 0.7 away, and twenty
# releases know the level twenty times better than one: divide the spread by the root of twenty.

# %%
usual, one_release = 1 / 12, np.log(2)
level = co.ParameterPrior.normal(
    np.log(usual / (1 - usual)), one_release / np.sqrt(20), reason="20 of our own releases"
)
stated = co.PopulationPrior().replace(outcome="save", alpha=level)
stated.table(outcomes).query("outcome == 'save'")[["parameter", "prior", "reason"]].head(3)

# %% [markdown]
# ## "It is our only artist"
# One artist alone cannot tell a cluster that answers everybody from one that answers this artist. The priors decide,
# so state them in the size that such rates really have; each comes with a reason somebody may argue with.

# %%
streaming = co.PopulationPrior.streaming().table(outcomes).query("outcome == 'save'")
streaming[["parameter", "prior", "reason"]]

# %% [markdown]
# ## How much of what is seen will be seen again?
# `loading` says how far lasting fits spread an artist's clusters, `kappa` how much cells scatter on top, anew each
# time. Repeats tell them apart; without repeats the prior does, and its default says that most of what is seen lasts.

# %%
usually = co.PopulationPrior().table(outcomes).query("outcome == 'save'")
usually[usually["parameter"].isin(["loading", "kappa"])][["parameter", "prior", "reason"]]

# %% [markdown]
# ## Look at it in listeners before any table is opened
# Each dot is one of twenty equally likely cells: what listeners would do in the best of five clusters, and in any.

# %%
co.plot_prior(stated, outcomes, rng=rng)

# %% [markdown]
# ## Afterwards: how much of it was prior?
# The weight of what was stated is turned to a half and to twice; so are the artist's own counts.

# %%
found = co.sensitivity(beliefs)
print(co.say_sensitivity(found))
co.plot_sensitivity(found, artists=["Marrow", "Juno Park", "Halden"])

# %% [markdown]
# And for one artist, in listeners:

# %%
print(co.explain(beliefs, "Juno Park").headline)

# %% [markdown]
# A belief that a prior can turn is a question for another test, not an answer.

# %%
bool(found.table["kept"].sel(artist="Marrow"))
