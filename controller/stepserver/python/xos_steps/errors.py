"""What a step raises, and what is raised in it."""

from . import steps_pb2 as pb


class StepError(Exception):
    """How a call ends that did not succeed."""

    outcome = pb.OUTCOME_FAILED


class Failed(StepError):
    """It is tried again with growing delay. Any other exception means the same, with its type before its words."""


class Deferred(StepError):
    """Something is not there yet: it is tried again every few seconds."""

    outcome = pb.OUTCOME_DEFERRED


class Innocuous(StepError):
    """Not done, but no harm."""

    outcome = pb.OUTCOME_INNOCUOUS


class Unavailable(StepError):
    """What the step talks to is away, for all of its objects: they wait, and one at a time tries."""

    outcome = pb.OUTCOME_UNAVAILABLE


class Unusable(StepError):
    """The message of an event step can never be read: it is parked at once."""

    outcome = pb.OUTCOME_UNUSABLE


class WaitsFor(StepError):
    """Another object is not there yet: `WaitsFor("Olt", "olt-1")`, by its natural key, or `WaitsFor("Olt", id=7)`."""

    outcome = pb.OUTCOME_WAITS_FOR

    def __init__(self, model, key=None, /, **field):
        if (key is None) != (len(field) == 1):
            raise TypeError("WaitsFor takes the value of the natural key, or one field")
        self.model = model
        self.field, self.value = next(iter(field.items())) if field else ("", key)
        super().__init__(f"waits for {model} {self.value}")


class Cancelled(Exception):
    """The controller has given up the call: it took too long, or the controller stops."""


class RequestError(Exception):
    """The controller did not do what the step asked of it. A step that lets it pass has failed."""

    def __init__(self, message, request=0):
        super().__init__(message)
        self.request = request


class NotFound(RequestError):
    """There is no such object."""


class NotUnique(RequestError):
    """There are several, and one was asked for."""


class AlreadyExists(RequestError):
    """An object of that name exists."""


class BeingDeleted(RequestError):
    """An object of that name is still being deleted."""


class Invalid(RequestError):
    """The request is wrong: an unknown model or field, an object that was not read in this call."""


class Refused(RequestError):
    """The API server does not take it: admission, the schema, a right."""


class ApiUnavailable(RequestError):
    """The API server is away."""


class Conflict(RequestError):
    """Others change the object all the time."""


_BY_REASON = {
    pb.Error.REASON_NOT_FOUND: NotFound,
    pb.Error.REASON_NOT_UNIQUE: NotUnique,
    pb.Error.REASON_ALREADY_EXISTS: AlreadyExists,
    pb.Error.REASON_BEING_DELETED: BeingDeleted,
    pb.Error.REASON_INVALID: Invalid,
    pb.Error.REASON_REFUSED: Refused,
    pb.Error.REASON_UNAVAILABLE: ApiUnavailable,
    pb.Error.REASON_CONFLICT: Conflict,
}


def of_answer(answer):
    """Returns the exception of an answer that is an error."""
    return _BY_REASON.get(answer.error.reason, RequestError)(answer.error.message, answer.id)
