"""The evidence room: a table of counts in, checked Evidence out."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from coterie.evidence.cells import bought_rows
from coterie.evidence.checks import unknown_clusters
from coterie.evidence.covariates import Covariate, unidentified_in
from coterie.evidence.crossing import EACH_RELEASE, SEPARATOR, split, with_crossed
from coterie.evidence.cycles import Cycle
from coterie.evidence.exports import Export, assemble, read_export
from coterie.evidence.forgetting import NEVER, HalfLife, days_of
from coterie.evidence.frames import open_table
from coterie.evidence.joining import Joined, join, part_of, unlike
from coterie.evidence.outcomes import STANDARD, Outcome, standard_outcomes
from coterie.evidence.reading import check
from coterie.evidence.table import Evidence
from coterie.evidence.thin import thin

__all__ = [
    "EACH_RELEASE",
    "NEVER",
    "SEPARATOR",
    "STANDARD",
    "Covariate",
    "Cycle",
    "Evidence",
    "Export",
    "HalfLife",
    "Joined",
    "Outcome",
    "assemble",
    "bought_rows",
    "check",
    "days_of",
    "join",
    "open_table",
    "part_of",
    "read_export",
    "split",
    "standard_outcomes",
    "thin",
    "unidentified_in",
    "unknown_clusters",
    "unlike",
    "with_crossed",
]

_ON_REQUEST = ("datasets", "exports", "simulate")


def __getattr__(name: str) -> ModuleType:
    # Bundled rows and worlds are read by those who ask for them.
    if name in _ON_REQUEST:
        return import_module(f"coterie.evidence.{name}")
    raise AttributeError(f"module 'coterie.evidence' has no attribute {name!r}")
