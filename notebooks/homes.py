# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # One home, or many?
#
# "Where is this artist at home?" and "Which clusters does this artist belong in?" are two questions about the same
# thing: an artist's lasting fit in each cluster, what would be seen again in the next release. Home is the cluster of
# the highest fit. One home shares out a single unit of belief, and leaves a place for *none of these*; many homes
# asks of every cluster by itself whether the fit there is high enough. The beliefs here come with the package: twenty
# made-up artists, five clusters.

# %%
import coterie as co

one = co.example_beliefs("one")
many = co.example_beliefs("many")
one

# %% [markdown]
# ## One home
# Each line of dots is twenty equally likely outcomes. The dots of one artist are shared by all places, *elsewhere*
# among them, so that more in one place is less in the others. A diamond is what was believed before.

# %%
co.plot_home(one, artists=["Oslo Choir", "Juno Park", "Ferro"])

# %%
print(co.say_home(one, "Oslo Choir"))
print(co.say_home(one, "Juno Park"))
print(co.say_home(one, "Ferro"))

# %% [markdown]
# "None of these" is an answer: people made the list of clusters, and the highest fit may be in one that they missed.

# %%
one.elsewhere.mean(("chain", "draw")).to_series().sort_values(ascending=False).head(3).round(2)

# %% [markdown]
# ## Many homes
# Now every cluster has its own twenty dots, and an artist can belong in several, or in none. An artist is a member
# where its lasting fit is among the highest of the population: the highest fifth where the prior says 0.2. That
# share is a convention, stated and not learned.

# %%
co.plot_home(many, artists=["Quiet Riot Club", "Dune Parade", "Ferro"])

# %%
print(co.say_home(many, "Quiet Riot Club"))
print(co.say_home(many, "Dune Parade"))

# %% [markdown]
# Beliefs of many homes do not sum to one, and are not to be divided so that they do: the sum is how many of these
# clusters an artist is expected to belong in.

# %%
memberships = many.membership.mean(("chain", "draw")).sum("cluster").to_series()
memberships.sort_values(ascending=False).head(3).round(2)

# %% [markdown]
# ## All artists at once
# Darker is likelier, and larger has a narrower interval.

# %%
co.plot_affinity(many)

# %% [markdown]
# ## Which to choose
# Ask for one home where the decision is exclusive: one lead cluster, one first test. Ask for many where it is not:
# a list of audiences worth a line each. The prior must say which was believed: shares for one home, a probability
# by cluster (`prob=`) for many. Either way it enters exactly, and moves nothing that is learned of the population.

# %%
prior = co.MembershipPrior.from_shares(
    {"late-night headphones": 0.5, "indie pop": 0.3, "gym": 0.2},
    prob={"late-night headphones": 0.4, "indie pop": 0.3, "gym": 0.1},
    elsewhere=0.1,
)
len(prior.clusters) == 3
