"""What the original XOS packages, written for Python 2, need to run on today's Python. They stay as they are on disk."""

import base64
import builtins
import collections
import collections.abc
import fractions
import functools
import hashlib
import math
import os
import stat
import tempfile

import grpc
import grpc._channel

for moved in ("Mapping", "MutableMapping", "MutableSequence", "MutableSet", "Sequence", "Set", "Iterable", "Callable"):
    if not hasattr(collections, moved):
        setattr(collections, moved, getattr(collections.abc, moved))
fractions.gcd = math.gcd
# Errors of calls had this class.
grpc._channel._Rendezvous = grpc._channel._InactiveRpcError


def no_gateway():
    """A folder with a plugin of protoc that writes nothing: the one that is shipped is Python 2."""
    folder = tempfile.mkdtemp()
    plugin = os.path.join(folder, "gw_gen.py")
    with open(plugin, "w") as file:
        file.write("#!/bin/sh\nexec cat > /dev/null\n")
    os.chmod(plugin, stat.S_IRWXU)
    return folder


def of_client():
    """Patches the client, once it is imported."""
    from xosapi import xos_grpc_client

    def credentials(self, context, callback):
        pair = "%s:%s" % (self._username, self._password)
        callback((("authorization", "Basic " + base64.b64encode(pair.encode()).decode()),), None)

    xos_grpc_client.UsernamePasswordCallCredentials.__call__ = credentials
    of_bytes = xos_grpc_client.ssl_channel_credentials
    xos_grpc_client.ssl_channel_credentials = lambda ca: of_bytes(ca.encode())
    plugins, begin = no_gateway(), xos_grpc_client.chameleon_client.GrpcClient.__init__

    def init(self, *args, **kwargs):
        begin(self, *args, **kwargs)
        self.plugin_dir = plugins

    xos_grpc_client.chameleon_client.GrpcClient.__init__ = init


def of_synchronizer(authority):
    """Patches what the synchronizer uses of the client and of Python 2; it cannot be told the file of the authority."""
    from xosapi import xos_grpc_client

    begin, work_dir = xos_grpc_client.SecureClient.__init__, os.path.join(tempfile.mkdtemp(), "protos")
    xos_grpc_client.SecureClient.__init__ = functools.partialmethod(begin, cacert=authority, work_dir=work_dir)

    class OfTexts:
        sha256 = staticmethod(lambda text: hashlib.sha256(text.encode()).hexdigest())

    xos_grpc_client.hashlib = OfTexts
    greatest = builtins.max

    def with_none(*values, **how):
        if len(values) == 2 and None in values:
            return values[0] if values[1] is None else values[1]
        return greatest(*values, **how)

    builtins.max = with_none
