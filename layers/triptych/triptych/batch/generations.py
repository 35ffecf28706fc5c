"""Which generation of an object something is."""

from __future__ import annotations

from triptych.batches.file import InputFile
from triptych.batches.manifest import Generation
from triptych.interfaces.objects import StoredObject


def generation(found: StoredObject | InputFile | str) -> Generation:
    """Returns the generation of an object that was found, or of a file that was opened.

    Args:
        found: The object or the file; the key alone of an object that is not there.
    """
    if isinstance(found, str):
        return Generation(found)
    version = found.object_version if isinstance(found, InputFile) else found.version
    return Generation(found.key, found.size, found.etag, version)
