"""What a step gets beside its object."""

import json
import threading
import time
from typing import NamedTuple

from . import steps_pb2 as pb
from .objects import Object, dumps, plain

# The ends of the names of conditions, as in Django.
_OPERATORS = {
    "gt": pb.OPERATOR_GREATER_THAN,
    "lt": pb.OPERATOR_LESS_THAN,
    "gte": pb.OPERATOR_GREATER_THAN_OR_EQUAL,
    "lte": pb.OPERATOR_LESS_THAN_OR_EQUAL,
    "iexact": pb.OPERATOR_IEQUAL,
    "contains": pb.OPERATOR_CONTAINS,
    "icontains": pb.OPERATOR_ICONTAINS,
    "regex": pb.OPERATOR_REGEX,
    "iregex": pb.OPERATOR_IREGEX,
}


class Pulled(NamedTuple):
    """What `Context.reconcile` has done."""

    made: int
    saved: int
    deleted: int
    unchanged: int
    left_alone: int
    held: int


class Context:
    """The context of a call: finds and saves objects, in the step's name. What was saved is found at once.

    `namespace`        the namespace of the object: queries search it, new objects are created in it
    `input`            what the document says under `input`
    `idempotency_key`  the same for every attempt of the same work: a backend can know a repeated request by it
    `failures`         how many attempts failed before this one
    `stopping`         an event that is set when the controller stops, or has given up the call: a long step should end
    """

    def __init__(self, begin, deadline, ask):
        self.namespace = begin.namespace
        self.input = json.loads(begin.input) if begin.input else None
        self.idempotency_key = begin.idempotency_key
        self.failures = begin.failures
        self.stopping = threading.Event()
        self._deadline = deadline
        self._ask = ask

    def time_remaining(self):
        """Returns for how many seconds the call may go on."""
        return max(0.0, self._deadline - time.monotonic())

    def get(self, model, /, **fields):
        """Returns the only object whose fields have these values; else raises `NotFound` or `NotUnique`."""
        return Object._of(self._ask(get=_query(model, fields)).object)

    def named(self, model, name, /, **how):
        """Returns the object of this `metadata.name`; None if there is none."""
        found = self._objects(first=_query(model, how, name=name))
        return found[0] if found else None

    def first(self, model, /, **fields):
        """Returns the first object that `filter` would find; None if there is none."""
        found = self._objects(first=_query(model, fields))
        return found[0] if found else None

    def filter(self, model, /, **fields):
        """Returns the objects of a model, or of all models derived from it, whose fields have these values.

        Other comparisons are `age__gt=17`, `name__icontains="a"` …: gt, lt, gte, lte, iexact, contains, icontains,
        regex, iregex. Other places are `in_namespace="x"`, `all_namespaces=True`; `with_deleted=True` finds also what
        is being deleted.
        """
        return self._objects(filter=_query(model, fields))

    def find_or_create(self, model, fields, key=(), name=""):
        """Returns the object with the same values in the fields of `key` (by default the natural key), which is created
        if there is none; and whether it was created."""
        told = Object(model, fields, name=name)._told()
        found = self._ask(find_or_create=pb.FindOrCreate(object=told, key=key)).found
        return Object._of(found.object), found.created

    def save(self, o, yielding=False):
        """Saves what has changed in an object, quietly; creates it if it is new.

        `yielding` keeps the values that an operator has set.
        """
        self._save(o, pb.Save(yielding=yielding))

    def touch(self, o):
        """Saves an object, and makes its policies and steps run again."""
        self._save(o, pb.Save(touch=True))

    def delete(self, o):
        """Requests the deletion of an object."""
        self._ask(delete=pb.Delete(object=o._told()))

    def follow(self, o, link):
        """Returns the objects at the other end of a link, or of a reverse port."""
        return self._objects(follow=pb.Follow(object=o._told(), link=link))

    def peer(self, o, link):
        """Returns the object at the other end of a link; None if there is none (yet)."""
        found = self.follow(o, link)
        return found[0] if found else None

    def reconcile(self, model, items, key=(), keep_vanished=False, yielding=False, within=None, namespace=None):
        """Makes objects agree with the list of a backend: `items` are dicts of fields.

        Their objects are found by `key` (by default the natural key), created if there are none, and saved quietly.
        Objects whose items are not listed any more are deleted, which the brakes may hold; `keep_vanished` keeps them.
        `within` says that the list has only items with these values. `namespace(item)` says where an item's object
        lies.
        """
        listing = pb.Listing(model=model, key=key, keep_vanished=keep_vanished, yielding=yielding)
        listing.within = dumps(plain(within)) if within else ""
        for item in items:
            listing.items.add(fields=dumps(_every(item)), namespace=namespace(item) if namespace else "")
        done = self._ask(reconcile=listing).pulled
        return Pulled(done.made, done.saved, done.deleted, done.unchanged, done.left_alone, done.held)

    def event(self, o, reason, message, warning=False):
        """Sends a Kubernetes Event about an object."""
        self._ask(tell=pb.Tell(object=o._told(), reason=reason, message=message, warning=warning))

    def _objects(self, **request):
        return [Object._of(message) for message in self._ask(**request).objects.objects]

    def _save(self, o, save):
        save.object.CopyFrom(o._told())
        if o.metadata.uid:
            save.changed = dumps(o._changed())
        o._take(self._ask(save=save).object)


def _every(item):
    """Returns the fields of an item, with those that are None: they unset what the object has."""
    return plain(item) | {field: None for field, value in item.items() if value is None}


def _query(model, fields, name=""):
    fields = dict(fields)
    query = pb.Query(model=model, name=name)
    query.namespace = fields.pop("in_namespace", "")
    query.all_namespaces = fields.pop("all_namespaces", False)
    query.with_deleted = fields.pop("with_deleted", False)
    for condition, value in fields.items():
        field, _, end = condition.rpartition("__")
        operator = _OPERATORS.get(end, pb.OPERATOR_EQUAL)
        if operator == pb.OPERATOR_EQUAL:
            field = condition
        query.criteria.add(field=field, operator=operator, value=dumps(plain(value)))
    return query
