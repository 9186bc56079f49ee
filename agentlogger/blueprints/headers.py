"""Headers that every answer carries: what a browser must not do with it."""

from __future__ import annotations

from flask import Flask, Response, request

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""Log text is hostile: even if some of it got into a page as markup, nothing of it would run. The
last two forbid our own scripts to make markup of text at all."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def init_app(app: Flask) -> None:
    """Add the headers to every answer."""
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """The answer with its headers; what holds records is kept by no cache."""
    headers = response.headers
    given = {name.lower() for name, _ in headers}
    # Each of Werkzeug's own `setdefault` would go through all of them again.
    for name, value in HEADERS.items():
        if name.lower() not in given:
            headers.add(name, value)
    if request.endpoint != "static" and "cache-control" not in given:
        headers.add("Cache-Control", "no-store")
    return response
