#!/bin/sh
# A throw-away token for a job's tests, with the cheapest PIN derivation and a P-256 key in it. What the tests need is
# printed as NAME=VALUE lines, which a CI system's file of variables takes as they are:
#
#   token.sh "$RUNNER_TEMP/tokens" >>"$GITHUB_ENV"
#   set -a; eval "$(token.sh "$PWD/tokens")"; set +a
set -eu
: "${1:?usage: token.sh DIRECTORY}"
export KEYWARD_DIR="$1" KEYWARD_SOFT__KDF=fast PKCS11_PIN=648219 SO_PIN=39571604
keyward token init --label ci --pin-env PKCS11_PIN --so-pin-env SO_PIN >&2
keyward key generate --token ci --pin-env PKCS11_PIN --type ec:p256 --label signing --id 01 >&2
cat <<END
KEYWARD_DIR=$KEYWARD_DIR
KEYWARD_SOFT__KDF=$KEYWARD_SOFT__KDF
PKCS11_MODULE=$(pkg-config --variable=p11_module keyward)
PKCS11_TOKEN=ci
PKCS11_PIN=$PKCS11_PIN
END
