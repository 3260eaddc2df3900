#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# make deb: unpacked into an empty root the packages have every file of
# make install where Debian wants it, and no other; programs, man pages and
# completion work from there.
set -euo pipefail
for tool in dpkg-buildpackage dh dh_dkms; do
	command -v "$tool" >/dev/null || { echo "skip: no $tool"; exit 77; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$SRC"
make --no-print-directory O="$O" deb
version=$(sed -n 's/^VERSION := //p' Makefile)

mkdir "$tmp/root"
for deb in "$O"/deb/*.deb; do
	[ "$(dpkg-deb -f "$deb" Version)" = "$version" ] || { echo "$deb is not of $version"; exit 1; }
	case $deb in
	*-dbgsym_*) continue ;;
	esac
	dpkg-deb -x "$deb" "$tmp/root"
	dpkg-deb -c "$deb" | awk '!/\/$/ { print $6 }' >>"$tmp/contents"
	dpkg-deb -W "$deb"
done
[ -z "$(sort "$tmp/contents" | uniq -d)" ] || { echo 'in two packages:'; sort "$tmp/contents" | uniq -d; exit 1; }

# Debian's places: multiarch libraries, units, one folder of examples per package,
# compressed man pages; added are what every package has and the service's defaults.
files() # ROOT
{
	(cd "$1" && find . -type f -o -type l) | sed -E '
		s|^\./usr/lib/[a-z0-9_]+-linux-gnu/|./usr/lib/|
		s|^\./lib/systemd/|./usr/lib/systemd/|
		s|^\./usr/share/doc/libivring-dev/examples/|./usr/share/doc/ivring/examples/|
		s|(/man/man./.*)\.gz$|\1|' | grep -vE '/(copyright|changelog\.gz)$|^\./etc/default/' | sort
}
make --no-print-directory O="$O" PREFIX=/usr DESTDIR="$tmp/staged" install >/dev/null
diff <(files "$tmp/staged") <(files "$tmp/root") || { echo 'make install (<) and packages (>) differ'; exit 1; }
echo "$(files "$tmp/root" | wc -l) files"

export PATH=$tmp/root/usr/bin:$PATH
for program in "$BIN"/*; do
	program=${program##*/}
	[ "$(command -v "$program")" = "$tmp/root/usr/bin/$program" ]
	"$program" --version </dev/null | grep -F "$version"
	man -M "$tmp/root/usr/share/man" -w "$program" >/dev/null
	grep -q "_ivtrace" "$tmp/root/usr/share/bash-completion/completions/$program"
done
for unit in "$tmp"/root/lib/systemd/system/*.service; do
	program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$unit")
	[ -x "$tmp/root$program" ] || { echo "${unit##*/} starts '$program'"; exit 1; }
done
grep -q "^PACKAGE_VERSION=\"$version\"" "$tmp/root/usr/src/ivtrace-$version/dkms.conf"
for deb in "$O"/deb/ivtrace-dkms_*.deb; do
	dpkg-deb --ctrl-tarfile "$deb" | tar -xO ./postinst | grep -q dkms || { echo 'no DKMS at install'; exit 1; }
done
# Nothing of this machine in what is installed as text.
! grep -rIlF "$SRC" "$tmp/root/usr" "$tmp/root/lib" "$tmp/root/etc"
