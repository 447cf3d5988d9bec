"""What an author writes."""


class _Step:
    # The name, as the document has it. By default the class's, in small letters.
    name = None
    # The model whose objects it handles. If it is said here, the document has to say the same.
    model = ""
    # How many calls of it may run at the same time; 0: as many as the server takes.
    max_concurrency = 0

    @property
    def step_name(self):
        return self.name or type(self).__name__.lower()


class SyncStep(_Step):
    """Pushes the state of a model's objects to a backend. It may be called again for the same state: be idempotent."""

    def sync_record(self, ctx, o):
        """Makes the backend agree with the object. What it changes in `o` is saved."""
        raise NotImplementedError(f"{type(self).__name__}.sync_record")

    def delete_record(self, ctx, o):
        """Removes from the backend what `sync_record` put there; succeeds if there is nothing."""
        raise NotImplementedError(f"{type(self).__name__}.delete_record")


class Policy(_Step):
    """Reacts to changes of a model's objects. What it changes in `o` is saved."""

    def handle_create(self, ctx, o):
        """Handles a new object."""
        self.handle_update(ctx, o)

    def handle_update(self, ctx, o):
        """Handles a changed object."""

    def handle_delete(self, ctx, o):
        """Handles an object that is being deleted, if the policy has this method."""


class PullStep(_Step):
    """Reads a backend periodically."""

    def pull_records(self, ctx):
        """Reads the backend, and makes objects agree with it: see `Context.reconcile`."""
        raise NotImplementedError(f"{type(self).__name__}.pull_records")


class EventStep(_Step):
    """Receives messages. One may come again: be idempotent."""

    def process_event(self, ctx, event):
        """Handles a message."""
        raise NotImplementedError(f"{type(self).__name__}.process_event")
