"""Objects and events."""

import datetime
import json

from . import steps_pb2 as pb


class Metadata:
    """An object's metadata."""

    __slots__ = ("created", "deleting", "generation", "name", "namespace", "resource_version", "uid")

    def __init__(self, message):
        self.namespace = message.namespace
        self.name = message.name
        self.uid = message.uid
        self.resource_version = message.resource_version
        self.generation = message.generation
        self.deleting = message.deleting
        self.created = message.created.ToDatetime(datetime.UTC) if message.HasField("created") else None


class Object:
    """An object of a model. Its fields and links are attributes by their names of xproto: `o.first_name`.

    A field without a value is None, and setting None unsets it. A link is a dict with the `name` of its peer; it may be
    set to an object, or to a name. `o.metadata` has name, namespace, uid …; `o.fields` has all fields that are set.
    """

    __slots__ = ("_before", "fields", "metadata", "model")

    def __init__(self, model, fields=None, name="", namespace=""):
        """Makes a new object."""
        self._take(pb.Object(model=model, name=name, namespace=namespace))
        object.__setattr__(self, "fields", dict(fields or {}))

    @classmethod
    def _of(cls, message):
        o = cls.__new__(cls)
        o._take(message)
        return o

    def _take(self, message):
        """Becomes the object as it is stored."""
        text = message.fields or "{}"
        object.__setattr__(self, "model", message.model)
        object.__setattr__(self, "metadata", Metadata(message))
        object.__setattr__(self, "fields", json.loads(text))
        object.__setattr__(self, "_before", json.loads(text))

    def _told(self):
        """Returns the message that names this object as it was read."""
        meta = self.metadata
        told = pb.Object(model=self.model, namespace=meta.namespace, name=meta.name, uid=meta.uid)
        told.resource_version = meta.resource_version
        if not meta.uid:
            told.fields = dumps(plain(self.fields))
        return told

    def _changed(self):
        """Returns the fields that have changed since the object was read; None for those that were unset."""
        now = plain(self.fields)
        changed = {field: value for field, value in now.items() if self._before.get(field) != value}
        return changed | {field: None for field in self._before if field not in now}

    def __getattr__(self, field):
        if field.startswith("__"):
            raise AttributeError(field)
        return self.fields.get(field)

    def __setattr__(self, field, value):
        if field in self.__slots__:
            raise AttributeError(f"`{field}` belongs to the framework; a field of this name is in `o.fields`")
        self.fields[field] = value

    def __delattr__(self, field):
        self.fields.pop(field, None)

    def __getitem__(self, field):
        return self.fields.get(field)

    def __setitem__(self, field, value):
        self.fields[field] = value

    def __eq__(self, other):
        same = isinstance(other, Object) and self.metadata.uid and self.metadata.uid == other.metadata.uid
        return bool(same) or self is other

    def __hash__(self):
        return hash(self.metadata.uid or id(self))

    def __repr__(self):
        # Without its fields: some are secret.
        return f"<{self.model} {self.metadata.namespace}/{self.metadata.name}>"


class Event:
    """A message of the event bus."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, message):
        self.topic = message.topic
        self.partition = message.partition
        self.offset = message.offset
        self.timestamp = message.timestamp.ToDatetime(datetime.UTC) if message.HasField("timestamp") else None
        self.key = message.key if message.HasField("key") else None
        self.value = message.value if message.HasField("value") else None
        self.headers = [(one.name, one.value if one.HasField("value") else None) for one in message.headers]

    def json(self):
        """Returns the value, read as JSON. An event whose value is none is parked at once."""
        from .errors import Unusable

        try:
            return json.loads(self.value or b"")
        except ValueError as error:
            raise Unusable(f"the event's value cannot be read as JSON: {error}") from error


def plain(value):
    """Returns a value as JSON has it; without the members of a map of fields that are None."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one is not None}
    return _plain(value)


def _plain(value):
    if isinstance(value, Object):
        return {"name": value.metadata.name, "namespace": value.metadata.namespace, "kind": value.model}
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(one) for one in value]
    return value


def dumps(value):
    """Returns a value as JSON. What has no JSON form is an error that names it."""
    return json.dumps(value, allow_nan=False)
