# To be sourced: counts checks and says how each went; the last line is the sum.
#
#   check WHAT TEXT PATTERN...   TEXT has a match of each pattern, and none of those after a "!"
#   finish                       prints the sum and exits

passed=0 failed=0

finish() {
    echo "$passed passed, $failed failed, 0 skipped"
    [ "$failed" = 0 ]
    exit
}

check() {
    local what=$1 text=$2 ok=1 wanted=1 pattern
    shift 2
    for pattern in "$@"; do
        if [ "$pattern" = "!" ]; then
            wanted=0
        elif grep -Eq -- "$pattern" <<<"$text"; then
            [ "$wanted" = 1 ] || ok=0
        else
            [ "$wanted" = 0 ] || ok=0
        fi
    done
    if [ "$ok" = 1 ]; then
        passed=$((passed + 1))
        echo "ok      $what"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s: wanted %s, got:\n%.3000s\n' "$what" "$*" "$text"
    fi
}
