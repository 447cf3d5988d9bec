"""A peer: the same no-op sync with kopf: finalizer, status (observedGeneration, condition Synced), deletion."""

import datetime
import os

import kopf

KIND = (os.environ["BENCH_GROUP"], "v1", os.environ["BENCH_PLURAL"])


@kopf.on.startup()
def configure(settings, **_):
    # No events, and no limit that matters here.
    settings.posting.enabled = False
    settings.batching.worker_limit = 64


@kopf.on.create(*KIND)
@kopf.on.update(*KIND, field="spec")
async def sync(meta, patch, **_):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    synced = {"type": "Synced", "status": "True", "reason": "OK", "message": "", "lastTransitionTime": now}
    patch.status["observedGeneration"] = meta["generation"]
    patch.status["conditions"] = [synced]


@kopf.on.delete(*KIND)
async def delete(**_):
    pass
