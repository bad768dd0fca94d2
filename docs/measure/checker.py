"""Measures the bundled checker as Lambda runs it: size, start, memory, and time for accounts of several sizes.

    .venv/bin/python docs/measure/checker.py PACKAGE.zip [--custodian PATH] [--scenario NAME …]

PACKAGE.zip comes from `keyminder export package -o PACKAGE.zip`. Beside it run, in the same scenarios and against the
same account on loopback: the original procedure's algorithm (one call after another, with boto3, made to read every
page) and, where its program is given, Cloud Custodian (`pip install c7n==0.9.53` in an environment of its own).
"""

import argparse
import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile

import loopback
from account import Account

TOPIC = "arn:aws:sns:us-east-1:123456789012:IAM-Access-Key-Rotation-Topic"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
               "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
SCENARIOS = {
    "users-1000": dict(users=1000, old=50),
    "users-5000-20ms": dict(users=5000, old=250, delay=0.02),
    "users-1000-20-calls-a-second": dict(users=1000, old=50, delay=0.02, rate=20),
}
LIMIT_SECONDS = 900

CUSTODIAN_POLICY = """
policies:
  - name: old-access-keys
    resource: aws.iam-user
    filters:
      - type: access-key
        key: CreateDate
        value_type: age
        value: 90
        op: gt
"""


class Lambda:
    """The Lambda Runtime API for one process: hands out one event, and takes the answer."""

    def __init__(self):
        self.asked = self.answered = None
        self.answer = None
        self.invocations = 0
        self.url = loopback.Server(self._answer).url

    async def _answer(self, request):
        if request.path.endswith("/invocation/next"):
            self.asked = self.asked or time.perf_counter()
            self.invocations += 1
            if self.invocations > 1:
                await asyncio.sleep(LIMIT_SECONDS)
            deadline = int((time.time() + LIMIT_SECONDS) * 1000)
            return 200, {"Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()), "Lambda-Runtime-Deadline-Ms": deadline,
                         "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:measured",
                         "Content-Type": "application/json"}, b"{}"
        self.answered = time.perf_counter()
        self.answer = (request.path, request.body.decode())
        return 202, {}, b"{}"


def bootstrap(program, account):
    """Runs one invocation: seconds to the first request and of the run, peak memory in MB, the answer."""
    runtime = Lambda()
    variables = {**CREDENTIALS, "AWS_LAMBDA_RUNTIME_API": runtime.url.removeprefix("http://"), "AWS_ENDPOINT_URL": account.url,
                 "AWS_LAMBDA_FUNCTION_NAME": "measured", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
                 "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_LOG_GROUP_NAME": "g", "AWS_LAMBDA_LOG_STREAM_NAME": "s",
                 "TOPIC_ARN": TOPIC, "INSTALL": "default", "SCHEDULE": "rate(1 day)", "MAX_AGE_DAYS": "90"}
    since = time.perf_counter()
    process = subprocess.Popen([program], env=variables, stdout=subprocess.DEVNULL)
    try:
        while runtime.answered is None:
            if process.poll() is not None or time.perf_counter() - since > LIMIT_SECONDS:
                raise SystemExit(f"the checker gave no answer (exit code {process.poll()})")
            time.sleep(0.001)
        return runtime.asked - since, runtime.answered - runtime.asked, peak_memory(process.pid), runtime.answer
    finally:
        process.kill()
        process.wait()


def peak_memory(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def command(line, variables, folder):
    """Runs a program to its end: seconds, and peak memory in MB."""
    log = open(pathlib.Path(folder) / "log", "w+")
    since = time.perf_counter()
    process = subprocess.Popen(line, env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables}, cwd=folder,
                               stdout=log, stderr=log)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        log.seek(0)
        raise SystemExit(f"{line[0]}: exit code {process.returncode}\n{log.read()[-3000:]}")
    return time.perf_counter() - since, usage.ru_maxrss / 1024


def one_after_another():
    """The original's algorithm, but for its reading one page of users only: no call before the last one's answer."""
    import datetime

    import boto3

    iam, sns = boto3.client("iam"), boto3.client("sns")
    now = datetime.datetime.now(datetime.timezone.utc)
    for page in iam.get_paginator("list_users").paginate():
        for user in page["Users"]:
            for key in iam.list_access_keys(UserName=user["UserName"])["AccessKeyMetadata"]:
                if (now - key["CreateDate"]).days > 90:
                    text = f"You need to rotate access key: {key['AccessKeyId']} for user: {user['UserName']}"
                    subject = f"Access Keys Need Rotating For User: {user['UserName']}"
                    sns.publish(TopicArn=TOPIC, Subject=subject, Message=text)


def starts(program, rounds=20):
    times = [bootstrap(program, Account(users=1))[0] * 1000 for _ in range(rounds)]
    print(f"from spawn to the first request to the Runtime API, {rounds} times: "
          f"median {statistics.median(times):.1f} ms, {min(times):.1f}–{max(times):.1f} ms\n")


def measure(name, parameters, program, custodian, folder):
    print(f"\n{name}: {parameters}\n\n| | seconds | peak MB | calls | refused | messages |\n| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)

    def row(what, seconds, memory, account):
        counts = f"{account.calls.total()} | {account.throttled} | {len(account.messages)}"
        print(f"| {what} | {seconds:.2f} | {memory:.1f} | {counts} |", flush=True)

    account = Account(**parameters)
    _, seconds, memory, (path, answer) = bootstrap(program, account)
    row("keyminder's checker", seconds, memory, account)
    answer = json.loads(answer)
    counts = {count: answer.get(count) for count in ("users_read", "users_unknown", "keys", "old")}
    if path.endswith("/error") or counts != dict(users_read=account.users, users_unknown=0, keys=2 * account.users, old=account.old):
        raise SystemExit(f"a wrong answer to {path}: {answer}")
    if account.rate:
        least = (account.calls.total() - account.rate - len(account.messages)) / account.rate
        print(f"| (the least that the rate allows for these calls) | {least:.2f} | | | | |")

    account = Account(**parameters)
    variables = {**CREDENTIALS, "AWS_ENDPOINT_URL": account.url, "AWS_MAX_ATTEMPTS": "10", "PYTHONPATH": os.path.dirname(__file__)}
    seconds, memory = command([sys.executable, os.path.abspath(__file__), "--one-after-another"], variables, folder)
    row("one call after another (boto3)", seconds, memory, account)

    if custodian:
        account = Account(**parameters)
        policy = pathlib.Path(folder) / "policy.yml"
        policy.write_text(CUSTODIAN_POLICY)
        variables = {**CREDENTIALS, "AWS_ENDPOINT_URL": account.url}
        line = [custodian, "run", "--cache-period", "0", "--region", "us-east-1", "-s", str(folder), str(policy)]
        seconds, memory = command(line, variables, folder)
        row("Cloud Custodian", seconds, memory, account)
        found = json.loads((pathlib.Path(folder) / "old-access-keys" / "resources.json").read_text())
        if len(found) != account.old:
            print(f"| (it found {len(found)} of {account.old} users) | | | | | |")


def main():
    if sys.argv[1:] == ["--one-after-another"]:
        return one_after_another()
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("package", type=pathlib.Path)
    arguments.add_argument("--custodian", help="path of Cloud Custodian's program")
    arguments.add_argument("--scenario", action="append", choices=SCENARIOS, help="only these")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(given.package) as package:
            program = package.extract("bootstrap", folder)
        os.chmod(program, 0o755)
        print(f"package {given.package.stat().st_size:,} bytes, executable {os.path.getsize(program):,} bytes\n")
        starts(program)
        for name in given.scenario or SCENARIOS:
            measure(name, SCENARIOS[name], program, given.custodian, folder)


if __name__ == "__main__":
    main()
