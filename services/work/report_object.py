"""A study's report as a DICOM object: what the images say of themselves comes from their rows, not from their files."""

from __future__ import annotations

from datetime import date

from pipelines.core.report import Report
from pipelines.imaging.dicom import DicomHeader
from services.store.session import unit_of_work
from services.store.stores import Store
from services.store.studies import StudyTree, study_tree
from services.store.tables import Instance, Series
from services.work.facts import LOCAL_ISSUER, UNIDENTIFIED


def as_dicom(store: Store, report: Report) -> bytes:
    """The report as a DICOM file that refers to every image of the study.

    Raises NotFound; UnsuitableInput where the study holds no DICOM image.
    """
    from pipelines.exporters.report import report_object  # highdicom takes a second, and few want this

    with unit_of_work(store.database, writing=False) as session:
        tree = study_tree(session, report.study_id)
        headers = [
            _header(tree, each.series, instance)
            for each in tree.series
            for instance in each.instances
            if not instance.conflict
        ]
    return report_object(report, headers)


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
