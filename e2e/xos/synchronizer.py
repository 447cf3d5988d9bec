"""Runs the original XOS synchronizer with a configuration. The arguments are its file, and that of the API's authority."""

import sys

import shims

from xosconfig import Config

Config.init(sys.argv[1], "synchronizer-config-schema.yaml")

from xossynchronizer import Synchronizer

shims.of_client()
shims.of_synchronizer(sys.argv[2])
Synchronizer().run()
