"""What a file of a request is, by its bytes alone."""

from __future__ import annotations

from pipelines.core.errors import ArchiveRefused, NotAnImage
from pipelines.imaging.sniff import MediaKind, sniff_file
from services.work.archives import kind_within_gzip
from services.work.spool import SpooledFile


def kind_of(file: SpooledFile) -> MediaKind:
    """What a file is; a tar archive or a NIfTI volume in gzip is told from other gzip by what is inside.

    Raises NotAnImage (`empty_file`), ArchiveRefused.
    """
    kind = sniff_file(file.path)
    if kind is MediaKind.EMPTY:
        raise NotAnImage("the file is empty", code="empty_file")
    if kind is not MediaKind.GZIP:
        return kind
    inner = kind_within_gzip(file.path)
    if inner not in {MediaKind.TAR, MediaKind.NIFTI}:
        raise ArchiveRefused("the gzip file holds no tar archive and no NIfTI volume", code="archive_unsupported")
    return inner


def kind_of_member(file: SpooledFile) -> MediaKind:
    """What a file from an archive is; raises NotAnImage (`empty_file`), ArchiveRefused (`archive_nested`)."""
    try:
        kind = kind_of(file)
    except ArchiveRefused as error:
        raise ArchiveRefused("an archive within the archive", code="archive_nested") from error
    if kind.is_archive:
        raise ArchiveRefused("an archive within the archive", code="archive_nested")
    return kind
