#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The shell's completion: commands, options, groups of events, traces; every option
# of every command's --help is offered.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source-path=SCRIPTDIR/../../scripts source=ivtrace.bash-completion
. "$SRC/scripts/ivtrace.bash-completion"
cd "$tmp" || exit 1
mkdir -p slow.ivt sub
touch err

# offers WANTED WORD...: what is offered for the last word, in this order
offers()
{
	local want=$1 got

	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_ivtrace "$BIN/$1" "${!#}" "${*: -2:1}"
	got=$(printf '%s|' "${COMPREPLY[@]}")
	[ "$got" = "$want|" ] || fail "${*@Q}: offers '$got'"
}

offers 'record ' ivtrace-host rec
offers 'attach ' ivtrace-host att
offers 'detach |doctor ' ivtrace-host d
offers '--duration ' ivtrace-host record --du
offers '--qmp ' ivtrace-host attach --q
offers 'net ' ivtrace-host record --guest ne
offers 'default,net ' ivtrace-host record --guest default,ne
offers 'handshake ' ivtrace-host record --tsc hand
offers 'flight ' ivtrace-host record --mode fl
offers 'root ' ivtrace-host record --user roo
offers 'auto ' ivtrace-host record --vm aut
offers 'light ' ivtrace-view --theme l
offers 'slow.ivt |sub/' ivtrace-report io s
offers '--json ' ivtrace-report io --js
offers '' ivtrace-host nonsense --x

n=0
for program in ivtrace-host ivtrace-report ivtrace-guest; do
	[ -x "$BIN/$program" ] || continue
	COMP_WORDS=("$program" '') COMP_CWORD=1
	_ivtrace "$BIN/$program" '' "$program"
	for command in "${COMPREPLY[@]}"; do
		command=${command% }
		for option in $("$BIN/$program" "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' |
			grep -oE -- '--[a-z-]+'); do
			COMP_WORDS=("$program" "$command" "$option") COMP_CWORD=2
			_ivtrace "$BIN/$program" "$option" "$command"
			[[ " ${COMPREPLY[*]} " = *" $option "* ]] || fail "$program $command: no $option"
			n=$((n + 1))
		done
	done
done
# The same options are in the man pages.
for program in ivtrace-host ivtrace-report ivtrace-guest; do
	[ -x "$BIN/$program" ] || continue
	sed 's/\\-/-/g' "$SRC/docs/man/$program.1" >"$tmp/man"
	for command in $("$BIN/$program" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'); do
		grep -qwE -- "$command" "$tmp/man" || fail "$program.1: no $command"
		for option in $("$BIN/$program" "$command" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' |
			grep -oE -- '--[a-z-]+'); do
			[ "$option" = --help ] || grep -qE -- "$option([^a-z-]|\$)" "$tmp/man" ||
				fail "$program.1: $command's $option is not there"
		done
	done
done
echo "$n options"
[ $n -gt 40 ] || fail "only $n options were looked at"
exit $failed
