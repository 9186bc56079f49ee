"""Parts that are loaded when they are asked for by name, as SQLAlchemy loads its dialects.

A migration speaks to one database, and `flask db` runs one command: the other database's room and
the other commands' would be most of what there is to load.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Loaded(Mapping[str, T]):
    """What each name stands for, loaded at its first use.

    `places` are addresses as `pkgutil.resolve_name` reads them: `package.module` or
    `package.module:name`. Nobody but the caller says that a T is found there.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = dict(places)

    def __getitem__(self, name: str) -> T:
        found: T = pkgutil.resolve_name(self._places[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def attributes(package: str, places: Mapping[str, Iterable[str]]) -> Callable[[str], Any]:
    """A `__getattr__` for a module whose names stand in other modules of a package.

    `places` says which module has which names. Raises AttributeError for any other name.
    """
    found = Loaded[Any](
        {name: f"{package}.{module}:{name}" for module, names in places.items() for name in names}
    )

    def find(name: str) -> Any:
        if name not in found:
            raise AttributeError(f"There is no {name} in {package}.")
        return found[name]

    return find
