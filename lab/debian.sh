# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Roots of other Debian releases, from where this machine takes its own packages.
# Sourced after lib.sh.

# debian_sources SUITE...: lines for sources.list. With its -updates and -security
# where this machine has them; a suite called X-backports has none.
debian_sources()
{
	local uri codename suite

	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
		'Created-By: Packages' 'Origin: Debian' 'Component: main' |
		while read -r uri codename; do
			[[ $codename =~ ^[a-z]+(-updates|-security)?$ ]] || continue
			for suite in "$@"; do
				[[ $suite != *-backports || -z ${BASH_REMATCH[1]} ]] || continue
				echo "deb $uri $suite${BASH_REMATCH[1]} main"
			done
		done | sort -u
}

# debian_tree TREE SUITES PACKAGES [MMDEBSTRAP-OPTION...]: make the root TREE of
# the first of SUITES (blank-separated) with PACKAGES; TREE.sources and TREE.log
# stay beside it.
debian_tree()
{
	local tree=$1 suites=$2 packages=$3 option options=(APT::Install-Recommends=false)

	shift 3
	# shellcheck disable=SC2086 # several words
	debian_sources $suites >"$tree.sources"
	[ -s "$tree.sources" ] || die "cannot find a Debian mirror: this machine's apt has no" \
		"source of Origin Debian (run apt-get update, look at apt-get indextargets)"
	# A frozen mirror is as good as a fresh one, if this machine accepts it.
	for option in Acquire::Check-Valid-Until Acquire::Check-Date; do
		[ "$(apt-config dump --format '%v' "$option")" != false ] || options+=("$option=false")
	done
	rm -rf --one-file-system "$tree"
	# shellcheck disable=SC2086 # several words
	mmdebstrap --quiet --variant=apt --include="$(echo $packages | tr ' ' ,)" \
		"${options[@]/#/--aptopt=}" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		"$@" "${suites%% *}" "$tree" - <"$tree.sources" >"$tree.log" 2>&1 9>&- || {
		tail -n 20 "$tree.log" >&2
		die "cannot make '$tree': see above and '$tree.log' (is the network up? does the" \
			"mirror have $suites?)"
	}
}
