"""How often the sandbox answers as AWS did when it was recorded.

LocalStack's tests (repository localstack/localstack, folder tests/aws/services) were run against AWS, and what AWS
answered is kept beside each test in *.snapshot.json. This script runs the same tests against a sandbox, in LocalStack's
own test fixtures, and compares each answer with the recording. Nothing of that repository is kept here: its checkout is
named on the command line. It wants Python 3.13, the packages that its pyproject.toml lists as dependencies and under
"base-runtime" (cbor2 and others at the versions that requirements-base-runtime.txt pins), and pytest,
localstack-snapshot, pytest-httpserver, moto-ext, aws-sam-translator, aws-cdk-lib, crontab, json5 and jinja2.

    cargo build --package keyminder-sandbox --example recorded
    python3 docs/measure/recordings.py CHECKOUT --serve target/debug/examples/recorded [--service sns]…

The server prints `export AWS_ENDPOINT_URL=…` once it listens. As in an account, what one test leaves behind is there for
the next; each service has a server of its own.

How it counts: one recorded answer is one `snapshot.match` of a test. Each is exactly one of

    agree        equal, after LocalStack's transformers have replaced what differs from run to run (ids, times)
    words        refused with the same code and status, in other words
    shape        both succeeded, and the answer differs
    differ       one succeeded and the other did not, or the code or status is another one
    not offered  the sandbox says that it does not do this (501), or the test ended there before
    not reached  the test ended before, for another reason; counted under the last operation it called

What LocalStack itself exempts from comparison is compared all the same, and tests that it skips are run. Times are
not waited for: sleeps are cut to a fifth of a second, so what takes minutes at AWS is not reached.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import types

import pytest

SERVICES = ["sns", "iam", "lambda_", "events", "logs", "sqs", "sts"]
VERDICTS = ["agree", "words", "shape", "differ", "not offered", "not reached"]
ACCOUNT = "123456789012"
NO_CALL = "(no call)"
LONGEST_TEST = 40
LONGEST_SLEEP = 0.2


class Server:
    """The sandbox under test."""

    def __init__(self, command):
        self.command, self.process = command, None

    def start(self):
        """Starts it, and gives the variables that it wants exported."""
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        variables = {}
        for line in self.process.stdout:
            if found := re.match(r"export (\w+)=['\"]?([^'\"\n]*)", line):
                variables[found.group(1)] = found.group(2)
            if {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} <= variables.keys():
                return variables
        raise SystemExit(f"{self.command}: ended without saying where it listens and whom it lets in")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None


class TooLong(Exception):
    """A test took longer than LONGEST_TEST."""


class Judge:
    """A pytest plugin that compares, and keeps what it found."""

    def __init__(self):
        self.calls, self.found = [], []
        self.recorded, self.session, self.keys = {}, None, {}

    def expect(self, path):
        """The recorded answers of a test file, by test."""
        file = path.with_suffix(".snapshot.json")
        if file not in self.recorded:
            self.recorded[file] = json.loads(file.read_text()) if file.exists() else {}
        return self.recorded[file]

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.expect(pathlib.Path(item.fspath)).get(item.nodeid)]

    def install(self):
        """Watches each call and each comparison."""
        import _pytest.skipping
        import botocore.client
        from localstack_snapshot.snapshots import SnapshotSession
        from localstack_snapshot.snapshots.transformer import KeyValueBasedTransformer

        judge, sleep = self, time.sleep
        make = botocore.client.BaseClient._make_api_call
        match = SnapshotSession.match

        def make_call(client, operation, parameters):
            name = f"{client.meta.service_model.service_name}:{operation}"
            try:
                answer = make(client, operation, parameters)
                judge.calls.append((name, answer, 200))
                return answer
            except Exception as error:
                answer = getattr(error, "response", {})
                status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
                judge.calls.append((name, answer, status))
                raise

        def match_here(session, key, value):
            judge.session, judge.keys[key] = session, judge.operation_of(value)
            return match(session, key, value)

        # A transformer that a test wrote for AWS's words can fail on other words. That concerns one value, not all
        # answers of the test.
        initialize = KeyValueBasedTransformer.__init__

        def initialize_here(transformer, match_fn, *args, **kwargs):
            def matched(name, value):
                try:
                    return match_fn(name, value)
                except Exception:
                    return None

            initialize(transformer, matched, *args, **kwargs)

        KeyValueBasedTransformer.__init__ = initialize_here
        botocore.client.BaseClient._make_api_call = make_call
        SnapshotSession.match = match_here
        SnapshotSession._assert_all = lambda *_args, **_kwargs: []
        _pytest.skipping.evaluate_skip_marks = lambda item: None
        _pytest.skipping.evaluate_xfail_marks = lambda item: None
        time.sleep = lambda seconds: sleep(min(seconds, LONGEST_SLEEP))

    def operation_of(self, value):
        """The call whose answer is compared: the very object, or the last call made."""
        inner = list(value.values()) if isinstance(value, dict) else []
        for name, answer, _ in reversed(self.calls):
            if answer is value or any(answer is one for one in inner):
                return name
        return self.calls[-1][0] if self.calls else NO_CALL

    def pytest_runtest_protocol(self, item):
        self.calls, self.session, self.keys, self.failure = [], None, {}, None

    def pytest_runtest_setup(self, item):
        def stop(*_):
            raise TooLong

        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_TEST)

    def pytest_runtest_logreport(self, report):
        if report.failed and report.when != "teardown":
            self.failure = str(report.longrepr)[-600:]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item):
        signal.setitimer(signal.ITIMER_REAL, 15)
        self.judge(item)

    def judge(self, item):
        recorded = self.expect(pathlib.Path(item.fspath))[item.nodeid]["recorded-content"]
        stopper, _, last = self.calls[-1] if self.calls else ("(set-up)", None, None)
        refused = {name for name, _, status in self.calls if status == 501}
        observed, broken = {}, None
        if self.session and self.session.observed_state:
            self.session.skip_verification_paths = []
            try:
                observed = self.session._transform(self.session.observed_state)
            except Exception as error:
                broken = repr(error)
        for key, wanted in (recorded or {}).items():
            # Some recordings hold keys that their test no longer asks for; no call is to blame for those.
            operation = self.keys.get(key)
            if operation == NO_CALL:
                continue
            if operation is None:
                self.note(item, key, stopper, "not offered" if last == 501 else "not reached", self.failure)
            elif operation in refused:
                self.note(item, key, operation, "not offered", None)
            elif broken:
                self.note(item, key, operation, "differ", broken)
            else:
                self.note(item, key, operation, *verdict(wanted, observed.get(key)))

    def note(self, item, key, operation, kind, difference):
        self.found.append(
            {"test": item.nodeid, "key": key, "operation": operation, "verdict": kind, "difference": difference}
        )


def verdict(wanted, got):
    """What became of one recorded answer."""
    from deepdiff import DeepDiff

    difference = DeepDiff(wanted, got, verbose_level=2)
    if not difference:
        return "agree", None
    text = difference.pretty()
    code = lambda answer: (answer.get("Error") or {}).get("Code") if isinstance(answer, dict) else None
    status = (
        lambda answer: (answer.get("ResponseMetadata") or {}).get("HTTPStatusCode")
        if isinstance(answer, dict)
        else None
    )
    if code(wanted) != code(got) or status(wanted) != status(got):
        return "differ", text
    return ("words" if code(wanted) else "shape"), text


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("checkout", type=pathlib.Path)
    options.add_argument("--serve", required=True, help="the command that starts a sandbox")
    options.add_argument("--service", action="append", choices=SERVICES)
    options.add_argument("--only", help="tests whose name matches, as pytest's -k")
    options.add_argument("--details", type=pathlib.Path, help="where to write each verdict with its difference, as JSON")
    options = options.parse_args()
    services = options.service or SERVICES
    if len(services) == 1:
        found = run(options, services[0])
    else:
        # A process for each: LocalStack's fixtures keep the address and the credentials of the first server.
        found = []
        for service in services:
            with tempfile.NamedTemporaryFile(suffix=".json") as details:
                command = [sys.executable, __file__, str(options.checkout), "--serve", options.serve]
                command += ["--service", service, "--details", details.name]
                command += ["--only", options.only] if options.only else []
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                found += json.load(details)
    if options.details:
        options.details.write_text(json.dumps(found, indent=1))
    report(found)


def run(options, service):
    """Replays the recordings of one service against a server of its own."""
    parts = options.serve.split()
    server = Server([str(pathlib.Path(part).resolve()) if os.path.exists(part) else part for part in parts])
    options.details = options.details and options.details.resolve()
    variables = server.start()
    os.chdir(options.checkout)
    os.environ.update(
        AWS_ACCESS_KEY_ID=variables["AWS_ACCESS_KEY_ID"],
        AWS_SECRET_ACCESS_KEY=variables["AWS_SECRET_ACCESS_KEY"],
        AWS_DEFAULT_REGION=variables["AWS_REGION"],
        AWS_MAX_ATTEMPTS="1",
        TEST_SKIP_LOCALSTACK_START="1",
        TEST_AWS_ACCOUNT_ID=ACCOUNT,
        TEST_AWS_ACCESS_KEY_ID=variables["AWS_ACCESS_KEY_ID"],
        TEST_AWS_SECRET_ACCESS_KEY=variables["AWS_SECRET_ACCESS_KEY"],
        TEST_AWS_ENDPOINT_URL=variables["AWS_ENDPOINT_URL"],
    )
    sys.path[:0] = ["localstack-core", "."]
    sys.dont_write_bytecode = True
    sys.modules["localstack.version"] = types.ModuleType("localstack.version")
    sys.modules["localstack.version"].__version__ = "0"
    judge = Judge()
    judge.install()
    arguments = ["-q", "--no-header", "-p", "no:cacheprovider", "--tb=line", "--no-summary", "-s"]
    arguments += ["-k", options.only] if options.only else []
    try:
        ended = pytest.main([*arguments, f"tests/aws/services/{service}"], plugins=[judge])
    finally:
        server.stop()
    # Failed tests are what is counted here; anything else means that they did not all run.
    fine = [pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED] + [pytest.ExitCode.NO_TESTS_COLLECTED] * bool(options.only)
    if ended not in fine:
        raise SystemExit(f"{service}: pytest ended with {ended!r}; run it with --service {service} to see why")
    return judge.found


def called_by_keyminder():
    """The operations that the command and its function call, as the policies in this repository name them."""
    sources = pathlib.Path(__file__).resolve().parents[2] / "crates/stack/src"
    named = re.compile(r'"((?:sns|iam|lambda|logs|events|sts):[A-Z]\w+)"')
    files = sources.rglob("*.rs")
    found = {name for file in files for name in named.findall(file.read_text())}
    return found | {"lambda:Invoke", "sts:GetCallerIdentity"}


def report(found):
    ours = called_by_keyminder()
    by_operation = collections.defaultdict(collections.Counter)
    for one in found:
        by_operation[one["operation"]][one["verdict"]] += 1
        by_operation["(all)"][one["verdict"]] += 1
        if one["operation"] in ours:
            by_operation["(called by keyminder)"][one["verdict"]] += 1
    print(f"\n{'operation':55}" + "".join(f"{kind:>13}" for kind in VERDICTS))
    for operation in sorted(by_operation):
        counts = by_operation[operation]
        print(f"{operation:55}" + "".join(f"{counts[kind] or '':>13}" for kind in VERDICTS))


if __name__ == "__main__":
    main()
