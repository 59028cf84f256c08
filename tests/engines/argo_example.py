"""Holds a CronWorkflow against the schema that Argo Workflows publishes, through the models that Hera generates from it.

    argo_example.py FILE       says what is wrong, one fault a line, and ends with 1; otherwise says nothing

The models pass over a key that they do not know, so what they have read is written again and compared with the file. What no
schema knows is checked by hand: that names refer to something, and which exit codes are asked again.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hera.workflows.models import CronWorkflow
from pydantic import ValidationError

VERBS = ["stage", "refresh", "publish", "check", "settle"]
# Access, not yet, interrupted, killed, ended.
ASKED_AGAIN = [6, 75, 130, 137, 143]


def lost(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """What stands in the file and not in what the models made of it."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{place}.{key}".lstrip("."))
            else:
                yield f"{place}.{key}: not in the schema".lstrip(".")
    elif isinstance(before, list) and isinstance(after, list):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from lost(one, other, f"{place}[{at}]")
    elif str(before) != str(after):
        yield f"{place}: {before!r} was read as {after!r}"


def schema_faults(document: Any) -> Iterator[str]:
    """What the schema has against it."""
    try:
        read = CronWorkflow.model_validate(document)
    except ValidationError as error:
        yield from (f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        return
    yield from lost(document, read.model_dump(mode="json", by_alias=True, exclude_none=True))


def name_faults(spec: dict[str, Any]) -> Iterator[str]:
    """Names that refer to nothing."""
    templates = {template["name"]: template for template in spec["templates"]}
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    if spec["entrypoint"] not in templates:
        yield f"entrypoint: there is no template {spec['entrypoint']}"
    for name, template in templates.items():
        tasks = template.get("dag", {}).get("tasks", [])
        known: set[str] = set()
        for task in tasks:
            if task["template"] not in templates:
                yield f"{name}.{task['name']}: there is no template {task['template']}"
            needed = set(re.findall(r"[a-z][a-z-]*", task.get("depends", "")))
            yield from (
                f"{name}.{task['name']}: depends on {other}, which does not stand before it" for other in needed - known
            )
            known.add(task["name"])
        for mount in template.get("container", {}).get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"{name}: there is no volume {mount['name']}"


def softlanding_faults(spec: dict[str, Any]) -> Iterator[str]:
    """What softlanding needs: the verbs in order, and a retry of just those exit codes that ask for one."""
    friday, step = (next(t for t in spec["templates"] if t["name"] == name) for name in ("friday", "step"))
    calls = [task for task in friday["dag"]["tasks"] if task["template"] == "step"]
    verbs = [task["arguments"]["parameters"][0]["value"].split()[0] for task in calls]
    if verbs != VERBS:
        yield f"the verbs are {verbs}, not {VERBS}"
    for before, after in zip(calls, calls[1:]):
        if before["name"] not in after.get("depends", "").split(" && "):
            yield f"{after['name']} does not wait for {before['name']}"
    expression = step["retryStrategy"]["expression"]
    codes = re.findall(r"\[([0-9, ]+)\]", expression)
    if [[int(code) for code in found.split(",")] for found in codes] != [ASKED_AGAIN]:
        yield f"asked again are the exit codes in {expression!r}, not {ASKED_AGAIN}"


def faults(document: Any) -> list[str]:
    """All that is wrong with a file; what needs a shape is looked at only when the shape is right."""
    found = list(schema_faults(document))
    if found:
        return found
    if document["spec"].get("concurrencyPolicy") != "Forbid":
        found.append("spec.concurrencyPolicy: two workflows at once would ask the same verbs twice; Forbid is expected")
    spec = document["spec"]["workflowSpec"]
    return found + list(name_faults(spec)) + list(softlanding_faults(spec))


def main() -> None:
    """The command line."""
    found = faults(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
