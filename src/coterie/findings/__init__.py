"""The findings room: beliefs and a question in, a Finding out."""

from coterie.findings import formulas
from coterie.findings.backtest import backtest
from coterie.findings.budget import Rules, allocate
from coterie.findings.cards import scorecard
from coterie.findings.choosing import chosen
from coterie.findings.criticism import criticise
from coterie.findings.economics import durable_yield
from coterie.findings.explanation import explain
from coterie.findings.families import FAMILIES, Family
from coterie.findings.finding import Finding
from coterie.findings.half_life import choose_half_life
from coterie.findings.level_comparison import compare_levels
from coterie.findings.markets import Market
from coterie.findings.policies import simulate_policy
from coterie.findings.prior_predictive import prior_rates
from coterie.findings.reference import Reference
from coterie.findings.replica_rates import predictive_check
from coterie.findings.sbc import sbc
from coterie.findings.spreading import positioning
from coterie.findings.turning import sensitivity
from coterie.findings.words import OUTCOMES, of_draws, of_twenty, whole

__all__ = [
    "FAMILIES",
    "OUTCOMES",
    "Family",
    "Finding",
    "Market",
    "Reference",
    "Rules",
    "allocate",
    "backtest",
    "choose_half_life",
    "chosen",
    "compare_levels",
    "criticise",
    "durable_yield",
    "explain",
    "formulas",
    "of_draws",
    "of_twenty",
    "positioning",
    "predictive_check",
    "prior_rates",
    "sbc",
    "scorecard",
    "sensitivity",
    "simulate_policy",
    "whole",
]
