"""Times setup, a second run and teardown against moto, 50 ms away, beside the nine AWS CLI calls of the procedure.

    .venv/bin/python docs/measure/commands.py [--rounds 5] [--calls]

Needs `cargo build --release`, moto_server beside this Python, and the AWS CLI on the path (`pip install awscli`).
Each round starts with an empty moto; the two take turns. Prints a table in Markdown: median and range of wall time,
the calls counted at the proxy, and the waves: how many of them had to wait for each other.
"""

import argparse
import io
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

from proxy import Proxy

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACCOUNT, REGION = "123456789012", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:IAM-Access-Key-Rotation-Topic"
POLICY, ROLE, FUNCTION = (f"rotate-old-access-keys-notification-{kind}" for kind in ("policy", "role", "sender"))
RULE = "Rotate-Old-Access-Keys-Notification-Scheduler"


class Moto:
    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        program = pathlib.Path(sys.executable).with_name("moto_server")
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/moto-api/data.json").close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("moto does not start")

    def empty(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")).close()


def environment(home, endpoint):
    return {
        "PATH": os.environ["PATH"], "HOME": home, "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "PYENV_VERSION": os.environ.get("PYENV_VERSION", ""),
        "PYENV_ROOT": os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv")),
    }


def procedure(folder):
    """The nine calls, one after another, as the procedure has them; its own runtime is no longer accepted."""
    allow = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC},
        {"Effect": "Allow", "Action": ["iam:ListUsers", "iam:ListAccessKeys"], "Resource": "*"}]}
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("index.js", "exports.handler = async () => {};\n")
    (folder / "function.zip").write_bytes(archive.getvalue())
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
    policy_arn = f"arn:aws:iam::{ACCOUNT}:policy/{POLICY}"
    function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
    rule_arn = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{RULE}"
    return [
        ["sns", "create-topic", "--name", TOPIC.rpartition(":")[2]],
        ["sns", "subscribe", "--topic-arn", TOPIC, "--protocol", "email", "--notification-endpoint", "ops@example.com"],
        ["iam", "create-policy", "--policy-name", POLICY, "--policy-document", json.dumps(allow)],
        ["iam", "create-role", "--role-name", ROLE, "--assume-role-policy-document", json.dumps(trust)],
        ["iam", "attach-role-policy", "--role-name", ROLE, "--policy-arn", policy_arn],
        ["lambda", "create-function", "--function-name", FUNCTION, "--runtime", "nodejs20.x", "--role", role_arn,
         "--handler", "index.handler", "--timeout", "60", "--zip-file", f"fileb://{folder}/function.zip"],
        ["events", "put-rule", "--name", RULE, "--schedule-expression", "rate(1 day)"],
        ["lambda", "add-permission", "--function-name", FUNCTION, "--statement-id", "LambdaPermission",
         "--action", "lambda:InvokeFunction", "--principal", "events.amazonaws.com", "--source-arn", rule_arn],
        ["events", "put-targets", "--rule", RULE, "--targets", f"Id=1,Arn={function_arn}"],
    ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--delay-ms", type=float, default=50)
    arguments.add_argument("--calls", action="store_true", help="list the calls of the first round by operation")
    arguments.add_argument("--keyminder", default=ROOT / "target/release/keyminder")
    given = arguments.parse_args()
    aws = shutil.which("aws")
    moto = Moto()
    proxy = Proxy(moto.url, given.delay_ms / 1000)
    times, calls, waves, seen = {}, {}, {}, {}

    with tempfile.TemporaryDirectory() as home:
        folder = pathlib.Path(home)
        variables = environment(home, proxy.url)

        def timed(what, commands):
            proxy.take_calls()
            proxy.take_waves()
            since = time.perf_counter()
            for command in commands:
                done = subprocess.run(command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
                if done.returncode:
                    raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
            times.setdefault(what, []).append(time.perf_counter() - since)
            counted = proxy.take_calls()
            calls.setdefault(what, set()).add(counted.total())
            waves.setdefault(what, set()).add(proxy.take_waves())
            seen.setdefault(what, counted)

        keyminder = [str(given.keyminder)]
        setup = [*keyminder, "setup", "--yes", "--email", "ops@example.com"]
        try:
            for _ in range(given.rounds):
                moto.empty()
                timed("keyminder: first setup", [setup])
                timed("keyminder: second run, nothing to do", [setup])
                timed("keyminder: teardown", [[*keyminder, "teardown", "--yes"]])
                if aws:
                    moto.empty()
                    timed("AWS CLI: the nine calls", [[aws, *call] for call in procedure(folder)])
        finally:
            moto.process.terminate()

    print(f"{given.rounds} rounds, {given.delay_ms:g} ms added to each call\n")
    print("| | median | range | calls | waves |\n| --- | ---: | ---: | ---: | ---: |")
    for what, taken in times.items():
        counted, waited = ("–".join(str(n) for n in sorted({min(all[what]), max(all[what])})) for all in (calls, waves))
        print(f"| {what} | {statistics.median(taken):.2f} s | {min(taken):.2f}–{max(taken):.2f} s | {counted} | {waited} |")
    if not aws:
        print("\nThe AWS CLI is not on the path: left out.")
    if given.calls:
        for what, counted in seen.items():
            print(f"\n{what}")
            for name, count in sorted(counted.items()):
                print(f"{count:5}  {name}")


if __name__ == "__main__":
    main()
