"""An agent whose build has another layout of maps takes over from one that ran before it."""

import os
import time

from lab import eventually
from load import Load, kernel_objects

UPGRADES = int(os.environ.get("BULKHEAD_UPGRADES", "6"))


def make_former(lab, number):
    """What the agent that was killed has pinned becomes another build's: the folder's name is the layout."""
    for folder in lab.pin.iterdir():
        if not folder.name.startswith("0000"):
            folder.rename(lab.pin / f"{number:016x}")


def test_another_layout_takes_over_and_the_former_goes(bridged):
    lab = bridged
    before = kernel_objects(lab)
    with Load(lab) as load:
        for number in range(1, UPGRADES + 1):
            lab.kill()
            make_former(lab, number)
            # Dies somewhere on the way, or has arrived.
            lab.up(wait=False)
            time.sleep(load.chance.uniform(0.05, 0.6))
        lab.kill()
        make_former(lab, UPGRADES + 1)
        lab.up()
        eventually(lambda: len(list(lab.pin.iterdir())) == 1, 10, what="the former folders are gone")
        after = kernel_objects(lab)
    assert not next(lab.pin.iterdir()).name.startswith("0000")
    assert after["maps"] == before["maps"] and after["links"] == before["links"] == 0
    assert set(after["filters"].values()) == {1} and after["programs"] == 2
    load.verdicts_follow_policy()
