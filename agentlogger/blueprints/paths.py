"""How a part of an address is read that is somebody else's id."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import PathConverter


class Foreign(PathConverter):
    """An id that others chose: anything, line ends and slashes within it included.

    Werkzeug's own `path` ends at a line end, since it reads addresses by a regular expression in
    which a dot is no line end.
    """

    regex = r"[^/][\s\S]*?"


def init_app(app: Flask) -> None:
    """Let routes name it `foreign`."""
    app.url_map.converters["foreign"] = Foreign
