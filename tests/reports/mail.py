"""Reads mails with the standard library's parser: no defect, the subject as it was meant, plain text of 72 columns at most.

    mail.py FOLDER...    report.mail.txt of each; subject.txt beside it has the subject. Says `proved: ` for each.
"""

import email
import email.policy
import pathlib
import sys
import unicodedata


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in line)


for folder in map(pathlib.Path, sys.argv[1:]):
    raw = (folder / "report.mail.txt").read_bytes()
    assert b"\r" not in raw and b"\0" not in raw, folder
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects and not mail["subject"].defects, (folder, mail.defects)
    assert mail.keys() == ["Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"], mail.keys()
    assert mail.get_content_type() == "text/plain" and mail.get_content_charset() == "utf-8", mail["content-type"]
    meant = (folder / "subject.txt").read_text()
    subject = str(mail["subject"]).removesuffix("…")
    assert " ".join(meant.split()).startswith(" ".join(subject.split())) and len(subject) > 20, (subject, meant)
    head = raw.split(b"\n\n", 1)[0]
    assert head.isascii() and all(len(line) <= 78 for line in head.split(b"\n")), head
    body = mail.get_content()
    wide = [line for line in body.splitlines() if columns(line) > 72]
    assert not wide and len(body) > 200, (folder, wide)
    print(f"proved: {folder.name}/report.mail.txt is a mail: {subject}")
