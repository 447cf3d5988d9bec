"""Writes what a playbook has set with `set_stats`, and which tasks failed, to the file that XOS_RESULT names."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: xos_result
type: aggregate
short_description: tells the controller what a playbook says
description:
  - Writes the statistics of a run, and its failures, as JSON.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "xos_result"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.failures = []

    def note(self, result):
        said = result._result
        message = said.get("censored") or said.get("msg") or said.get("stderr") or said.get("reason") or ""
        task = result._task.get_name()
        self.failures.append({"host": result._host.get_name(), "task": task, "message": str(message).strip()})

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors:
            self.note(result)

    def v2_runner_on_unreachable(self, result):
        self.note(result)

    def v2_playbook_on_stats(self, stats):
        hosts = {host: stats.summarize(host) for host in sorted(stats.processed)}
        custom = dict(stats.custom.get("_run", {}))
        told = {"value": custom, "hosts": hosts, "failures": self.failures}
        with open(os.environ["XOS_RESULT"], "w", encoding="utf-8") as file:
            json.dump(told, file, default=str)
