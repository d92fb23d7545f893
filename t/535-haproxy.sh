#!/usr/bin/env bash
# haproxy: a proxy in front of an nginx, with pools of its own between it and malloc.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

server_test haproxy
tap_done
