# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace.  `make help` lists the targets; one file, readable from top to bottom.
#
#   O=DIR     build folder (default: build)	V=1       show commands
#   DEBUG=1   -Og -g3 -Werror			SAN=address,undefined | thread
#   KDIR=DIR  kernel headers for the guest's module

O     ?= build
# One name for each file, however O was spelt: dependency files match by name.
override O := $(abspath $(O))
V     ?= 0
DEBUG ?= 0
SAN   ?=
OUT   ?=
EXTRA_CFLAGS ?=
BENCH ?= all
PREFIX ?= /usr/local
VERSION := 0.1.0

ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$(2));
else
Q :=
say =
endif

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- compilers and flags -----------------------------------------------------

CC     := gcc
CLANG  := clang
WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	  -Wformat=2 -Wundef -Wno-format-truncation # snprintf() may cut: it is why it is used
CPPFLAGS := -I. -Iivring/include -I$(O)/include -D_GNU_SOURCE -DIVT_VERSION='"$(VERSION)"'
CFLAGS := -std=gnu11 $(WARN) -g -fno-strict-aliasing
CFLAGS += $(if $(filter 1,$(DEBUG)),-Og -g3 -Werror,-O2)
CFLAGS += $(EXTRA_CFLAGS)
CFLAGS += $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))

pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)

# ---- parts: a folder's sources become lib<folder>.a --------------------------

src = $(wildcard $(addsuffix /*.c,$(1)))
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

CLI_SRC      := $(call src,cli)
IVRING_SRC   := $(call src,ivring/src)
TSC_SRC	     := $(call src,tsc-sync)
TSC_IO_SRC   := $(call src,tsc-sync/sources)
TRACE_SRC    := $(call src,trace)
ANALYSIS_SRC := $(call src,analysis)
REPORT_SRC   := $(call src,analysis/report)
HOST_DIRS    := base qemu region tracer vm recording top commands
HOST_SRC     := $(call src,$(addprefix host-reader/,$(HOST_DIRS)))
MODEL_SRC    := $(call src,viewer/model)
DRAW_SRC     := $(call src,viewer/draw)
VIEW_SRC     := $(call src,viewer/widgets viewer/app)
GUEST_TOOL_SRC := $(call src,guest-driver/tool)

lib = $(O)/lib/lib$(1).a
LIB_CLI	     := $(call lib,ivtcli)
LIB_IVRING   := $(call lib,ivring)
LIB_TSC	     := $(call lib,tscsync)
LIB_TSC_IO   := $(call lib,tscsources)
LIB_TRACE    := $(call lib,ivttrace)
LIB_ANALYSIS := $(call lib,ivtanalysis)
LIB_MODEL    := $(call lib,ivtviewmodel)
LIB_DRAW     := $(call lib,ivtviewdraw)

$(LIB_CLI):	 $(call obj,$(CLI_SRC))
$(LIB_IVRING):	 $(call obj,$(IVRING_SRC))
$(LIB_TSC):	 $(call obj,$(TSC_SRC))
$(LIB_TSC_IO):	 $(call obj,$(TSC_IO_SRC))
$(LIB_TRACE):	 $(call obj,$(TRACE_SRC))
$(LIB_ANALYSIS): $(call obj,$(ANALYSIS_SRC))
$(LIB_MODEL):	 $(call obj,$(MODEL_SRC))
$(LIB_DRAW):	 $(call obj,$(DRAW_SRC))

# The library for other programs is the same code, position independent.
LIBIVRING_SO := $(O)/lib/libivring.so.$(VERSION)
IVRING_SONAME := libivring.so.0

JSON_LIBS  = $(call pkg,--libs,json-c)
CAIRO_LIBS = $(call pkg,--libs,pangocairo cairo-svg)
GTK_LIBS   = $(call pkg,--libs,gtk+-3.0)
CONFINE_LIBS = $(call pkg,--libs,libseccomp libcap)
BPF_LIBS   = $(call pkg,--libs,libbpf) -lelf -lz
# of trace/; what only records needs no libtraceevent
TRACE_PKGS = json-c libtraceevent libzstd
TRACE_LIBS = $(call pkg,--libs,$(TRACE_PKGS))

$(O)/obj/host-reader/vm/clock_choice.o $(O)/obj/host-reader/tracer/stap_script.o: \
	CPPFLAGS += -DIVT_DATADIR='"$(PREFIX)/share/ivtrace"'
$(O)/obj/trace/%.o:	  CPPFLAGS += $(call pkg,--cflags,$(TRACE_PKGS))
$(O)/obj/guest-driver/tool/%.o $(O)/obj/analysis/report/%.o $(O)/obj/host-reader/%.o: \
	CPPFLAGS += $(call pkg,--cflags,json-c)
$(O)/obj/viewer/draw/%.o: CPPFLAGS += $(call pkg,--cflags,pangocairo)
$(O)/obj/viewer/widgets/%.o $(O)/obj/viewer/app/%.o: CPPFLAGS += $(call pkg,--cflags,gtk+-3.0)

# ---- programs ----------------------------------------------------------------

BIN := $(O)/bin
PROGRAMS := $(if $(HOST_SRC),$(BIN)/ivtrace-host) $(if $(REPORT_SRC),$(BIN)/ivtrace-report) \
	    $(if $(VIEW_SRC),$(BIN)/ivtrace-view) $(if $(GUEST_TOOL_SRC),$(BIN)/ivtrace-guest)

.PHONY: all
all: $(PROGRAMS) ## build the programs (the guest's module: make module)

$(BIN)/ivtrace-host: $(call obj,$(HOST_SRC)) $(LIB_TSC_IO) $(LIB_TRACE) $(LIB_TSC) $(LIB_IVRING) $(LIB_CLI)
$(BIN)/ivtrace-host: LDLIBS = $(BPF_LIBS) $(JSON_LIBS) $(call pkg,--libs,libzstd) $(CONFINE_LIBS)

$(BIN)/ivtrace-report: $(call obj,$(REPORT_SRC)) $(LIB_ANALYSIS) $(LIB_TRACE) $(LIB_TSC) $(LIB_CLI)
$(BIN)/ivtrace-report: LDLIBS = $(TRACE_LIBS)

$(BIN)/ivtrace-view: $(call obj,$(VIEW_SRC)) $(LIB_DRAW) $(LIB_MODEL) $(LIB_ANALYSIS) $(LIB_TRACE) \
		     $(LIB_TSC)
$(BIN)/ivtrace-view: LDLIBS = $(GTK_LIBS) $(CAIRO_LIBS) $(TRACE_LIBS) -lm

$(BIN)/ivtrace-guest: $(call obj,$(GUEST_TOOL_SRC)) $(LIB_CLI)
$(BIN)/ivtrace-guest: LDLIBS = -lpci $(JSON_LIBS)

$(BIN)/%:
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(O)/lib/%.a:
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

# Rewritten only when the flags are others: then everything is made again.
FLAGS := $(CC) $(CFLAGS) $(LDFLAGS)
$(O)/flags: always
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@

.PHONY: always
always:

$(O)/obj/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(O)/pic/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -MMD -MP -c -o $@ $<

$(LIBIVRING_SO): $(patsubst %.c,$(O)/pic/%.o,$(IVRING_SRC)) ivring/src/ivring.map
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-soname,$(IVRING_SONAME) \
		-Wl,--version-script=ivring/src/ivring.map -o $@ $(filter %.o,$^)

# ---- eBPF programs: vmlinux.h of the build machine, relocated at load (CO-RE) --

BPF_SRC	 := $(wildcard host-reader/tracer/bpf/*.bpf.c)
BPF_SKEL := $(patsubst host-reader/tracer/bpf/%.bpf.c,$(O)/include/%.skel.h,$(BPF_SRC))
BTF	 ?= /sys/kernel/btf/vmlinux

$(call obj,$(HOST_SRC) $(TSC_IO_SRC)): | $(BPF_SKEL)

$(O)/include/vmlinux.h: $(BTF)
	@mkdir -p $(@D)
	$(call say,BTF,$@)
	$(Q)bpftool btf dump file $(BTF) format c > $@

$(O)/bpf/%.bpf.o: host-reader/tracer/bpf/%.bpf.c $(O)/include/vmlinux.h
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_x86 -Wall -Wno-missing-declarations \
		-I. -Iivring/include -I$(O)/include -MMD -MP -c -o $@ $<

$(O)/include/%.skel.h: $(O)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)bpftool gen skeleton $< name $(subst -,_,$*) > $@

# ---- the guest's kernel module -------------------------------------------------

KDIR ?= $(lastword $(sort $(wildcard /usr/src/linux-headers-*-cloud-amd64)))

.PHONY: module
module: $(O)/module/ivtrace.ko ## build ivtrace.ko against KDIR

# Built from a copy, so that several kernels can be built at once and the
# source tree stays clean.  The kernel's make has an O= of its own: ours must
# not reach it.
$(O)/module/ivtrace.ko: $(wildcard guest-driver/*.c guest-driver/*.h guest-driver/Kbuild) \
			$(wildcard ivring/include/ivring/*.h)
	@mkdir -p $(O)/module
	$(call say,MODULE,$@)
	$(Q)cp -u guest-driver/*.c guest-driver/*.h guest-driver/Kbuild $(O)/module/
	$(Q)rm -rf $(O)/module/include && cp -r ivring/include $(O)/module/include
	$(Q)env -u O -u MAKEFLAGS $(MAKE) --no-print-directory -C $(KDIR) M=$(abspath $(O)/module) \
		$(if $(W),W=$(W)) $(if $(C),C=$(C)) modules $(if $(filter 0,$(V)),>$(O)/module/build.log 2>&1 || { cat $(O)/module/build.log; exit 1; })

# ---- demo: the main job, from nothing to a verdict ------------------------------

.PHONY: deps demo image
deps: ## install what build, lab and checks need (apt packages)
	$(Q)scripts/install-deps

image: module ## build the guests' kernel and initramfs with the driver
	$(Q)O=$(O) lab/build-image --module $(O)/module/ivtrace.ko

.PHONY: lab-run lab-list
lab-run: all image ## run one scenario on a KVM host: SCENARIO=NAME OUT=DIR [GUEST_CMD=... TSC=...]
	$(Q)O=$(O) lab/run '$(SCENARIO)' '$(OUT)' $(foreach v,GUEST_CMD TSC RECORD,\
		$(if $($v),'$v=$(subst ','\'',$($v))'))

lab-list: ## the scenarios of lab-run
	$(Q)lab/run --list

demo: deps ## two VMs on one slow disk: who delayed whom (OUT=DIR)
	$(Q)$(MAKE) --no-print-directory all image
	$(Q)O=$(O) scripts/demo $(OUT)

# ---- checks --------------------------------------------------------------------
#
# tests/RUNG/NAME.sh and programs built from tests/RUNG/NAME.c exit 0, 1 or 77;
# tests/unit/NAME.c.in are checkmk templates.  tests/run runs them, tests/all is
# `make check`.  Programs of tests/data make the data that tests read.

T := $(O)/tests
TEST_LIB := $(call lib,ivttest)
# Objects of the programs, for the tests that include their headers.
$(TEST_LIB): $(call obj,$(HOST_SRC) $(REPORT_SRC) $(CLI_SRC))
TEST_LIBS := $(if $(DRAW_SRC),$(LIB_DRAW)) $(if $(MODEL_SRC),$(LIB_MODEL)) \
	     $(if $(ANALYSIS_SRC),$(LIB_ANALYSIS)) $(if $(TRACE_SRC),$(LIB_TRACE)) \
	     $(if $(TSC_IO_SRC),$(LIB_TSC_IO)) $(if $(TSC_SRC),$(LIB_TSC)) \
	     $(if $(IVRING_SRC),$(LIB_IVRING))
TEST_PKGS = check $(TRACE_PKGS) pangocairo cairo-svg
TEST_CFLAGS = $(CPPFLAGS) -Itests $(call pkg,--cflags,$(TEST_PKGS)) $(CFLAGS) -MMD -MP -MF $@.d -MT $@
TEST_LDLIBS = -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(call pkg,--libs,$(TEST_PKGS)) \
	      $(BPF_LIBS) $(CONFINE_LIBS) -Wl,--as-needed -lpci -Wl,--no-as-needed -lm -lpthread

test_scripts = $(filter-out %/lib.sh,$(wildcard tests/$(1)/*.sh))
test_programs = $(patsubst tests/%.c,$(T)/%,$(wildcard tests/$(1)/*.c))
TEST_DATA := $(call test_programs,data)
UNIT := $(patsubst tests/unit/%.c.in,$(T)/unit/%,$(wildcard tests/unit/*.c.in))

WITH_PROGRAMS := $(shell grep -lE '^.include "(host-reader|analysis/report|guest-driver/tool)/' \
		   $(wildcard tests/*/*.c tests/unit/*.c.in) /dev/null)
$(patsubst tests/%,$(T)/%,$(basename $(WITH_PROGRAMS:.in=))): $(TEST_LIB)

# For tests that are busy with one CPU and measure no time; others say so ("alone: WHY").  Not for
# recorders and guests with their windows: two at once on two CPUs made 1 of 50 fail in each run.
beside = --jobs $(shell nproc)
run_env = O=$(abspath $(O)) BIN=$(abspath $(BIN)) SRC=$(CURDIR)
# One rung: build its programs (a test that does not build is a failed test), run it.
define rung
$(if $(strip $(2)),@+$(MAKE) -k --no-print-directory $(2) || true)
@$(run_env) tests/run $(4) $(1) $(3)
endef

$(T)/unit/%.c: tests/unit/%.c.in
	@mkdir -p $(@D)
	$(Q)checkmk clean_mode=1 $< > $@

$(T)/unit/%: $(T)/unit/%.c $(TEST_LIBS)
	$(call say,TEST,$@)
	$(Q)$(CC) $(TEST_CFLAGS) $(LDFLAGS) -o $@ $< $(TEST_LDLIBS)

$(T)/%: tests/%.c $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(TEST_CFLAGS) $(LDFLAGS) -o $@ $< $(TEST_LDLIBS)

$(T)/data/pretend-guest $(T)/data/dying-guest: LDFLAGS += -rdynamic # show their clock's offset as QEMU does

$(T)/data/kill-at: LDFLAGS += -shared -fPIC # to be preloaded

# Stress tests know ring.h and nothing else: real threads under ThreadSanitizer,
# signal handlers under AddressSanitizer.
$(T)/stress/%: tests/stress/%.c
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(TEST_CFLAGS) -O2 -o $@ $< -lpthread

$(T)/stress/%_tsan: tests/stress/%.c
	@mkdir -p $(@D)
	$(call say,TSAN,$@)
	$(Q)$(CC) $(TEST_CFLAGS) -Wno-tsan -fsanitize=thread -o $@ $< -lpthread

$(T)/stress/%_asan: tests/stress/%.c
	@mkdir -p $(@D)
	$(call say,ASAN,$@)
	$(Q)$(CC) $(TEST_CFLAGS) -fsanitize=address,undefined -o $@ $< -lpthread

STRESS := $(call test_programs,stress) $(patsubst %,$(T)/stress/%,\
	  $(if $(wildcard tests/stress/ring_threads.c),ring_threads_tsan ring_signals_asan))

# Fuzzers build the library sources anew, with coverage.
FUZZ_SRC := $(IVRING_SRC) $(TSC_SRC) $(TRACE_SRC)
$(T)/fuzz/%: tests/fuzz/%.c $(FUZZ_SRC) $(wildcard ivring/include/ivring/*.h trace/*.h)
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(CLANG) $(CPPFLAGS) $(call pkg,--cflags,$(TRACE_PKGS)) -std=gnu11 -Wall -g -O1 \
		-fno-strict-aliasing -fno-sanitize-recover=undefined \
		-fsanitize=fuzzer,address,undefined -o $@ $< $(FUZZ_MORE) $(FUZZ_SRC) $(TRACE_LIBS) -lm
FUZZ_POST_MORTEM := $(addprefix host-reader/vm/,guest_facts.c post_mortem.c ring_take.c)
$(T)/fuzz/fuzz_post_mortem: FUZZ_MORE = $(FUZZ_POST_MORTEM)
$(T)/fuzz/fuzz_post_mortem: $(FUZZ_POST_MORTEM)

# All that the rungs would build: so that a part of them shows, too, what does not link.
test-programs: $(UNIT) $(STRESS) $(TEST_DATA) $(foreach rung,draw fuzz,$(call test_programs,$(rung)))

.PRECIOUS: $(T)/unit/%.c $(O)/bpf/%.bpf.o
.PHONY: test-programs
.PHONY: check check-long check-style check-unit check-unit-asan check-abi check-models check-stress \
	check-mutants check-fuzz check-cli check-draw check-gui check-module check-integration \
	check-vm check-kvm
check: ## the whole test: installs what it needs, runs every rung below
	@+O=$(abspath $(O)) MAKE='$(MAKE)' tests/all

check-long: ## the same, with the long searches: models, schedules, fuzzers, kills (hours)
	@+LONG=1 O=$(abspath $(O)) MAKE='$(MAKE)' tests/all

check-style: ## formatting, include direction, licences, shell, documented declarations
	$(call rung,style,,$(call test_scripts,style),$(beside))

check-unit: ## unit tests; under a minute
	$(call rung,unit$(if $(SAN),-asan),$(UNIT),$(UNIT),$(beside))

check-unit-asan: ## unit tests under AddressSanitizer and UBSan
	@+RESULTS=$${RESULTS:-$(abspath $(T))/results} $(MAKE) --no-print-directory \
		O=$(O)/asan SAN=address,undefined check-unit

check-abi: ## the shared layout under every compiler that will see it
	$(call rung,abi,,$(call test_scripts,abi),$(beside))

check-models: ## the ring's algorithm in Promela, and its seeded bugs
	$(call rung,models,,$(call test_scripts,models),$(beside))

check-mutants: ## every barrier, order and check of ring.h broken in turn: each must be noticed
	$(call rung,mutants,,$(wildcard tests/mutants/run))

check-stress: ## the ring with real threads and nested writers, exact accounting
	$(call rung,stress,$(STRESS),$(STRESS) $(call test_scripts,stress),$(beside))

check-fuzz: ## saved findings, then a short run of each fuzzer
	$(call rung,fuzz,$(call test_programs,fuzz),$(call test_programs,fuzz),$(beside) --with tests/fuzz/smoke)

check-cli: ## programs: output, exit status, messages
	$(call rung,cli,all $(LIBIVRING_SO) $(TEST_DATA) $(call test_programs,cli),\
		$(call test_programs,cli) $(call test_scripts,cli),$(beside))

check-draw: ## the viewer's drawing, without a display
	$(call rung,draw,all $(TEST_DATA) $(call test_programs,draw),\
		$(call test_programs,draw) $(call test_scripts,draw),$(beside))

check-gui: ## the viewer under Xvfb
	$(call rung,gui,all $(TEST_DATA) $(call test_programs,gui),\
		$(call test_programs,gui) $(call test_scripts,gui))

check-module: ## the guest's module against the kernel headers at hand
	$(call rung,module,,$(call test_scripts,module),$(beside))

check-integration: ## collector, trace and reports together, no guest
	$(call rung,integration,all $(TEST_DATA) $(call test_programs,integration),\
		$(call test_programs,integration) $(call test_scripts,integration))

check-vm: ## guests under QEMU
	$(call rung,vm,all $(if $(wildcard $(KDIR)/Makefile),module) $(TEST_DATA) $(call test_programs,vm),\
		$(call test_programs,vm) $(call test_scripts,vm))

check-kvm: ## guests on a KVM host, this one or an emulated one: clocks, verdict
	$(call rung,kvm,all $(if $(wildcard $(KDIR)/Makefile),module),$(call test_scripts,kvm))

-include $(wildcard $(T)/*/*.d)

# ---- bench ---------------------------------------------------------------------
#
# bench/NAME.c is a program `NAME [--quick]`, bench/NAME.sh a script, that prints
# one JSON object a line per metric; tables for people go to standard error.

BENCH_NAMES = $(if $(filter all,$(BENCH)),$(basename $(notdir $(wildcard bench/*.c bench/*.sh))),\
	      $(BENCH) $(if $(filter time,$(BENCH)),exits) $(if $(filter drain,$(BENCH)),idle) \
	      $(if $(filter collector,$(BENCH)),wakeup))
BENCH_RUNS = $(foreach b,$(BENCH_NAMES),$(or $(wildcard bench/$b.sh),$(O)/bench/$b))

$(O)/bench/%: bench/%.c $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) $(CPPFLAGS) -Ibench $(call pkg,--cflags,json-c) $(CFLAGS) -MMD -MP -MF $@.d -MT $@ \
		$(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(TRACE_LIBS) $(CAIRO_LIBS) $(BPF_LIBS) -lm -lpthread

$(O)/bench/idle $(O)/bench/wakeup: $(TEST_LIB)

# What a bench that is a script needs.
COLLECTOR_PROGRAMS = $(patsubst %.c,$(O)/%,$(wildcard bench/collector/*.c))
$(COLLECTOR_PROGRAMS): $(O)/bench/collector/%: bench/collector/%.c $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) $(CPPFLAGS) -Ibench $(CFLAGS) -MMD -MP -MF $@.d -MT $@ \
		$(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(TRACE_LIBS) -lm -lpthread
$(O)/bench/collector/lag: LDFLAGS += -rdynamic # show its clock's offset as QEMU does

# A rival that is a program of its own, where LTTng's headers are.
LTTNG_LIBS = $(call pkg,--libs,lttng-ust)
$(O)/bench/ring: | $(if $(LTTNG_LIBS),$(O)/bench/rivals/lttng)
$(O)/bench/rivals/lttng: bench/rivals/lttng.c bench/rivals/lttng_tp.h bench/bench.h
	@mkdir -p $(@D)
	$(call say,BENCH,$@)
	$(Q)$(CC) $(CPPFLAGS) -Ibench $(CFLAGS) $(LDFLAGS) -o $@ $< $(LTTNG_LIBS)

.PHONY: bench bench-programs
bench-programs: $(filter-out %.sh,$(BENCH_RUNS))

bench: $(BENCH_RUNS) $(if $(filter %/collector.sh,$(BENCH_RUNS)),$(COLLECTOR_PROGRAMS) $(T)/data/pretend-guest \
       $(if $(LTTNG_LIBS),$(O)/bench/rivals/lttng)) \
       $(if $(filter %.sh,$(BENCH_RUNS)),all $(if $(wildcard $(KDIR)/Makefile),module))
bench: ## measure: BENCH=ring|drain|idle|merge|time|guest|collector OUT=FILE.jsonl
	@set -e; mkdir -p $(O)/bench; for b in $(BENCH_RUNS); do echo "== $${b##*/}" >&2; \
		$(run_env) TMPDIR=$${TMPDIR:-$(abspath $(O))/bench} $$b $(if $(OUT),>> '$(OUT)'); done

-include $(wildcard $(O)/bench/*.d)

# ---- install ---------------------------------------------------------------------
#
# The module goes as source to $(PREFIX)/src/ivtrace-VERSION, for DKMS
# (dkms add $(PREFIX)/src/ivtrace-VERSION).

LIBDIR ?= $(PREFIX)/lib
SYSTEMD_DIR ?= $(PREFIX)/lib/systemd/system
DKMS_TREE ?= $(O)/dkms/ivtrace-$(VERSION)

.PHONY: install install-libivring dkms-tree
dkms-tree: ## the module's sources as DKMS wants them (DKMS_TREE=DIR)
	@mkdir -p '$(DKMS_TREE)/include/ivring'
	$(Q)install -m 644 guest-driver/*.c guest-driver/*.h guest-driver/Kbuild guest-driver/dkms.conf \
		'$(DKMS_TREE)/'
	$(Q)install -m 644 ivring/include/ivring/*.h '$(DKMS_TREE)/include/ivring/'

install-libivring: $(LIB_IVRING) $(LIBIVRING_SO) ## install libivring alone: headers, libraries, man page, examples
	$(Q)install -d '$(DESTDIR)$(PREFIX)/include/ivring' '$(DESTDIR)$(LIBDIR)/pkgconfig'
	$(Q)install -m 644 ivring/include/ivring/*.h '$(DESTDIR)$(PREFIX)/include/ivring/'
	$(Q)install -m 644 $(LIB_IVRING) '$(DESTDIR)$(LIBDIR)/'
	$(Q)install -m 755 $(LIBIVRING_SO) '$(DESTDIR)$(LIBDIR)/'
	$(Q)ln -sf $(notdir $(LIBIVRING_SO)) '$(DESTDIR)$(LIBDIR)/$(IVRING_SONAME)'
	$(Q)ln -sf $(IVRING_SONAME) '$(DESTDIR)$(LIBDIR)/libivring.so'
	$(Q)sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' ivring/ivring.pc.in \
		>'$(DESTDIR)$(LIBDIR)/pkgconfig/ivring.pc'
	$(Q)install -D -m 644 -t '$(DESTDIR)$(PREFIX)/share/man/man3' docs/man/*.3
	$(Q)install -D -m 644 -t '$(DESTDIR)$(PREFIX)/share/doc/ivring/examples' ivring/examples/*.c

install: all install-libivring ## install programs, man pages, headers, module sources (PREFIX=DIR DESTDIR=DIR)
	$(Q)install -d '$(DESTDIR)$(PREFIX)/bin'
	$(Q)install -m 755 $(PROGRAMS) '$(DESTDIR)$(PREFIX)/bin/'
	$(Q)install -D -m 644 -t '$(DESTDIR)$(PREFIX)/share/ivtrace' tsc-sync/kvm_exit.stp
	$(Q)install -D -m 644 -t '$(DESTDIR)$(PREFIX)/share/ivtrace/tapset' guest-driver/stap/tapset/*.stp
	$(Q)install -D -m 644 -t '$(DESTDIR)$(PREFIX)/share/doc/ivtrace/examples' \
		guest-driver/stap/examples/*.stp
	$(Q)install -d '$(DESTDIR)$(SYSTEMD_DIR)'
	$(Q)for unit in packaging/systemd/*.service packaging/systemd/*.socket; do \
		sed 's|@BINDIR@|$(PREFIX)/bin|' "$$unit" \
			>"$(DESTDIR)$(SYSTEMD_DIR)/$${unit##*/}" || exit 1; \
	done
	$(Q)for program in $(notdir $(PROGRAMS)); do \
		install -D -m 644 scripts/ivtrace.bash-completion \
			"$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program" || exit 1; \
	done
	$(Q)for page in $(filter-out %.3,$(wildcard docs/man/*.[1-8])); do \
		install -D -m 644 -t "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}" "$$page" || exit 1; \
	done
	$(Q)$(MAKE) --no-print-directory dkms-tree \
		DKMS_TREE='$(DESTDIR)$(PREFIX)/src/ivtrace-$(VERSION)'

# ---- packages ----------------------------------------------------------------------

.PHONY: deb deb-anew
deb: ## Debian packages, into $(O)/deb (needs debhelper, dh-dkms)
	$(Q)if [ ! -e $(O)/deb/made ] || [ -n "$$(find . \( -name .git -o -path ./build -o \
			-path ./tests -o -path ./lab -o -path ./bench \) -prune -o \
			-newer $(O)/deb/made ! -type d -print -quit)" ]; then \
		$(MAKE) --no-print-directory deb-anew; \
	fi
	@ls $(O)/deb/*.deb

deb-anew:
	$(Q)rm -rf $(O)/deb && mkdir -p $(O)/deb/ivtrace && touch $(O)/deb/begun
	$(Q)tar -c --exclude-vcs --exclude=./build --exclude='$(O)' . | tar -x -C $(O)/deb/ivtrace
	$(Q)cp -r packaging/debian $(O)/deb/ivtrace/debian
	$(Q)cd $(O)/deb/ivtrace && env -u O -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc \
		-j$(or $(JOBS),2) >../build.log 2>&1 || { tail -n 40 ../build.log; exit 1; }
	$(Q)rm -rf $(O)/deb/ivtrace && mv $(O)/deb/begun $(O)/deb/made

# ---- help, clean -----------------------------------------------------------------

.PHONY: help clean
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' Makefile

clean: ## remove the build folder
	rm -rf $(O)

-include $(shell find $(O)/obj $(O)/pic $(O)/bpf -name '*.d' 2>/dev/null)
