import forked_verbs
import input_originals
import pytest


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Runs commands, see `forked_verbs`."""
    with forked_verbs.Server(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture(scope="session")
def made(server, tmp_path_factory):
    """Folder with a run, its export, and networks in files: what is then damaged."""
    folder = tmp_path_factory.mktemp("made")
    input_originals.make(folder, server)
    return folder


_TALLIES: dict[str, dict] = {}


@pytest.fixture(scope="session")
def tallies():
    """{door: what came of its inputs}, which the end of the tests shows."""
    return _TALLIES


def pytest_terminal_summary(terminalreporter):
    if not _TALLIES:
        return
    terminalreporter.section("wrong input")
    for name, tally in _TALLIES.items():
        terminalreporter.write_line(
            f"{name:12} {tally['refused']:4} refused, {len(tally['bad']):3} badly;"
            f" {tally['right']:3} right by chance; slowest {tally['slowest']:.1f} s"
        )
    total = sum(tally["refused"] for tally in _TALLIES.values())
    terminalreporter.write_line(f"{'sum':12} {total:4}")
