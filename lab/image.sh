# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What build-image and build-host share: where kernels come from, and how an
# initramfs is put together. Sourced after lib.sh.

# The headers decide, because the driver is built against them.
newest_headers()
{
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' 'linux-headers-*-cloud-*' 2>/dev/null |
		sed -n 's/^installed linux-headers-\([0-9].*\)$/\1/p' | sort -V | tail -n 1
}

# download_deb PACKAGE DIR: downloads the package's file into DIR, made anew.
download_deb()
{
	local package=$1 deb=$2

	rm -rf "$deb"
	mkdir -p "$deb"
	echo "${0##*/}: downloading $package" >&2
	(cd "$deb" && apt-get -q download "$package" >apt.log 2>&1) || {
		cat "$deb/apt.log" >&2
		die "cannot download '$package': see above (if it was replaced by a" \
			"newer one: apt-get update, then upgrade linux-headers-cloud-amd64)"
	}
}

# kernel_deb RELEASE DIR: the same for the kernel's package.
kernel_deb()
{
	download_deb "linux-image-$1" "$2"
}

# kernel_tree RELEASE: prints the folder that holds boot/ and lib/modules/.
kernel_tree()
{
	local tree=$lab_out/kernel/$1

	if [ -e "/boot/vmlinuz-$1" ] && [ -d "/lib/modules/$1/kernel" ]; then
		echo /
		return
	fi
	if [ ! -e "$tree/.complete" ]; then
		rm -rf "$tree"
		kernel_deb "$1" "$tree/deb"
		dpkg-deb -x "$tree"/deb/*.deb "$tree"
		rm -r "$tree/deb"
		depmod -b "$tree" "$1"
		touch "$tree/.complete"
	fi
	echo "$tree"
}

# Sets busybox, which must run without libraries.
find_busybox()
{
	busybox=$(command -v busybox) || die "cannot find program 'busybox' (run scripts/install-deps)"
	! ldd "$busybox" >/dev/null 2>&1 ||
		die "cannot use '$busybox': it is not linked statically (install busybox-static)"
}

# The following fill the folder $root, which becomes the initramfs.

# put PATH MODE SOURCE: one file.
put()
{
	install -D -m "$2" "$3" "$root/$1"
}

put_busybox()
{
	local name

	mkdir -p "$root"/{bin,sbin,dev,proc,sys,tmp,etc,mnt,lib/lab}
	put bin/busybox 755 "$busybox"
	for name in $("$busybox" --list); do
		[ "$name" = busybox ] || ln -s busybox "$root/bin/$name"
	done
}

# put_modules TREE RELEASE NAME...: modules in the order to load them, each after
# what it needs. What the kernel has built in or lacks is left out.
put_modules()
{
	local tree=$1 release=$2 name file

	shift 2
	: >"$root/lib/lab/order"
	for name in "$@"; do
		modprobe -d "$tree" -S "$release" --show-depends "$name" 2>/dev/null || true
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do
		name=${file##*/}
		case $name in
		*.xz) xz -dc "$file" >"$root/lib/lab/${name%.xz}" ;;
		*.zst) zstd -qdc "$file" >"$root/lib/lab/${name%.zst}" ;;
		*) put "lib/lab/$name" 644 "$file" ;;
		esac
		name=${name%.xz}
		echo "${name%.zst}" >>"$root/lib/lab/order"
	done
}

# pack_initramfs FILE. Not compressed: unpacking under TCG takes longer than
# reading some MB more.
pack_initramfs()
{
	(cd "$root" && find . -mindepth 1 | LC_ALL=C sort |
		cpio -o -H newc -R 0:0 --reproducible --quiet) >"$1"
}
