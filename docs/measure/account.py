"""An AWS account of any size on loopback: just IAM's users and keys, and SNS's Publish, each call taking a given time
and at a limited rate. User number N has keys N-0 and N-1; the first keys of some users are old."""

import asyncio
import collections
import time
import urllib.parse

import loopback

OLD, FRESH = "2020-02-29T12:00:00Z", time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime())


class Account:
    """`old` of the `users` have one key from 2020; `rate` is the calls a second that IAM lets through, after a burst of
    as many; the rest is answered Throttling, as IAM does."""

    def __init__(self, users, old=0, delay=0.0, rate=None):
        self.users, self.old, self.delay, self.rate = users, old, delay, rate
        self.tokens, self.filled = rate, time.monotonic()
        self.calls = collections.Counter()
        self.throttled = 0
        self.messages = []
        self.url = loopback.Server(self._answer).url

    async def _answer(self, request):
        form = {name: values[0] for name, values in urllib.parse.parse_qs(request.body.decode()).items()}
        action = form.get("Action", "")
        await asyncio.sleep(self.delay)
        if self.rate and action not in ("Publish", "GetCallerIdentity") and not self._let_through():
            self.throttled += 1
            return error(400, "Throttling", "Rate exceeded")
        self.calls[action] += 1
        answer = getattr(self, f"_{action}", None)
        if answer is None:
            return error(403, "AccessDenied", f"{action} is not part of this measurement")
        body = f"<{action}Response><{action}Result>{answer(form)}</{action}Result></{action}Response>"
        return 200, {"Content-Type": "text/xml"}, body.encode()

    def _let_through(self):
        now = time.monotonic()
        self.tokens = min(self.rate, self.tokens + (now - self.filled) * self.rate)
        self.filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def _ListUsers(self, form):
        first = int(form.get("Marker", 0))
        last = min(first + int(form.get("MaxItems", 100)), self.users)
        members = "".join(
            f"<member><Path>/</Path><UserName>user-{n:05}</UserName><UserId>AIDA{n:016}</UserId>"
            f"<Arn>arn:aws:iam::123456789012:user/user-{n:05}</Arn><CreateDate>{OLD}</CreateDate></member>"
            for n in range(first, last))
        more = f"<IsTruncated>true</IsTruncated><Marker>{last}</Marker>" if last < self.users else "<IsTruncated>false</IsTruncated>"
        return f"<Users>{members}</Users>{more}"

    def _GetUser(self, form):
        return (f"<User><Path>/</Path><UserName>{form['UserName']}</UserName><UserId>AIDA</UserId>"
                f"<Arn>arn:aws:iam::123456789012:user/{form['UserName']}</Arn><CreateDate>{OLD}</CreateDate></User>")

    def _ListAccessKeys(self, form):
        user = form["UserName"]
        number = int(user.removeprefix("user-"))
        members = "".join(
            f"<member><UserName>{user}</UserName><AccessKeyId>AKIA{number:015}{key}</AccessKeyId><Status>Active</Status>"
            f"<CreateDate>{OLD if key == 0 and number < self.old else FRESH}</CreateDate></member>" for key in (0, 1))
        return f"<AccessKeyMetadata>{members}</AccessKeyMetadata><IsTruncated>false</IsTruncated>"

    def _GetAccessKeyLastUsed(self, form):
        user = f"user-{int(form['AccessKeyId'][4:-1]):05}"
        return (f"<UserName>{user}</UserName><AccessKeyLastUsed><LastUsedDate>{FRESH}</LastUsedDate>"
                "<ServiceName>s3</ServiceName><Region>us-east-1</Region></AccessKeyLastUsed>")

    def _ListUserTags(self, form):
        return "<Tags></Tags><IsTruncated>false</IsTruncated>"

    def _ListAccountAliases(self, form):
        return "<AccountAliases><member>measured</member></AccountAliases><IsTruncated>false</IsTruncated>"

    def _GetAccountSummary(self, form):
        return "<SummaryMap><entry><key>AccountAccessKeysPresent</key><value>0</value></entry></SummaryMap>"

    def _GetCallerIdentity(self, form):
        return "<Arn>arn:aws:iam::123456789012:user/me</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"

    def _Publish(self, form):
        self.messages.append(form)
        return f"<MessageId>{len(self.messages)}</MessageId>"


def error(status, code, message):
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return status, {"Content-Type": "text/xml"}, body.encode()
