"""Descriptions of versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from madang.sdk.documents.form import Document, Plain, Request

Meanings = Mapping[Plain, Annotated[str, Field(max_length=2000)]]
"""What each means, by its name."""


class NewDescription(Request):
    """What a version is: in words, or as a document in a form that is read here."""

    version: Plain = Field(examples=["company-a/reach@1"])
    title_en: str = Field("", max_length=500, examples=["Reaching motions of a seven-axis arm"])
    title_ko: str = Field("", max_length=500, examples=["7축 로봇팔의 도달 동작"])
    text_en: str = Field("", max_length=20_000, examples=["Twenty episodes, by a skilled operator."])
    text_ko: str = Field("", max_length=20_000, examples=["숙련된 조작자의 에피소드 20개."])
    keywords: Sequence[Plain] = Field((), max_length=100, examples=[["robot", "로봇"]])
    licence: str = Field("", max_length=500, examples=["https://creativecommons.org/licenses/by/4.0/"])
    variables_en: Meanings = Field({}, max_length=2000, examples=[{"torque": "Torque at the wrist"}])
    variables_ko: Meanings = Field({}, max_length=2000, examples=[{"torque": "손목의 토크"}])
    files_en: Meanings = Field({}, max_length=500, examples=[{"a.mcap": "The first of twenty episodes"}])
    files_ko: Meanings = Field({}, max_length=500, examples=[{"a.mcap": "에피소드 20개 가운데 첫째"}])
    document: str = Field(
        "",
        max_length=2**20,
        description="DataCite, Dublin Core, DCAT, Croissant, RO-Crate, STAC or CKAN, instead of the words.",
        examples=['{"titles": [{"title": "Reaching motions"}], "publicationYear": 2026}'],
    )


class Description(Document):
    """All that can be said of a version. description: in Madang's form, shaped on DataCite 4.7."""

    version_id: str
    name: str
    description: Mapping[str, Any]
