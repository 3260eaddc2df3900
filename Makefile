# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace.  `make help` lists the targets; one file, readable from top to bottom.
#
#   O=DIR     build folder (default: build)	V=1       show commands
#   DEBUG=1   -Og -g3 -Werror			SAN=address,undefined | thread
#   KDIR=DIR  kernel headers for the guest's module

O     ?= build
V     ?= 0
DEBUG ?= 0
SAN   ?=
OUT   ?=
BENCH ?= all
PREFIX ?= /usr/local
VERSION := 0.1.0

ifeq ($(V),0)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
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
	  -Wformat=2 -Wundef
CPPFLAGS := -I. -Iivring/include -I$(O)/include -D_GNU_SOURCE -DIVT_VERSION='"$(VERSION)"'
CFLAGS := -std=gnu11 $(WARN) -g -fno-strict-aliasing
CFLAGS += $(if $(filter 1,$(DEBUG)),-Og -g3 -Werror,-O2)
CFLAGS += $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))

pkg = $(shell pkg-config $(1) $(2) 2>/dev/null)

# ---- parts: a folder's sources become lib<folder>.a --------------------------

src = $(wildcard $(addsuffix /*.c,$(1)))
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

IVRING_SRC   := $(call src,ivring/src)
TSC_SRC	     := $(call src,tsc-sync)
TSC_IO_SRC   := $(call src,tsc-sync/sources)
TRACE_SRC    := $(call src,trace)
ANALYSIS_SRC := $(call src,analysis)
REPORT_SRC   := $(call src,analysis/report)
HOST_SRC     := $(call src,host-reader)
MODEL_SRC    := $(call src,viewer/model)
DRAW_SRC     := $(call src,viewer/draw)
VIEW_SRC     := $(call src,viewer/widgets viewer/app)
GUEST_TOOL_SRC := $(call src,guest-driver/tool)

lib = $(O)/lib/lib$(1).a
LIB_IVRING   := $(call lib,ivring)
LIB_TSC	     := $(call lib,tscsync)
LIB_TSC_IO   := $(call lib,tscsources)
LIB_TRACE    := $(call lib,ivttrace)
LIB_ANALYSIS := $(call lib,ivtanalysis)
LIB_MODEL    := $(call lib,ivtviewmodel)
LIB_DRAW     := $(call lib,ivtviewdraw)

$(LIB_IVRING):	 $(call obj,$(IVRING_SRC))
$(LIB_TSC):	 $(call obj,$(TSC_SRC))
$(LIB_TSC_IO):	 $(call obj,$(TSC_IO_SRC))
$(LIB_TRACE):	 $(call obj,$(TRACE_SRC))
$(LIB_ANALYSIS): $(call obj,$(ANALYSIS_SRC))
$(LIB_MODEL):	 $(call obj,$(MODEL_SRC))
$(LIB_DRAW):	 $(call obj,$(DRAW_SRC))

JSON_LIBS  = $(call pkg,--libs,json-c)
CAIRO_LIBS = $(call pkg,--libs,pangocairo cairo-svg)
GTK_LIBS   = $(call pkg,--libs,gtk+-3.0)
BPF_LIBS   = $(call pkg,--libs,libbpf) -lelf -lz

$(O)/obj/trace/%.o:	  CPPFLAGS += $(call pkg,--cflags,json-c)
$(O)/obj/analysis/report/%.o: CPPFLAGS += $(call pkg,--cflags,json-c)
$(O)/obj/viewer/draw/%.o: CPPFLAGS += $(call pkg,--cflags,pangocairo)
$(O)/obj/viewer/widgets/%.o $(O)/obj/viewer/app/%.o: CPPFLAGS += $(call pkg,--cflags,gtk+-3.0)

# ---- programs ----------------------------------------------------------------

BIN := $(O)/bin
PROGRAMS := $(if $(HOST_SRC),$(BIN)/ivtrace-host) $(if $(REPORT_SRC),$(BIN)/ivtrace-report) \
	    $(if $(VIEW_SRC),$(BIN)/ivtrace-view)

.PHONY: all
all: $(PROGRAMS) ## build the programs (the guest's module: make module)

$(BIN)/ivtrace-host: $(call obj,$(HOST_SRC)) $(LIB_TSC_IO) $(LIB_TRACE) $(LIB_TSC) $(LIB_IVRING)
$(BIN)/ivtrace-host: LDLIBS = $(BPF_LIBS) $(JSON_LIBS)

$(BIN)/ivtrace-report: $(call obj,$(REPORT_SRC)) $(LIB_ANALYSIS) $(LIB_TRACE) $(LIB_TSC)
$(BIN)/ivtrace-report: LDLIBS = $(JSON_LIBS)

$(BIN)/ivtrace-view: $(call obj,$(VIEW_SRC)) $(LIB_DRAW) $(LIB_MODEL) $(LIB_ANALYSIS) $(LIB_TRACE) \
		     $(LIB_TSC)
$(BIN)/ivtrace-view: LDLIBS = $(GTK_LIBS) $(CAIRO_LIBS) $(JSON_LIBS) -lm

$(BIN)/%:
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LDLIBS)

$(O)/lib/%.a:
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# ---- eBPF programs: vmlinux.h of the build machine, relocated at load (CO-RE) --

BPF_SRC	 := $(wildcard host-reader/bpf/*.bpf.c)
BPF_SKEL := $(patsubst host-reader/bpf/%.bpf.c,$(O)/include/%.skel.h,$(BPF_SRC))
BTF	 ?= /sys/kernel/btf/vmlinux

$(call obj,$(HOST_SRC)): | $(BPF_SKEL)

$(O)/include/vmlinux.h: $(BTF)
	@mkdir -p $(@D)
	$(call say,BTF,$@)
	$(Q)bpftool btf dump file $(BTF) format c > $@

$(O)/bpf/%.bpf.o: host-reader/bpf/%.bpf.c $(O)/include/vmlinux.h
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
# source tree stays clean.
$(O)/module/ivtrace.ko: $(wildcard guest-driver/*.c guest-driver/*.h guest-driver/Kbuild) \
			$(wildcard ivring/include/ivring/*.h)
	@mkdir -p $(O)/module
	$(call say,MODULE,$@)
	$(Q)cp -u guest-driver/*.c guest-driver/*.h guest-driver/Kbuild $(O)/module/
	$(Q)rm -rf $(O)/module/include && cp -r ivring/include $(O)/module/include
	$(Q)$(MAKE) --no-print-directory -C $(KDIR) M=$(abspath $(O)/module) modules $(if $(filter 0,$(V)),>$(O)/module/build.log 2>&1 || { cat $(O)/module/build.log; exit 1; })

# ---- the lab --------------------------------------------------------------------

LAB_PROGS := $(patsubst lab/workloads/%.c,$(O)/lab/workloads/%,$(wildcard lab/workloads/*.c))

$(O)/lab/workloads/%: lab/workloads/%.c
	@mkdir -p $(@D)
	$(call say,STATIC,$@)
	$(Q)$(CC) -std=gnu11 $(WARN) -O2 -static -o $@ $< -lpthread

$(O)/lab/slowdisk: lab/slowdisk.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 $(WARN) -O2 -D_GNU_SOURCE $(call pkg,--cflags,fuse3) -o $@ $< \
		$(call pkg,--libs,fuse3) -lpthread

# ---- demo: the main job, from nothing to a verdict ------------------------------

.PHONY: deps demo image
deps: ## install what build, lab and checks need (apt packages)
	$(Q)scripts/install-deps

image: module ## build the guests' kernel and initramfs with the driver
	$(Q)O=$(O) lab/build-image --module $(O)/module/ivtrace.ko

demo: deps ## two VMs on one slow disk: who delayed whom (OUT=DIR)
	$(Q)$(MAKE) --no-print-directory all image
	$(Q)O=$(O) scripts/demo $(OUT)

# ---- help, clean -----------------------------------------------------------------

.PHONY: help clean
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

clean: ## remove the build folder
	rm -rf $(O)

-include $(shell find $(O)/obj $(O)/bpf -name '*.d' 2>/dev/null)
