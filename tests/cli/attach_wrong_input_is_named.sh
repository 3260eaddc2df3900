#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace-host attach and detach: wrong options, no QEMU, one that refuses, one that
# says something else than QMP.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
host=$BIN/ivtrace-host
region=$tmp/region

# pretend NAME LINE...: a QEMU at $tmp/NAME that sends a line, then each further one
# when something has come
pretend()
{
	python3 - "$tmp/$1" "${@:2}" <<'END' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True:
    c = s.accept()[0]
    for i, line in enumerate(sys.argv[2:]):
        if i and not c.recv(65536):
            break
        c.sendall(line.encode() + b"\r\n")
    c.close()
END
	until [ -S "$tmp/$1" ]; do sleep 0.05; done
}
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$tmp"' EXIT

attach() # STATUS PATTERN SOCKET
{
	says "$1" "$2" "$host" attach --vm "a=shm:$region" --size 4M --cpus 1 --qmp "$tmp/$3"
}

says 2 'which VM' "$host" attach --qmp "$tmp/q"
says 2 '--qmp SOCKET is missing' "$host" attach --vm a
says 2 "'../a' is no VM" "$host" attach --vm ../a --qmp "$tmp/q"
says 2 "'3M x' is no size" "$host" attach --vm a --qmp "$tmp/q" --size '3M x'
says 2 "--cpus: '0'" "$host" attach --vm a --qmp "$tmp/q" --cpus 0
says 2 "unexpected 'b'" "$host" attach --vm a --qmp "$tmp/q" b
says 2 'see ivtrace-host attach --help' "$host" attach --nonsense
says 2 '--qmp SOCKET is missing' "$host" detach
says 2 'see ivtrace-host detach --help' "$host" detach --nonsense
attach 1 "cannot connect to '$tmp/nowhere': No such file.*-qmp unix" nowhere
says 1 "cannot connect to '$tmp/nowhere'" "$host" detach --qmp "$tmp/nowhere"
attach 1 'File name too long' "$(printf '%0200d' 1)"
[ ! -e "$region" ] || fail 'made a region for no QEMU'

hello='{"QMP": {"version": {}, "capabilities": []}}'
yes='{"return": {}}'
pretend rude 'HTTP/1.1 400 Bad Request'
attach 1 'cannot talk to QEMU.*Bad message' rude
pretend gone "$hello"
attach 1 'cannot talk to QEMU.*(Broken pipe|reset)' gone
pretend refuses "$hello" "$yes" '{"return": 3}' '{"return": [{"devices": []}]}' \
	'{"timestamp": {}, "event": "X"} {"error": {"class": "GenericError", "desc": "no m\u001bemory"}}'
attach 1 'QEMU says: no m.emory' refuses
grep -q $'\e' "$tmp/err" && fail 'a control character of QEMU is printed'
pretend no_port "$hello" "$yes" '{"return": [5, {"name": "iv"}]}' \
	'{"return": [{"devices": [{"id": {"vendor": 32902, "device": 10688}}, 7, {"qdev_id": 9}]}]}'
attach 1 'no free PCIe port.*pcie-root-port' no_port
pretend nonsense "$hello" "$yes" '{"return": 7}' '{"return": 7}' "$yes" '{"error": 5}'
attach 1 'QEMU says: .nothing.' nonsense
pretend has_it "$hello" "$yes" '{"return": [{"name": "ivtrace", "type": "child<ivshmem-plain>"}]}'
attach 1 'has the device already.*detach' has_it
pretend no_device "$hello" "$yes" '{"error": {"desc": "Device '"'ivtrace'"' not found"}}'
says 1 "QEMU says: Device 'ivtrace' not found" "$host" detach --qmp "$tmp/no_device"
exit $failed
