# Shared by the consumer tests: a module under test, a throw-away token, counters, servers that end with the test.
#
# A consumer test is one executable file. It sources this one, calls `begin`, says what it drives by `version`, then
# `check`s, then `finish`, whose last line is "N passed, N failed, N skipped". A line "# packages: ..." in it names the
# Debian packages that scripts/setup installs for it. It takes its module from the environment:
#
#   MODULE   the PKCS#11 library; default target/release/libkeyward.so
#   KEYWARD  keyward's CLI; default the one beside it
#   LOWER    another library: the module is keyward, and serves nothing but a passthrough slot over it
#   SLOT     further lines of that [[slot]]
#
# Any module is judged by the same checks. Only making a token differs, and it differs in this file alone.

set -u -o pipefail
export LC_ALL=C.UTF-8

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
MODULE=${MODULE:-$TARGET/release/libkeyward.so}
KEYWARD=${KEYWARD:-$TARGET/release/keyward}
# Tests change their directory.
MODULE=$(realpath -ms "$MODULE")
KEYWARD=$(realpath -ms "$KEYWARD")
VENV=${VENV:-$TARGET/venv}
ENGINE=${ENGINE:-/usr/lib/$(uname -m)-linux-gnu/engines-3/pkcs11.so}
PIN=648219
SO_PIN=39571604
TOKEN=consumer

PASSED=0
FAILED=0
SKIPPED=0
SERVERS=()
TPM=

# begin NAME: the module's kind, a private directory and an environment in which it holds no token.
begin() {
  NAME=$1
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/keyward-$NAME.XXXXXX")
  LOG=$WORK/log
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  printf '%s' "$PIN" >"$WORK/pin"
  [ -e "$MODULE" ] || {
    echo "$NAME: $MODULE is not there: run scripts/test build, or set MODULE" >&2
    exit 1
  }
  # Whose tokens they are: with a library below, its kind decides what can be expected.
  case $(basename "${LOWER:-$MODULE}") in
    *softhsm*) KIND=softhsm ;;
    *kryoptic*) KIND=kryoptic ;;
    *tpm2*) KIND=tpm2 ;;
    *) KIND=keyward ;;
  esac
  # Nothing of the user's own configuration may reach the module under test.
  unset KEYWARD_CONF KEYWARD_DIR SOFTHSM2_CONF KRYOPTIC_CONF
  export XDG_CONFIG_HOME=$WORK/xdg/config XDG_DATA_HOME=$WORK/xdg/data
  mkdir -p "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" "$WORK/tokens"
  "configure_$KIND"
  [ -z "${LOWER:-}" ] || configure_slot
  echo "# $NAME against $MODULE${LOWER:+ over $LOWER}"
}

configure_keyward() {
  export KEYWARD_DIR=$WORK/tokens
  # The PIN's key derivation is a cost that these tests would pay hundreds of times and learn nothing from.
  export KEYWARD_SOFT__KDF=${KEYWARD_SOFT__KDF:-fast}
}

configure_softhsm() {
  export SOFTHSM2_CONF=$WORK/softhsm2.conf
  printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$WORK/tokens" >"$SOFTHSM2_CONF"
}

# A TPM of this test's own, and tpm2-pkcs11's database beside it.
configure_tpm2() {
  export TPM2_PKCS11_STORE=$WORK/tokens TPM2_PKCS11_TCTI=swtpm:path=$WORK/tpm.sock TPM2_PKCS11_LOG_LEVEL=0
  need swtpm swtpm
  need tpm2_flushcontext tpm2-tools
  mkdir "$WORK/tpm"
  swtpm socket --tpm2 --flags not-need-init,startup-clear --tpmstate "dir=$WORK/tpm" \
    --server "type=unixio,path=$WORK/tpm.sock" --ctrl "type=unixio,path=$WORK/tpm.sock.ctrl" >"$WORK/tpm.out" 2>&1 </dev/null &
  TPM=$!
  wait_for 10 test -S "$WORK/tpm.sock" || cat "$WORK/tpm.out"
}

# flush_tpm: forgets what programs that ended without C_Finalize have left in the TPM, which has room for three keys and
# sessions. Where there is a real one, /dev/tpmrm0 does so by itself.
flush_tpm() {
  local what
  for what in -t -l -s; do TPM2TOOLS_TCTI=$TPM2_PKCS11_TCTI tpm2_flushcontext $what >/dev/null 2>&1; done
}

configure_slot() {
  export KEYWARD_CONF=$WORK/keyward.toml
  printf '[soft]\ndir = "%s"\n[slots]\nfree = "never"\n[[slot]]\nbackend = "passthrough"\nlibrary = "%s"\n%s\n' \
    "$WORK/soft" "$LOWER" "${SLOT:-}" >"$KEYWARD_CONF"
}

configure_kryoptic() {
  export KRYOPTIC_CONF=$WORK/kryoptic.conf
  printf '[[slots]]\nslot = 1\ndbtype = "sqlite"\ndbargs = "%s"\n' "$WORK/tokens/kryoptic.sql" >"$KRYOPTIC_CONF"
}

# new_token [LABEL]: an initialised token with both PINs set, made through the module itself.
new_token() {
  need pkcs11-tool opensc
  make_token "${1:-$TOKEN}" >"$LOG" 2>&1 || {
    cat "$LOG"
    fail "make the token"
    finish
  }
}

make_token() {
  local slot
  slot=$(pkcs11-tool --module "$MODULE" -L | grep -B 1 'uninitialized' | sed -n 's/^Slot [0-9]* (\(0x[0-9a-f]*\)).*/\1/p' | head -n 1)
  [ -n "$slot" ] || {
    echo "no slot holds an uninitialised token"
    return 1
  }
  pkcs11-tool --module "$MODULE" --slot "$slot" --init-token --label "$1" --so-pin "$SO_PIN" &&
    pkcs11-tool --module "$MODULE" --token-label "$1" --login --login-type so --so-pin "$SO_PIN" --init-pin --new-pin "$PIN"
}

# token_slot [LABEL]: the token's slot ID, in hexadecimal.
token_slot() {
  pkcs11-tool --module "$MODULE" -L | awk -v label="${1:-$TOKEN}" '
    /^Slot / { slot = $3; gsub(/[():]/, "", slot) }
    $1 == "token" && $2 == "label" && $NF == label { print slot; exit }'
}

# public_module: a copy of the module that any user can read, in $WORK, which any user may then enter.
public_module() {
  mkdir -p "$WORK/lib" && cp "$(realpath "$MODULE")" "$WORK/lib/" && chmod -R a+rX "$WORK/lib" && chmod a+x "$WORK"
  echo "$WORK/lib/$(basename "$(realpath "$MODULE")")"
}

# as_nobody COMMAND...: some programs read no user's configuration when root runs them.
as_nobody() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"; else "$@"; fi
}

# give_to_nobody PATH...: what as_nobody shall write to.
give_to_nobody() {
  [ "$(id -u)" != 0 ] || chown -R 65534:65534 "$@"
}

# version PROGRAM VERSION: what is driven here, for the table in docs/consumers/README.md.
version() {
  echo "# version: $1 $2"
}

# deb_version PACKAGE: the installed Debian package's version, without its epoch and Debian's own revision.
deb_version() {
  dpkg-query -W -f '${Version}' "$1" 2>/dev/null | sed 's/^[0-9]*://; s/-[^-]*$//'
}

ok() {
  PASSED=$((PASSED + 1))
  echo "ok   $1"
}

fail() {
  FAILED=$((FAILED + 1))
  echo "FAIL $1"
}

skip() {
  SKIPPED=$((SKIPPED + 1))
  echo "skip $1: $2"
}

# check NAME COMMAND...: passes when the command exits with 0; its output is shown only when it does not.
check() {
  local name=$1
  shift
  if "$@" >"$LOG" 2>&1 </dev/null; then ok "$name"; else
    local status=$?
    fail "$name"
    echo "     exit $status of: $*"
    tail -n 15 "$LOG" | sed 's/^/     /'
    return 1
  fi
}

# refuse NAME COMMAND...: passes when the command fails, and not by a signal.
refuse() {
  local name=$1 status=0
  shift
  "$@" >"$LOG" 2>&1 </dev/null || status=$?
  # A signal shows as 129 to 192; some programs say -1.
  if [ "$status" -gt 0 ] && { [ "$status" -lt 128 ] || [ "$status" -gt 192 ]; }; then ok "$name"; else
    fail "$name"
    echo "     exit $status of: $*"
    tail -n 15 "$LOG" | sed 's/^/     /'
  fi
}

# shows NAME PATTERN COMMAND...: passes when the command succeeds and its output matches the extended pattern.
shows() {
  local name=$1 pattern=$2
  shift 2
  check "$name" output_matches "$pattern" "$@"
}

output_matches() {
  local pattern=$1 out
  shift
  out=$("$@" 2>&1) || {
    printf '%s\n' "$out"
    return 1
  }
  printf '%s\n' "$out"
  grep -Eq -e "$pattern" <<<"$out" || {
    echo "(no line matches: $pattern)"
    return 1
  }
}

# on_softhsm REASON NAME...: true, and the check is a visible skip, when the reference module cannot do it at all.
on_softhsm() {
  [ "$KIND" = softhsm ] || return 1
  local why=$1
  shift
  local name
  for name; do skip "$name" "SoftHSM: $why"; done
}

# need COMMAND PACKAGE: the whole test is a visible skip when a program is not installed.
need() {
  command -v "$1" >/dev/null || {
    skip "$NAME" "$1 is not installed (Debian package $2)"
    finish
  }
}

# p11 ARGUMENTS...: pkcs11-tool on the test's token, logged in.
p11() {
  pkcs11-tool --module "$MODULE" --token-label "$TOKEN" --login --pin "$PIN" "$@"
}

# p11_public ARGUMENTS...: the same without login.
p11_public() {
  pkcs11-tool --module "$MODULE" --token-label "$TOKEN" "$@"
}

# start NAME COMMAND...: runs a server in the background; its output goes to $WORK/NAME.out; it ends with the test.
start() {
  local name=$1
  shift
  # Emptied here, since the shell of the background empties it too late for one who waits for a line in it.
  : >"$WORK/$name.out"
  "$@" >"$WORK/$name.out" 2>&1 </dev/null &
  SERVERS+=("$!")
}

# stop_servers: ends what `start` started, by process ID.
stop_servers() {
  local pid
  for pid in ${SERVERS[@]+"${SERVERS[@]}"}; do
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  SERVERS=()
}

# wait_for SECONDS COMMAND...: polls until the command succeeds.
wait_for() {
  local tenths=$(($1 * 10))
  shift
  while ! "$@" >/dev/null 2>&1; do
    tenths=$((tenths - 1))
    [ "$tenths" -gt 0 ] || return 1
    sleep 0.1
  done
}

# free_port: a port that nobody listens on now, for servers that cannot choose one themselves.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# tls_server NAME ARGUMENTS...: openssl s_server on 127.0.0.1, on a port that the kernel chooses; sets PORT.
tls_server() {
  local name=$1
  shift
  PORT=
  # -www answers each connection by itself: the server needs no standard input.
  start "$name" openssl s_server -accept 127.0.0.1:0 -www "$@"
  wait_for 20 grep -q '^ACCEPT 127\.0\.0\.1:' "$WORK/$name.out" || {
    cat "$WORK/$name.out"
    return 1
  }
  PORT=$(sed -n 's/^ACCEPT 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$WORK/$name.out" | head -n 1)
}

# tls_client CA ARGUMENTS...: one verified handshake with the server on PORT.
tls_client() {
  local ca=$1
  shift
  openssl s_client -connect "127.0.0.1:$PORT" -CAfile "$ca" -verify_return_error -servername localhost "$@" </dev/null
}

# block PAGE NAME: the text of the fenced block that follows "<!-- test: NAME -->" in a page of the documentation.
block() {
  awk -v name="$2" '
    $0 ~ "^<!-- test: " name "( |$)" { wanted = 1; next }
    wanted && /^```/ { if (inside) exit; inside = 1; next }
    inside
  ' "$ROOT/$1"
}

# simulator: the simulated library of Zymbit's that scripts/test builds beside the module.
simulator() {
  echo "${SIMULATOR:-$(dirname "$(realpath "$KEYWARD")")/libzk_app_utils_simulator.so}"
}

# engine_conf FILE: an OpenSSL configuration that loads libp11's engine on the module under test.
engine_conf() {
  sed -e "s|^dynamic_path = .*|dynamic_path = $ENGINE|" -e "s|^MODULE_PATH = .*|MODULE_PATH = $MODULE|" \
    "$ROOT/examples/openssl/engine.cnf" >"$1"
}

# uri OBJECT [TYPE]: the object's PKCS#11 URI with the PIN, as libp11 wants it.
uri() {
  echo "pkcs11:token=$TOKEN;object=$1;type=${2:-private};pin-value=$PIN"
}

cleanup() {
  stop_servers
  [ -z "$TPM" ] || { kill "$TPM" && wait "$TPM"; } 2>/dev/null
  [ -n "${KEEP:-}" ] || rm -rf "$WORK"
}

# finish: the closing line; the exit status says whether anything failed.
finish() {
  echo "$PASSED passed, $FAILED failed, $SKIPPED skipped"
  [ "$FAILED" -eq 0 ]
  exit
}
