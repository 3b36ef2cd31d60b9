"""``madang init``, ``madang config``, ``madang doctor``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from pydantic.fields import FieldInfo
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from madang.interfaces.cli import context
from madang.kernel.home import write_durably


def init(
    ministry: str,
    *,
    title_en: str = "",
    title_ko: str = "",
    officer: str = "officer",
    database_url: str | None = None,
) -> None:
    """Make a home and register its first ministry; its officer's token goes to HOME/tokens.

    Example: madang init msit --title-en "Ministry of Science and ICT" --title-ko 과학기술정보통신부

    Parameters
    ----------
    ministry
        Name of the ministry (a-z, 0-9, hyphens).
    title_en
        Its title in English.
    title_ko
        Its title in Korean.
    officer
        Name of its first programme officer.
    database_url
        An empty PostgreSQL database to keep records in: postgresql://user@host/name (default: SQLite).
    """
    from madang.kernel.home import create
    from madang.kernel.ids import check_slug
    from madang.organizations.service import found

    context.require_here()
    check_slug(ministry, "organization name")
    home = create(context.home_path(), {"database_url": database_url})
    with home.database.write() as session:
        token = found(session, ministry, title_en or ministry, title_ko or ministry, officer)
    file = save_token(home.path, ministry, officer, token)
    print(f"home   {home.path}")
    print(f"ledger {home.database.keys.signer.verifier}")
    print(f"token  {file}  (of {officer} at {ministry}; keep it, it is not stored anywhere else)")


def upgrade() -> None:
    """Bring the schema of a home that an earlier version made to this version's. Copy the home first.

    Example: madang --home madang-home upgrade
    """
    from madang.kernel.home import open_home

    context.require_here()
    database = open_home(context.home_path()).database
    before = database.revision()
    try:
        database.migrate()
        print(f"{before or '-'} -> {database.revision()}")
    finally:
        database.close()


def save_token(home: Path, organization: str, member: str, token: str) -> Path:
    """Write a token to ``HOME/tokens/<organization>.<member>`` with mode 600."""
    folder = home / "tokens"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / f"{organization}.{member}"
    write_durably(file, token.encode() + b"\n", 0o600)
    return file


def config(*, json: context.Json = False) -> None:
    """Show every setting, its value and where it comes from.

    Example: MADANG_PORT=9000 madang config
    """
    from madang.kernel.settings import Values, load

    context.require_here()
    path = context.home_path()
    loaded = load(path if path.is_dir() else None)
    values = loaded.values.model_dump()
    rows = [
        {
            "setting": name,
            "value": _shown(values[name], field),
            "origin": loaded.origins[name],
            "meaning": field.description,
        }
        for name, field in Values.model_fields.items()
    ]
    columns = {"setting": "setting", "value": "value", "origin": "from", "meaning": "meaning"}
    context.print_rows(rows, columns, json)


def _shown(value: object, field: FieldInfo) -> object:
    """A setting's value, without the password that an address may hold."""
    secret = isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    if not secret or not value:
        return value
    try:
        url = make_url(str(value))
    except ArgumentError:
        return "***"
    # Neither user nor password, wherever the address carries them.
    plain = url.set(username=None, password=None).update_query_dict({})
    kept = {key: told for key, told in plain.query.items() if key in ("host", "port", "sslmode")}
    return plain.set(query=kept).render_as_string(hide_password=True)


def doctor(*, json: context.Json = False) -> None:
    """Say what this machine has, and plainly what protects jobs and data here and what does not.

    Example: madang doctor --json
    """
    from madang.kernel import extension
    from madang.kernel.home import is_home

    context.require_here()
    rows: list[dict[str, str]] = [{"what": "python", "state": "ok", "detail": sys.version.split()[0]}]
    for pack in extension.packs().values():
        rows.append(_pack_row(pack))
    for port in ("records", "content", "runs", "quotas", "steps", "isolation", "harvest", "search"):
        names = ", ".join(sorted(extension.engines(port)))
        rows.append({"what": f"engines: {port}", "state": "ok", "detail": names})
    for name in sorted(extension.engines("isolation")):
        reason = extension.engine("isolation", name)().unavailable()
        detail = reason.in_language(context.language()) if reason else ""
        rows.append({"what": f"isolation {name}", "state": "no" if reason else "ok", "detail": detail})
    rows += _protection()
    rows += _commands()
    path = context.home_path()
    free = shutil.disk_usage(path if path.exists() else Path.cwd()).free
    rows.append(
        {"what": "disk", "state": "ok" if free > 2**30 else "!!", "detail": f"{free / 2**30:.1f} GiB free"}
    )
    if is_home(path):
        revision = context.home().database.revision()
        rows.append({"what": "home", "state": "ok", "detail": f"{path} (schema {revision})"})
    else:
        rows.append({"what": "home", "state": "no", "detail": f"none at {path}: madang init, or madang demo"})
    context.print_rows(rows, {"state": "", "what": "what", "detail": "detail"}, json)


def _commands() -> list[dict[str, str]]:
    """The programs that the engines of this home's settings call, and whether they are here."""
    from madang.kernel import extension
    from madang.kernel.settings import load

    path = context.home_path()
    values = load(path if path.is_dir() else None).values
    rows = []
    for port, name in (("runs", values.run_engine), ("quotas", values.quota_engine)):
        engine = extension.engines(port).get(name)
        for program in engine.programs if engine else ():
            found = shutil.which(program)
            rows.append(
                {"what": f"{name}: {program}", "state": "ok" if found else "!!", "detail": found or "-"}
            )
    return rows


def _protection() -> list[dict[str, str]]:
    """What the isolation in force here protects, and what it does not."""
    from madang.kernel import extension, isolation
    from madang.kernel.errors import IsolationMissing
    from madang.kernel.settings import load

    path = context.home_path()
    rows = []
    try:
        told = [isolation.choose(load(path if path.is_dir() else None).values.isolation)]
    except IsolationMissing as error:
        text = error.in_language(context.language())
        rows.append({"what": "isolation", "state": "!!", "detail": f"{text.what} {text.next}"})
        every = [extension.engine("isolation", name)() for name in extension.engines("isolation")]
        told = [engine for engine in every if engine.unavailable() is None]
    for engine in told:
        for kind, state, ids in zip(("protects", "lacks"), ("ok", "!!"), engine.told(), strict=True):
            what = f"{engine.name} {context.text(f'isolation.{kind}')}"
            rows += [{"what": what, "state": state, "detail": context.text(i)} for i in ids]
    return rows


def _pack_row(pack: object) -> dict[str, str]:
    from madang.kernel.errors import ExtraMissing, TextMissing
    from madang.kernel.extension import Pack, load_object, load_text

    assert isinstance(pack, Pack)
    try:
        for parts in (pack.probes, pack.recipes, pack.checks, pack.scorers):
            for reference in parts.values():
                load_object(reference, pack.extra)
        if pack.terms:
            load_text(pack.terms)
    except ExtraMissing as error:
        return {
            "what": f"pack {pack.name}",
            "state": "no",
            "detail": error.in_language(context.language()).next,
        }
    except TextMissing as error:
        told = error.in_language(context.language())
        return {"what": f"pack {pack.name}", "state": "!!", "detail": f"{told.what} {told.why}"}
    names = [*pack.probes, *pack.checks, *pack.recipes, *pack.scorers, *(["terms"] if pack.terms else [])]
    return {"what": f"pack {pack.name}", "state": "ok", "detail": ", ".join(names)}
