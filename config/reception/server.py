"""The steps of the service `reception`. The backend is a folder: the book, with one JSON file for each guest.

    python server.py [ADDRESS]
"""

import json
import pathlib
import sys

import xos_steps


class Guest(xos_steps.SyncStep):
    name = "guest"
    model = "Guest"

    def sync_record(self, ctx, o):
        folder = pathlib.Path(ctx.input["folder"])
        if not folder.is_dir():
            raise xos_steps.Unavailable(f"there is no book in {folder}")
        if o.host is None:
            raise xos_steps.Deferred(f"nobody expects {o.name} yet")
        entry = {"name": o.name, "host": o.host, "phone": o.phone, "badges": [b.text for b in ctx.follow(o, "badges")]}
        path(ctx, o).write_text(json.dumps(entry))
        o.entry = path(ctx, o).name

    def delete_record(self, ctx, o):
        path(ctx, o).unlink(missing_ok=True)


class Badge(xos_steps.Policy):
    name = "badge"
    model = "Guest"

    def handle_update(self, ctx, o):
        fields = {"text": f"{o.name}, guest of {o.host or 'nobody'}", "guest": o}
        badge, is_new = ctx.find_or_create("Badge", fields, key=["guest"])
        if not is_new:
            badge.text = fields["text"]
            ctx.save(badge)

    def handle_delete(self, ctx, o):
        for badge in ctx.filter("Badge", guest=o.metadata.name):
            ctx.delete(badge)


class Book(xos_steps.PullStep):
    name = "book"
    model = "Guest"

    def pull_records(self, ctx):
        entries = map(json.loads, map(pathlib.Path.read_text, pathlib.Path(ctx.input["folder"]).glob("by-hand.*.json")))
        ctx.reconcile("Guest", [{"name": entry["name"], "host": entry["host"], "no_sync": True} for entry in entries])


class Calls(xos_steps.EventStep):
    """Messages of the telephone: `{"guest": "ada", "phone": 49891234}`. It needs a document `EventStep`, and Kafka."""

    name = "calls"

    def process_event(self, ctx, event):
        call = event.json()
        guest = ctx.first("Guest", name=call["guest"])
        if guest is None:
            raise xos_steps.WaitsFor("Guest", call["guest"])
        guest.phone = call["phone"]
        ctx.touch(guest)


def path(ctx, o):
    return pathlib.Path(ctx.input["folder"]) / f"{o.metadata.namespace}.{o.metadata.name}.json"


if __name__ == "__main__":
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"
    xos_steps.serve(Guest(), Badge(), Book(), Calls(), address=address, name="reception", version="1.0")
