# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # From a platform's export to a slide
#
# Two exports go in, as Meta and Spotify wrote them; a PowerPoint deck and a page come out. The rows of
# these samples are made up, and few: what they can tell is little, and the deck says so.

# %%
import tempfile
from pathlib import Path

import numpy as np
from IPython.display import Image

import coterie as co

above = (Path(), Path(".."), Path("../.."))
folders = (folder / "tests" / "evidence" / "samples" for folder in above)
samples = next(folder for folder in folders if folder.is_dir())
out = Path(tempfile.mkdtemp())

# %% [markdown]
# ## Read
# A file is known by its header. What was left out or could not be known is listed.

# %%
meta = co.read_export(samples / "meta_ads_manager_campaign_en.csv", artist="Demo Artist")
spotify = co.read_export(samples / "s4a_campaigns_marquee_showcase.csv")
spotify

# %% [markdown]
# ## Say which campaign reached which cluster
# Nobody can know that but you. `coterie map` writes this file with every campaign and segment in it; clusters
# are filled in by hand, and what stays empty is left out.

# %%
mapping = out / "mapping.toml"
mapping.write_text(
    """
[[row]]
file = "meta_ads_manager_campaign_en.csv"
campaign = "Late night, DE"
release = "Night Window"
cluster = "late night"

[[row]]
file = "meta_ads_manager_campaign_en.csv"
campaign = "Gym US"
release = "Night Window"
cluster = "gym"

[[row]]
file = "s4a_campaigns_marquee_showcase.csv"
campaign = "Night Window - DE"
segment = "All segments"
cluster = ""

[[row]]
file = "s4a_campaigns_marquee_showcase.csv"
campaign = "Night Window - DE"
segment = "Programmed listeners"
cluster = "programmed listeners"

[[row]]
file = "s4a_campaigns_marquee_showcase.csv"
campaign = "Night Window - DE"
segment = "Previously active listeners"
cluster = "returning listeners"
"""
)
table = co.assemble([meta, spotify], mapping)
table

# %% [markdown]
# ## Believe
# Four rows of one artist: how much clusters and cells differ comes mostly from the priors, and coterie warns.
# `PopulationPrior.streaming()` states them in the size that save and add rates really have.

# %%
evidence = co.Evidence.from_frame(table, period=("start", "end"))
prior = co.MembershipPrior.from_shares(
    {"late night": 0.4, "gym": 0.1, "programmed listeners": 0.25, "returning listeners": 0.25}
)
population = co.PopulationPrior.streaming()
beliefs = co.fit(evidence, prior, population=population, rng=np.random.default_rng(7))
co.say_home(beliefs, "Demo Artist")

# %% [markdown]
# ## Present
# A slide is a sentence with the answer, one chart, one line of how sure, and notes with the method. Charts
# and tables of the PowerPoint file are native: they can be edited, and carry their numbers.

# %%
deck = co.Deck(beliefs, title="Night Window: who is it for?")
deck.to_pptx(out / "deck.pptx")
deck.to_html(out / "report.html")
pictures = deck.to_png(out / "pictures")
deck

# %%
Image(filename=str(pictures[0]))

# %% [markdown]
# Your own template is respected: `deck.to_pptx("deck.pptx", template="brand.potx")`. The numbers of each slide,
# with nothing left out, are written by `deck.to_csv("numbers")`.

# %%
files = [out / "deck.pptx", out / "report.html", *pictures]
all(file.stat().st_size > 10_000 for file in files)
