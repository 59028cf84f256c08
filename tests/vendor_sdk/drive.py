"""Drives an org with the platform vendor's own Python SDK, as any other program of an organisation would.

    drive.py BASE_URL          the client's id and secret in CLIENT_ID and CLIENT_SECRET

Lists the cohort of a draft schedule, publishes it, and waits for the end of it, by a notification and by reading.
Prints one JSON document of what it saw. What the platform promises is asserted here; what really became of it is the
caller's to compare.
"""

import gzip
import json
import os
import sys
import tempfile
import urllib.request

# The SDK reads and watches a configuration file in the home directory; it gets an empty one.
os.environ["HOME"] = tempfile.mkdtemp()
for name in [n for n in os.environ if n.lower().endswith("_proxy")]:
    del os.environ[name]

import PureCloudPlatformClientV2 as sdk  # noqa: E402
import websocket  # noqa: E402

EXPANDS = ["presence", "routingStatus", "conversationSummary", "station", "authorization", "lasttokenissued"]
# More frames than any publish of a test sends; reached only when the awaited one never comes.
FRAMES_MAX = 5_000
READS_MAX = 100
PATIENCE_S = 60


def login(base_url):
    sdk.configuration.host = base_url
    client = sdk.api_client.ApiClient(base_url)
    return client.get_client_credentials_token(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])


def find_draft(wfm):
    unit = wfm.get_workforcemanagement_businessunits().entities[0]
    whole = wfm.get_workforcemanagement_businessunit(unit.id)
    assert whole.settings.time_zone == "America/Chicago", whole.settings.time_zone
    listed = wfm.get_workforcemanagement_businessunit_week_schedules(unit.id, "recent").entities
    drafts = [s for s in listed if not s.published]
    assert drafts and len(drafts) < len(listed), "one schedule is in force, the others are drafts"
    return unit, drafts[0]


def read_schedule(wfm, unit, draft, **options):
    return wfm.get_workforcemanagement_businessunit_week_schedule(unit.id, str(draft.week_date), draft.id, **options)


def cohort(wfm, unit, draft):
    bare = read_schedule(wfm, unit, draft)
    assert not any(m.agents for m in bare.management_units), "agents come only with the expand"
    full = read_schedule(wfm, unit, draft, expand="managementUnits.agents")
    agents = [agent.id for managed in full.management_units for agent in managed.agents]
    assert len(agents) == len(set(agents)) == sum(m.agent_count for m in full.management_units)
    return full, sorted(agents)


def read_users(client, agents):
    """Readiness in bulk: 100 ids a call, everything that a softphone's state can be read from."""
    api, users = sdk.UsersApi(client), []
    for start in range(0, len(agents), 100):
        ids = agents[start : start + 100]
        users += api.get_users(id=ids, expand=EXPANDS, page_size=100).entities
    assert sorted(u.id for u in users) == agents
    for user in users:
        assert user.presence.presence_definition.system_presence
        assert user.routing_status.status != "outdated_sdk_version", user.routing_status
        assert user.conversation_summary.call.contact_center.active in (0, 1)
        assert "telephony:station:disassociateSelf" in user.authorization.permissions
        assert user.station.default_station.id
    return users


def read_telephony(client):
    stations, page = [], 1
    while True:
        got = sdk.StationsApi(client).get_stations(page_size=25, page_number=page)
        stations += got.entities
        if page >= got.page_count:
            break
        page += 1
    phones = sdk.TelephonyProvidersEdgeApi(client).get_telephony_providers_edges_phones(
        page_size=100, sort_by="id", expand=["status", "lines"], fields=["webRtcUser"]
    )
    for phone in phones.entities:
        assert phone.web_rtc_user.id and phone.lines and phone.status.operational_status
    trunks = sdk.TelephonyProvidersEdgeApi(client).get_telephony_providers_edges_trunks(trunk_type="EXTERNAL", page_size=100)
    assert all(t.in_service and t.connected_status.connected for t in trunks.entities)
    assert len({s.id for s in stations}) == len(stations) == stations_total(client)
    return stations, phones.entities


def stations_total(client):
    return sdk.StationsApi(client).get_stations(page_size=1).total


def listen(client, unit):
    api = sdk.NotificationsApi(client)
    channel = api.post_notifications_channels()
    topic = f"v2.workforcemanagement.businessunits.{unit.id}.schedules"
    wanted = sdk.ChannelTopic()
    wanted.id = topic
    answer = api.put_notifications_channel_subscriptions(channel.id, [wanted])
    assert [t.id for t in answer.entities] == [topic]
    socket = websocket.create_connection(channel.connect_uri, timeout=PATIENCE_S)
    socket.send(json.dumps({"message": "ping"}))
    pong = next_frame(socket, "channel.metadata")
    assert pong["eventBody"]["message"] in ("pong", "WebSocket Heartbeat"), pong
    return socket, topic


def next_frame(socket, topic):
    for _ in range(FRAMES_MAX):
        frame = json.loads(socket.recv())
        if frame["topicName"] == topic:
            return frame
    raise AssertionError(f"no frame of {topic}")


def publish(wfm, unit, draft):
    """The four steps; the upload goes to another host, without the token."""
    week, version = str(draft.week_date), draft.metadata.version
    body = gzip.compress(json.dumps({"metadata": {"version": version}, "published": True}).encode())
    length = sdk.UploadUrlRequestBody()
    length.content_length_bytes = len(body)
    place = wfm.post_workforcemanagement_businessunit_week_schedule_update_uploadurl(unit.id, week, draft.id, length)
    upload = urllib.request.Request(place.url, data=body, headers=place.headers, method="PUT")
    with urllib.request.urlopen(upload, timeout=PATIENCE_S) as response:
        assert response.status == 200
    update = sdk.ProcessScheduleUpdateUploadRequest()
    update.upload_key = place.upload_key
    answer = wfm.post_workforcemanagement_businessunit_week_schedule_update(unit.id, week, draft.id, update)
    assert answer.status == "Processing" and answer.operation_id, answer
    return answer.operation_id


def await_event(socket, topic, operation):
    for _ in range(FRAMES_MAX):
        body = next_frame(socket, topic)["eventBody"]
        if body["operationId"] == operation and body["status"] != "Processing":
            return body
    raise AssertionError("the publish never ended")


def await_reading(wfm, unit, draft):
    for _ in range(READS_MAX):
        seen = read_schedule(wfm, unit, draft)
        if seen.published and seen.metadata.version > draft.metadata.version:
            return seen
    raise AssertionError("the schedule never read as published")


def main():
    client = login(sys.argv[1])
    wfm = sdk.WorkforceManagementApi(client)
    limits = sdk.OrganizationApi(client).get_organizations_limits_namespace("platform.api").entities
    unit, draft = find_draft(wfm)
    draft, agents = cohort(wfm, unit, draft)
    users = read_users(client, agents)
    stations, phones = read_telephony(client)
    socket, topic = listen(client, unit)
    operation = publish(wfm, unit, draft)
    event = await_event(socket, topic, operation)
    seen = await_reading(wfm, unit, draft)
    socket.close()
    summary = {
        "agents": agents,
        "stations": len(stations),
        "phones": len(phones),
        "on_call": sorted(u.id for u in users if u.conversation_summary.call.contact_center.active > 0),
        "limits": {limit.key: limit.value for limit in limits},
        "event": {"status": event["status"], "eventType": event["eventType"]},
        "version_before": draft.metadata.version,
        "version_after": seen.metadata.version,
        "published": seen.published,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
    # The SDK's own watcher threads would keep the process.
    sys.stdout.flush()
    os._exit(0)
