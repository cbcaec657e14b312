"""The deck: beliefs and findings in, pictures and tables out."""

from coterie.deck import style
from coterie.deck.answer import plot_finding
from coterie.deck.calibration import plot_calibration
from coterie.deck.checks import plot_ppc, plot_sensitivity
from coterie.deck.deck import Deck
from coterie.deck.half_life import plot_half_life
from coterie.deck.heat import plot_affinity, plot_ranks
from coterie.deck.home import plot_home
from coterie.deck.population import plot_prior
from coterie.deck.rates import plot_depth, plot_rates
from coterie.deck.saying import (
    say_affinity,
    say_calibration,
    say_depth,
    say_predictive_check,
    say_ranks,
    say_rates,
    say_sensitivity,
    say_update,
)
from coterie.deck.sentences import say_home
from coterie.deck.tables import write_new, write_table
from coterie.deck.update import plot_update
from coterie.findings import of_twenty

__all__ = [
    "Deck",
    "of_twenty",
    "plot_affinity",
    "plot_calibration",
    "plot_depth",
    "plot_finding",
    "plot_half_life",
    "plot_home",
    "plot_ppc",
    "plot_prior",
    "plot_ranks",
    "plot_rates",
    "plot_sensitivity",
    "plot_update",
    "say_affinity",
    "say_calibration",
    "say_depth",
    "say_home",
    "say_predictive_check",
    "say_ranks",
    "say_rates",
    "say_sensitivity",
    "say_update",
    "style",
    "write_new",
    "write_table",
]

style.register()
