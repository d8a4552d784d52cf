"""Addresses of the page."""

from __future__ import annotations

import socket

import pytest

from legged_gym.errors import UserError
from legged_gym.scripts import play
from legged_gym.viewing.server import check_server

pytest.importorskip("viser")


def test_a_port_in_use_is_one_clear_line_before_anything_is_made():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot serve the page at 127.0.0.1:{port}: .*another --port"):
            play.main(["--policy=a1_flat", "--viewer=web", f"--port={port}"])


def test_an_address_that_others_reach_is_warned_of(capsys):
    check_server("0.0.0.0", 0)
    assert "everybody who reaches this machine can steer this program" in capsys.readouterr().err
    check_server("127.0.0.1", 0)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--viewer=browser"], "invalid choice: 'browser'"),
        (["--viewer=web", "--port=70000"], "70000 is no port"),
        (["--viewer=web", "--video"], "leave one of them out"),
        (["--env.viser.enable=maybe"], "expected True or False"),
    ],
)
def test_mistakes_are_one_line(flags, problem):
    with pytest.raises(UserError, match=problem):
        play.main(["--policy=a1_flat", *flags])
