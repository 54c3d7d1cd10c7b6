"""The agent is killed, stopped, and left without disk, at random moments under traffic and changes of policy."""

import os
import signal
import subprocess
import time

import pytest

from lab import Lab, eventually, run
from load import Load, kernel_objects

KILLS = int(os.environ.get("BULKHEAD_KILLS", "20"))
STOPS = int(os.environ.get("BULKHEAD_STOPS", "1"))
STOP_SECONDS = float(os.environ.get("BULKHEAD_STOP_SECONDS", "2"))
# Stops are waiting: several laboratories share the time.
STOP_LABS = int(os.environ.get("BULKHEAD_STOP_LABS", "1"))
FULL_KILLS = int(os.environ.get("BULKHEAD_FULL_KILLS", "2"))
DISK = "32m"


def again(lab, load):
    """kill -9, and another one, of which nobody waits for more than its process."""
    lab.kill()
    time.sleep(load.chance.uniform(0.0, 0.3))
    lab.up(wait=False)


def settled(lab):
    """What the kernel holds once the agent that runs now has arrived."""
    lab.wait_ready()
    return eventually(lambda: (objects := kernel_objects(lab))["layouts"] == 1 and objects, 10, what="one layout")


def test_kills_at_random_moments(bridged):
    lab = bridged
    with Load(lab) as load:
        again(lab, load)
        before = settled(lab)
        for _ in range(KILLS):
            time.sleep(load.chance.uniform(0.0, 0.6))
            again(lab, load)
            if load.chance.random() < 0.7:
                lab.wait_ready()
        assert settled(lab) == before
    load.verdicts_follow_policy()


@pytest.mark.parametrize("laboratory", range(STOP_LABS))
def test_an_agent_that_hangs_at_random_moments(laboratory, bridged):
    """SIGSTOP; it goes on, or is killed as it is."""
    lab = bridged
    with Load(lab) as load:
        again(lab, load)
        before = settled(lab)
        for number in range(STOPS):
            time.sleep(load.chance.uniform(0.0, 0.6))
            lab.process.send_signal(signal.SIGSTOP)
            time.sleep(STOP_SECONDS)
            if number % 2:
                again(lab, load)
                lab.wait_ready()
            else:
                lab.process.send_signal(signal.SIGCONT)
        assert settled(lab) == before
    load.verdicts_follow_policy()


def test_a_full_disk():
    lab = Lab(bridge=True)
    lab.state.mkdir()
    run("mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", lab.state)
    filler = lab.state / "filler"
    try:
        lab.up()
        with Load(lab) as load:
            again(lab, load)
            before = settled(lab)
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4096"], stderr=subprocess.DEVNULL)
            assert os.statvfs(lab.state).f_bavail == 0
            refused = load.refused
            eventually(lambda: load.refused > refused + 3, 10, what="changes that the disk has no room for are refused")
            for _ in range(FULL_KILLS):
                time.sleep(load.chance.uniform(0.0, 0.6))
                again(lab, load)
                time.sleep(0.5)
            # A start without room ends, and says for want of what.
            if lab.process.poll():
                assert "No space left on device" in (last := lab.log_text().splitlines()[-1]) or "is full" in last, last
                print(f"on a full disk: {last}")
            filler.unlink()
            again(lab, load)
            lab.wait_ready()
            taken = load.changes
            eventually(lambda: load.changes > taken + 3, 10, what="changes are taken again")
            assert settled(lab) == before
        load.verdicts_follow_policy()
    finally:
        lab.close()
        run("umount", lab.state, check=False)
        run("rm", "-rf", lab.folder)
