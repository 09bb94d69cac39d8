# To be sourced: programs that a script needs, and the Debian packages that have them.
#
#   need WORD...   WORD is COMMAND:PACKAGE, or PATTERN:PACKAGE where a pattern of files begins with /.
#                  Installs the packages of what is missing if it may, else says what is missing; is
#                  false if something is missing still.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

packages_missing() {
    local word found
    for word in "$@"; do
        case $word in
        /*) found=$(compgen -G "${word%:*}" | head -n 1) ;;
        *) found=$(command -v "${word%:*}") ;;
        esac
        [ -n "$found" ] || echo "${word##*:}"
    done | sort -u
}

packages_install() {
    local as_root=()
    if [ "$(id -u)" != 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root=(sudo -n)
    fi
    command -v apt-get >/dev/null || return 1
    local get=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
    "${get[@]}" install --no-install-recommends -y "$@" >/dev/null 2>&1 && return
    # The package lists of a fresh machine are empty or old.
    "${get[@]}" update && "${get[@]}" install --no-install-recommends -y "$@" >/dev/null
}

need() {
    local lacking
    lacking=$(packages_missing "$@")
    [ -n "$lacking" ] || return 0
    # shellcheck disable=SC2086 # one word a package
    echo "Installing:" $lacking >&2
    # shellcheck disable=SC2086
    if ! packages_install $lacking || [ -n "$(packages_missing "$@")" ]; then
        # shellcheck disable=SC2046
        echo "Cannot install them here. Please install, by these names on Debian:" \
            $(packages_missing "$@") >&2
        return 1
    fi
}
