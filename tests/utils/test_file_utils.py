import hashlib
import http.server
import logging
import os
import threading
import urllib.request

import pytest

from kerasish import config
from kerasish.utils import http_utils
from kerasish.utils.file_utils import get_file, hash_file, kerasish_home, validate_file

CONTENTS = b"to be or not to be\n" * 10_000
SHA256 = hashlib.sha256(CONTENTS).hexdigest()
MD5 = hashlib.md5(CONTENTS).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    redirects = {
        "/moved.txt": "/words.txt",
        "/to-file.txt": "file:///etc/hostname",
        "/to-ftp.txt": "ftp://127.0.0.1/words.txt",
        "/loop.txt": "/loop.txt",
    }

    def do_GET(self):
        self.server.requested.append(self.path)
        if self.path in self.redirects:
            self.send_response(302)
            self.send_header("Location", self.redirects[self.path])
            self.end_headers()
        elif self.path in ("/words.txt", "/short.txt", "/no-length.txt"):
            self.send_response(200)
            if self.path != "/no-length.txt":
                self.send_header("Content-Length", str(len(CONTENTS)))
            self.end_headers()
            self.wfile.write(CONTENTS[:1000] if self.path == "/short.txt" else CONTENTS)
        elif self.path == "/broken.txt":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"ff\r\nto be")
        else:
            self.send_error(404)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def running_server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.requested = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(running_server, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running_server.requested.clear()
    return running_server


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_cache_is_where_the_environment_says(home):
    assert kerasish_home() == str(home)


def test_a_file_is_downloaded_once(home, url, server):
    path = get_file(origin=f"{url}/words.txt")
    assert path == str(home / "datasets" / "words.txt")
    assert get_file(origin=f"{url}/words.txt", file_hash=SHA256) == path
    with open(path, "rb") as file:
        assert file.read() == CONTENTS
    assert files_below(home) == ["datasets/words.txt"]
    assert server.requested == ["/words.txt"]


def test_force_download_replaces_what_the_cache_holds(home, url, server):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "words.txt").write_bytes(b"old")
    path = get_file(origin=f"{url}/words.txt")
    assert server.requested == []
    get_file(origin=f"{url}/words.txt", force_download=True)
    assert hash_file(path) == SHA256


@pytest.mark.parametrize(
    "kwargs",
    [
        {"file_hash": SHA256},
        {"file_hash": SHA256.upper(), "hash_algorithm": "sha256"},
        {"file_hash": MD5},
        {"md5_hash": MD5},
    ],
)
def test_a_download_with_the_right_checksum_is_kept(home, url, kwargs):
    assert validate_file(get_file("renamed.txt", origin=f"{url}/words.txt", **kwargs), SHA256)
    assert files_below(home) == ["datasets/renamed.txt"]


@pytest.mark.parametrize("file_hash", ["0" * 64, "0" * 32])
def test_a_download_with_another_checksum_is_an_error_and_leaves_nothing(home, url, file_hash):
    with pytest.raises(ValueError, match=f"checksum of {url}/words.txt .*{file_hash} was expected"):
        get_file(origin=f"{url}/words.txt", file_hash=file_hash)
    assert files_below(home) == []


def test_a_cached_file_with_another_checksum_is_downloaded_again(home, url, server, caplog):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "words.txt").write_bytes(b"changed")
    with caplog.at_level(logging.WARNING, "kerasish"):
        path = get_file(origin=f"{url}/words.txt", file_hash=SHA256)
    assert "downloaded again" in caplog.text
    assert server.requested == ["/words.txt"]
    assert hash_file(path) == SHA256


def test_a_failed_download_leaves_the_cached_file_as_it_was(home, url):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "absent.txt").write_bytes(b"old")
    with pytest.raises(OSError, match="404"):
        get_file(origin=f"{url}/absent.txt", force_download=True)
    assert (home / "datasets" / "absent.txt").read_bytes() == b"old"
    assert files_below(home) == ["datasets/absent.txt"]


def test_without_a_network_the_error_says_where_to_put_the_file(home, server, monkeypatch):
    monkeypatch.setattr(http_utils, "TIMEOUT", 1.0)
    # Port 9 of the local machine (discard) is closed.
    with pytest.raises(OSError, match="URL fetch failure") as caught:
        get_file("words.txt", origin="http://127.0.0.1:9/words.txt", file_hash=SHA256)
    for part in ("http://127.0.0.1:9/words.txt", str(home / "datasets" / "words.txt"), "by hand", SHA256):
        assert part in str(caught.value)
    assert files_below(home) == []


def test_a_download_that_ends_early_is_an_error_and_leaves_nothing(home, url):
    with pytest.raises(OSError, match=f"after 1000 of {len(CONTENTS)} bytes"):
        get_file(origin=f"{url}/short.txt")
    assert files_below(home) == []


def test_a_connection_that_breaks_is_an_error_and_leaves_nothing(home, url):
    with pytest.raises(OSError, match="IncompleteRead"):
        get_file(origin=f"{url}/broken.txt")
    assert files_below(home) == []


def test_a_download_of_unknown_length_is_complete_when_the_connection_ends(home, url):
    assert hash_file(get_file(origin=f"{url}/no-length.txt")) == SHA256


def test_connections_have_a_timeout(home, url, monkeypatch):
    timeouts = []
    opener = http_utils._opener()
    original = opener.open
    monkeypatch.setattr(
        opener,
        "open",
        lambda request, timeout: timeouts.append(timeout) or original(request, timeout=timeout),
    )
    monkeypatch.setattr(http_utils, "_opener", lambda: opener)
    get_file(origin=f"{url}/words.txt")
    assert timeouts == [http_utils.TIMEOUT]


def test_redirections_to_http_are_followed(home, url, server):
    assert hash_file(get_file(origin=f"{url}/moved.txt")) == SHA256
    assert server.requested == ["/moved.txt", "/words.txt"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("to-file.txt", "is not allowed"), ("to-ftp.txt", "is refused"), ("loop.txt", "302")],
)
def test_redirections_to_anything_else_are_refused(home, url, name, message):
    with pytest.raises(OSError, match=message):
        get_file(origin=f"{url}/{name}")
    assert files_below(home) == []


def test_a_redirection_from_https_to_http_is_refused():
    request = urllib.request.Request("https://example.org/a")
    with pytest.raises(OSError, match="is refused"):
        http_utils._HttpRedirects().redirect_request(request, None, 302, "", {}, "http://example.org/a")
    followed = http_utils._HttpRedirects().redirect_request(request, None, 302, "", {}, "https://example.org/b")
    assert followed.full_url == "https://example.org/b"


def test_a_file_url_copies_a_local_file(home, tmp_path):
    source = tmp_path / "with space.txt"
    source.write_bytes(CONTENTS)
    path = get_file("copy.txt", origin=source.as_uri(), file_hash=SHA256)
    assert hash_file(path) == SHA256
    with pytest.raises(OSError, match="URL fetch failure"):
        get_file("absent.txt", origin=(tmp_path / "absent.txt").as_uri())
    with pytest.raises(OSError, match="no host but localhost"):
        get_file("remote.txt", origin="file://elsewhere/words.txt")


@pytest.mark.parametrize("origin", [None, "", "ftp://host/a", "words.txt", "data:,a", 3])
def test_the_origin_must_be_a_url_of_a_known_kind(home, origin):
    with pytest.raises(ValueError, match="Received: origin="):
        get_file("a", origin=origin)


@pytest.mark.parametrize("fname", ["a/b", "/etc/passwd", "..", ".", "../a", "a\\b", "a\0b"])
def test_the_name_has_no_folders(home, url, fname):
    with pytest.raises(ValueError, match="bare name of a file"):
        get_file(fname, origin=f"{url}/words.txt")
    assert not home.exists()


def test_a_name_that_the_origin_lacks_must_be_given(home, url):
    with pytest.raises(ValueError, match="pass `fname`"):
        get_file(origin=f"{url}/")
    with pytest.raises(ValueError, match="bare name of a file"):
        get_file(origin=f"{url}/..")


@pytest.mark.parametrize(
    "kwargs",
    [
        {"file_hash": "abc"},
        {"file_hash": SHA256, "hash_algorithm": "md5"},
        {"file_hash": SHA256, "hash_algorithm": "crc"},
        {"extract": True, "archive_format": "rar"},
    ],
)
def test_wrong_arguments_are_errors_before_anything_is_downloaded(home, url, server, kwargs):
    with pytest.raises(ValueError, match="Received"):
        get_file(origin=f"{url}/words.txt", **kwargs)
    assert server.requested == []


def test_the_folders_can_be_chosen(tmp_path, home, url):
    path = get_file(origin=f"{url}/words.txt", cache_dir=tmp_path / "other", cache_subdir="texts")
    assert path == str(tmp_path / "other" / "texts" / "words.txt")
    path = get_file(origin=f"{url}/words.txt", cache_subdir=str(tmp_path / "absolute"))
    assert path == str(tmp_path / "absolute" / "words.txt")
    assert not home.exists()


def test_a_folder_in_the_place_of_the_file_is_an_error(home, url):
    (home / "datasets" / "words.txt").mkdir(parents=True)
    with pytest.raises(ValueError, match="is a folder"):
        get_file(origin=f"{url}/words.txt")


def test_the_progress_bar_shows_the_name_unless_it_is_disabled(home, url, capsys):
    get_file(origin=f"{url}/words.txt")
    assert "Downloading words.txt" in capsys.readouterr().err
    config.disable_interactive_logging()
    try:
        get_file(origin=f"{url}/words.txt", force_download=True)
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().err == ""


def test_checksums_of_files():
    assert hash_file(os.devnull) == hashlib.sha256().hexdigest()
    assert hash_file(os.devnull, algorithm="md5") == hashlib.md5().hexdigest()
    assert not validate_file(os.devnull, SHA256)
    with pytest.raises(ValueError, match="Received: algorithm='crc'"):
        hash_file(os.devnull, algorithm="crc")
