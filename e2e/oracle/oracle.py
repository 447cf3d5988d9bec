"""The original XOS compiler as an oracle: what API does it make of a model set?

Run by the program `oracle` beside this file, in an environment that has the original packages. They are left as they
are on disk; what they need to run on today's Python is patched here, at run time.
"""

import collections
import collections.abc
import contextlib
import pathlib
import re
import sys

# Names that moved, which Jinja2 2.10 still looks for at the old place.
for moved in ("Mapping", "MutableMapping", "MutableSequence", "MutableSet", "Sequence", "Set", "Iterable", "Callable"):
    if not hasattr(collections, moved):
        setattr(collections, moved, getattr(collections.abc, moved))

MESSAGE = re.compile(r"message (\S+) \{$")
CONTENT_TYPE = re.compile(r'option \(contentTypeId\) = "(.*)";$')
FIELD = re.compile(r"(repeated )?(\S+) (\S+)\s*= (\S+?)\s*(?:\[(.*)\])?\s*;$")
RPC = re.compile(r"rpc (\S+)\((\S+)\) returns \((\S+)\) \{$")
HTTP = re.compile(r'(get|put|post|delete): "(.*)"$')


def generator():
    """The original's entry point, with its grammar's tables made once and not for each model set."""
    import plyxproto.parser as parser

    analyzer = parser.ProtobufAnalyzer()

    class Reused(object):
        def __new__(cls):
            return analyzer

    parser.ProtobufAnalyzer = Reused
    from xosgenx.generator import XOSProcessor, XOSProcessorArgs

    def generate(files):
        return XOSProcessor.process(XOSProcessorArgs(files=files, target="protoapi.xtarget", verbosity=-1))

    return generate


def rows(text):
    """The normal form of a .proto text: one row a message, field or method."""
    for line in map(str.strip, text.splitlines()):
        if message := MESSAGE.match(line):
            pending = message[1]
        elif content_type := CONTENT_TYPE.match(line):
            yield "message", pending, content_type[1]
            pending = None
        elif method := RPC.match(line):
            yield ("rpc",) + method.groups()
        elif http := HTTP.match(line):
            yield ("http",) + http.groups()
        elif field := FIELD.match(line):
            if pending:
                yield "message", pending, ""
                pending = None
            repeated, kind, name, number, options = field.groups()
            yield number, (repeated or "") + kind, name, options or ""


def compile_sets(folder):
    """Prints the API of each folder in `folder`, or why the original makes none."""
    generate = generator()
    for model_set in sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir()):
        files = sorted(str(path) for path in model_set.glob("*.xproto"))
        print("set", model_set.name, sep="\t")
        try:
            # What the original prints of a syntax error goes to where errors belong.
            with contextlib.redirect_stdout(sys.stderr):
                text = generate(files)
        except (Exception, SystemExit) as error:
            print("error", type(error).__name__, " ".join(str(error).split()), sep="\t")
            continue
        for row in rows(text):
            print(*row, sep="\t")


def plurals():
    """Prints each name on standard input with its plural."""
    from xosgenx.jinja2_extensions.base import xproto_pluralize

    for name in map(str.strip, sys.stdin):
        print(name, xproto_pluralize({"name": name, "options": {}}), sep="\t")


def protoc(folder):
    """Compiles all .proto files of a folder; the exit code is protoc's."""
    import google.api
    import grpc_tools
    from grpc_tools import protoc as compiler

    common = pathlib.Path(list(google.api.__path__)[0]).parent.parent
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    files = sorted(path.name for path in pathlib.Path(folder).glob("*.proto"))
    arguments = ["protoc", "-I%s" % folder, "-I%s" % common, "-I%s" % well_known, "--descriptor_set_out=/dev/null"]
    return compiler.main(arguments + files)


def main(arguments):
    if arguments[:1] == ["compile"] and len(arguments) == 2:
        return compile_sets(arguments[1])
    if arguments == ["plurals"]:
        return plurals()
    if arguments[:1] == ["protoc"] and len(arguments) == 2:
        return protoc(arguments[1])
    sys.exit("usage: oracle compile FOLDER | plurals | protoc FOLDER | prepare")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
