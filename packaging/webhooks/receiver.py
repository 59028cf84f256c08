#!/usr/bin/env python3
"""Receives webhooks of softlanding: verifies each, keeps what it has not had yet, and answers at once.

    receiver.py SECRET-FILE EVENTS-FILE [PORT]

Needs nothing but Python. It listens on 127.0.0.1 (put a reverse proxy with TLS in front), appends each new event to
EVENTS-FILE as a line of JSON, and prints its address. What it does is what every receiver has to do: check the time and the
signature over the bytes as they came, pass over an id that it has had, and answer 204 only once the event is on disk.

Must never: act on a body whose signature it has not checked, or compare signatures in a time that tells where they differ.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import sys
import time

TOLERANCE_S = 300
BODY_BYTES_MAX = 1024 * 1024


def key(path):
    with open(path, encoding="utf-8") as file:
        text = file.read().strip().removeprefix("whsec_")
    return base64.b64decode(text + "=" * (-len(text) % 4))


def is_genuine(secret, headers, body):
    ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE_S:
        return False
    mark = hmac.new(secret, f"{ident}.{stamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(mark).decode()
    signatures = headers.get("webhook-signature", "").split(" ")
    # While the secret changes there are two signatures; one that fits is enough.
    return any([hmac.compare_digest(expected.encode(), one.encode()) for one in signatures])


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length") or -1)
        if not 0 <= length <= BODY_BYTES_MAX:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_genuine(self.server.secret, self.headers, body):
            return self.answer(401)
        ident = self.headers["webhook-id"]
        if ident not in self.server.had:
            self.server.events.write(json.dumps({"webhook-id": ident, "event": json.loads(body)}) + "\n")
            self.server.events.flush()
            os.fsync(self.server.events.fileno())
            self.server.had.add(ident)
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main(secret_file, events_file, port="0"):
    server = http.server.HTTPServer(("127.0.0.1", int(port)), Receiver)
    server.secret = key(secret_file)
    server.events = open(events_file, "a+", encoding="utf-8")
    server.events.seek(0)
    server.had = {json.loads(text)["webhook-id"] for text in server.events}
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
