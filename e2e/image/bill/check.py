"""Checks a document against the schema of CycloneDX 1.6. Prints what is wrong, and exits with 1 then."""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
if error:
    sys.exit(str(error))
