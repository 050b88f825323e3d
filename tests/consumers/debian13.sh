# A Debian 13 (trixie) root, for consumer tests whose programs Debian 12 does not have, or has only in an older version.
#
#   . "$(dirname "$0")/debian13.sh"
#   debian13 "$@"                        # from here on the test runs in that root
#   . "$(dirname "$0")/lib.sh"
#
# The root is made once, by mmdebstrap from the mirror that the host's own apt uses, and kept in $TARGET/debian13. A test
# in it sees the host's /dev, /proc and temporary files, this source tree, and the module, all under the paths that they
# have on the host, and a network of nothing but loopback. Mounts and network are namespaces of the test: they vanish with
# it.
#
# As root nothing else is asked for. A normal user needs subordinate user IDs (/etc/subuid) and user namespaces.
#
# A test that sets DEBIAN_NAME and DEBIAN_SUITE first gets the root of another release.

DEBIAN_NAME=${DEBIAN_NAME:-debian13}
DEBIAN_SUITE=${DEBIAN_SUITE:-trixie}
DEBIAN13_PACKAGES=openssl,libssl3t64,ca-certificates,pkcs11-provider,libengine-pkcs11-openssl,opensc,softhsm2,p11-kit
DEBIAN13_PACKAGES+=,p11-kit-modules,gnutls-bin,openssh-client,openssh-server,libnss3-tools,iproute2,xxd
DEBIAN13_PACKAGES+=,systemd,systemd-cryptsetup,cryptsetup-bin,bsdutils,util-linux,python3,git

# debian13 ARGUMENTS...: runs this same test, with its arguments, in the root; returns once it is there. Where there can
# be no root the test is a visible skip.
debian13() {
  [ -z "${IN_DEBIAN13:-}" ] || return 0
  local script source module keyward target name=${0##*/}
  script=$(realpath "$0")
  source=$(cd "$(dirname "$script")/../.." && pwd)
  target=$(realpath -m "${CARGO_TARGET_DIR:-$source/target}")
  module=$(realpath -m "${MODULE:-$target/release/libkeyward.so}")
  keyward=$(realpath -m "${KEYWARD:-$target/release/keyward}")
  [ -e "$module" ] || {
    echo "$name: $module is not there: run scripts/test build, or set MODULE" >&2
    exit 1
  }
  export DEBIAN13=$target/$DEBIAN_NAME
  mkdir -p "$target"
  (
    flock 9
    debian13_make
  ) 9>"$DEBIAN13.lock" || {
    echo "skip $name: $(tail -n 1 "$DEBIAN13.log")"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
  }
  export IN_DEBIAN13=1 MODULE=$module KEYWARD=$keyward TMPDIR=${TMPDIR:-/tmp}
  export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  # shellcheck disable=SC2016 # expanded by the inner shell
  debian13_unshare sh -eu -c '
    root=$1 script=$2
    shift 2
    mount --rbind /dev "$root/dev"
    mount --rbind /proc "$root/proc"
    while [ "$1" != -- ]; do
      mkdir -p "$root$1"
      mount --bind "$1" "$root$1"
      shift
    done
    shift
    chroot "$root" ip link set lo up
    exec chroot "$root" "$script" "$@"' \
    sh "$DEBIAN13" "$script" "$TMPDIR" "$source" "$(dirname "$module")" "$(dirname "$keyward")" -- "$@"
  exit
}

# debian13_unshare COMMAND...: as root of namespaces of its own.
debian13_unshare() {
  if [ "$(id -u)" = 0 ]; then unshare --mount --net -- "$@"; else
    unshare --user --map-root-user --map-auto --mount --net -- "$@"
  fi
}

# debian13_make: the root, if it is not there yet. The log's last line says why there is none.
debian13_make() {
  local want mirror
  want="$DEBIAN_SUITE 2 $DEBIAN13_PACKAGES"
  [ "$(cat "$DEBIAN13/.complete" 2>/dev/null)" != "$want" ] || return 0
  : >"$DEBIAN13.log"
  debian13_unshare true 2>"$DEBIAN13.log" || {
    echo "no namespaces for this user (needs root, or user namespaces and /etc/subuid)" >>"$DEBIAN13.log"
    return 1
  }
  command -v mmdebstrap >/dev/null || {
    echo "mmdebstrap is not installed (Debian package mmdebstrap)" >>"$DEBIAN13.log"
    return 1
  }
  # shellcheck disable=SC2016 # apt-get's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  [ -n "$mirror" ] || {
    echo "apt knows no Debian mirror here (apt-get update?)" >>"$DEBIAN13.log"
    return 1
  }
  debian13_remove
  # A mirror of a release that still changes may lag behind what its signed index allows.
  # The archive goes through a pipe, because a user namespace's root may not write into this one's directories.
  echo "making $DEBIAN13" >&2
  mmdebstrap --quiet --variant=minbase --include="$DEBIAN13_PACKAGES" --aptopt='Acquire::Retries "3"' \
    --aptopt='Acquire::Check-Valid-Until "false"' "$DEBIAN_SUITE" - "$mirror" \
    2>>"$DEBIAN13.log" | debian13_unpack && echo "$want" >"$DEBIAN13/.complete" || {
    debian13_remove
    echo "no $DEBIAN_SUITE root: mmdebstrap failed, see ${DEBIAN13##*/}.log beside it" >>"$DEBIAN13.log"
    return 1
  }
}

debian13_unpack() {
  # Everything belongs to the user, so that `cargo clean` can remove it.
  mkdir "$DEBIAN13" && debian13_unshare tar --extract --no-same-owner --exclude='./dev/*' --directory "$DEBIAN13" 2>>"$DEBIAN13.log" &&
    echo '127.0.0.1 localhost' >"$DEBIAN13/etc/hosts"
}

debian13_remove() {
  rm -rf --one-file-system "$DEBIAN13"
}

# run_tests NAME...: further consumer tests in this root; their checks count as this one's.
run_tests() {
  local test passed failed skipped
  for test; do
    "$ROOT/tests/consumers/$test" 2>&1 | tee "$LOG" | sed '$d'
    # Its closing line; a test that ends without one has failed.
    read -r passed _ failed _ skipped _ <<<"$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$LOG" | tail -n 1)"
    if [ -z "${skipped:-}" ]; then fail "$test: no closing line"; else
      PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed)) SKIPPED=$((SKIPPED + skipped))
    fi
  done
}
