#!/usr/bin/env python3
"""Prints one line for each old key in keyminder's notices.

    consume.py --queue-url URL     takes notices from an SQS queue (needs boto3), for ever
    consume.py < notice.json       takes one message from standard input

Replace `tell` by whatever makes a ticket. A message is deleted from the queue only once
all of it was told; SQS may deliver a message twice, so make tickets by key id.
"""

import argparse
import json
import sys


def opened(body: str) -> dict:
    """What is in a message, with or without SNS's envelope around it."""
    message = json.loads(body)
    if message.get("Type") == "Notification":
        message = json.loads(message["Message"])
    return message


def document(body: str) -> dict:
    """The notice in a message."""
    message = opened(body)
    if message.get("schema") != 1:
        raise ValueError("not a notice of keyminder, or of a version that this script does not know")
    return message


def other(body: str) -> str:
    """The words in a message that is no notice: somebody should read them."""
    try:
        message = opened(body)
        if message.get("Type") == "SubscriptionConfirmation":
            return f"confirm within 48 hours: keyminder confirm '{message['SubscribeURL']}'"
        return f"a run failed: {message['responsePayload']['errorMessage']}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"not a notice: {body[:2000]}"


def lines(notice: dict) -> list[str]:
    """What there is to do, one line each."""
    account = notice["account"]
    found = [
        f"{account} {key['user']} {key['access_key_id']} is {key['age_days']} days old, limit {key['limit_days']},"
        f" over it since {key['due_at'][:10]}"
        for key in notice["keys"]
        if key["verdict"] == "old"
    ]
    if notice.get("root_access_keys"):
        found.append(f"{account} the root user has an access key")
    if not notice.get("complete", True):
        found.append(f"{account} not every user could be read")
    return found


def taken(body: str) -> list[str]:
    """What there is to tell of a message, whatever it is."""
    try:
        return lines(document(body))
    except (ValueError, KeyError, TypeError, AttributeError):
        return [other(body)]


def tell(line: str) -> None:
    print(line, flush=True)


def consume(queue_url: str) -> None:
    import boto3

    sqs = boto3.client("sqs")
    while True:
        answer = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            for line in taken(message["Body"]):
                tell(line)
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue-url", help="the queue to take notices from")
    arguments = parser.parse_args()
    if arguments.queue_url:
        consume(arguments.queue_url)
    else:
        for line in taken(sys.stdin.read()):
            tell(line)


if __name__ == "__main__":
    main()
