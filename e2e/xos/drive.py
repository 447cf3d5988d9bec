"""Runs lines of Python with the original XOS client, as its users write them: `orm` has the objects, `client` is the client.

The arguments are the endpoint, the file of the authority, the user and the password. For each line of standard input one line
of JSON is printed: {"is": the value} or {"error": code, "details": …}. The first line is printed when it is connected.
"""

import json
import os
import sys
import tempfile

import shims

FOLDER = tempfile.mkdtemp()
CONFIG = os.path.join(FOLDER, "config.yaml")
with open(CONFIG, "w") as config:
    config.write(
        "name: driven\naccessor: {username: '%s', password: '%s', endpoint: '%s'}\n"
        "logging: {version: 1, handlers: {}, loggers: {'': {handlers: [], level: CRITICAL}}}\n"
        % (sys.argv[3], sys.argv[4], sys.argv[1])
    )

from xosconfig import Config

Config.init(CONFIG, "synchronizer-config-schema.yaml")

import grpc
from twisted.internet import reactor
from xosapi import xos_grpc_client

shims.of_client()

# What it prints of itself is no answer.
ANSWERS, sys.stdout = sys.stdout, sys.stderr


def plain(value):
    """A value as JSON has it; of an object, its fields."""
    if hasattr(value, "_wrapped_class"):
        return {field.name: plain(of) for field, of in value._wrapped_class.ListFields()}
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if hasattr(value, "DESCRIPTOR"):
        return {field.name: plain(of) for field, of in value.ListFields()}
    if hasattr(value, "__iter__"):
        return [plain(one) for one in value]
    return str(value)


def answer(line, names):
    try:
        return {"is": plain(eval(line, names))}
    except SyntaxError:
        pass
    except grpc.RpcError as error:
        return {"error": error.code().name, "details": error.details()}
    except Exception as error:
        return {"error": type(error).__name__, "details": str(error)}
    try:
        exec(line, names)
        return {"is": None}
    except grpc.RpcError as error:
        return {"error": error.code().name, "details": error.details()}
    except Exception as error:
        return {"error": type(error).__name__, "details": str(error)}


def tell(value):
    ANSWERS.write(json.dumps(value) + "\n")
    ANSWERS.flush()


def connected():
    names = {"client": client, "orm": client.xos_orm}
    tell({"is": sorted(client.xos_orm.all_model_names)})
    for line in sys.stdin:
        if line.strip():
            tell(answer(line.strip(), names))
    reactor.callFromThread(reactor.stop)


client = xos_grpc_client.SecureClient(
    endpoint=sys.argv[1],
    cacert=sys.argv[2],
    username=sys.argv[3],
    password=sys.argv[4],
    work_dir=os.path.join(FOLDER, "protos"),
)
client.set_reconnect_callback(connected)
client.start()
reactor.run()
