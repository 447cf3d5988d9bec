"""Makes the messages of the protocol from its .proto file, while the package is built."""

import pathlib
import shutil
import tempfile

from setuptools import setup
from setuptools.command.build_py import build_py

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto/xos/steps/v1/steps.proto"


class Build(build_py):
    def run(self):
        super().run()
        # By this path the modules are `xos_steps.steps_pb2` and not of a package `xos`, which others may have.
        from grpc_tools import protoc

        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "xos_steps/steps.proto"
            source.parent.mkdir()
            shutil.copy(PROTO, source)
            well_known = pathlib.Path(protoc.__file__).parent / "_proto"
            out = self.build_lib
            arguments = [f"-I{folder}", f"-I{well_known}", f"--python_out={out}", f"--grpc_python_out={out}"]
            if protoc.main(["protoc", *arguments, str(source)]) != 0:
                raise SystemExit(f"protoc cannot compile {PROTO}")


setup(cmdclass={"build_py": Build})
