"""Steps and policies of an XOS controller, in Python.

    import xos_steps

    class Person(xos_steps.SyncStep):
        name = "person"                     # as the document has it
        model = "Person"

        def sync_record(self, ctx, o):
            o.directory_id = directory.put(o.metadata.name, full_name=f"{o.first_name} {o.last_name}")

        def delete_record(self, ctx, o):
            directory.remove(o.metadata.name)

    xos_steps.serve(Person(), address="[::]:50051")

What a step changes in its object is saved when it returns, and also when it fails. It fails with any exception;
`Deferred`, `Innocuous`, `Unavailable`, `WaitsFor` and `Unusable` say something else.
"""

from .context import Context, Pulled
from .errors import (
    AlreadyExists,
    ApiUnavailable,
    BeingDeleted,
    Cancelled,
    Conflict,
    Deferred,
    Failed,
    Innocuous,
    Invalid,
    NotFound,
    NotUnique,
    Refused,
    RequestError,
    Unavailable,
    Unusable,
    WaitsFor,
)
from .objects import Event, Object
from .server import Server, serve
from .steps import EventStep, Policy, PullStep, SyncStep

# As XOS calls them.
DeferredException = Deferred
InnocuousException = Innocuous

__all__ = [
    "AlreadyExists",
    "ApiUnavailable",
    "BeingDeleted",
    "Cancelled",
    "Conflict",
    "Context",
    "Deferred",
    "DeferredException",
    "Event",
    "EventStep",
    "Failed",
    "Innocuous",
    "InnocuousException",
    "Invalid",
    "NotFound",
    "NotUnique",
    "Object",
    "Policy",
    "PullStep",
    "Pulled",
    "Refused",
    "RequestError",
    "Server",
    "SyncStep",
    "Unavailable",
    "Unusable",
    "WaitsFor",
    "serve",
]
