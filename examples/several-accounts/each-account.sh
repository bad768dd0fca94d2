#!/bin/sh
# Runs keyminder in each account of accounts.txt, each guarded by its account id: a profile that leads to
# another account than written beside it is refused.
#
#   ./each-account.sh plan --exit-code
#   ./each-account.sh setup --yes
#   ./each-account.sh status --exit-code
#
# Goes on after a failure, and ends with 1 if there was one (or a difference, with --exit-code).
set -u
here=$(dirname "$0")
failed=""

while read -r profile account; do
    case $profile in '' | '#'*) continue ;; esac
    echo "== $profile ($account)" >&2
    keyminder "$@" --config "$here/keyminder.toml" --profile "$profile" --account "$account" </dev/null ||
        failed="$failed $profile"
done <"${ACCOUNTS:-$here/accounts.txt}"

if [ -n "$failed" ]; then
    echo "not well in:$failed" >&2
    exit 1
fi
