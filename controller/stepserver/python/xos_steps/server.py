"""The server."""

import asyncio
import concurrent.futures
import logging
import signal
import time

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from . import errors, steps
from . import steps_pb2 as pb
from . import steps_pb2_grpc as rpc
from .context import Context
from .objects import Event, Object, dumps

log = logging.getLogger("xos_steps")

LONGEST = 32 << 20
_OPTIONS = [("grpc.max_receive_message_length", LONGEST), ("grpc.max_send_message_length", LONGEST)]
_KINDS = {
    steps.SyncStep: pb.KIND_SYNC_STEP,
    steps.Policy: pb.KIND_POLICY,
    steps.PullStep: pb.KIND_PULL_STEP,
    steps.EventStep: pb.KIND_EVENT_STEP,
}


def serve(*all_steps, address="[::]:50051", **how):
    """Runs a server of these steps and policies until SIGTERM or SIGINT. `how` is what `Server` takes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(Server(*all_steps, **how).run(address))


class Server:
    """A server of steps and policies.

    `name`, `version`  what the controller's log says of it
    `max_concurrency`  how many calls run at the same time, each in a thread
    `credentials`      of `grpc.ssl_server_credentials`; without them the connection is not protected
    `grace`            for how many seconds running calls may go on when the server stops
    """

    def __init__(self, *all_steps, name="xos_steps", version="", max_concurrency=16, credentials=None, grace=20.0):
        self.steps = {}
        for step in all_steps:
            key = (_kind(step), step.step_name)
            if key in self.steps:
                raise ValueError(f"there are two steps named {step.step_name}")
            self.steps[key] = step
        self.name, self.version = name, version
        self.max_concurrency, self.credentials, self.grace = max_concurrency, credentials, grace

    async def run(self, address):
        """Serves until SIGTERM or SIGINT."""
        threads = concurrent.futures.ThreadPoolExecutor(self.max_concurrency, "step")
        server = grpc.aio.server(options=_OPTIONS)
        well = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(well, server)
        rpc.add_StepServerServicer_to_server(_Servicer(self, threads), server)
        if self.credentials:
            port = server.add_secure_port(address, self.credentials)
        else:
            port = server.add_insecure_port(address)
        await server.start()
        await well.set("", health_pb2.HealthCheckResponse.SERVING)
        log.info("serving %s at %s (port %s)", ", ".join(name for _, name in self.steps), address, port)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        log.info("stopping")
        # The controller makes no more calls; those that run may end.
        await well.enter_graceful_shutdown()
        await server.stop(self.grace)
        threads.shutdown(wait=False, cancel_futures=True)


def _kind(step):
    for kind, number in _KINDS.items():
        if isinstance(step, kind):
            return number
    raise TypeError(f"{step!r} is no SyncStep, Policy, PullStep or EventStep")


class _Servicer(rpc.StepServerServicer):
    def __init__(self, server, threads):
        self._server, self._threads = server, threads

    async def Describe(self, request, context):
        server = self._server
        described = pb.DescribeResponse(name=server.name, version=server.version)
        described.max_concurrency = server.max_concurrency
        for (kind, name), step in server.steps.items():
            handles_delete = kind == pb.KIND_POLICY and type(step).handle_delete is not steps.Policy.handle_delete
            described.steps.add(
                name=name,
                kind=kind,
                model=step.model,
                handles_delete=handles_delete,
                max_concurrency=step.max_concurrency,
            )
        return described

    async def _call(self, messages, context, kind, method):
        begin = (await anext(messages)).begin
        step = self._server.steps.get((kind, begin.step))
        if step is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no step `{begin.step}`")
        call = _Call(begin, time.monotonic() + (context.time_remaining() or 3600.0))
        reading = asyncio.create_task(call.read(messages))
        running = asyncio.get_running_loop().run_in_executor(self._threads, call.run, getattr(step, method))
        try:
            while (message := await call.outgoing.get()) is not None:
                yield message
        finally:
            call.give_up()
            reading.cancel()
            running.cancel()


def _method(name, kind, method):
    async def called(self, request_iterator, context):
        async for message in self._call(aiter(request_iterator), context, kind, method):
            yield message

    called.__name__ = name
    return called


for _name, _of, _called in [
    ("SyncRecord", pb.KIND_SYNC_STEP, "sync_record"),
    ("DeleteRecord", pb.KIND_SYNC_STEP, "delete_record"),
    ("HandleCreate", pb.KIND_POLICY, "handle_create"),
    ("HandleUpdate", pb.KIND_POLICY, "handle_update"),
    ("HandleDelete", pb.KIND_POLICY, "handle_delete"),
    ("PullRecords", pb.KIND_PULL_STEP, "pull_records"),
    ("ProcessEvent", pb.KIND_EVENT_STEP, "process_event"),
]:
    setattr(_Servicer, _name, _method(_name, _of, _called))


class _Call:
    """A call: the step runs in a thread, and its stream in the loop."""

    def __init__(self, begin, deadline):
        self._loop = asyncio.get_running_loop()
        self.outgoing = asyncio.Queue()
        # What was asked and is not answered, by its number; and the last number.
        self._asked = {}
        self._last = 0
        self._is_over = False
        self._object = Object._of(begin.object) if begin.HasField("object") else None
        self._event = Event(begin.event) if begin.HasField("event") else None
        self._context = Context(begin, deadline, self._ask)

    # In the loop.

    async def read(self, messages):
        async for message in messages:
            if message.HasField("answer"):
                self._asked.pop(message.answer.id).set_result(message.answer)
            elif message.HasField("stop"):
                self._context.stopping.set()

    def give_up(self):
        """Ends what waits for an answer: none will come."""
        self._is_over = True
        self._context.stopping.set()
        for answer in self._asked.values():
            answer.cancel()

    # In the thread.

    def run(self, method):
        subject = [one for one in (self._object, self._event) if one is not None]
        result = pb.Result(outcome=pb.OUTCOME_SUCCEEDED)
        try:
            method(self._context, *subject)
        except errors.WaitsFor as error:
            result = pb.Result(outcome=error.outcome)
            result.waits_for.CopyFrom(pb.Awaited(model=error.model, field=error.field, value=dumps(error.value)))
        except errors.StepError as error:
            result = pb.Result(outcome=error.outcome, message=str(error))
        except errors.RequestError as error:
            result = pb.Result(outcome=pb.OUTCOME_FAILED, message=str(error), failed_request=error.request)
        except errors.Cancelled:
            log.info("%s: given up by the controller", _told(method, subject))
        except Exception as error:
            log.exception("%s failed", _told(method, subject))
            result = pb.Result(outcome=pb.OUTCOME_FAILED, message=f"{type(error).__name__}: {error}")
        try:
            if self._object is not None:
                result.changed = dumps(self._object._changed())
        except (TypeError, ValueError) as error:
            result = pb.Result(outcome=pb.OUTCOME_FAILED, message=f"what the step has set cannot be saved: {error}")
        self._send(pb.FromServer(result=result))
        self._send(None)

    def _ask(self, **request):
        answered = concurrent.futures.Future()

        def ask():
            if self._is_over:
                answered.cancel()
                return
            self._last += 1
            self._asked[self._last] = answered
            self.outgoing.put_nowait(pb.FromServer(request=pb.Request(id=self._last, **request)))

        self._in_loop(ask)
        try:
            answer = answered.result()
        except concurrent.futures.CancelledError:
            raise errors.Cancelled("the controller has given up the call") from None
        if answer.HasField("error"):
            raise errors.of_answer(answer)
        return answer

    def _send(self, message):
        self._in_loop(self.outgoing.put_nowait, message)

    def _in_loop(self, function, *arguments):
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            raise errors.Cancelled("the server has stopped") from None


def _told(method, subject):
    return " ".join([type(method.__self__).__name__ + "." + method.__name__, *map(repr, subject[:1])])
