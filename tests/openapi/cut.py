#!/usr/bin/env python3
"""Cuts tests/openapi/platform.json out of a full description of the platform's API.

    tests/openapi/cut.py openapi.json > tests/openapi/platform.json

The input is an OpenAPI 3.0 document of the Genesys Cloud Platform API v2, generated from the models and methods of the
vendor's Python SDK (PyPI purecloudplatformclientv2, release 269.0.0): paths, parameters, types, enums and required
properties are facts of that SDK. `/oauth/token` is written by hand after the same SDK's api_client.py.

Kept are the operations below, the responses they declare, and the schemas reachable from them. Examples, summaries and
other prose are dropped. One schema or operation stands on one line, so that a difference can be read.
"""

import json
import sys

WFM = "/api/v2/workforcemanagement"
UNIT = WFM + "/businessunits/{businessUnitId}"
SCHEDULES = UNIT + "/weeks/{weekId}/schedules"
EDGES = "/api/v2/telephony/providers/edges"

# Every operation that softlanding's client, the twin or the test with the vendor's SDK knows of.
OPERATIONS = {
    "/oauth/token": ["post"],
    WFM + "/businessunits": ["get"],
    UNIT: ["get"],
    UNIT + "/managementunits": ["get"],
    UNIT + "/users": ["get"],
    UNIT + "/agentschedules/search": ["post"],
    WFM + "/managementunits": ["get"],
    WFM + "/managementunits/{managementUnitId}": ["get"],
    WFM + "/managementunits/{managementUnitId}/users": ["get"],
    SCHEDULES: ["get"],
    SCHEDULES + "/{scheduleId}": ["get", "delete"],
    SCHEDULES + "/{scheduleId}/agentschedules/query": ["post"],
    SCHEDULES + "/{scheduleId}/update/uploadurl": ["post"],
    SCHEDULES + "/{scheduleId}/update": ["post"],
    "/api/v2/users": ["get"],
    "/api/v2/users/me": ["get"],
    "/api/v2/users/{userId}": ["get"],
    "/api/v2/users/{userId}/station": ["get"],
    "/api/v2/users/{userId}/station/associatedstation/{stationId}": ["put"],
    "/api/v2/users/{userId}/station/associatedstation": ["delete"],
    "/api/v2/users/{userId}/station/defaultstation/{stationId}": ["put"],
    "/api/v2/users/{userId}/routingstatus": ["get"],
    "/api/v2/users/{userId}/presences/purecloud": ["get"],
    "/api/v2/users/{subjectId}/roles": ["get"],
    "/api/v2/users/presences/purecloud/bulk": ["get"],
    "/api/v2/users/presences/{sourceId}/bulk": ["get"],
    "/api/v2/users/stations/me": ["get"],
    "/api/v2/presence/definitions": ["get"],
    "/api/v2/stations": ["get"],
    "/api/v2/stations/{stationId}": ["get"],
    "/api/v2/stations/{stationId}/associateduser": ["delete"],
    EDGES: ["get"],
    EDGES + "/{edgeId}": ["get"],
    EDGES + "/phones": ["get"],
    EDGES + "/phones/{phoneId}": ["get"],
    EDGES + "/phones/{phoneId}/reboot": ["post"],
    EDGES + "/phones/reboot": ["post"],
    EDGES + "/trunks": ["get"],
    EDGES + "/trunks/{trunkId}": ["get"],
    EDGES + "/sites": ["get"],
    "/api/v2/tokens/{userId}": ["delete"],
    "/api/v2/tokens/me": ["get", "head", "delete"],
    "/api/v2/authorization/subjects/me": ["get"],
    "/api/v2/authorization/subjects/{subjectId}": ["get"],
    "/api/v2/authorization/divisionspermitted/me": ["get"],
    "/api/v2/authorization/divisionspermitted/paged/me": ["get"],
    "/api/v2/authorization/divisionspermitted/paged/{subjectId}": ["get"],
    "/api/v2/notifications/availabletopics": ["get"],
    "/api/v2/notifications/channels": ["get", "post"],
    "/api/v2/notifications/channels/{channelId}/subscriptions": ["get", "post", "put", "delete"],
    "/api/v2/organizations/me": ["get"],
    "/api/v2/organizations/limits/namespaces/{namespaceName}": ["get"],
    "/api/v2/organizations/limits/namespaces/{namespaceName}/defaults": ["get"],
    "/api/v2/date": ["get"],
}

OPERATION_KEYS = ["operationId", "parameters", "requestBody", "responses"]
# Prose, and an operation's own examples. A schema's property may well be called "description": see slim().
DROPPED = {"description", "summary", "example", "examples", "title", "externalDocs", "default"}


def slim(node, named=False):
    """The node without prose and extensions; `named` when its keys are names of somebody's choosing."""
    if isinstance(node, list):
        return [slim(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if not named and (key in DROPPED or key.startswith("x-")):
            continue
        kept[key] = slim(value, named=not named and key in ("properties", "headers", "responses", "content"))
    return kept


def references(node):
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)


def cut(whole):
    paths = {}
    for path, methods in OPERATIONS.items():
        given = whole["paths"][path]
        paths[path] = {m: slim({k: given[m][k] for k in OPERATION_KEYS if k in given[m]}) for m in methods}
    components = {"headers": slim(whole["components"]["headers"], named=True), "responses": {}, "schemas": {}}
    waiting = list(references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name in components[kind]:
            continue
        components[kind][name] = slim(whole["components"][kind][name])
        waiting.extend(references(components[kind][name]))
    return paths, components


def lines(mapping):
    return ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(mapping.items()))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        whole = json.load(file)
    paths, components = cut(whole)
    source = (
        "Cut by tests/openapi/cut.py from a description generated from the vendor's Python SDK "
        "(purecloudplatformclientv2 269.0.0); /oauth/token is written by hand after that SDK's api_client.py."
    )
    info = {"title": "Genesys Cloud Platform API, the part under test", "version": "v2", "description": source}
    print('{"openapi": "3.0.3",\n"info": ' + json.dumps(info) + ",")
    print('"paths": {\n' + lines(paths) + "\n},")
    parts = [f"{json.dumps(kind)}: {{\n{lines(values)}\n}}" for kind, values in components.items()]
    print('"components": {\n' + ",\n".join(parts) + "\n}}")


if __name__ == "__main__":
    main()
