# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Priors from words
#
# "We think it is a late-night record, and we would give that the weight of twenty releases." A prior is such a
# sentence written as numbers. This notebook writes some, looks at what they mean in listeners, and asks afterwards
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
# Stated like this, shares stay as they are: each artist's own counts move its belief, and no artist moves another's
# prior.

# %% [markdown]
# ## "... and that is worth twenty releases"
# With a strength the shares are themselves learned: what was said counts as much as twenty artists seen, and the
# artists of the table are added to those. Twenty past releases counted by hand say the same.

# %%
learned = co.MembershipPrior.from_shares(
    {"late-night headphones": 0.5, "indie pop": 0.33, "gym": 0.17}, elsewhere=0.1, strength=20
)
counted = co.MembershipPrior.from_counts(
    {"late-night headphones": 10, "indie pop": 6.6, "gym": 3.4}, elsewhere=0.1, learned=True
)
np.allclose(learned.shares, counted.shares) and learned.strength == counted.strength

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
# ## Look at it in listeners before any table is opened
# Each dot is one of twenty equally likely cells: what members of a cluster would do, and what others would.

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
