"""Steps are plain classes: they are tested without a server, and without a controller.

    python -m unittest discover config/reception
"""

import json
import pathlib
import tempfile
import unittest
from unittest import mock

import server
import xos_steps


class GuestTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.ctx = mock.Mock(input={"folder": folder.name})
        self.ctx.follow.return_value = []

    def test_a_guest_is_written_and_removed(self):
        ada = xos_steps.Object("Guest", {"name": "Ada", "host": "Charles", "phone": 2**63 - 1}, "ada", "default")
        server.Guest().sync_record(self.ctx, ada)
        entry = json.loads((self.folder / "default.ada.json").read_text())
        self.assertEqual(entry, {"name": "Ada", "host": "Charles", "phone": 2**63 - 1, "badges": []})
        self.assertEqual(ada.entry, "default.ada.json")
        server.Guest().delete_record(self.ctx, ada)
        server.Guest().delete_record(self.ctx, ada)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_guest_whom_nobody_expects_waits(self):
        with self.assertRaises(xos_steps.Deferred):
            server.Guest().sync_record(self.ctx, xos_steps.Object("Guest", {"name": "Ada"}))

    def test_a_badge_that_is_there_gets_the_new_host(self):
        ada = xos_steps.Object("Guest", {"name": "Ada", "host": "Mary"}, "ada", "default")
        badge = xos_steps.Object("Badge", {"text": "old"})
        self.ctx.find_or_create.return_value = (badge, False)
        server.Badge().handle_create(self.ctx, ada)
        self.assertEqual(badge.text, "Ada, guest of Mary")
        self.ctx.save.assert_called_once_with(badge)


if __name__ == "__main__":
    unittest.main()
