"""Makes ministack date new access keys in the past, since AWS's API has no way to ask for an old key.

Python imports a module of this name at its start, from PYTHONPATH. Only the clock of the emulated IAM is changed.
"""

from ministack.services import iam

iam._now = lambda: "2020-02-29T12:00:00Z"
