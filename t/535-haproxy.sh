#!/usr/bin/env bash
# haproxy: a proxy in front of an nginx, with pools of its own between it and malloc; one event loop, then several.

# shellcheck source-path=SCRIPTDIR source=server-test.sh
. "$(dirname "$0")/server-test.sh"

# shellcheck disable=SC2034
for haproxy_threads in 1 4; do
	server_test haproxy
done
tap_done
