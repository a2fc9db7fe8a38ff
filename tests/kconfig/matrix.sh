#!/bin/bash
# Compares our evaluator with the kernel's own conf, byte for byte: versions x architectures x modes x inputs.
#
#   cargo build --release --example kconfig-resolve
#   tests/kconfig/matrix.sh WORK target/release/examples/kconfig-resolve TREE... [-- INPUT...]
#
# WORK is an empty directory (some 100 MiB). A TREE is the top of a kernel's sources; its conf is built from it with gcc,
# flex and bison. An INPUT is a .config or a fragment; NAME@ARCH.config is used for that architecture alone (the
# kernel's name), any other for all. SEEDS=n makes that many random configurations for each tree and architecture
# (default 14), each mutated in two ways. ARCHES names the architectures. Prints a line for each pair with the number
# of comparisons and what differs, and with TIMES=1 how long ours took; the exit status is 1 when anything does.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
work=$(cd "$1" && pwd) resolve=$(realpath "$2")
shift 2
trees=() inputs=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do trees+=("$(realpath "$1")"); shift; done
[ $# -eq 0 ] || shift
for input in "$@"; do inputs+=("$(realpath "$input")"); done
seeds=${SEEDS:-14} differ=0 compared=0

field() { sed -n "s/^$1 = //p" "$2/Makefile"; }

# Builds the tree's conf with our job loop behind its parser.
conf() { # TREE INTO
	rm -rf "$2" && mkdir -p "$2/include" && cp -r "$1/scripts/kconfig" "$2/"
	[ ! -d "$1/scripts/include" ] || cp -r "$1/scripts/include" "$2/"
	cd "$2/kconfig"
	flex -o lexer.lex.c lexer.l
	bison -Wnone -o parser.tab.c --defines=parser.tab.h -t -l parser.y
	{ echo '#include <sys/types.h>'; echo '#include <sys/wait.h>'
	  sed "/^\tconf_parse(av\[optind\]);/r $here/jobs.c" conf.c; } > conf_jobs.c
	gcc -O2 -w -I. -I../include -D_GNU_SOURCE -o conf \
		conf_jobs.c confdata.c expr.c lexer.lex.c menu.c parser.tab.c preprocess.c symbol.c util.c
}

# What `make` gives as KBUILD_DEFCONFIG, except that powerpc's little-endian one is merged from this file.
defconfig() { # TREE SRCARCH
	case $2 in
		x86) echo "$1/arch/x86/configs/x86_64_defconfig" ;;
		powerpc) echo "$1/arch/powerpc/configs/ppc64_defconfig" ;;
		*) echo "$1/arch/$2/configs/defconfig" ;;
	esac
}

pair() { # TREE SRCARCH
	local tree=$1 srcarch=$2 arch=$2 version dir base input seed name
	[ "$srcarch" != x86 ] || arch=x86_64
	version=$(field VERSION "$tree").$(field PATCHLEVEL "$tree").$(field SUBLEVEL "$tree")
	dir=$work/$version-$srcarch
	rm -rf "$dir" && mkdir -p "$dir/include/config" && cd "$dir"
	# conf only makes this when it is missing.
	touch include/config/auto.conf
	local environment=(PATH="$PATH" LC_ALL=C srctree="$tree" SRCARCH="$srcarch" ARCH="$arch" KERNELVERSION="$version"
		CC=gcc LD=ld HOSTCC=gcc HOSTCXX=g++ NM=nm OBJCOPY=objcopy AR=ar RUSTC=rustc BINDGEN=bindgen PAHOLE=pahole
		PYTHON3=python3 CC_VERSION_TEXT="$(LC_ALL=C gcc --version | head -n 1 | tr -d '#')")
	local conf=$work/conf-$version/kconfig/conf

	for ((seed = 1; seed <= seeds; seed++)); do echo "randconfig:$seed - random-$seed"; done > jobs
	env -i "${environment[@]}" "$conf" --olddefconfig Kconfig < /dev/null > /dev/null 2> conf.log

	local jobs=()
	for base in allnoconfig allyesconfig allmodconfig alldefconfig; do jobs+=("$base - $base"); done
	jobs+=("defconfig $(defconfig "$tree" "$srcarch") defconfig")
	for input in "${inputs[@]}"; do
		name=$(basename "$input")
		case $name in *@"$srcarch".config) ;; *@*) continue ;; esac
		for base in allnoconfig allyesconfig alldefconfig defconfig olddefconfig; do
			jobs+=("$base $input $base+$name")
		done
	done
	for ((seed = 1; seed <= seeds; seed++)); do
		# Half of the lines; and lines dropped, changed to other values, and made invalid.
		awk -v s="$seed" 'BEGIN { srand(s) } rand() < 0.5' "random-$seed" > "half-$seed"
		awk -v s="$seed" 'BEGIN { srand(s + 1000) } { r = rand() } r < 0.3 { next }
			r < 0.4 { sub(/=y$/, "=m") } r >= 0.4 && r < 0.5 { sub(/=m$/, "=y") }
			r >= 0.5 && r < 0.55 { sub(/=[0-9]+$/, "=" int(r * 1e9)) }
			r >= 0.55 && r < 0.6 && / is not set$/ { sub(/^# /, ""); sub(/ is not set$/, "=y") }
			{ print }' "random-$seed" > "changed-$seed"
		for base in olddefconfig allnoconfig alldefconfig; do jobs+=("$base $dir/half-$seed $base+half-$seed"); done
		for base in olddefconfig allyesconfig defconfig; do jobs+=("$base $dir/changed-$seed $base+changed-$seed"); done
		jobs+=("olddefconfig $dir/random-$seed olddefconfig+random-$seed")
	done
	printf '%s\n' "${jobs[@]}" | sed "s| \([^ ]*\)$| $dir/\1.conf|" > jobs
	while read -r base input output; do [ "$base" != olddefconfig ] || cp "$input" "$output"; done < jobs
	env -i "${environment[@]}" "$conf" --olddefconfig Kconfig < /dev/null > /dev/null 2> conf.log
	! grep FAILED conf.log || exit 1
	sed 's|\.conf$|.ours|' jobs | env -i "${environment[@]}" ${TIMES:+TIMES=1} "$resolve" Kconfig

	local count=0 bad=()
	for job in "${jobs[@]}"; do
		name=${job##* } count=$((count + 1))
		cmp -s "$name.conf" "$name.ours" || bad+=("$name")
	done
	echo "$version $srcarch: $count compared, ${#bad[@]} different${bad[*]:+: ${bad[*]}}"
	compared=$((compared + count)) differ=$((differ + ${#bad[@]}))
}

for tree in "${trees[@]}"; do
	version=$(field VERSION "$tree").$(field PATCHLEVEL "$tree").$(field SUBLEVEL "$tree")
	(conf "$tree" "$work/conf-$version")
	for srcarch in ${ARCHES:-x86 arm64 s390 powerpc riscv}; do pair "$tree" "$srcarch"; done
done
echo "$compared compared, $differ different"
[ "$differ" -eq 0 ]
