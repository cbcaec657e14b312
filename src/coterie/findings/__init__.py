"""The findings room: beliefs and a question in, a Finding out."""

from coterie.findings import formulas, playbook
from coterie.findings.auditing import audit, ready_to_scale
from coterie.findings.backtest import backtest
from coterie.findings.budget import allocate
from coterie.findings.cards import scorecard
from coterie.findings.choosing import chosen
from coterie.findings.criticism import criticise
from coterie.findings.dimensions import dimensions
from coterie.findings.economics import durable_yield
from coterie.findings.explanation import explain
from coterie.findings.families import FAMILIES, Family
from coterie.findings.finding import Finding
from coterie.findings.gates import Gates
from coterie.findings.half_life import choose_half_life
from coterie.findings.information import value_of_information
from coterie.findings.later_home import later_best, leaders
from coterie.findings.layers import layers
from coterie.findings.leader import likely, raised
from coterie.findings.level_comparison import compare_levels
from coterie.findings.markets import Market
from coterie.findings.policies import simulate_policy
from coterie.findings.prior_predictive import prior_rates
from coterie.findings.reference import Reference
from coterie.findings.release import release_diagnostics
from coterie.findings.replica_rates import predictive_check
from coterie.findings.rules import Rules
from coterie.findings.sbc import sbc
from coterie.findings.spreading import positioning
from coterie.findings.standing import phases
from coterie.findings.thresholds import Thresholds
from coterie.findings.turning import sensitivity
from coterie.findings.words import OUTCOMES, of_draws, of_share, of_twenty, whole

__all__ = [
    "FAMILIES",
    "OUTCOMES",
    "Family",
    "Finding",
    "Gates",
    "Market",
    "Reference",
    "Rules",
    "Thresholds",
    "allocate",
    "audit",
    "backtest",
    "choose_half_life",
    "chosen",
    "compare_levels",
    "criticise",
    "dimensions",
    "durable_yield",
    "explain",
    "formulas",
    "later_best",
    "layers",
    "leaders",
    "likely",
    "of_draws",
    "of_share",
    "of_twenty",
    "phases",
    "playbook",
    "positioning",
    "predictive_check",
    "prior_rates",
    "raised",
    "ready_to_scale",
    "release_diagnostics",
    "sbc",
    "scorecard",
    "sensitivity",
    "simulate_policy",
    "value_of_information",
    "whole",
]
