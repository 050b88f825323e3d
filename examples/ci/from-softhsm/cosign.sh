#!/usr/bin/env bash
# cosign (sigstore/cosign): what its PKCS#11 end-to-end test does with SoftHSM 2 (test/e2e_test_pkcs11.sh,
# test/pkcs11_test.go), on keyward.
#
# Changed: the two lines marked "was". Written anew; the test needs Go and cosign's tree, so p11tool lists tokens and key
# URIs, pkcs11-tool makes what the Go test makes through the library, and openssl is the verifier.
set -euo pipefail
export COSIGN_PKCS11_MODULE_PATH=$(pkg-config --variable=p11_module keyward) # was libsofthsm2.so of a proxy's image
UTIL=$(pkg-config --variable=softhsm2_util keyward)                          # was softhsm2-util in that image
export GNUTLS_PIN=1234

mkdir tokens
echo "directories.tokendir = $PWD/tokens" >softhsm2.conf
export SOFTHSM2_CONF=$PWD/softhsm2.conf
"$UTIL" --init-token --free --label 'My Token' --pin 1234 --so-pin 1234
tool() { pkcs11-tool --module "$COSIGN_PKCS11_MODULE_PATH" --token-label 'My Token' --login --pin 1234 "$@"; }
list() { p11tool --provider "$COSIGN_PKCS11_MODULE_PATH" --batch "$@"; }

# An imported RSA key with its certificate; the key's URI carries token, slot, id and label.
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=cosign -days 2 -outform DER -out cert.der
openssl pkey -in key.pem -outform DER -out key.der
tool --write-object key.der --type privkey --id 0a --label 'My Object' --usage-sign
tool --write-object cert.der --type cert --id 0a --label 'My Object'
list --list-token-urls | grep 'token=My%20Token'
list --login --list-privkeys --only-urls 'pkcs11:token=My%20Token' | grep 'id=%0A;object=My%20Object;type=private'

# A payload is signed by the token and verified by the certificate's key.
echo '{"critical":{"identity":{"docker-reference":""}}}' >payload
tool --sign --mechanism SHA256-RSA-PKCS --id 0a --input-file payload --output-file signature
openssl x509 -inform DER -in cert.der -noout -pubkey -out public.pem
openssl dgst -sha256 -verify public.pem -signature signature payload
