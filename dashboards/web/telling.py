"""From a finding's view model to its sentence: names in the language, then the catalogue."""

from dashboards.catalogue import text
from dashboards.catalogue.sentence import Sentence, Told, sentence
from dashboards.queries.findings import FindingView


def tell(finding: FindingView, language: str, where: bool = True) -> Sentence:
    """Without ``where`` the building is left unnamed, as on its own page."""
    return sentence(
        Told(
            kind=finding.kind,
            place=place(finding, language) if where else point_name(finding, language),
            zone=finding.zone,
            start_ms=finding.start_ms,
            end_ms=finding.end_ms,
            is_open=finding.state == "open",
            confidence=finding.confidence,
            kwh=finding.kwh,
            yuan_month=finding.yuan_month,
            unit=finding.unit,
            evidence=finding.evidence,
            told_ms=finding.first_told_ms,
            withdrawn_ms=finding.withdrawn_ms,
            first_kind=finding.first_kind,
            confirmed=finding.confirmed,
        ),
        language,
    )


def point_name(finding: FindingView, language: str) -> str:
    return finding.point_name_zh if language == "zh" else finding.point_name


def place(finding: FindingView, language: str) -> str:
    chinese = language == "zh"
    return text(
        language,
        "finding.place",
        point=point_name(finding, language),
        building=finding.building_name_zh if chinese else finding.building_name,
    )
