"""The deck: beliefs and findings in, pictures and tables out."""

from coterie.deck.calibration import plot_calibration
from coterie.deck.deck import Deck
from coterie.deck.half_life import plot_half_life
from coterie.deck.heat import plot_affinity, plot_ranks
from coterie.deck.home import plot_home
from coterie.deck.population import plot_prior
from coterie.deck.rates import plot_rates
from coterie.deck.sentences import of_twenty, say_home
from coterie.deck.tables import write_new, write_table
from coterie.deck.update import plot_update

__all__ = [
    "Deck",
    "of_twenty",
    "plot_affinity",
    "plot_calibration",
    "plot_half_life",
    "plot_home",
    "plot_prior",
    "plot_ranks",
    "plot_rates",
    "plot_update",
    "say_home",
    "write_new",
    "write_table",
]
