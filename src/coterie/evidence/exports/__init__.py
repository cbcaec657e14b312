"""Exports of platforms: a file in, typed rows and a list of what was done out.

:func:`read_export` and :func:`assemble` are the way in. :func:`template` writes a mapping to fill
in. A :class:`Kind` of :class:`Field` values describes one kind of file; packages add theirs by an
entry point in the group ``coterie.readers``.
"""

from __future__ import annotations

from coterie.evidence.exports.assembling import assemble as assemble
from coterie.evidence.exports.export import Export as Export
from coterie.evidence.exports.export import read_export as read_export
from coterie.evidence.exports.kinds import Field, Kind, Total
from coterie.evidence.exports.mapping import template

__all__ = ["Field", "Kind", "Total", "template"]  # the others are said at the front door
