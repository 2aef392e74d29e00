"""What a study's DICOM report says of the images: it comes from their rows, not from their files."""

from __future__ import annotations

from datetime import date

from pipelines.imaging.dicom import DicomHeader
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.studies import StudyTree, study_tree
from services.store.tables import Instance, Series
from services.work.facts import LOCAL_ISSUER, UNIDENTIFIED


def headers_of(store: Store, study_id: str) -> list[DicomHeader]:
    """What a DICOM report has to know of every image of the study; raises NotFound."""
    with unit_of_work(store.database, writing=False) as session:
        tree = study_tree(session, study_id)
        return [
            _header(tree, each.series, instance)
            for each in tree.series
            for instance in each.instances
            if not instance.conflict
        ]


def _header(tree: StudyTree, series: Series, instance: Instance) -> DicomHeader:
    study, patient = tree.study, tree.patient
    is_known = patient.issuer != UNIDENTIFIED
    return DicomHeader(
        sop_instance_uid=instance.sop_instance_uid,
        sop_class_uid=instance.sop_class_uid,
        study_instance_uid=study.study_instance_uid,
        series_instance_uid=series.series_instance_uid,
        transfer_syntax=instance.transfer_syntax,
        modality=series.modality,
        patient_id=patient.patient_id if is_known else None,
        issuer=patient.issuer if is_known and patient.issuer != LOCAL_ISSUER else None,
        patient_name=patient.name,
        birth_date=_written(patient.birth_date),
        sex=patient.sex,
        study_date=_written(study.study_date),
        study_time=None,
        study_description=study.description,
        series_description=series.description,
        accession_number=study.accession_number,
        series_number=None,
        instance_number=instance.instance_number,
        laterality=None,
        body_part=series.body_part,
        manufacturer=None,
        model_name=None,
        rows=instance.rows,
        columns=instance.columns,
        frames=instance.frames or 1,
        samples=None,
        bits_allocated=None,
        bits_stored=None,
        photometric_interpretation=None,
        has_pixel_data=True,
    )


def _written(day: date | None) -> str | None:
    return f"{day:%Y%m%d}" if day else None
