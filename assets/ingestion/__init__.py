"""Raw files in, items out: what arrived, what it holds, what could not be used and why."""

from assets.ingestion.arrivals import Arrival
from assets.ingestion.batch import Batch, Counts, RejectLimitExceeded
from assets.ingestion.inbox import Inbox, arrivals, look
from assets.ingestion.reading import read_batch
from assets.ingestion.set_aside import set_aside
from assets.ingestion.staged import name_in_source
from assets.ingestion.taken import find_arrival, mark_published, mark_taken

__all__ = [
    "Arrival",
    "Batch",
    "Counts",
    "Inbox",
    "RejectLimitExceeded",
    "arrivals",
    "find_arrival",
    "look",
    "mark_published",
    "mark_taken",
    "name_in_source",
    "read_batch",
    "set_aside",
]
