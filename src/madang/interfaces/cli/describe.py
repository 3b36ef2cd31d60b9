"""``madang describe`` and ``madang export``: what a version is, written and handed on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from madang.interfaces.cli import context
from madang.interfaces.operations import descriptions
from madang.kernel.home import write_durably
from madang.sdk import documents

_ASKED = {
    "datacite-json": descriptions.datacite_json,
    "datacite-xml": descriptions.datacite_xml,
    "dcat": descriptions.dcat,
    "croissant": descriptions.croissant,
    "ro-crate": descriptions.crate,
    "card": descriptions.card,
}


def describe(
    version: str,
    *,
    title_en: str = "",
    title_ko: str = "",
    text_en: str = "",
    text_ko: str = "",
    keyword: tuple[str, ...] = (),
    licence: str = "",
    variable_en: tuple[str, ...] = (),
    variable_ko: tuple[str, ...] = (),
    file_en: tuple[str, ...] = (),
    file_ko: tuple[str, ...] = (),
    from_: Annotated[Path | None, Parameter(name="--from")] = None,
    json: context.Json = False,
) -> None:
    """Say what a version of yours is (its owner's steward), in place of what was said before.

    Later versions of the asset have the last description before them, until they get their own. Files, sizes,
    variables, where and when, lineage and terms are added by Madang.

    Examples: madang describe company-a/reach@1 --title-ko "도달 동작" --title-en "Reaching motions"
              madang describe company-a/reach@1 --title-en Reaching --variable-ko "torque=손목의 토크"
              madang describe company-a/reach@1 --from datacite.json

    Parameters
    ----------
    version
        The version, as owner/asset@number.
    title_en
        Title in English.
    title_ko
        Title in Korean.
    text_en
        What it is, in English.
    text_ko
        What it is, in Korean.
    keyword
        A keyword, any number of times.
    licence
        A licence's address or name.
    variable_en
        What a variable means, in English: NAME=TEXT, any number of times.
    variable_ko
        The same in Korean.
    file_en
        What a file is, in English: PATH=TEXT, any number of times.
    file_ko
        The same in Korean.
    from_
        A document to take the description from: DataCite, Dublin Core, DCAT, Croissant, RO-Crate, STAC, CKAN
        or a data card.
    """
    new = documents.NewDescription.model_construct(
        version=version, title_en=title_en, title_ko=title_ko, text_en=text_en, text_ko=text_ko,
        keywords=keyword, licence=licence, document=context.read_text(from_) if from_ else "",
        variables_en=_meanings("--variable-en", variable_en), files_en=_meanings("--file-en", file_en),
        variables_ko=_meanings("--variable-ko", variable_ko), files_ko=_meanings("--file-ko", file_ko),
    )  # fmt: skip
    found = context.call(descriptions.write, new=new)
    if json:
        context.print_json(found.model_dump(mode="json"))
        return
    title = found.description.get("title", {})
    context.print_facts(
        {"version": found.name, **{f"title {name}": title[name] for name in sorted(title)}}, False
    )


def _meanings(option: str, told: tuple[str, ...]) -> dict[str, str]:
    return dict(context.pair(option, one) for one in told)


def export(
    thing: str,
    *,
    form: Annotated[
        Literal["datacite-json", "datacite-xml", "dcat", "croissant", "ro-crate", "card"],
        Parameter(name="--format"),
    ] = "card",
    out: Path | None = None,
) -> None:
    """Write what is known of a version or a harvested record in a form that others read.

    Examples: madang export company-a/reach@1
              madang export company-a/reach@1 --format croissant --out croissant.json
              madang export rec-0123456789abcdefghjkmnpqrs --format datacite-xml

    Parameters
    ----------
    thing
        A version (owner/asset@number, or its id), or the id of a record.
    form
        The form: a data card to read, or one for other catalogues.
    out
        The file to write (default: print it).
    """
    answer = context.call(_ASKED[form], version=thing)
    content = answer if isinstance(answer, bytes) else str(answer).encode()
    if out is None:
        sys.stdout.write(content.decode("utf-8").rstrip("\n") + "\n")
        return
    write_durably(out, content)
    print(out)
