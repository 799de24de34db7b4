import pytest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of a fresh cache in which files are placed by hand; downloads fail at once."""
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path))

    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("kerasish.utils.http_utils.open_url", refuse)
    folder = tmp_path / "datasets"
    folder.mkdir()
    return folder
