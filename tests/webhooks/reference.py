"""What the Standard Webhooks reference library and the CloudEvents SDK say of messages.

verify SECRET-FILE < lines of {"headers": {...}, "body": "..."}   holds each against both; prints how many there were
sign SECRET-FILE ID < body                                         prints the headers that the reference library makes

Must never: be lenient; the first message that either of them refuses ends it.
"""

import json
import sys
from datetime import datetime, timezone

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks import Webhook, WebhookVerificationError


def verify(webhook):
    count = 0
    for line in sys.stdin:
        message = json.loads(line)
        headers, body = message["headers"], message["body"]
        document = webhook.verify(body, headers)
        for altered in (body + " ", body.replace("softlanding", "softlandinG", 1)):
            try:
                webhook.verify(altered, headers)
            except WebhookVerificationError:
                continue
            sys.exit(f"an altered body passed: {altered}")
        event = from_structured_event(HTTPMessage(headers={"content-type": headers["content-type"]}, body=body.encode()))
        assert isinstance(event, CloudEvent)
        assert event.get_specversion() == "1.0", event.get_specversion()
        assert event.get_id() == document["id"] and event.get_source() == document["source"]
        assert event.get_type().startswith("softlanding.") and event.get_type().endswith(".v1"), event.get_type()
        assert event.get_time().tzinfo is not None
        assert event.get_data() == document["data"], "the data is not what was sent"
        count += 1
    print(count)


def sign(webhook, ident):
    body = sys.stdin.read()
    now = datetime.now(tz=timezone.utc)
    headers = {
        "webhook-id": ident,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": webhook.sign(msg_id=ident, timestamp=now, data=body),
    }
    print(json.dumps(headers))


with open(sys.argv[2], encoding="utf-8") as file:
    reference = Webhook(file.read().strip())
if sys.argv[1] == "verify":
    verify(reference)
else:
    sign(reference, sys.argv[3])
