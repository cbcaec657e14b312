"""Deck: beliefs and findings in, files that a strategist shows out.

Callers may trust that all files tell the same slides with the same numbers, and that a file is
whole or not there. Computes nothing that beliefs and findings do not say.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args

from coterie.beliefs import Beliefs
from coterie.deck.page import write_html
from coterie.deck.pictures import write_png
from coterie.deck.powerpoint import write_pptx
from coterie.deck.sentences import plain
from coterie.deck.slides import NOT_YET, Slide
from coterie.deck.story import Audience, of_beliefs, of_finding, slug
from coterie.deck.tables import write_table
from coterie.errors import FindingError
from coterie.findings import Finding

_TITLE: Final = "Which listeners this music belongs with"


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Deck:
    """Slides: one answer each, in the order they are to be told.

    Attributes
    ----------
    title
        Of the first page.
    audience
        ``"strategist"``: answers. ``"analyst"``: all numbers as well.
    slides
        What is told.

    Parameters
    ----------
    told
        Beliefs or a finding, or several of them; ``{"spring": beliefs, "autumn": beliefs}``
        puts the name before each headline, and several beliefs need one.
    title
        Of the first page.
    audience
        Whom it is for.
    artists
        Who gets slides of their own, in order. Left out, the six whose belief moved most.

    Raises
    ------
    FindingError
        If there is nothing to tell, something is neither beliefs nor a finding, or several
        beliefs have no names.
    BeliefError
        If an artist is unknown.

    Examples
    --------
    >>> deck = co.Deck(co.example_beliefs(), title="Spring campaign", artists=["Marrow"])
    >>> [slide.name for slide in deck.slides]
    ['everybody', 'home-marrow', 'rates-marrow', 'how-sure']
    >>> deck.to_pptx(folder / "spring.pptx").name
    'spring.pptx'
    """

    title: str
    audience: Audience
    slides: tuple[Slide, ...]

    def __init__(
        self,
        told: Beliefs | Finding | Sequence[Beliefs | Finding] | Mapping[str, Beliefs | Finding],
        *,
        title: str = _TITLE,
        audience: Audience = "strategist",
        artists: Sequence[Hashable] | None = None,
    ) -> None:
        if audience not in get_args(Audience):
            raise FindingError(f"audience is {audience!r}; write 'strategist' or 'analyst'.")
        parts = _named(told)
        artists = [artists] if isinstance(artists, str) else artists
        if not parts:
            raise FindingError("A deck of nothing: hand in beliefs or findings.")
        slides: list[Slide] = []
        for name, part in parts:
            if isinstance(part, Beliefs):
                own = of_beliefs(part, artists, audience)
            elif isinstance(part, Finding):
                own = [of_finding(part)]
            else:
                raise FindingError(
                    f"A deck tells beliefs and findings, and got a {type(part).__name__}."
                )
            slides += [_under(name, slide) for slide in own]
        object.__setattr__(self, "title", plain(title))
        object.__setattr__(self, "audience", audience)
        object.__setattr__(self, "slides", tuple(slides))

    def __repr__(self) -> str:
        told = "\n".join(f"  {i}. {s.headline}" for i, s in enumerate(self.slides, start=1))
        head = f"coterie.Deck {self.title!r}: {len(self.slides)} slides, audience: {self.audience}"
        return f"{head}\n{told}"

    def to_pptx(
        self, path: str | os.PathLike[str], *, template: str | os.PathLike[str] | None = None
    ) -> Path:
        """Write PowerPoint with native charts and tables.

        Parameters
        ----------
        path
            File to write, or to replace.
        template
            Your own .pptx or .potx: its master, layouts and size are used, its slides are not.

        Returns
        -------
        Path
            The file.
        """
        write_pptx(self.slides, _file(path, ".pptx"), title=self.title, template=template)
        return Path(path)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write one page that needs no network and no script; it can be printed.

        Parameters
        ----------
        path
            File to write, or to replace.

        Returns
        -------
        Path
            The file.
        """
        write_html(self.slides, _file(path, ".html"), title=self.title)
        return Path(path)

    def to_png(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Draw each slide as a picture of 1280 x 720.

        Parameters
        ----------
        folder
            Made if it is not there.

        Returns
        -------
        list of Path
            The files, in order.
        """
        return write_png(self.slides, Path(folder))

    def to_csv(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the numbers of each slide, with nothing left out.

        Parameters
        ----------
        folder
            Made if it is not there.

        Returns
        -------
        list of Path
            The files, in order. Text that would begin a formula has an apostrophe before it.
        """
        where = Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        made = []
        for number, slide in enumerate(self.slides, start=1):
            made.append(where / f"{number:02d}-{slide.name}.csv")
            write_table(slide.numbers, made[-1])
        return made


def _named(told: Any) -> list[tuple[str, Any]]:
    """Pair what is told with its name, if it has one."""
    if isinstance(told, Mapping):
        return [(plain(name), part) for name, part in told.items()]
    parts = [*told] if isinstance(told, Sequence) else [told]
    several = sum(isinstance(part, Beliefs) for part in parts)
    if several > 1:
        raise FindingError(
            f"{several} beliefs in one deck cannot be told apart. Name them: "
            'co.Deck({"spring": beliefs, "autumn": others}).'
        )
    return [("", part) for part in parts]


def _under(name: str, slide: Slide) -> Slide:
    if not name:
        return slide
    warned = slide.headline.startswith(NOT_YET)
    headline = f"{slide.headline} ({name})" if warned else f"{name}: {slide.headline}"
    return replace(slide, headline=headline, name=f"{slug(name)}-{slide.name}")


def _file(path: Any, ending: str) -> Path:
    found = Path(path)
    if found.suffix.lower() != ending:
        raise FindingError(f"{path} does not end in {ending}. Name it so.")
    return found
