"""The JSON Schema of configurations, so that editors complete them."""

import inspect
from dataclasses import MISSING, fields
from typing import Any

from lucid.schedules._schedule import Schedule

_BOUNDS: dict[str, dict[str, Any]] = {
    "finite": {},
    "> 0": {"exclusiveMinimum": 0},
    ">= 0": {"minimum": 0},
    "in [0, 1]": {"minimum": 0, "maximum": 1},
    "in (0, 1)": {"exclusiveMinimum": 0, "exclusiveMaximum": 1},
    "in (0, 1]": {"exclusiveMinimum": 0, "maximum": 1},
    ">= 1": {"minimum": 1},
    "a whole number >= 0": {"multipleOf": 1, "minimum": 0},
    "a whole number >= 1": {"multipleOf": 1, "minimum": 1},
}
_SCHEDULE = {"$ref": "#/$defs/Schedule"}


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of what ``Schedule.from_dict`` takes: every schedule of the registry, nested.

    >>> sorted(json_schema()["$defs"]["Linear"]["properties"])
    ['end', 'schedule', 'start', 'steps']
    """
    known = sorted(Schedule._registry.items())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Learning-rate schedule",
        **_SCHEDULE,
        "$defs": {
            "Schedule": {
                "type": "object",
                "required": ["schedule"],
                "properties": {"schedule": {"enum": [name for name, _ in known]}},
                "allOf": [
                    {"if": {"properties": {"schedule": {"const": name}}}, "then": {"$ref": f"#/$defs/{name}"}}
                    for name, _ in known
                ],
            },
            **{name: _definition(name, made_of) for name, made_of in known},
        },
    }


def _definition(name: str, made_of: type[Schedule]) -> dict[str, Any]:
    properties: dict[str, Any] = {"schedule": {"const": name}}
    required = ["schedule"]
    for field in fields(made_of):  # type: ignore[arg-type]
        found = [_property(kind, rule) for kind, rule in made_of._kinds.get(field.name, ())]
        found = [one for one in found if one is not None]
        properties[field.name] = found[0] if len(found) == 1 else {"anyOf": found} if found else {}
        if field.default is MISSING:
            required.append(field.name)
        else:
            properties[field.name] = {**properties[field.name], "default": field.default}
    return {
        "type": "object",
        "description": (inspect.getdoc(made_of) or name).partition("\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(kind: str, rule: Any) -> dict[str, Any] | None:
    """The JSON that a kind of value is; a function has none, but a schedule can stand in its place."""
    if kind.endswith("s") and kind != "schedule":
        items = _property(kind[:-1], rule)
        return {"type": "array", "items": items, "minItems": 1}
    return {
        "number": {"type": "number", **_BOUNDS.get(rule, {})} if kind == "number" else None,
        "choice": {"enum": list(rule)} if kind == "choice" else None,
        "bool": {"type": "boolean"},
        "none": {"type": "null"},
        "schedule": _SCHEDULE,
        "callable": _SCHEDULE,
    }[kind]
