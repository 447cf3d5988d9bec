"""A policy as authors of XOS write them."""

import os

from xossynchronizer.modelaccessor import Part
from xossynchronizer.model_policies.policy import Policy


class ThingPolicy(Policy):
    model_name = "Thing"

    def handle_create(self, o):
        self.handle_update(o)

    def handle_update(self, o):
        if not o.parts.exists():
            Part(name="part-of-" + o.name, thing=o).save()

    def handle_delete(self, o):
        with open(os.environ["THING_LOG"], "a") as log:
            log.write("policy delete %s\n" % o.name)
