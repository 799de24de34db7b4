"""Reading URLs: https, http and file, and no other kind by way of a redirection."""

from __future__ import annotations

import contextlib
import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import IO, Any

# Seconds to wait for a connection and for each block that is read from it.
TIMEOUT = 30.0


@contextlib.contextmanager
def open_url(origin: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """The contents of a URL as an open file, and their length in bytes, None where it is unknown.

    Raises:
        OSError: there is no connection, the server refuses, or it redirects to anything but http(s). So does
            reading when the connection breaks.

    >>> import pathlib
    >>> with open_url(pathlib.Path(os.devnull).as_uri()) as (file, size):
    ...     file.read(), size
    (b'', 0)
    """
    parts = urllib.parse.urlsplit(origin)
    if parts.scheme.lower() == "file":
        if parts.netloc not in ("", "localhost"):
            raise OSError(f"a file:// URL has no host but localhost, and this one has {parts.netloc!r}")
        path = urllib.request.url2pathname(parts.path)
        with open(path, "rb") as file:
            yield file, os.path.getsize(path)
        return
    request = urllib.request.Request(origin, headers={"User-Agent": "kerasish"})
    try:
        with _opener().open(request, timeout=TIMEOUT) as response:
            length = response.headers.get("Content-Length", "")
            yield response, int(length) if length.isdecimal() else None
    except urllib.error.HTTPError as error:
        error.close()
        raise OSError(f"{error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise OSError(str(error.reason)) from error
    except http.client.HTTPException as error:
        raise OSError(str(error) or type(error).__name__) from error


class _HttpRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections from http(s) to http(s), never from https to http."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme.lower()
        if scheme != "https" and (scheme != "http" or req.type == "https"):
            raise urllib.error.HTTPError(req.full_url, code, f"a redirection to {newurl} is refused", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    # Assembled by hand, because `build_opener` adds handlers for file:, ftp: and data: URLs.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _HttpRedirects(),
    ):
        opener.add_handler(handler)
    return opener
