"""Addresses of the page."""

from __future__ import annotations

import pytest

from legged_gym.errors import UserError
from legged_gym.scripts import play
from legged_gym.viewing.server import check_server, open_server, say_address
from tests.viewing.ports import taken_port

pytest.importorskip("viser")


def test_a_port_in_use_is_one_clear_line_before_anything_is_made():
    problem = "cannot serve the page at 127.0.0.1:{}: .*another --port"
    with taken_port() as port, pytest.raises(UserError, match=problem.format(port)):
        play.main(["--policy=a1_flat", "--viewer=web", f"--port={port}"])


def test_an_address_that_others_reach_is_warned_of(capsys):
    for host, warnings in (("0.0.0.0", 1), ("127.0.0.1", 0)):
        check_server(host, 0)
        open_server(host, 0).stop()
        assert capsys.readouterr().err.count("everybody who reaches this machine can steer this program") == warnings


def test_the_address_is_said_when_it_is_asked_for(capsys):
    server = open_server("127.0.0.1", 0)
    try:
        assert "viewer     http" not in capsys.readouterr().out
        say_address(server)
        assert capsys.readouterr().out == f"viewer     http://127.0.0.1:{server.get_port()}\n"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--viewer=browser"], "invalid choice: 'browser'"),
        (["--viewer=web", "--port=70000"], "--port: expected a whole number from 0 to 65535, got '70000'"),
        (["--viewer=web", "--video"], "leave one of them out"),
        (["--env.viser.enable=maybe"], "expected true or false"),
        (["--env.viser.enable=True", "--viewer=none"], "leave one of them out"),
        (["--headless", "--port=99"], "--port is for the page in a browser"),
        (["--viewer=none", "--follow"], "--follow is for the page in a browser"),
        (["--viewer=web", "--port=0", "--follow"], "a1_flat is of no run on this machine"),
    ],
)
def test_mistakes_are_one_line(flags, problem):
    with pytest.raises(UserError, match=problem):
        play.main(["--policy=a1_flat", *flags])
