# Builds, tests and installs the library. May be set: PREFIX, LIBDIR, INCLUDEDIR, BINDIR, MANDIR,
# DESTDIR, CARGO, RUSTC, CARGO_TARGET_DIR, and PCAP_SONAME (see build.rs). README.md says what for.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
CARGO ?= cargo
RUSTC ?= rustc

# The libpcap that we stand for: what pkg-config and pcap-config answer.
VERSION = 1.10.6

BUILT = $(or $(CARGO_TARGET_DIR),target)/release
WHOLE = $(or $(CARGO_TARGET_DIR),target)/whole
HEADERS = $(patsubst include/%,%,$(wildcard include/*.h include/pcap/*.h))
LIBRARY = libpcap.so.$(VERSION)
# Debian's name, everyone else's, the linker's, and the one that was asked for.
LINKS = $(sort libpcap.so.0.8 libpcap.so.1 libpcap.so $(PCAP_SONAME))

# Manual pages by the directory that they go to, and the further names of some of them.
MANUALS = $(patsubst man/%,man1/%,$(wildcard man/*.1)) $(patsubst man/%,man3/%,$(wildcard man/*.3pcap)) \
	$(patsubst man/%,man5/%,$(wildcard man/*.5)) $(patsubst man/%,man7/%,$(wildcard man/*.7))
MANUAL_LINKS = $(shell sed -n 's|^\([^\# ]*\) .*|man3/\1.3pcap|p' man/links)

INSTALLED = $(LIBDIR)/$(LIBRARY) $(addprefix $(LIBDIR)/,$(LINKS)) $(LIBDIR)/libpcap.a \
	$(LIBDIR)/pkgconfig/libpcap.pc $(BINDIR)/pcap-config \
	$(addprefix $(INCLUDEDIR)/,$(HEADERS)) $(addprefix $(MANDIR)/,$(MANUALS) $(MANUAL_LINKS))

FILL_IN = sed -e 's|@prefix@|$(PREFIX)|' -e 's|@libdir@|$(LIBDIR)|' \
	-e 's|@includedir@|$(INCLUDEDIR)|' -e 's|@version@|$(VERSION)|' \
	-e 's|@search@|$(if $(filter /usr,$(PREFIX)),,-L$(LIBDIR) )|' \
	-e "s|@private_libs@|$$(cat $(BUILT)/private-libs)|"

.PHONY: build demo test fuzz install uninstall test-consumers deb test-deb \
	clean

# The compiler looks at the library as a whole only where it makes no Rust library of it besides; what `cargo build
# --release` makes is larger and slower. Whoever installs with sudo may have no cargo there: what was built before will do.
build:
	@if command -v $(CARGO) >/dev/null; then \
		$(CARGO) rustc --profile whole --lib --crate-type cdylib --crate-type staticlib && \
		mkdir -p $(BUILT) && ln -f $(WHOLE)/libpcap.so $(WHOLE)/libpcap.a $(BUILT) && \
		RUSTC=$(RUSTC) pkgconfig/private-libs $(BUILT)/libpcap.a $(BUILT)/private-libs; \
	elif [ -e $(BUILT)/libpcap.so ] && [ -e $(BUILT)/private-libs ]; then \
		echo "no $(CARGO) here: taking $(BUILT)/libpcap.so as it is"; \
	else \
		echo "no $(CARGO) here: install Rust, https://rustup.rs" >&2; exit 1; \
	fi

demo:
	./demo.sh

test:
	tests/run.sh

# One fuzz target (fuzz/bodies/mod.rs) for some seconds, on inputs of its own and those that once failed.
TARGET ?= bpf_program
TIME ?= 60
FUZZ = $(CARGO) +nightly fuzz

fuzz:
	@$(FUZZ) --version >/dev/null 2>&1 || { \
		echo "no fuzzer here: rustup toolchain install nightly; cargo install cargo-fuzz" >&2; exit 1; }
	mkdir -p fuzz/corpus/$(TARGET)
	$(FUZZ) run $(TARGET) fuzz/corpus/$(TARGET) fuzz/regressions/$(TARGET) -- \
		-max_total_time=$(TIME) $(addprefix -dict=,$(wildcard fuzz/dictionaries/$(TARGET)))

install: build
	install -d $(addprefix $(DESTDIR),$(LIBDIR)/pkgconfig $(BINDIR) $(INCLUDEDIR)/pcap)
	install -m 755 $(BUILT)/libpcap.so $(DESTDIR)$(LIBDIR)/$(LIBRARY)
	for link in $(LINKS); do ln -sfn $(LIBRARY) $(DESTDIR)$(LIBDIR)/$$link || exit 1; done
	install -m 644 $(BUILT)/libpcap.a $(DESTDIR)$(LIBDIR)/libpcap.a
	for header in $(HEADERS); do \
		install -m 644 include/$$header $(DESTDIR)$(INCLUDEDIR)/$$header || exit 1; \
	done
	$(FILL_IN) pkgconfig/libpcap.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/libpcap.pc
	$(FILL_IN) pkgconfig/pcap-config.in >$(DESTDIR)$(BINDIR)/pcap-config
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/libpcap.pc
	chmod 755 $(DESTDIR)$(BINDIR)/pcap-config
	install -d $(addprefix $(DESTDIR)$(MANDIR)/man,1 3 5 7)
	for page in $(MANUALS); do \
		install -m 644 man/$${page#*/} $(DESTDIR)$(MANDIR)/$$page || exit 1; \
	done
	sed '/^#/d' man/links | while read -r name page; do \
		echo ".so man3/$$page.3pcap" >$(DESTDIR)$(MANDIR)/man3/$$name.3pcap && \
		chmod 644 $(DESTDIR)$(MANDIR)/man3/$$name.3pcap || exit 1; \
	done

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	-[ ! -d $(DESTDIR)$(INCLUDEDIR)/pcap ] || \
		rmdir --ignore-fail-on-non-empty $(DESTDIR)$(INCLUDEDIR)/pcap

# Other people's programs on the library; needs package registries.
test-consumers: build
	tests/consumers.sh $(BUILT)

# Debian packages, in target/deb; and whether apt and programs take them, which needs root.
DEBS = $(dir $(BUILT))deb

deb:
	MAKE="$(MAKE)" packaging/deb/build $(VERSION) $(DEBS)

test-deb: deb
	tests/deb.sh $(DEBS)

clean:
	$(CARGO) clean
