"""Typed settings in one place. Later sources win: default, the home's madang.toml, environment, flag."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from madang.kernel.errors import BadValue, FileMissing, UnknownKey, UnreadableToml

FILE_NAME = "madang.toml"
PREFIX = "MADANG_"

Document = TypeVar("Document", bound=BaseModel)


class Values(BaseModel):
    """Every setting, with its type, default and meaning."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = Field("en", pattern="^(en|ko)$", description="Language of the command line: en or ko.")
    log_name: str = Field(
        "madang.local/ledger",
        pattern=r"^[^\s+]+$",
        description="Name of this home's ledger, the origin line of its checkpoints.",
    )
    isolation: str = Field(
        "auto",
        description="What confines jobs: auto (whatever sandbox works here), or an installed engine's name.",
    )
    run_engine: str = Field("local", description="The engine that runs jobs.")
    site: str = Field(
        "",
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$",
        description="The site whose runs this home executes; empty: every site that its operator operates.",
    )
    quota_engine: str = Field(
        "", description="The scheduler whose limits follow the awards of the operator's sites; empty: none."
    )
    steps_engine: str = Field("here", description="What does data-parallel work: here, or an engine's name.")
    ray_address: str = Field(
        "", description="The Ray cluster, as ray://... or host:port; empty: one of this machine for the time."
    )
    slurm_resources: str = Field(
        "cpu-core=cpu",
        pattern=r"^([a-z0-9-]+=[a-z0-9/:_.-]+(,[a-z0-9-]+=[a-z0-9/:_.-]+)*)?$",
        description="What Slurm calls a kind of capacity: kind=TRES,...; any other is a GPU of that name.",
    )
    slurm_account: str = Field(
        "madang", pattern=r"^[a-z0-9][a-z0-9_-]*$", description="The Slurm account above those of awards."
    )
    slurm_partition: str = Field("", description="The Slurm partition of jobs; empty: the cluster's default.")
    iri_url: str = Field(
        "", description="The facility of the run engine iri: the address that ends with /v1 or /v2."
    )
    iri_token: str = Field("", description="A token of that facility.", json_schema_extra={"secret": True})
    iri_compute: str = Field("", description="The facility's id of the resource that executes jobs.")
    iri_storage: str = Field("", description="The facility's id of the resource that takes files.")
    iri_directory: str = Field(
        "", description="A folder there, in which each run gets one of its own: an absolute path."
    )
    iri_account: str = Field("", description="The facility's account; empty: the award's id.")
    iri_python: str = Field("python3", description="A Python there that has Madang and the packs.")
    search_engine: str = Field("tantivy", description="The engine that holds the search index.")
    opensearch_url: str = Field(
        "http://127.0.0.1:9200",
        pattern=r"^https?://[^\s?#]+$",
        description="The cluster of the search engine opensearch.",
    )
    opensearch_index: str = Field("madang", pattern=r"^[a-z0-9-]+$", description="Its index.")
    opensearch_user: str = Field("", description="As whom Madang signs in there; empty: as nobody.")
    opensearch_password: str = Field("", description="Its password.", json_schema_extra={"secret": True})
    embedder: str = Field(
        "", description="The engine that makes vectors for finding by meaning; empty: by words alone."
    )
    embedder_url: str = Field(
        "http://127.0.0.1:8080/v1",
        pattern=r"^https?://[^\s?#]+$",
        description="The address of its model, up to /embeddings.",
    )
    embedder_model: str = Field("", description="The model's name there.")
    embedder_key: str = Field("", description="A key for it.", json_schema_extra={"secret": True})
    embedder_text: str = Field("", description='What the model wants before a text, as "passage: ".')
    embedder_question: str = Field("", description='What it wants before a question, as "query: ".')
    content_engine: str = Field("file", description="The engine that stores bytes.")
    s3_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="The S3 store of the content engine s3: its endpoint; empty: Amazon's.",
    )
    s3_bucket: str = Field("madang", description="Its bucket.")
    s3_prefix: str = Field("", description="What the names of objects in the bucket begin with.")
    s3_region: str = Field("us-east-1", description="Its region.")
    s3_key: str = Field("", description="An access key id; empty: as AWS_ACCESS_KEY_ID says.")
    s3_secret: str = Field("", description="Its secret.", json_schema_extra={"secret": True})
    keys_engine: str = Field("folder", description="The engine that keeps the keys of stored bytes.")
    keys_folder: str = Field(
        "content-keys",
        description="Its folder, relative to the home. Keep it out of the home's backups.",
    )
    database_url: str = Field(
        "",
        description="Where records are kept, as postgresql://...; empty: SQLite in the home.",
        json_schema_extra={"secret": True},
    )
    evaluator_home: str = Field(
        "evaluator", description="The evaluator's own folder (mode 700); relative to the home."
    )
    host: str = Field("127.0.0.1", description="Address the pages listen on.")
    port: int = Field(8800, ge=1, le=65535, description="Port of the pages.")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="The address at which others reach the pages, for descriptions that are handed on.",
    )
    doi_engine: str = Field("", description="Who registers DOIs: datacite, or empty for nobody.")
    doi_url: str = Field(
        "https://api.test.datacite.org",
        description="The registrar's address; DataCite's test system at first.",
    )
    doi_prefix: str = Field(
        "", pattern=r"^(10\.\d{4,9})?$", description="The prefix under which DOIs are registered, as 10.5072."
    )
    doi_repository: str = Field("", description="The repository as which Madang signs in there.")
    doi_password: str = Field("", description="Its password.", json_schema_extra={"secret": True})
    ark_naan: str = Field(
        "", pattern=r"^(\d{5})?$", description="This programme's number for ARKs (NAAN); empty: no ARKs."
    )
    job_memory_bytes: int = Field(8 * 2**30, ge=2**28, description="Address space a job may use.")
    job_output_bytes: int = Field(2**30, ge=2**20, description="Bytes of output collected from a job.")
    job_output_files: int = Field(10_000, ge=1, description="Files of output collected from a job.")
    upload_file_bytes: int = Field(64 * 2**30, ge=0, description="Largest file that may be uploaded.")
    outbound_networks: str = Field(
        "",
        description="Networks beside the public internet whose catalogues may be harvested: CIDR, by commas.",
    )
    harvest_folders: str = Field(
        "", description="Folders of this machine whose documents may be harvested, by colons; empty: none."
    )
    area_bytes: int = Field(10 * 2**30, ge=2**20, description="Bytes that a member's own area may hold.")
    area_files: int = Field(100_000, ge=1, description="Files and folders that a member's own area may hold.")
    check_seconds: int = Field(60, ge=1, description="CPU seconds a check of one version may take.")
    query_engine: str = Field("duckdb", description="The engine that answers queries.")
    query_seconds: int = Field(30, ge=1, le=3600, description="CPU seconds that a query may take.")
    query_memory_bytes: int = Field(2**30, ge=2**28, description="Memory that a query may take.")
    query_at_once: int = Field(4, ge=1, le=100, description="Queries that run at the same time.")
    query_rows: int = Field(100_000, ge=1, description="Rows of an answer that are given at most.")
    query_kept_rows: int = Field(
        10_000_000, ge=1, description="Rows that an answer which becomes a version may have."
    )
    probe_seconds: int = Field(
        5, ge=1, le=600, description="CPU seconds that looking into one file may take."
    )
    probe_memory_bytes: int = Field(
        512 * 2**20, ge=2**28, description="Memory that looking into one file may take."
    )
    probe_files: int = Field(50, ge=0, description="Files of a version that are looked into.")
    database_busy_seconds: int = Field(30, ge=1, description="How long a writer waits for another.")


@dataclass(frozen=True)
class Settings:
    """The values in force and where each came from."""

    values: Values
    origins: Mapping[str, str]


def load(home: Path | None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Merge all sources. Raises UnreadableToml, UnknownKey or BadValue, naming the source."""
    merged: dict[str, Any] = {}
    origins = dict.fromkeys(Values.model_fields, "default")
    for source, values in _sources(home, flags):
        known = Values.model_fields
        for key, value in values.items():
            if key not in known:
                raise UnknownKey(file=source, key=key, known=", ".join(sorted(known)))
            merged[key] = value
            origins[key] = source
    try:
        return Settings(Values.model_validate(merged), origins)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise BadValue(file=origins[key], key=key, reason=first["msg"]) from error


def _sources(home: Path | None, flags: Mapping[str, Any] | None) -> list[tuple[str, Mapping[str, Any]]]:
    sources: list[tuple[str, Mapping[str, Any]]] = []
    if home is not None and (home / FILE_NAME).is_file():
        sources.append((str(home / FILE_NAME), read_toml(home / FILE_NAME)))
    names = Values.model_fields
    for name in names:
        variable = PREFIX + name.upper()
        if variable in os.environ:
            sources.append((f"environment ({variable})", {name: os.environ[variable]}))
    sources.append(("command line", {k: v for k, v in (flags or {}).items() if v is not None}))
    return sources


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; raises UnreadableToml with the line, or FileMissing."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        raise FileMissing(file=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableToml(file=str(path), reason=str(error)) from error


def read_document(path: Path, model: type[Document]) -> Document:
    """Read a TOML document into a pydantic model, with the file and key in every error."""
    return parse_document(read_toml(path), model, str(path))


def parse_document(content: Mapping[str, Any], model: type[Document], source: str) -> Document:
    """Validate `content` as `model`; UnknownKey or BadValue name `source` and the key's path."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # A misspelt key shows as an unknown and a missing one: the unknown one is what the writer sees.
        told = error.errors()
        first = next((one for one in told if one["type"] == "extra_forbidden"), told[0])
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise UnknownKey(file=source, key=key, known=_known_at(model, first["loc"])) from error
        raise BadValue(file=source, key=key or "(document)", reason=first["msg"]) from error


def _known_at(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """The keys that `model` knows beside the unknown one at `location`."""
    table: Any = model
    for part in location[:-1]:
        if isinstance(part, int) or not hasattr(table, "model_fields"):
            continue
        annotation = table.model_fields[part].annotation
        arguments = [a for a in getattr(annotation, "__args__", ()) if hasattr(a, "model_fields")]
        table = arguments[0] if arguments else annotation
    return ", ".join(sorted(getattr(table, "model_fields", {}))) or "(none)"
