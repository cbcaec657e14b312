"""Storage: a tree of beliefs on disk, as netCDF and nothing but numbers and text.

Callers may trust that a file is there whole or not at all, that what is read is what
was written, that nothing in it runs when it is opened, and that it opens without the
sampler. Text is kept to the letter, whatever it is. Knows nothing of what the numbers
mean, apart from the schema's number.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from coterie.beliefs.customs import inspect
from coterie.beliefs.seal import check_seal, seal_of
from coterie.beliefs.whole_files import replacing
from coterie.errors import BeliefError, CorruptResultError

SCHEMA: Final = 3
"""Number of the layout of groups and names that this version writes.

1: without a seal. 2: sealed (see :mod:`coterie.beliefs.seal`). 3: home is where the lasting fit is
highest; draws of earlier files are of two kinds of artists and mean something else. Groups may
come and the number stay.
"""
_SAME_MODEL: Final = 3

_SEALED_SINCE: Final = 2

_SCHEMA: Final = "coterie_schema"
_VERSION: Final = "coterie_version"
_AS_JSON: Final = "coterie_json"
_ENGINE: Final = "h5netcdf"
_NEEDED: Final = ("posterior", "ledger")
# Counts and labels repeat and shrink tenfold; draws do not, and would only cost time.
_SQUEEZED: Final = ("ledger", "observed_data", "prior", "fitted_ledger", "fitted_prior")
_MOMENTS: Final = {"units": "nanoseconds since 1970-01-01", "dtype": "int64"}


def write_tree(tree: xr.DataTree, path: str | os.PathLike[str]) -> None:
    """Write a tree as one netCDF file, whole or not at all.

    Parameters
    ----------
    tree
        Groups of numbers, dates, flags and text.
    path
        File to be written; one that is there is replaced at the last moment.

    Raises
    ------
    BeliefError
        If the file cannot be written, or a label is neither text nor a number.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise BeliefError(f"{str(path)!r} is a folder. Name a file in it, such as 'beliefs.nc'.")
    if not target.parent.is_dir():
        raise BeliefError(
            f"The folder {str(target.parent)!r} does not exist, so nothing was saved. "
            "Make it first."
        )
    plain = tree.map_over_datasets(_plain)
    plain.attrs[_SCHEMA] = SCHEMA
    _check_space(plain, target, path)
    # HDF5 crashes the process when its disk fills; memory fills in better manners.
    image = io.BytesIO()
    plain.to_netcdf(image, engine=_ENGINE, encoding=_encoding(plain))
    try:
        with (
            image.getbuffer() as whole,
            replacing(target, str(path)) as beside,
            beside.open("wb") as handle,
        ):
            handle.write(whole)
            handle.write(seal_of(whole))
    except OSError as error:
        raise BeliefError(
            f"{str(path)!r} could not be written, {_bytes_of(plain):,} bytes at most: "
            f"{error.strerror or error}. Nothing was changed there, and the beliefs are still in "
            "memory. Free some space, or save elsewhere."
        ) from error


def read_tree(path: str | os.PathLike[str], *, rows_only: bool = False) -> xr.DataTree:
    """Read a tree written by :func:`write_tree`; the file is closed again.

    Parameters
    ----------
    path
        File to be read.
    rows_only
        Whether nothing but the rows will be read, which mean the same in every version.

    Returns
    -------
    xarray.DataTree
        In memory.

    Raises
    ------
    BeliefError
        If there is no such file, it is something else, or a later version wrote it, or one
        whose draws meant something else.
    CorruptResultError
        If it is damaged: it is not bit for bit what was saved.
    """
    file = Path(path)
    if file.is_dir():
        raise BeliefError(f"{str(path)!r} is a folder. Name the file of beliefs in it.")
    if not file.exists():
        raise BeliefError(f"There is no file {str(path)!r}. Check its name and its folder.")
    try:
        sealed = check_seal(file)
        inspect(file)
        with xr.open_datatree(file, engine=_ENGINE) as tree:
            schema = _check_schema(tree, path, sealed=sealed)
            whole = tree.load().map_over_datasets(_restored)
    except BeliefError:
        raise
    except Exception as error:  # HDF5 readers meet damage with errors of every kind
        raise CorruptResultError(
            f"{str(path)!r} cannot be read as saved beliefs: it is damaged, cut short or another "
            f"kind of file ({type(error).__name__}: {str(error)[:200]}). Save the beliefs again, "
            "or take an earlier copy."
        ) from error
    whole.attrs = {key: _plain_attribute(value) for key, value in whole.attrs.items()}
    if schema < _SAME_MODEL and not rows_only:
        raise BeliefError(
            f"{str(path)!r} was saved by coterie {whole.attrs.get(_VERSION, '(unnamed)')}, whose "
            "model had two kinds of artists: its draws do not mean what draws mean now. Fit again: "
            "Beliefs.evidence_in(path) reads the rows that a file of beliefs holds."
        )
    return whole


def _bytes_of(tree: xr.DataTree) -> int:
    return int(sum(node.dataset.nbytes for node in tree.subtree))


def _check_space(tree: xr.DataTree, target: Path, path: str | os.PathLike[str]) -> None:
    needed, free = _bytes_of(tree), shutil.disk_usage(target.parent).free
    if needed > free:
        raise BeliefError(
            f"{str(path)!r} needs up to {needed:,} bytes, and {free:,} are free there. Nothing was "
            "written, and the beliefs are still in memory. Free some space, or save elsewhere."
        )


def _check_schema(tree: xr.DataTree, path: str | os.PathLike[str], *, sealed: bool) -> int:
    number = tree.attrs.get(_SCHEMA)
    if not isinstance(number, int | np.integer):
        raise BeliefError(
            f"{str(path)!r} is not a coterie file: it has no {_SCHEMA}. "
            "Open files that Beliefs.save wrote."
        )
    if number > SCHEMA:
        raise BeliefError(
            f"{str(path)!r} was saved by coterie {tree.attrs.get(_VERSION, '(unnamed)')} in schema "
            f"{number}; this version reads schemas up to {SCHEMA}. Install a newer coterie."
        )
    if number < 1:
        raise CorruptResultError(f"{str(path)!r} says it is of schema {number}; the first was 1.")
    if number >= _SEALED_SINCE and not sealed:
        raise CorruptResultError(
            f"{str(path)!r} has lost its seal: it was cut short, damaged at its end, or saved "
            "again by another program, so that nobody can say whether it is what was saved. Take "
            "the file that Beliefs.save wrote."
        )
    absent = [group for group in _NEEDED if group not in tree.children]
    if absent:
        raise CorruptResultError(
            f"{str(path)!r} is not whole: the group {absent[0]!r} is absent, {len(absent)} of "
            f"{len(_NEEDED)} are. Save the beliefs again."
        )
    return int(number)


def _encoding(tree: xr.DataTree) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for group, node in tree.children.items():
        own: dict[str, Any] = {}
        for name, variable in node.dataset.variables.items():
            if variable.dtype.kind == "M":
                own[str(name)] = dict(_MOMENTS)
            elif variable.dtype.kind in "fi" and group in _SQUEEZED and variable.ndim:
                own[str(name)] = {"zlib": True, "complevel": 1, "shuffle": True}
        found[f"/{group}"] = own
    return found


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Make everything a number or text that netCDF can hold."""
    bare = dataset.drop_encoding()
    bare = _with(bare, {name: _plain_variable(v) for name, v in bare.variables.items()})
    return bare.assign_attrs({k: _plain_attribute(v) for k, v in dataset.attrs.items()})


def _restored(dataset: xr.Dataset) -> xr.Dataset:
    bare = dataset.drop_encoding()
    return _with(bare, {name: _restored_variable(v) for name, v in bare.variables.items()})


def _with(dataset: xr.Dataset, variables: dict[Any, xr.Variable]) -> xr.Dataset:
    changed = {n: v for n, v in variables.items() if v is not dataset.variables[n]}
    marks = {n: v for n, v in changed.items() if n in dataset.coords}
    return dataset.assign({n: v for n, v in changed.items() if n not in marks}).assign_coords(marks)


def _plain_variable(variable: xr.Variable) -> xr.Variable:
    attrs = {key: _plain_attribute(value) for key, value in variable.attrs.items()}
    if variable.dtype.kind not in "OUT":
        return variable if attrs == variable.attrs else variable.copy()._replace(attrs=attrs)
    values = variable.to_numpy().astype(object)
    flat = [v.item() if isinstance(v, np.generic) else v for v in values.ravel().tolist()]
    if flat and all(isinstance(v, str) and _storable(v) for v in flat):
        return xr.Variable(variable.dims, _texts(flat, values.shape), attrs)
    # Labels of mixed types, and the few letters no file holds, are spelled out as JSON.
    try:
        spelled = [json.dumps(value) for value in flat]
    except TypeError as error:
        raise BeliefError(f"A label or value cannot be saved: {error}. Use text.") from error
    text = _texts(spelled, values.shape)
    return xr.Variable(variable.dims, text, attrs | {_AS_JSON: 1})


def _restored_variable(variable: xr.Variable) -> xr.Variable:
    if variable.dtype.kind not in "OUT":
        return variable
    flat = [str(v) for v in variable.to_numpy().astype(object).ravel().tolist()]
    attrs = dict(variable.attrs)
    read = [json.loads(v) for v in flat] if attrs.pop(_AS_JSON, 0) else flat
    return xr.Variable(variable.dims, _texts(read, variable.shape), attrs)


def _texts(flat: list[Any], shape: tuple[int, ...]) -> Any:
    values = np.empty(len(flat), dtype=object)
    values[:] = flat
    return values.reshape(shape)


def _storable(text: str) -> bool:
    # Strings of HDF5 end at the first NUL, and half of a surrogate pair is no UTF-8.
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _plain_attribute(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple) and all(isinstance(v, str | int | float) for v in value):
        return list(value)
    return json.dumps(value, default=str)
