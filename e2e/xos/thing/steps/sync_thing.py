"""A sync step as authors of XOS write them."""

import os

from xossynchronizer.modelaccessor import Thing
from xossynchronizer.steps.syncstep import SyncStep


def told(line):
    with open(os.environ["THING_LOG"], "a") as log:
        log.write(line + "\n")


class SyncThing(SyncStep):
    provides = [Thing]
    observes = Thing

    def sync_record(self, o):
        told("sync %s %s" % (o.name, o.wanted))
        if o.wanted == "trouble":
            raise Exception("no route to %s" % o.name)
        o.note = "made %s" % o.wanted
        o.save(update_fields=["note"])

    def delete_record(self, o):
        told("delete %s" % o.name)
