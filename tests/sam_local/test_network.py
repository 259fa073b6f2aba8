"""Nothing of sam local outlives it, however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from local.sam_local.docker import containers_of, has_network, network_of, own_network
from local.sam_local.needs import IMAGE

ROOT = Path(__file__).parents[2]
SECONDS = 30


def test_a_container_that_sam_has_left_in_the_network_is_removed_with_it() -> None:
    with own_network() as network:
        sleep = ["docker", "run", "--detach", "--network", network.name, "--entrypoint", "sleep", IMAGE, "600"]
        subprocess.run(sleep, check=True, capture_output=True)  # noqa: S603
        assert len(containers_of(network.name)) == 1
    assert containers_of(network.name) == []
    assert not has_network(network.name)


def test_it_can_be_interrupted_while_it_starts() -> None:
    command = [sys.executable, "-m", "local.sam_local", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        deadline = time.monotonic() + SECONDS
        while not has_network(network_of(process.pid)):
            assert process.poll() is None, "it has not started: python -m local.sam_local says why"
            assert time.monotonic() < deadline
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, out) == (0, b"")
    assert not has_network(network_of(process.pid))
