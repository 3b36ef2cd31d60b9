"""Tasks: what became of what was asked of the file system."""

from __future__ import annotations

import json
from typing import Any

from madang.areas import tasks
from madang.areas.tasks import Task
from madang.interfaces.iri.asking import Nothing
from madang.interfaces.iri.declared import Asker, operation


@operation("getTasks", "GET", "/task", query=Nothing)
def every(asker: Asker, query: Nothing) -> list[Any]:
    """List the asker's tasks, oldest first; without their results, which may be large."""
    return [{**_document(one), "result": None} for one in tasks.every(asker.area)]


@operation("getTask", "GET", "/task/{task_id}", query=Nothing)
def task(asker: Asker, task_id: str, query: Nothing) -> dict[str, Any]:
    """Tell what became of a task."""
    return _document(tasks.see(asker.area, task_id))


@operation("deleteTask", "DELETE", "/task/{task_id}", query=Nothing)
def delete(asker: Asker, task_id: str, query: Nothing) -> bytes:
    """Forget a task; one that has not begun is not done."""
    return json.dumps(asker.tasks.remove(asker.area, task_id)).encode()


def _document(one: Task) -> dict[str, Any]:
    return {"id": one.task_id, "status": one.status, "result": one.result, "command": one.command}
