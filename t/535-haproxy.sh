#!/usr/bin/env bash
# haproxy, a proxy in front of an nginx: pools of its own, which ask malloc only when they grow.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "${0%/*}/server-test.sh"

server_test haproxy
tap_done
